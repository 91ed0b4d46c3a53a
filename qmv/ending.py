"""How a process that makes videos ends: in one sentence and with an exit code, whatever signals come meanwhile."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from qmv.errors import QmvError, exit_code

__all__ = ["heed_signals", "is_cancelled", "leave", "see_through"]

log = logging.getLogger("qmv")
_signals: list[int] = []  # that have come: libraries may make another error of a KeyboardInterrupt


def see_through(work: Callable[[], object], sentence: Callable[[Exception], QmvError]) -> None:
    """Does the work and tells of its sweep, or else why not: by the sentence for its error, and with its exit code. The
    code stays what it is when a signal comes after it."""
    code = 1
    try:
        _see_through(work, sentence)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        _end_at_once(code)


def heed_signals() -> None:
    """From now on a signal that ends the work is a KeyboardInterrupt, and known by `is_cancelled`."""
    _heed(_terminate)


def is_cancelled() -> bool:
    """Whether a signal has come that ends the work, which shows in no error of a library that caught it."""
    return bool(_signals)


def leave(error: QmvError) -> NoReturn:
    """Tells the error, and exits with its code."""
    from qmv.engine.secrets import redacted

    print(redacted(f"error: {error}"), file=sys.stderr)
    sys.exit(exit_code(error))


def _see_through(work: Callable[[], object], sentence: Callable[[Exception], QmvError]) -> None:
    # joblib's own process, which clears away what killed workers leave, would speak of that after our last sentence
    quiet = [os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker"]
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, quiet))
    heed_signals()
    logging.captureWarnings(True)
    threading.excepthook = _log_thread_error
    try:
        try:
            work()
            _tell_sweep()
        except Exception as error:
            if _signals:
                raise KeyboardInterrupt from error
            _fail(error, sentence)
    except KeyboardInterrupt:
        _end_at_once(130)
        _cancel()


def _cancel() -> NoReturn:
    from qmv.engine.sweeps import cancel

    try:
        cancel()
        _tell_sweep()
    except Exception:
        log.warning("the sweep's end could not be told", exc_info=True)
    with contextlib.suppress(OSError):  # Ctrl-C has ended the reader of our output too
        print("cancelled; the same command goes on from here", file=sys.stderr, flush=True)
    os._exit(130)  # a thread that hangs, such as a picture that never comes, must not keep the process


def _fail(error: Exception, sentence: Callable[[Exception], QmvError]) -> NoReturn:
    if isinstance(error, BrokenPipeError):  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    told = sentence(error)
    with contextlib.suppress(Exception, KeyboardInterrupt):  # what ends the list of jobs must not take the sentence
        _tell_sweep()
    _end_at_once(exit_code(told))
    leave(told)


def _tell_sweep() -> None:
    from qmv.engine.sweeps import summary

    for line in summary():
        print(line, file=sys.stderr)


# -- signals ---------------------------------------------------------------------------------------------------------


def _heed(handler: Callable[..., object]) -> None:
    """Has the signals that end a run handled in this way; not those that are ignored, as under nohup."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), handler)


def _terminate(signum: int, frame: object) -> NoReturn:
    _signals.append(signum)
    raise KeyboardInterrupt


def _end_at_once(code: int) -> None:
    """From now on a signal ends the process with this code: what is left to do may hang, such as a plugin's thread."""
    _heed(lambda *_: os._exit(code))


def _log_thread_error(args: threading.ExceptHookArgs) -> None:
    """A thread of a library that fails, such as a worker pool's that is torn down, is a matter for the log."""
    log.error("thread %s failed", args.thread, exc_info=args.exc_value)
