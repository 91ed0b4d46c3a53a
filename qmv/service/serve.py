"""The parent of the service's processes on one machine: it starts the web and the workers, and again what dies."""

from __future__ import annotations

import dataclasses
import http.client
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from qmv.errors import ConfigError
from qmv.service.checks import check_all, free_port
from qmv.service.settings import ServiceSettings, program, redis_url
from qmv.service.work.child import end_group

__all__ = ["Part", "serve", "supervise"]

log = logging.getLogger("qmv.service")

_LOOKS_EVERY_S = 0.2
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_SOUND_S = 60.0  # what ran so long begins with the first wait again
_ENDS_WITHIN_S = 15.0
_ANSWERS_WITHIN_S = 60.0
_MOST_STARTS = 3  # of what has never begun: it says an error of its own, which does not go away


class Part:
    """A process that is to run as long as the service does; `begun` is set once it has done what it is for."""

    def __init__(
        self, name: str, command: Sequence[str], environ: dict[str, str], begun: threading.Event | None = None
    ) -> None:
        self.name, self._command, self._environ, self._begun = name, [*command], environ, begun
        self._refusals = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = self._start_at = 0.0
        self._wait_s = _FIRST_WAIT_S

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def look(self) -> None:
        """Starts it where it does not run and its wait is over; says that it died.

        Raises ConfigError for one that has `begun` and cannot even begin.
        """
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_at:
                self._start(now)
            return
        if (code := self._process.poll()) is None:
            return
        self._count_refusal(code)
        self._wait_s = _FIRST_WAIT_S if now - self._started_at > _SOUND_S else min(2 * self._wait_s, _LONGEST_WAIT_S)
        log.warning("%s ended (%s) and is started again in %g s", self.name, _told(code), self._wait_s)
        self._process, self._start_at = None, now + self._wait_s

    def stop(self) -> None:
        if self.pid is not None and self._process is not None:
            self._process.terminate()

    def end(self) -> None:
        """Ends it at once with all that it started."""
        if self.pid is not None and self._process is not None:
            end_group(self._process.pid)
            self._process.wait()

    def _count_refusal(self, code: int) -> None:
        if self._begun is None or self._begun.is_set() or code <= 0:
            return
        self._refusals += 1
        if self._refusals >= _MOST_STARTS:
            raise ConfigError(
                f"serve: {self.name} ended {self._refusals} times before it could begin ({_told(code)}); it said why, "
                "so mend that, and start again."
            )

    def _start(self, now: float) -> None:
        self._started_at = now
        # a session of its own: Ctrl-C in a terminal comes to us only, and we say when they end
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=self._environ,
            start_new_session=True,
        )  # fmt: skip


def serve(settings: ServiceSettings) -> None:
    """Runs the service until SIGTERM or Ctrl-C; a second one ends everything at once."""
    check_all(settings)
    # told to all of them, so that what the web offers is what the workers know
    settings = dataclasses.replace(settings, port=free_port(settings), program=str(program(settings)))
    environ = os.environ | settings.environ()
    command = [sys.executable, "-m", "qmv.service.work.following", str(os.getpid())]
    answers = threading.Event()
    parts = [Part("the web", [*command, "qmv.service.web"], environ, answers)]
    if not redis_url():
        names = (f"worker {number + 1}" for number in range(settings.workers))
        parts += [Part(name, [*command, "qmv.service.work.embedded"], environ) for name in names]
    threading.Thread(target=_tell_address, args=(settings, answers), daemon=True).start()
    supervise(parts)


def supervise(parts: Sequence[Part]) -> None:
    """Keeps parts alive until SIGTERM or Ctrl-C, then ends them gracefully, and at once with a second signal.

    Leaves these signals ignored then, since Python takes its handlers away before the process has ended.
    Raises ConfigError where one cannot begin.
    """
    signals: list[int] = []
    numbers = [signal.SIGTERM, signal.SIGINT]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, lambda got, _: signals.append(got)) for number in numbers}
    try:
        while not signals:
            for part in parts:
                part.look()
            time.sleep(_LOOKS_EVERY_S)
        log.info("ending; jobs in work are given back (once more ends at once)")
    finally:
        for part in parts:
            part.stop()
        end = time.monotonic() + _ENDS_WITHIN_S
        while time.monotonic() < end and len(signals) < 2 and any(part.pid for part in parts):
            time.sleep(_LOOKS_EVERY_S)
        for part in parts:
            part.end()
        for number, handler in before.items():  # nothing is left that one more signal could end
            signal.signal(number, signal.SIG_IGN if signals else handler)


def _tell_address(settings: ServiceSettings, answers: threading.Event) -> None:
    """Prints where the service is, once it answers."""
    host = settings.host if settings.host not in ("0.0.0.0", "::", "") else "127.0.0.1"
    end = time.monotonic() + _ANSWERS_WITHIN_S
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(host, settings.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status < 500:
                answers.set()
                shown = f"[{host}]" if ":" in host else host
                print(f"serving on http://{shown}:{settings.port}/", flush=True)
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(_LOOKS_EVERY_S)
    log.warning("the web does not answer yet; look into what it says")


def _told(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
