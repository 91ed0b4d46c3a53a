"""Runs run.py's program just as the command line does, for the service: after everything else that the machine does.

`child` starts it and says on standard input what to run; when that pipe ends, `child` is gone, and so is this.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import sys
import threading
from pathlib import Path

__all__ = ["main"]

_NICE = 10
_SPARE_OTHERS = "500"  # of 1000: what the system ends first when memory is short
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Reads the task, a line of JSON with `program` and `arguments`, and becomes that program."""
    task = json.loads(_first_line())
    threading.Thread(target=_follow, daemon=True).start()
    _step_back()
    program = Path(task["program"])
    sys.argv[:] = [str(program), *task["arguments"]]
    sys.path[0] = str(program.parent)
    runpy.run_path(str(program), run_name="__main__")


def _first_line() -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):  # byte by byte: what Python reads ahead would hide the end of the pipe
        if not (byte := os.read(0, 1)):
            os._exit(1)
        line += byte
    return bytes(line)


def _follow() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    os._exit(1)


def _step_back() -> None:
    """Lower priority, and no life without `child`, also while a library holds Python's lock."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_SPARE_OTHERS, encoding="ascii")


if __name__ == "__main__":
    main()
