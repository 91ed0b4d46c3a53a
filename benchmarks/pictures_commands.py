"""Commands that buy pictures from the fake service, each in a process group of its own, and what they leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import REPO
from benchmarks.pictures_books import Books, compared
from tests.fakes.runware.script import Script

__all__ = ["Buying", "events", "leaks"]

_ENDS_WITHIN_S = 900.0


class Buying:
    """Commands that buy from one address, and what they said: `stdout.txt` and `stderr.txt` in their folder."""

    def __init__(self, folder: Path, url: str, key: str | None) -> None:
        self.folder, self.url = folder, url
        folder.mkdir(parents=True, exist_ok=True)
        ours = ("QMV_", "HYDRA_", "RUNWARE_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        if key is not None:
            self.environment["RUNWARE_API_KEY"] = key

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def start(self, *overrides: str) -> subprocess.Popen[bytes]:
        """Begins a command in a process group of its own."""
        settings = {
            "song": "demo", "graph": "pictures", "image": "runware", "image.url": self.url, "quality": "draft",
            "width": 512, "height": 512, "outputs": self.outputs,
        }  # fmt: skip
        given = {override.lstrip("+~").partition("=")[0] for override in overrides}
        rest = [f"{name}={value}" for name, value in settings.items() if name not in given]
        with (self.folder / "stdout.txt").open("ab") as out, (self.folder / "stderr.txt").open("ab") as err:
            return subprocess.Popen(
                [sys.executable, str(REPO / "run.py"), *overrides, *rest],
                cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                process_group=0,
            )  # fmt: skip

    def run(self, *overrides: str) -> int:
        """The exit code of a command that is waited for, and killed where it never ends."""
        process = self.start(*overrides)
        try:
            return process.wait(_ENDS_WITHIN_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def said(self) -> str:
        """All of stderr so far."""
        return (self.folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")

    def books(self, script: Script) -> Books:
        return compared(self.folder / "fake", self.outputs / "ledger.sqlite", script)

    def kept(self) -> int:
        """Pictures that are whole in the cache, as they came."""
        return len(list(self.outputs.glob("cache/originals/??/*/sums.json")))


def events(outputs: Path, name: str = "") -> Iterator[dict[str, Any]]:
    """The events of all runs of an outputs folder, run by run, or those of one name."""
    for path in sorted(outputs.rglob("events.jsonl")):
        text = path.read_text(encoding="utf-8")
        for line in text[: text.rfind("\n") + 1].splitlines():
            event: dict[str, Any] = json.loads(line)
            if name in ("", event["event"]):
                yield event


def leaks(folder: Path, secrets: Sequence[str]) -> tuple[int, list[str]]:
    """How many files there are below a folder, and those that hold one of the secrets."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return len(files), [str(path) for path in files if any(secret.encode() in path.read_bytes() for secret in secrets)]
