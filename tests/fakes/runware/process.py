"""The fake service from a test's side: starts its process, directs it, reads its books, and ends it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.fakes.runware.ledger import Charge, charges, lines
from tests.fakes.runware.script import Script

__all__ = ["Charge", "FakeRunware", "fake_runware"]

_ROOT = Path(__file__).resolve().parents[3]
_ENDS_WITHIN_S = 5


@dataclass(frozen=True, kw_only=True)
class FakeRunware:
    """A running fake. Its books can be read when it has ended, too."""

    url: str
    rest_url: str
    control_port: int
    pid: int
    folder: Path

    def tell(self, **script: Any) -> None:
        """Changes fields of the script for what comes from now on."""
        Script.of(script)  # a wrong field fails here, where the test can see it
        self._direct("/tell", script)

    def down(self, for_s: float) -> None:
        """Refuses connections for a while: on return all are reset and nobody listens."""
        self._direct("/down", {"for_s": for_s})

    def stats(self) -> dict[str, Any]:
        """Numbers of what happened so far; see `Server` and `Service` for their names."""
        return self._direct("/stats", {})

    def ledger(self) -> list[Charge]:
        """What was charged, in the order in which it was."""
        return charges(self.folder)

    def received(self) -> list[dict[str, Any]]:
        """The tasks that came, also those that were refused: time, taskType, taskUUID, via, socket, request.

        `via` is 'ws' or 'rest', `socket` the number of the WebSocket from 1; pictures in a request are given by length.
        """
        return lines(self.folder / "received.jsonl")

    def _direct(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(body), {"Connection": "close"})
            answer = connection.getresponse()
            found = dict(json.loads(answer.read() or b"{}"))
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the fake answered {answer.status} to {path}: {found}")
        return found


@contextlib.contextmanager
def fake_runware(folder: Path, **script: Any) -> Iterator[FakeRunware]:
    """The service in a process of its own until the end of the block; what it says on stderr is in stderr.txt."""
    checked = Script(**script)
    folder.mkdir(parents=True, exist_ok=True)
    line = [sys.executable, "-m", "tests.fakes.runware", "--folder", str(folder.resolve()), "--script", "-"]
    with (
        (folder / "stderr.txt").open("ab") as stderr,
        subprocess.Popen(
            [*line, "--parent", str(os.getpid())],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            process_group=0,  # a Ctrl-C, or a test that ends its own group, does not take the service with it
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            json.dump(asdict(checked), process.stdin)  # not through a file: the key stays off the disk
            process.stdin.close()
            ready = process.stdout.readline()
            if not ready:
                raise RuntimeError(f"the fake did not start: {(folder / 'stderr.txt').read_text(encoding='utf-8')}")
            yield FakeRunware(pid=process.pid, folder=folder, **json.loads(ready))
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()  # does nothing to a process that has ended
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
