"""Runs a job: plans it, has its stages work one after the other, or tells what they would do."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from qmv.api import About
from qmv.artifacts import Artifact, Beats, Song, Video
from qmv.engine.artifact_cache import ArtifactCache
from qmv.engine.cache import Cache
from qmv.engine.config.job import Job
from qmv.engine.graph import Node
from qmv.engine.in_work import in_work
from qmv.engine.inputs import open_song
from qmv.engine.ledger import Account
from qmv.engine.manifest import Manifest, StageRecord
from qmv.engine.money import account_of
from qmv.engine.registry import Registry
from qmv.engine.run_errors import looks_at_cache
from qmv.engine.run_plan import RunPlan
from qmv.engine.run_record import RunRecord
from qmv.engine.sharing import shared_cache, sharing
from qmv.engine.song_addresses import shown
from qmv.engine.stage_work import StageWork
from qmv.engine.watchers import watched
from qmv.engine.windows import way_to_beats, windowed
from qmv.events import Notice, RunStarted

__all__ = ["Run"]


@dataclass(kw_only=True)
class Run:
    """One run of a job in its own folder; `execute` or `forecast` is called once."""

    job: Job
    folder: Path
    registry: Registry
    manifest: Manifest
    cache: Cache = field(init=False)
    account: Account = field(init=False)
    plan: RunPlan = field(init=False)
    record: RunRecord = field(init=False)
    work: StageWork = field(init=False)

    def __post_init__(self) -> None:
        job, run = self.job, self.job.run
        self.cache = Cache(Path(job.outputs).absolute() / "cache", shared_cache(run.cache_url, sends=not run.dry))
        self.account = account_of(job.outputs, self.folder, self.manifest.overrides)
        self.plan = RunPlan(stages=job.stages, style=job.style)
        self.record = RunRecord(
            job=job, folder=self.folder, manifest=self.manifest, registry=self.registry, account=self.account,
            cache=self.cache, plan=self.plan,
        )  # fmt: skip
        self.work = StageWork(plan=self.plan, record=self.record, cache=self.cache, made=ArtifactCache(self.cache))

    @property
    def values(self) -> dict[str, Artifact]:
        """The song, the style, and what the stages have made by now, by node."""
        return self.plan.values

    def execute(self) -> Manifest:
        """Makes everything; raises QmvError for the first stage that fails, after the manifest says so."""
        started = time.monotonic()
        sharing_here = sharing(self.cache, self._tell_of_cache, self._put_together)
        observed, verdict = self.record.observed(), self.record.verdict(started)
        looked = looks_at_cache(self.cache, lambda: tuple(self.values.values()))
        with in_work(self.folder), observed, contextlib.ExitStack() as watching, verdict, sharing_here, looked:
            watching.enter_context(watched(self.registry, self.job.observers, self._about()))
            checked = self._check_first()
            self._plan(self._open_song())
            self._check_ready(checked)
            self._start()
            self._choose_window()
            for name in ("song", "style"):
                self.record.keep(name)
            for place, record in enumerate(self.plan.records):
                node = self.plan.nodes[place]
                self.work.do(node, record)
                self.plan.rekey(node)
                self.manifest.write(self.folder)
            self.record.sum_up()
        return self.manifest

    def forecast(self) -> list[str]:
        """A line a stage: what a run would do, and what is cached. Stages that only plan are done."""
        with sharing(self.cache, self._tell_of_cache):
            self._plan(self._open_song())
            self._choose_window()
            lines = [f"song: {note}" for note in self.manifest.notes]
            for place, record in enumerate(self.plan.records):
                node = self.plan.nodes[place]
                lines.append(f"{node.name} ({node.stage.name}): {self._outlook(node, record)}")
                self.plan.rekey(node)
            self.manifest.status = "planned"
            self.manifest.write(self.folder)
            return lines

    # -- before ------------------------------------------------------------------------------------------------------

    def _open_song(self) -> Song:
        return open_song(self.job.song, self.cache, lambda words: self._tell("song", words))

    def _plan(self, song: Song) -> None:
        self.record.begin(song)
        self.plan.begin(song)
        self.manifest.stages = self.plan.records

    def _choose_window(self) -> None:
        """Plans anew for the window that `window: best 30` chooses by the beats of the whole song."""
        window = self.job.song.window
        if window is None:
            return
        way, before = way_to_beats(self.plan.nodes, window), list(self.manifest.notes)
        records = {record.node: record for record in self.plan.records}
        for node in way:
            self.work.do(node, records[node.name])
        song, note = windowed(self.plan.song, window, cast(Beats, self.values[way[-1].name]))
        self._tell(way[-1].name, note)
        self._plan(song)
        self.manifest.notes = [*before, note]
        self.manifest.song["window"] = window

    def _check_first(self) -> set[str]:
        """Like `_check_ready`, before the song is opened, for stages that have never made anything here: a missing key
        is told at once, and not after a song was composed or downloaded. Gives the names of those that are ready."""
        new = [name for name, stage in self.job.stages.items() if not (self.cache.root / stage.name).is_dir()]
        for name in new:
            self.job.stages[name].ready(self.work.context(name))
        return set(new)

    def _check_ready(self, checked: set[str]) -> None:
        """Raises what stops a stage from working here, such as a missing key, unless there is nothing left for it."""
        made = self.plan.made_before(self.work.made)
        for node in self.plan.nodes:
            if node.name not in made | checked:
                node.stage.ready(self.work.context(node.name))

    def _start(self) -> None:
        self.manifest.write(self.folder)
        title, nodes = f"{self.manifest.song['title']} / {self.job.style.name}", self.plan.nodes
        self.record.publish(RunStarted(folder=str(self.folder), title=title, nodes=tuple(node.name for node in nodes)))

    def _outlook(self, node: Node, record: StageRecord) -> str:
        if node.stage.cached and (artifact := self.work.made.read(node)) is not None:
            self.values[node.name] = artifact
            return "cached"
        known = self.plan.known(node)
        ctx = self.work.context(node.name)
        if len(known) == len(node.sources):
            if node.stage.planning:
                self.values[node.name] = self.work.make(node, record)
                return f"planned: {record.total} {record.unit}" if record.total else "planned"
            if (draft := node.stage.draft(ctx, **known)) is not None:
                self.values[node.name] = draft
        text = node.stage.forecast(ctx, **known)
        self.manifest.quote |= {key: None if usd is None else str(usd) for key, usd in ctx.offers.items()}
        return f"to do: {text}" if text else "to do"

    # -- around ------------------------------------------------------------------------------------------------------

    def _about(self) -> About:
        job = self.job
        return About(session=job.session, n=job.n, folder=self.folder, song=shown(job.song.path), style=job.style.name)

    def _put_together(self) -> list[tuple[str, str]]:
        """The cache's entries (area, key) of the video and of what hangs on it."""
        records, stages = self.manifest.stages, self.job.stages
        videos = [place for place, record in enumerate(records) if issubclass(stages[record.node].makes(), Video)]
        return [(record.stage, record.key) for record in records[min(videos, default=len(records)) :]]

    def _tell_of_cache(self, words: str) -> None:
        self._tell("cache", words)

    def _tell(self, node: str, words: str) -> None:
        self.record.publish(Notice(node=node, message=words))
