"""The process of a render from its worker's side."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qmv.service.work.child import end_group

__all__ = ["Child", "running"]


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
def running(
    program: Path, arguments: Sequence[str], said: Path, until_s: float, *, without: Sequence[str] = ()
) -> Iterator[Child]:
    """A render whose words go to the file `said`, in a session of its own; after the block nothing of it is left.

    It does not get what these variables of the environment say, nor takes it from a file .env.
    """
    with said.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "qmv.service.work.child"],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=stream,
            env=os.environ | dict.fromkeys(without, ""),
            start_new_session=True,
        )
    child = Child(process)
    try:
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.write(_task_line(program, arguments))
            process.stdin.flush()
        child.renew(until_s)
        yield child
    finally:
        child.kill()
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()


def _task_line(program: Path, arguments: Sequence[str]) -> bytes:
    """The first line: through a pipe, since a command line can be read by everybody on the machine."""
    return json.dumps({"program": str(program), "arguments": [*arguments]}).encode() + b"\n"
