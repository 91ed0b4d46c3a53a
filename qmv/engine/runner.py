"""Runs a job: stage by stage, from the cache where it can, and writes down what happened.

A stage's result is made in a folder beside its place in the cache and appears there by a rename; so the same command
again goes on where an ended one stopped.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from qmv.api import About, Context
from qmv.artifacts import Artifact, Beats, Delivery, HandOff, Pictures, Song, Storyboard, SyncProof, Video
from qmv.engine.artifact_cache import ArtifactCache
from qmv.engine.cache import Cache, digest
from qmv.engine.config.job import Job
from qmv.engine.config.schema import SongSettings
from qmv.engine.graph import Node, plan
from qmv.engine.in_work import in_work
from qmv.engine.inputs import open_song, root_keys
from qmv.engine.ledger import Account
from qmv.engine.manifest import Manifest, StageRecord
from qmv.engine.money import account_of, book, saved_by, told
from qmv.engine.parallel import Mapper, cores, end_workers
from qmv.engine.registry import Registry
from qmv.engine.run_errors import cache_error, error_kind, run_error
from qmv.engine.sharing import shared_cache, sharing
from qmv.engine.song_addresses import is_remote, shown
from qmv.engine.watchers import watched
from qmv.engine.windows import way_to_beats, windowed
from qmv.errors import PluginError, QmvError
from qmv.events import (
    Event,
    Notice,
    PictureReady,
    RunFinished,
    RunStarted,
    StageFailed,
    StageFinished,
    StageStarted,
)
from qmv.plain import content, dump

__all__ = ["Run"]

log = logging.getLogger("qmv")


@dataclass(kw_only=True)
class Run:
    """One run of a job in its own folder; `execute` or `forecast` is called once."""

    job: Job
    folder: Path
    registry: Registry
    manifest: Manifest
    cache: Cache = field(init=False)
    made: ArtifactCache = field(init=False)
    account: Account = field(init=False)
    values: dict[str, Artifact] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)  # nodes that are ready
    results: dict[str, str] = field(default_factory=dict)  # of nodes whose readers hang on what they made

    def __post_init__(self) -> None:
        run = self.job.run
        self.cache = Cache(Path(self.job.outputs).absolute() / "cache", shared_cache(run.cache_url, sends=not run.dry))
        self.made = ArtifactCache(self.cache)
        self.account = account_of(self.job.outputs, self.folder, self.manifest.overrides)

    def execute(self) -> Manifest:
        """Makes everything; raises QmvError for the first stage that fails, after the manifest says so."""
        started = time.monotonic()
        sharing_here = sharing(self.cache, self._tell_of_cache, self._put_together)
        observed = self._observed()
        with in_work(self.folder), observed, contextlib.ExitStack() as watching, self._verdict(started), sharing_here:
            watching.enter_context(watched(self.registry, self.job.observers, self._about()))
            self._check_first()
            nodes = self._plan()
            self._check_ready(nodes)
            self._start(nodes)
            nodes = self._with_window(nodes)
            for name in ("song", "style"):
                self._keep_artifact(name)
            for place, record in enumerate(self.manifest.stages):
                self._stage(nodes[place], record)
                nodes = self._keyed(nodes, nodes[place])
                self.manifest.write(self.folder)
            self.manifest.result = self._result(nodes)
            self._count_pictures()
        return self.manifest

    def forecast(self) -> list[str]:
        """A line a stage: what a run would do, and what is cached. Stages that only plan are done."""
        with sharing(self.cache, self._tell_of_cache):
            return self._forecast()

    def _forecast(self) -> list[str]:
        nodes = self._with_window(self._plan())
        lines = [f"song: {note}" for note in self.manifest.notes]
        for place, record in enumerate(self.manifest.stages):
            node = nodes[place]
            lines.append(f"{node.name} ({node.stage.name}): {self._outlook(node, record)}")
            nodes = self._keyed(nodes, node)
        self.manifest.status = "planned"
        self.manifest.write(self.folder)
        return lines

    # -- before ------------------------------------------------------------------------------------------------------

    def _plan(self) -> list[Node]:
        tell = lambda words: self._publish(Notice(node="song", message=words))  # noqa: E731
        return self._planned(open_song(self.job.song, self.cache, tell))

    def _planned(self, song: Song) -> list[Node]:
        self.values, self.results = {"song": song, "style": self.job.style}, {}
        self.manifest.song = {
            "path": str(song.file.path), "sha256": song.file.sha256, "title": song.title, "artist": song.artist,
            "start_s": song.start_s, "end_s": song.end_s, **_told(self.job.song),
        }  # fmt: skip
        self.manifest.style = self.job.style.name
        self.manifest.budget_usd = self.job.budget_usd
        nodes = plan(self.job.stages, root_keys(song, self.job.style))
        for node in nodes:
            node.stage.foresee(song)
        self.manifest.stages = [StageRecord(node=node.name, stage=node.stage.name, key=node.key) for node in nodes]
        return nodes

    def _with_window(self, nodes: list[Node]) -> list[Node]:
        """The plan for the window that `window: best 30` chooses by the beats of the whole song; else as it is."""
        window = self.job.song.window
        if window is None:
            return nodes
        way, before = way_to_beats(nodes, window), list(self.manifest.notes)
        records = {record.node: record for record in self.manifest.stages}
        for node in way:
            self.values[node.name] = self._stage(node, records[node.name])
        song, note = windowed(cast(Song, self.values["song"]), window, cast(Beats, self.values[way[-1].name]))
        self._publish(Notice(node=way[-1].name, message=note))
        nodes = self._planned(song)
        self.manifest.notes = [*before, note]
        self.manifest.song["window"] = window
        return nodes

    def _check_first(self) -> None:
        """Like `_check_ready`, before the song is opened, for stages that have never made anything here: a missing key
        is told at once, and not after a song was composed or downloaded."""
        for name, stage in self.job.stages.items():
            if not (self.cache.root / stage.name).is_dir():
                stage.ready(self._context(name, self.folder))
                self.checked.add(name)

    def _check_ready(self, nodes: list[Node]) -> None:
        """Raises what stops a stage from working here, such as a missing key, unless there is nothing left for it."""
        made = self._made_before(nodes)
        for node in nodes:
            if node.name not in made | self.checked:
                node.stage.ready(self._context(node.name, self.folder))

    def _made_before(self, nodes: list[Node]) -> set[str]:
        """The nodes that an earlier run has made for this one."""
        found: set[str] = set()
        for place in range(len(nodes)):
            node = nodes[place]
            if node.stage.cached and (artifact := self.made.read(node)) is not None:
                found.add(node.name)
                self.values[node.name] = artifact
                nodes = self._keyed(nodes, node)
        self.values = {name: self.values[name] for name in ("song", "style")}
        self.results = {}
        return found

    def _keyed(self, nodes: list[Node], made: Node) -> list[Node]:
        """The plan with new keys behind a node, where they hang on what it made."""
        artifact = self.values.get(made.name)
        if artifact is None or not (made.stage.by_result or artifact.provisional):
            return nodes
        self.results[made.name] = digest(content(artifact))
        roots = root_keys(cast(Song, self.values["song"]), self.job.style)
        nodes = plan(self.job.stages, roots, self.results)
        for node, record in zip(nodes, self.manifest.stages):
            record.key = node.key
        return nodes

    def _start(self, nodes: list[Node]) -> None:
        self.manifest.write(self.folder)
        title = f"{self.manifest.song['title']} / {self.job.style.name}"
        self._publish(RunStarted(folder=str(self.folder), title=title, nodes=tuple(node.name for node in nodes)))

    def _outlook(self, node: Node, record: StageRecord) -> str:
        if node.stage.cached and (artifact := self.made.read(node)) is not None:
            self.values[node.name] = artifact
            return "cached"
        known = {source: self.values[source] for source in node.sources if source in self.values}
        ctx = self._context(node.name, self.folder)
        if len(known) == len(node.sources):
            if node.stage.planning:
                self.values[node.name] = self._make(node, record)
                return f"planned: {record.total} {record.unit}" if record.total else "planned"
            if (draft := node.stage.draft(ctx, **known)) is not None:
                self.values[node.name] = draft
        text = node.stage.forecast(ctx, **known)
        self.manifest.quote |= {key: None if usd is None else str(usd) for key, usd in ctx.offers.items()}
        return f"to do: {text}" if text else "to do"

    # -- one stage ---------------------------------------------------------------------------------------------------

    def _stage(self, node: Node, record: StageRecord) -> Artifact:
        started = time.monotonic()
        record.status = "running"
        self._publish(StageStarted(node=node.name, stage=node.stage.name))
        try:
            artifact = self.values[node.name] = self._make(node, record)
            if record.cached and isinstance(artifact, Pictures):
                record.saved_usd = str(saved_by(artifact))
                self._show(node.name, artifact)
            self._keep_artifact(node.name)
            self._count(artifact)
            node.stage.review(self._context(node.name, self.folder), artifact, **self._inputs(node))
        except BaseException as error:
            record.status = "cancelled" if isinstance(error, KeyboardInterrupt) else "failed"
            record.error = str(error) or record.status
            self._publish(StageFailed(node=node.name, stage=node.stage.name, error=record.error))
            raise
        finally:
            end_workers()  # they are of no use to the next stage, and would outlive a cancelled run
            record.seconds = round(time.monotonic() - started, 3)
        record.status = "finished"
        self.manifest.notes += [note for note in getattr(artifact, "notes", ()) if note not in self.manifest.notes]
        cached = bool(record.cached)
        log.info("%s: %s, %.1f s", node.name, "cached" if cached else f"made by {node.stage.name}", record.seconds)
        self._publish(StageFinished(node=node.name, stage=node.stage.name, cached=cached, seconds=record.seconds))
        return artifact

    def _show(self, node: str, pictures: Pictures) -> None:
        """Tells of pictures that an earlier run has put together."""
        count = len(pictures.pictures) + len(pictures.missing)
        shots = (index for index in range(count) if index not in pictures.missing)
        for index, picture in zip(shots, pictures.pictures):
            self._publish(PictureReady(node=node, index=index, file=str(picture.file.path.absolute())))

    def _make(self, node: Node, record: StageRecord) -> Artifact:
        if not node.stage.cached:
            record.cached = False
            return self._call(node, record, self.folder)
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
        self._publish(Notice(node=node.name, message="another run makes the same; waiting for it"))
        with self.cache.lock(node.stage.name, node.key):
            yield

    def _fill(self, node: Node, record: StageRecord, part: Path) -> None:
        artifact = self._call(node, record, part)
        self.made.write(artifact, part)

    def _call(self, node: Node, record: StageRecord, folder: Path) -> Artifact:
        ctx = self._context(node.name, folder)
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

    # -- around ------------------------------------------------------------------------------------------------------

    def _context(self, node: str, folder: Path) -> Context:
        return Context(
            node=node,
            folder=folder,
            cache=self.cache,
            run_folder=self.folder,
            workers=self.job.run.workers or cores(),
            publish=self._publish,
            parallel=Mapper(self.registry.files, lambda words: self._publish(Notice(node=node, message=words))),
            account=self.account,
        )

    def _about(self) -> About:
        job = self.job
        return About(session=job.session, n=job.n, folder=self.folder, song=shown(job.song.path), style=job.style.name)

    def _inputs(self, node: Node) -> dict[str, Artifact]:
        return {source: self.values[source] for source in node.sources}

    def _put_together(self) -> list[tuple[str, str]]:
        """The cache's entries (area, key) of the video and of what hangs on it."""
        records, stages = self.manifest.stages, self.job.stages
        videos = [place for place, record in enumerate(records) if issubclass(stages[record.node].makes(), Video)]
        return [(record.stage, record.key) for record in records[min(videos, default=len(records)) :]]

    def _tell_of_cache(self, words: str) -> None:
        self._publish(Notice(node="cache", message=words))

    def _publish(self, event: Event) -> None:
        if isinstance(event, Notice) and event.message not in self.manifest.notes:
            self.manifest.notes.append(event.message)
        if not self.job.run.dry:
            self.registry.publish(event)

    @contextmanager
    def _observed(self) -> Iterator[None]:
        from qmv.engine.observers import EventLog

        events = EventLog(self.folder / "events.jsonl")
        self.registry.observe(events)
        try:
            yield
        finally:
            self.registry.forget(events)
            events.close()

    @contextmanager
    def _verdict(self, started: float) -> Iterator[None]:
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
            error = run_error(cache_error(cause, self.cache, self.values.values()), self.folder, failed)
            manifest.status, manifest.error, manifest.error_kind = "failed", str(error), error_kind(error)
            raise error from cause
        finally:
            manifest.seconds = round(time.monotonic() - started, 3)
            with contextlib.suppress(QmvError):  # a ledger that cannot be read has stopped the run already
                book(manifest, self.account)
            self._publish(
                RunFinished(
                    status=manifest.status,
                    seconds=manifest.seconds,
                    result=manifest.result,
                    error=manifest.error or "",
                    error_kind=manifest.error_kind,
                    deliveries=tuple(manifest.deliveries),
                    summary="; ".join(filter(None, (_summary(manifest.sync), told(manifest)))),
                )
            )
            _write_if_possible(manifest, self.folder, failed=manifest.status != "finished")

    def _keep_artifact(self, name: str) -> None:
        folder = self.folder / "artifacts"
        folder.mkdir(exist_ok=True)
        text = json.dumps(dump(self.values[name], folder, self.cache.root), indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8", errors="backslashreplace")

    def _result(self, nodes: list[Node]) -> str:
        """Where the last thing that was made lies: a delivery's address, the folder for editors, else the artifact."""
        for node in reversed(nodes):
            value = self.values[node.name]
            if isinstance(value, Delivery):
                return value.url
            if isinstance(value, HandOff):
                return str(self.folder / value.folder)
        if isinstance(self.values[nodes[-1].name], Storyboard) and (file := self.folder / "storyboard.yaml").is_file():
            return str(file)  # the form of it that people edit
        return str(self.folder / "artifacts" / f"{nodes[-1].name}.json")

    def _count(self, artifact: Artifact) -> None:
        """Puts into the manifest what it tells of some artifacts."""
        if isinstance(artifact, SyncProof):
            self.manifest.sync = dump(dataclasses.replace(artifact, cuts=()), self.folder)
            self.manifest.sync["cuts"] = len(artifact.cuts)
        elif isinstance(artifact, Video):
            about = content(artifact)
            self.manifest.video = {"sha256": about.pop("file"), "size_bytes": artifact.file.size_bytes, **about}
        elif isinstance(artifact, Delivery):
            self.manifest.deliveries.append(content(artifact))

    def _count_pictures(self) -> None:
        for record in self.manifest.stages:
            value = self.values.get(record.node)
            if isinstance(value, Pictures):
                made, failed = record.made or 0, len(value.missing) + len(value.stand_ins)
                asked = len(value.pictures) + len(value.missing)
                counts = {"asked": asked, "made": made, "reused": asked - made - failed, "failed": failed}
                self.manifest.pictures = counts


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


def _write_if_possible(manifest: Manifest, folder: Path, *, failed: bool) -> None:
    try:
        manifest.write(folder)
    except OSError:
        if not failed:  # a full disk has been reported already
            raise
