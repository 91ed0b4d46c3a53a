"""Delivers the video of a run once more, or for the first time, without making anything."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from qmv.api import Context, Stage
from qmv.artifacts import Artifact, Delivery, File, Song, Style, Video
from qmv.engine.cache import Cache, digest
from qmv.engine.money import account_of
from qmv.engine.parallel import Mapper
from qmv.engine.recorded import Recorded
from qmv.engine.registry import Registry
from qmv.engine.secrets import redacted
from qmv.errors import InputError, ProofError
from qmv.events import Event, Notice, RunFinished, RunStarted, StageFinished, StageStarted
from qmv.plain import content

__all__ = ["redeliver"]

_ROOTS: dict[str, type[Artifact]] = {"song": Song, "style": Style}


def redeliver(recorded: Recorded, overrides: Sequence[str], registry: Registry) -> Delivery:
    """Delivers what the run made, with some settings of the delivery changed; the manifest tells of it.

    Raises ProofError for a run whose video is out of sync, InputError for one that made no video.
    """
    node, stage = recorded.delivery(registry, overrides)
    _check_proof(recorded)
    started = time.monotonic()
    ctx = _context(recorded, node, registry)
    stage.ready(ctx)
    inputs = _inputs(recorded, stage)
    title = recorded.manifest["song"]["title"]
    registry.publish(RunStarted(folder=str(recorded.folder), title=title, nodes=(node,)))
    registry.publish(StageStarted(node=node, stage=stage.name))
    delivery: Any = stage.run(ctx, **inputs)
    took_s = time.monotonic() - started
    registry.publish(StageFinished(node=node, stage=stage.name, cached=False, seconds=took_s))
    registry.publish(RunFinished(status="finished", seconds=took_s, result=delivery.url))
    _record(recorded, delivery)
    return delivery  # type: ignore[no-any-return]


def _check_proof(recorded: Recorded) -> None:
    for record in recorded.manifest["stages"]:
        if record["stage"] == "prove_sync" and record["status"] != "finished":
            raise ProofError(
                f"{recorded.folder}: its video was not proven ({record.get('error') or record['status']}), and what is "
                "not in sync is not delivered; run its command again."
            )


def _inputs(recorded: Recorded, stage: Stage) -> dict[str, Artifact]:
    found: dict[str, Artifact] = {}
    for name, kind in stage.inputs().items():
        if (artifact := recorded.artifact(name, _ROOTS.get(name, kind))) is not None:
            found[name] = artifact
        elif name not in stage.optional():
            raise InputError(
                f"{recorded.folder}: its run ended before it had made its {name}; run the same command again."
            )
    video = found.get("video")
    if isinstance(video, Video):
        if video.file.sha256 != recorded.manifest["video"].get("sha256"):
            raise InputError(
                f"{recorded.folder}: artifacts/video.json is about another video than manifest.json; one of them was "
                "edited, so run the same command again."
            )
        own = (recorded.folder.resolve(), (recorded.outputs() / "cache").resolve())
        lies_there = any(video.file.path.resolve().is_relative_to(folder) for folder in own)
        if not lies_there or not video.file.intact():
            found["video"] = dataclasses.replace(video, file=_copy_of(recorded, video))
    return found


def _copy_of(recorded: Recorded, video: Video) -> File:
    """The video in the run's own folder, where the cache has been cleared since, or the run was moved."""
    for path in sorted(recorded.folder.rglob("*.mp4")):
        if path.stat().st_size == video.file.size_bytes and (file := File.of(path)).sha256 == video.file.sha256:
            return file
    raise InputError(f"{recorded.folder}: its video is gone, from the cache too; run the same command again.")


def _context(recorded: Recorded, node: str, registry: Registry) -> Context:
    def publish(event: Event) -> None:
        registry.publish(event)

    outputs = recorded.outputs()
    tell: Callable[[str], None] = lambda words: publish(Notice(node=node, message=words))  # noqa: E731
    return Context(
        node=node,
        folder=recorded.folder,
        cache=Cache(outputs.absolute() / "cache"),
        run_folder=recorded.folder,
        workers=1,
        publish=publish,
        parallel=Mapper(registry.files, tell),
        account=account_of(str(outputs), recorded.folder, ()),
    )


def _record(recorded: Recorded, delivery: Delivery) -> None:
    from filelock import FileLock

    at = datetime.now().astimezone().isoformat(timespec="seconds")
    with FileLock(recorded.outputs() / "cache" / "uploads" / f"{digest(str(recorded.folder))}.lock"):
        manifest = dict(Recorded.read(recorded.folder).manifest)  # another delivery may have written meanwhile
        manifest["deliveries"] = [*manifest["deliveries"], {"at": at, **content(delivery)}]
        manifest |= {"result": delivery.url, "status": "finished", "error": None}
        for record in manifest["stages"]:
            if record["stage"] == "deliver":
                record |= {"status": "finished", "error": None}
        part = recorded.folder / f".manifest.{os.getpid()}.part"
        part.write_text(redacted(json.dumps(manifest, indent=2, ensure_ascii=False)) + "\n", encoding="utf-8")
        os.replace(part, recorded.folder / "manifest.json")
