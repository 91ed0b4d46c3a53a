"""Runs a module as `python -m` does, in a process that ends soon after its parent: one that is killed tells nobody.

    python -m qmv.service.work.following PARENT_PID MODULE

It imports as little as it can, since the module may want to be the first that imports something, as gevent does.
"""

from __future__ import annotations

import _thread
import os
import runpy
import sys
from time import sleep  # as it is now: gevent would put another in its place

_LOOKS_EVERY_S = 0.5


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        sleep(_LOOKS_EVERY_S)
    os._exit(1)


if __name__ == "__main__":
    if os.name == "posix":  # elsewhere a process keeps its parent's number for good
        _thread.start_new_thread(_follow, (int(sys.argv[1]),))  # no thread that `threading`, and so gevent, knows of
    module = sys.argv[2]
    del sys.argv[1:3]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
