"""What a run writes down and tells: its events, its artifacts, its manifest, and at last its verdict."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmv.artifacts import Artifact, Delivery, HandOff, Pictures, Song, Storyboard, SyncProof, Video
from qmv.engine.cache import Cache
from qmv.engine.config.job import Job
from qmv.engine.config.schema import SongSettings
from qmv.engine.ledger import Account
from qmv.engine.manifest import Manifest
from qmv.engine.money import book, told
from qmv.engine.registry import Registry
from qmv.engine.run_errors import error_kind, run_error
from qmv.engine.run_plan import RunPlan
from qmv.engine.song_addresses import is_remote, shown
from qmv.errors import QmvError
from qmv.events import Event, Notice, RunFinished
from qmv.plain import content, dump

__all__ = ["RunRecord"]

log = logging.getLogger("qmv")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """The record of one run in its folder. A dry run tells observers nothing."""

    job: Job
    folder: Path
    manifest: Manifest
    registry: Registry
    account: Account
    cache: Cache
    plan: RunPlan

    # -- while it goes on --------------------------------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        """Tells observers; what a notice says is for the manifest too."""
        if isinstance(event, Notice) and event.message not in self.manifest.notes:
            self.manifest.notes.append(event.message)
        if not self.job.run.dry:
            self.registry.publish(event)

    @contextmanager
    def observed(self) -> Iterator[None]:
        """Writes the events of the block into the run's folder."""
        from qmv.engine.observers import EventLog

        events = EventLog(self.folder / "events.jsonl")
        self.registry.observe(events)
        try:
            yield
        finally:
            self.registry.forget(events)
            events.close()

    def begin(self, song: Song) -> None:
        """Puts into the manifest what the run starts from."""
        self.manifest.song = {
            "path": str(song.file.path), "sha256": song.file.sha256, "title": song.title, "artist": song.artist,
            "start_s": song.start_s, "end_s": song.end_s, **_told(self.job.song),
        }  # fmt: skip
        self.manifest.style = self.job.style.name
        self.manifest.budget_usd = self.job.budget_usd

    def keep(self, name: str) -> None:
        folder = self.folder / "artifacts"
        folder.mkdir(exist_ok=True)
        text = json.dumps(dump(self.plan.values[name], folder, self.cache.root), indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8", errors="backslashreplace")

    def count(self, artifact: Artifact) -> None:
        """Puts into the manifest what it tells of some artifacts."""
        if isinstance(artifact, SyncProof):
            self.manifest.sync = dump(dataclasses.replace(artifact, cuts=()), self.folder)
            self.manifest.sync["cuts"] = len(artifact.cuts)
        elif isinstance(artifact, Video):
            about = content(artifact)
            self.manifest.video = {"sha256": about.pop("file"), "size_bytes": artifact.file.size_bytes, **about}
        elif isinstance(artifact, Delivery):
            self.manifest.deliveries.append(content(artifact))

    # -- at its end --------------------------------------------------------------------------------------------------

    def sum_up(self) -> None:
        """Puts into the manifest where the result lies, and how many pictures there are."""
        self.manifest.result = self._result()
        for record in self.manifest.stages:
            value = self.plan.values.get(record.node)
            if isinstance(value, Pictures):
                made, failed = record.made or 0, len(value.missing) + len(value.stand_ins)
                asked = len(value.pictures) + len(value.missing)
                counts = {"asked": asked, "made": made, "reused": asked - made - failed, "failed": failed}
                self.manifest.pictures = counts

    def _result(self) -> str:
        """Where the last thing that was made lies: a delivery's address, the folder for editors, else the artifact."""
        names, values = [node.name for node in self.plan.nodes], self.plan.values
        for name in reversed(names):
            value = values[name]
            if isinstance(value, Delivery):
                return value.url
            if isinstance(value, HandOff):
                return str(self.folder / value.folder)
        if isinstance(values[names[-1]], Storyboard) and (file := self.folder / "storyboard.yaml").is_file():
            return str(file)  # the form of it that people edit
        return str(self.folder / "artifacts" / f"{names[-1]}.json")

    @contextmanager
    def verdict(self, started: float) -> Iterator[None]:
        """Turns whatever ends the run into a status, a manifest and an event; raises a QmvError where it can."""
        manifest, error = self.manifest, None
        manifest.status = "running"
        try:
            yield
            manifest.status = "finished"
        except KeyboardInterrupt:
            manifest.status, manifest.error = "cancelled", "cancelled"
            raise
        except (Exception, SystemExit) as cause:
            log.error("the run failed", exc_info=True)
            failed = next((f"stages.{r.node} ({r.stage})" for r in manifest.stages if r.status == "failed"), "the run")
            error = run_error(cause, self.folder, failed)
            manifest.status, manifest.error, manifest.error_kind = "failed", str(error), error_kind(error)
            raise error from cause
        finally:
            manifest.seconds = round(time.monotonic() - started, 3)
            with contextlib.suppress(QmvError):  # a ledger that cannot be read has stopped the run already
                book(manifest, self.account)
            self._tell_end()
            self._write_if_possible(failed=manifest.status != "finished")

    def _tell_end(self) -> None:
        manifest = self.manifest
        self.publish(
            RunFinished(
                status=manifest.status,
                seconds=manifest.seconds or 0.0,
                result=manifest.result,
                error=manifest.error or "",
                error_kind=manifest.error_kind,
                deliveries=tuple(manifest.deliveries),
                summary="; ".join(filter(None, (_summary(manifest.sync), told(manifest)))),
            )
        )

    def _write_if_possible(self, *, failed: bool) -> None:
        try:
            self.manifest.write(self.folder)
        except OSError:
            if not failed:  # a full disk has been reported already
                raise


_OF_BEATS = ("bpm", "tempo_range", "meter", "downbeat_s", "offset_s", "beats_file")


def _told(song: SongSettings) -> dict[str, Any]:
    """Where the song was fetched from, and what the user says of its beats."""
    values = {name: getattr(song, name) for name in (*_OF_BEATS, "lyrics")}
    told = {name: value for name, value in values.items() if value != getattr(SongSettings, name)}
    return ({"address": shown(song.path)} if is_remote(song.path) else {}) | told


def _summary(sync: Mapping[str, Any]) -> str:
    """What the proof found, in a line; with its faults, which `prove.on_fail=warn` lets pass."""
    found, faults = sync.get("summary", ""), sync.get("faults", ())
    return f"{found}; BUT {'; '.join(faults)}" if faults else found
