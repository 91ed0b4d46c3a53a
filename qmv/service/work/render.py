"""Runs run.py's program just as the command line does, for the service: after everything else that the machine does.

`child` starts it and says on standard input what to run, then until when. When that pipe ends, `child` is gone, and so
is this; when the time is over, `child` has been stopped, and this ends the whole group in its place.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import runpy
import select
import signal
import sys
import threading
from pathlib import Path

from qmv.service.work.child import end_group
from qmv.service.work.clock import now_s

__all__ = ["main"]

_LOOKS_EVERY_S = 1.0  # the clock goes on while the machine sleeps, waiting does not
_LAST_LOOK_S = 0.35  # less than the least margin of a lease; if all were held up, `child` first hands on what waited
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
    """Ends with the pipe or the lease. What waits in the pipe is read before the time counts: a library may have kept
    this thread waiting."""
    until_s, kept = math.inf, b""
    with contextlib.suppress(OSError):
        while _speaks(until_s):
            if not (data := os.read(0, 1 << 16)):
                break
            *lines, kept = (kept + data).split(b"\n")
            until_s = float(lines[-1]) if lines else until_s
        else:
            end_group(os.getpgid(0))
    os._exit(1)


def _speaks(until_s: float) -> bool:
    """Whether the pipe has something to read, before it is too late."""
    if os.name != "posix":  # reading waits for it, and no lease is told
        return True
    left_s = until_s - now_s()
    while left_s > 0:
        if select.select([0], [], [], min(left_s, _LOOKS_EVERY_S))[0]:
            return True
        left_s = until_s - now_s()
    return bool(select.select([0], [], [], _LAST_LOOK_S)[0])


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
