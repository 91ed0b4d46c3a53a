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

from qmv.service.checks import check_all, free_port
from qmv.service.settings import ServiceSettings, redis_url
from qmv.service.work.child import end_group
from qmv.service.work.recipe import program

__all__ = ["Part", "serve", "supervise"]

log = logging.getLogger("qmv.service")

_LOOKS_EVERY_S = 0.2
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_SOUND_S = 60.0  # what ran so long begins with the first wait again
_ENDS_WITHIN_S = 15.0
_ANSWERS_WITHIN_S = 60.0


class Part:
    """A process that is to run as long as the service does."""

    def __init__(self, name: str, command: Sequence[str], environ: dict[str, str]) -> None:
        self.name, self._command, self._environ = name, [*command], environ
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = self._start_at = 0.0
        self._wait_s = _FIRST_WAIT_S

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def look(self) -> None:
        """Starts it where it does not run and its wait is over; says that it died."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_at:
                self._start(now)
            return
        if (code := self._process.poll()) is None:
            return
        self._wait_s = _FIRST_WAIT_S if now - self._started_at > _SOUND_S else min(2 * self._wait_s, _LONGEST_WAIT_S)
        log.warning("%s ended (%s) and is started again in %g s", self.name, _told(code), self._wait_s)
        self._process, self._start_at = None, now + self._wait_s

    def stop(self) -> None:
        if self.pid is not None and self._process is not None:
            self._process.terminate()

    def end(self, seconds: float) -> None:
        """Waits so long, then ends it with all that it started."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            end_group(self._process.pid)
            self._process.wait()

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
    parts = [Part("the web", [*command, "qmv.service.web"], environ)]
    if not redis_url():
        names = (f"worker {number + 1}" for number in range(settings.workers))
        parts += [Part(name, [*command, "qmv.service.work.embedded"], environ) for name in names]
    threading.Thread(target=_tell_address, args=(settings,), daemon=True).start()
    supervise(parts)


def supervise(parts: Sequence[Part]) -> None:
    """Keeps parts alive until SIGTERM or Ctrl-C, then ends them gracefully, and at once with a second signal."""
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
        for part in parts:
            part.stop()
        end = time.monotonic() + _ENDS_WITHIN_S
        while time.monotonic() < end and len(signals) == 1 and any(part.pid for part in parts):
            time.sleep(_LOOKS_EVERY_S)
    finally:
        for part in parts:
            part.end(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_address(settings: ServiceSettings) -> None:
    """Prints where the service is, once it answers."""
    host = settings.host if settings.host not in ("0.0.0.0", "::", "") else "127.0.0.1"
    end = time.monotonic() + _ANSWERS_WITHIN_S
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(host, settings.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status < 500:
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
