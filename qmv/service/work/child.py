"""Keeps one render: starts it, and ends it with all its processes when it must not go on.

Standard input says first what to run (a line of JSON, see `render`), then until when (`clock.now_s`), a line for each
renewal of the lease. At its end, or where no line comes in time, the whole process group is ended at once. This is a
process of its own, `python -m qmv.service.work.child`, since a thread beside the render would have to wait until a
library lets Python's lock go.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import BinaryIO, NoReturn

from qmv.service.work.clock import now_s

__all__ = ["end_group", "main"]

_LOOKS_EVERY_S = 0.25


def main() -> NoReturn:
    """Ends with the render's exit code, 128 + its signal where one ended it."""
    said = os.fdopen(0, "rb", closefd=False)  # sys.stdin would be locked by the thread that reads it when we end
    task, until = said.readline(), said.readline()
    lease = _Lease(until)
    started = subprocess.Popen(
        [sys.executable, "-m", "qmv.service.work.render"],
        stdin=subprocess.PIPE,
        creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
    )
    with contextlib.suppress(ValueError):  # a signal that this system does not know
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then says what is to be done
        signal.signal(signal.SIGTERM, lambda *_: started.terminate())
    threading.Thread(target=lease.watch, daemon=True).start()
    assert started.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        started.stdin.write(task + until)
        started.stdin.flush()  # and stays open: its end tells the render that we are gone
    threading.Thread(target=lease.read, args=(said, started.stdin.fileno()), daemon=True).start()
    code = started.wait()
    os._exit(code if code >= 0 else 128 - code)


class _Lease:
    """Until when the render may go on; each line moves it."""

    def __init__(self, line: bytes) -> None:
        self._until_s = float(line or 0)

    def read(self, said: BinaryIO, render: int) -> None:
        """Hands the lines on, too, for the time when we are stopped and the render is not."""
        if os.name == "posix":
            os.set_blocking(render, False)  # a render that does not listen for hours must not hold us up
        for line in said:
            self._until_s = float(line)
            if os.name == "posix":
                with contextlib.suppress(OSError):
                    os.write(render, line)
        end_group(os.getpid())  # the worker is gone

    def watch(self) -> None:
        """What waits in the pipe is read before the time counts: the system may have held us up."""
        over = False
        while (left_s := self._until_s - now_s()) > 0 or not over:
            over = left_s <= 0  # the reader has one more turn then
            time.sleep(_LOOKS_EVERY_S if over else min(left_s, _LOOKS_EVERY_S))
        end_group(os.getpid())


def end_group(pid: int) -> None:
    """Ends at once the processes of the session that a process leads, itself too; none of them can hinder it."""
    if not hasattr(os, "killpg"):
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(pid)], capture_output=True)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of processes that ended
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
