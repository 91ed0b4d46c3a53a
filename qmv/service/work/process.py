"""The process of a render from its worker's side."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qmv.service.work.child import end_group, task_line

__all__ = ["Child", "running"]

_PRIVATE = ("QMV_SERVICE_TOKEN",)  # what a render has no need of


class Child:
    """A render in work, which ends itself when `renew` is not called in time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def renew(self, until_s: float) -> None:
        """It may go on until then (`clock.now_s`)."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended, which `ended` tells
            self._process.stdin.write(f"{until_s}\n".encode())
            self._process.stdin.flush()

    def ended(self, wait_s: float) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_s)
        return self._process.returncode is not None

    @property
    def code(self) -> int | None:
        return self._process.returncode

    def stop(self) -> None:
        """Asks it to end; what it has made is kept."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends it with all its processes, also those that outlived it."""
        end_group(self._process.pid)
        self._process.wait()


@contextmanager
def running(program: Path, arguments: Sequence[str], said: Path, until_s: float) -> Iterator[Child]:
    """A render whose words go to the file `said`, in a session of its own; after the block nothing of it is left."""
    with said.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "qmv.service.work.child"],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=stream,
            env={name: value for name, value in os.environ.items() if name not in _PRIVATE},
            start_new_session=True,
        )
    child = Child(process)
    try:
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.write(task_line(program, [*arguments]))
            process.stdin.flush()
        child.renew(until_s)
        yield child
    finally:
        child.kill()
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
