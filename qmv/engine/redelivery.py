"""Delivers the video of a run once more, or for the first time, without making anything."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from qmv.api import About, Context, Stage
from qmv.artifacts import Artifact, Delivery, File, Song, Style, Video
from qmv.engine.cache import Cache, digest
from qmv.engine.money import account_of
from qmv.engine.parallel import Mapper
from qmv.engine.recorded import Recorded
from qmv.engine.registry import Registry
from qmv.engine.run_errors import error_kind, run_error
from qmv.engine.secrets import redacted
from qmv.engine.watchers import watched
from qmv.errors import InputError, ProofError
from qmv.events import Event, Notice, RunFinished, RunStarted, StageFinished, StageStarted
from qmv.plain import content

__all__ = ["redeliver"]

_ROOTS: dict[str, type[Artifact]] = {"song": Song, "style": Style}


def redeliver(recorded: Recorded, overrides: Sequence[str], registry: Registry) -> Delivery:
    """Delivers what the run made, with some settings of the delivery changed; the manifest tells of it.

    Raises ProofError for a run whose video is out of sync, InputError for one that made no video.
    """
    node, stage, observers = recorded.delivery(registry, overrides)
    _check_proof(recorded)
    with watched(registry, observers, _about(recorded, stage)), _verdict(recorded, registry, node, stage) as made:
        ctx = _context(recorded, node, registry)
        stage.ready(ctx)
        inputs = _inputs(recorded, stage)
        title = recorded.manifest["song"]["title"]
        registry.publish(RunStarted(folder=str(recorded.folder), title=title, nodes=(node,)))
        registry.publish(StageStarted(node=node, stage=stage.name))
        made.append(stage.run(ctx, **inputs))
    _record(recorded, made[0])
    return made[0]  # type: ignore[no-any-return]


@contextmanager
def _verdict(recorded: Recorded, registry: Registry, node: str, stage: Stage) -> Iterator[list[Any]]:
    """Tells how the delivery ended, which the block puts into the list."""
    started = time.monotonic()
    made: list[Any] = []
    try:
        yield made
    except BaseException as cause:
        took_s, status = time.monotonic() - started, "failed"
        if isinstance(cause, KeyboardInterrupt):
            status, error, kind = "cancelled", "cancelled", ""
        else:
            told = run_error(cause, recorded.folder, f"stages.{node} ({stage.name})")
            error, kind = str(told), error_kind(told)
        registry.publish(RunFinished(status=status, seconds=took_s, error=error, error_kind=kind))
        raise
    took_s = time.monotonic() - started
    registry.publish(StageFinished(node=node, stage=stage.name, cached=False, seconds=took_s))
    deliveries = tuple(content(delivery) for delivery in made)
    registry.publish(RunFinished(status="finished", seconds=took_s, result=made[0].url, deliveries=deliveries))


def _about(recorded: Recorded, stage: Any) -> About:
    n = getattr(stage, "n", None)
    return About(
        session=getattr(stage, "session", ""), n=1 if n is None else n, folder=recorded.folder,
        song=recorded.manifest["song"].get("address") or recorded.manifest["song"]["path"],
        style=str(recorded.manifest.get("style", "")),
    )  # fmt: skip


def _check_proof(recorded: Recorded) -> None:
    for record in recorded.manifest["stages"]:
        if record["stage"] == "prove_sync" and record["status"] != "finished":
            if not recorded.manifest["video"]:
                raise _without(recorded, "video")
            raise ProofError(
                f"{recorded.folder}: its video was not proven ({record.get('error') or record['status']}), and what is "
                "not in sync is not delivered; run its command again."
            )


def _without(recorded: Recorded, name: str) -> InputError:
    why = recorded.manifest.get("error") or "it was ended"
    return InputError(f"{recorded.folder}: its run made no {name} ({why.rstrip('.')}); run its command again.")


def _inputs(recorded: Recorded, stage: Stage) -> dict[str, Artifact]:
    found: dict[str, Artifact] = {}
    for name, kind in stage.inputs().items():
        if (artifact := recorded.artifact(name, _ROOTS.get(name, kind))) is not None:
            found[name] = artifact
        elif name not in stage.optional():
            raise _without(recorded, name)
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
        manifest |= {"result": delivery.url, "status": "finished", "error": None, "error_kind": ""}
        for record in manifest["stages"]:
            if record["stage"] == "deliver":
                record |= {"status": "finished", "error": None}
        part = recorded.folder / f".manifest.{os.getpid()}.part"
        part.write_text(redacted(json.dumps(manifest, indent=2, ensure_ascii=False)) + "\n", encoding="utf-8")
        os.replace(part, recorded.folder / "manifest.json")
