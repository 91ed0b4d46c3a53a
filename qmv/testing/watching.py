"""The contract of observers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qmv.api import About, Observer, Watcher
from qmv.events import (
    Event,
    Notice,
    PictureReady,
    Progress,
    RunFinished,
    RunStarted,
    StageFailed,
    StageFinished,
    StageStarted,
)
from qmv.testing.base import PluginContract


class ObserverContract(PluginContract):
    """Sees runs to their end, good or bad, and several at once. Give `plugin` as an instance, or with a fixture that
    also starts what it writes to."""

    def about(self, folder: Path, n: int = 1) -> About:
        """The run that is watched; override it for an observer that wants a special one."""
        return About(session="trial", n=n, folder=folder, song="/songs/trial.wav", style="trial")

    def events(self, folder: Path, ends: str) -> Iterator[Event]:
        """A run of three stages that ends so; one that failed at once has no RunStarted."""
        if ends != "refused":
            yield RunStarted(folder=str(folder), title="Trial / trial", nodes=("pictures", "video", "delivery"))
            yield StageStarted(node="pictures", stage="paint_pictures")
            yield Progress(node="pictures", done=1, total=2, unit="pictures")
            yield PictureReady(node="pictures", index=0, file=str(folder / "0.png"))
            yield Notice(node="pictures", message="Größe, 夜の電車")
        if ends == "finished":
            yield StageFinished(node="pictures", stage="paint_pictures", cached=False, seconds=1.0)
            delivery = {"url": "/films/trial.mp4", "storage": "folder", "key": "trial.mp4", "size_bytes": 3}
            yield RunFinished(status="finished", seconds=2.0, result="/films/trial.mp4", deliveries=(delivery,))
        elif ends == "failed":
            yield StageFailed(node="pictures", stage="paint_pictures", error="boom.")
            yield RunFinished(status="failed", seconds=2.0, error="boom.", error_kind="ServiceError")
        else:
            kind, error = ("InputError", "no song.") if ends == "refused" else ("", "cancelled")
            status = "failed" if ends == "refused" else "cancelled"
            yield RunFinished(status=status, seconds=2.0, error=error, error_kind=kind)

    def test_is_ready(self, subject: Observer, tmp_path: Path) -> None:
        subject.ready(self.about(tmp_path))

    @pytest.mark.parametrize("ends", ["finished", "failed", "cancelled", "refused"])
    def test_sees_a_run_to_its_end(self, subject: Observer, tmp_path: Path, ends: str) -> None:
        watcher = subject.watch(self.about(tmp_path))
        assert isinstance(watcher, Watcher)
        watcher.tell()  # before the first event
        for event in self.events(tmp_path, ends):
            watcher.see(event)
            watcher.tell()
        watcher.tell()  # nothing is new
        watcher.close()

    def test_may_be_told_of_everything_at_once(self, subject: Observer, tmp_path: Path) -> None:
        watcher = subject.watch(self.about(tmp_path))
        for event in self.events(tmp_path, "finished"):
            watcher.see(event)
        watcher.tell()
        watcher.close()

    def test_is_closed_though_it_saw_nothing(self, subject: Observer, tmp_path: Path) -> None:
        subject.watch(self.about(tmp_path)).close()

    def test_sees_two_runs_at_once(self, subject: Observer, tmp_path: Path) -> None:
        watchers = [subject.watch(self.about(tmp_path, n)) for n in (1, 2)]
        assert watchers[0] is not watchers[1]
        for event in self.events(tmp_path, "finished"):
            for watcher in watchers:
                watcher.see(event)
                watcher.tell()
        for watcher in watchers:
            watcher.close()
