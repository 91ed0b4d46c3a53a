"""The work of one stage: from the cache, or made under a lock; its review; and what is told of it.

A stage's result is made in a folder beside its place in the cache and appears there by a rename; so the same command
again goes on where an ended one stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qmv.api import Context
from qmv.artifacts import Artifact, Pictures
from qmv.engine.artifact_cache import ArtifactCache
from qmv.engine.cache import Cache
from qmv.engine.graph import Node
from qmv.engine.manifest import StageRecord
from qmv.engine.money import saved_by
from qmv.engine.parallel import Mapper, cores, end_workers
from qmv.engine.run_plan import RunPlan
from qmv.engine.run_record import RunRecord
from qmv.errors import PluginError
from qmv.events import Notice, PictureReady, StageFailed, StageFinished, StageStarted

__all__ = ["StageWork"]

log = logging.getLogger("qmv")


@dataclass(frozen=True, kw_only=True)
class StageWork:
    """Does the stages of one run, one after the other."""

    plan: RunPlan
    record: RunRecord
    cache: Cache
    made: ArtifactCache

    def do(self, node: Node, record: StageRecord) -> None:
        """Puts what a node makes among the plan's values and into the run's record, and has it reviewed."""
        started, publish = time.monotonic(), self.record.publish
        record.status = "running"
        publish(StageStarted(node=node.name, stage=node.stage.name))
        try:
            artifact = self.plan.values[node.name] = self.make(node, record)
            if record.cached and isinstance(artifact, Pictures):
                record.saved_usd = str(saved_by(artifact))
                self._show(node.name, artifact)
            self.record.keep(node.name)
            self.record.count(artifact)
            node.stage.review(self.context(node.name), artifact, **self._inputs(node))
        except BaseException as error:
            record.status = "cancelled" if isinstance(error, KeyboardInterrupt) else "failed"
            record.error = str(error) or record.status
            publish(StageFailed(node=node.name, stage=node.stage.name, error=record.error))
            raise
        finally:
            end_workers()  # they are of no use to the next stage, and would outlive a cancelled run
            record.seconds = round(time.monotonic() - started, 3)
        record.status = "finished"
        notes = self.record.manifest.notes
        notes += [note for note in getattr(artifact, "notes", ()) if note not in notes]
        cached = bool(record.cached)
        log.info("%s: %s, %.1f s", node.name, "cached" if cached else f"made by {node.stage.name}", record.seconds)
        publish(StageFinished(node=node.name, stage=node.stage.name, cached=cached, seconds=record.seconds))

    def _show(self, node: str, pictures: Pictures) -> None:
        """Tells of pictures that an earlier run has put together."""
        count = len(pictures.pictures) + len(pictures.missing)
        shots = (index for index in range(count) if index not in pictures.missing)
        for index, picture in zip(shots, pictures.pictures):
            self.record.publish(PictureReady(node=node, index=index, file=str(picture.file.path.absolute())))

    def make(self, node: Node, record: StageRecord) -> Artifact:
        """What a node makes, from the cache where it is there whole."""
        if not node.stage.cached:
            record.cached = False
            return self._call(node, record, self.record.folder)
        if (artifact := self.made.read(node)) is not None:
            record.cached = True
            return artifact
        with self._lock(node):
            if (artifact := self.made.read(node)) is not None:
                record.cached = True
                return artifact
            record.cached = False
            self.cache.put(node.stage.name, node.key, lambda part: self._fill(node, record, part))
            artifact = self.made.read(node, provisional=True)
        if artifact is None:
            raise PluginError(
                f"stages.{node.name} ({node.stage.name}): its {node.stage.makes().__name__} cannot be kept and read "
                "back; its files must lie in ctx.folder, and its fields hold plain values."
            )
        return artifact

    @contextmanager
    def _lock(self, node: Node) -> Iterator[None]:
        with self.cache.lock(node.stage.name, node.key, wait=False) as mine:
            if mine:
                yield
                return
        self.record.publish(Notice(node=node.name, message="another run makes the same; waiting for it"))
        with self.cache.lock(node.stage.name, node.key):
            yield

    def _fill(self, node: Node, record: StageRecord, part: Path) -> None:
        artifact = self._call(node, record, part)
        self.made.write(artifact, part)

    def _call(self, node: Node, record: StageRecord, folder: Path) -> Artifact:
        ctx = self.context(node.name, folder)
        try:
            artifact = node.stage.run(ctx, **self._inputs(node))
        finally:
            for name, count in ctx.counts.items():
                setattr(record, name, count)
        if not isinstance(artifact, node.stage.makes()):
            raise PluginError(
                f"stages.{node.name} ({node.stage.name}): run() says that it makes a {node.stage.makes().__name__}, "
                f"but gave {type(artifact).__name__}; mend the plugin."
            )
        return artifact

    def context(self, node: str, folder: Path | None = None) -> Context:
        """What a node is given beside its inputs; it works in `folder`, else in the run's own."""
        record = self.record
        return Context(
            node=node,
            folder=folder or record.folder,
            cache=self.cache,
            run_folder=record.folder,
            workers=record.job.run.workers or cores(),
            publish=record.publish,
            parallel=Mapper(record.registry.files, lambda words: record.publish(Notice(node=node, message=words))),
            account=record.account,
        )

    def _inputs(self, node: Node) -> dict[str, Artifact]:
        return {source: self.plan.values[source] for source in node.sources}
