"""Tells at the end of a sweep what became of each of its jobs, since Hydra tells the first failure only; says it for
jobs that a cancelled sweep ends; and keeps secrets out of what Hydra writes and says of a sweep."""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import os
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins import basic_sweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from qmv.engine.hiding import blanked, hide_addresses
from qmv.engine.in_work import check_at_rest
from qmv.engine.ledger import Account, Ledger
from qmv.engine.manifest import Manifest, StageRecord
from qmv.engine.money import BUDGET_ENV, book, budget_name, ledger_of
from qmv.engine.observers import EventLog
from qmv.engine.sweep_summary import cut_short, finished, line, money
from qmv.errors import InputError, QmvError
from qmv.events import RunFinished

__all__ = ["SweepWatch", "cancel", "register", "summary", "unresolved", "without_secrets"]

log = logging.getLogger("qmv")

_END_S = 10.0  # for a worker process to be gone, once it is killed


@dataclass(frozen=True, kw_only=True)
class _Sweep:
    folder: Path
    ledger: Ledger
    began: datetime
    planned: int  # how many jobs it has; 0 where that is not known


_sweeps: list[_Sweep] = []  # of this process
_cut_short: list[bool] = []  # not empty where some jobs may not have had their turn


class SweepWatch(Callback):
    """Notes where a sweep puts its jobs, and names their common budget; switched on in conf/config.yaml."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        sweep = _Sweep(
            folder=Path(config.hydra.sweep.dir).absolute(),
            ledger=ledger_of(config.get("outputs", "outputs")),
            began=datetime.now().astimezone().replace(microsecond=0),  # manifests count whole seconds
            planned=_count(config),
        )
        _sweeps.append(sweep)
        os.environ[BUDGET_ENV] = budget_name(unresolved(config.hydra.overrides.task))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        name = os.environ.pop(BUDGET_ENV)
        if all(manifest["status"] == "finished" for _, manifest in _jobs(_sweeps[-1])):
            with contextlib.suppress(QmvError):  # a ledger that is broken is told where something is to be bought
                _sweeps[-1].ledger.close_budget(name)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Hydra tells the arguments of a job that failed."""
        job_return.overrides = blanked([*(job_return.overrides or ())])


class _Saving(OmegaConf):
    """What Hydra's sweeper writes its file with."""

    @staticmethod
    def save(config: Any, f: Any, resolve: bool = False) -> None:
        OmegaConf.save(without_secrets(config), f, resolve)


def register() -> None:
    """Keeps secrets out of multirun.yaml.

    Hydra's sweeper writes it before its first job and gives nobody a say: it takes sweepers of its own packages only,
    and what would be blanked out in the config is missing in the jobs. After kill -9 nothing mends the file any more.
    """
    vars(basic_sweeper)["OmegaConf"] = _Saving


def without_secrets(config: DictConfig) -> DictConfig:
    """A copy to be written down."""
    plain: Any = OmegaConf.to_container(config, resolve=False, enum_to_str=True)
    hide_addresses([value for key, value in plain.items() if key != "hydra"])
    hide_addresses(plain["hydra"]["overrides"])
    copy: DictConfig = OmegaConf.create(blanked(plain))
    return copy


def unresolved(overrides: Any) -> list[str]:
    """Overrides as they were given: what `${oc.env:NAME}` stands for must not be read, and less be written down."""
    plain: Any = OmegaConf.to_container(overrides, resolve=False) if OmegaConf.is_config(overrides) else overrides
    return [str(override) for override in plain]


def cancel() -> None:
    """Ends the worker processes of this process's sweep, and writes for their jobs that they were cancelled, since none
    can do it itself; not for jobs that have no manifest yet."""
    if not _sweeps:
        return
    sweep = _sweeps[-1]
    _cut_short.append(True)
    _kill_workers()
    for number, manifest in _jobs(sweep):
        try:
            if manifest["status"] == "running":
                check_at_rest(sweep.folder / str(number))
                _cancel(sweep.folder / str(number), manifest, sweep.ledger)
        except InputError:  # a job of another process that puts its jobs there too, by hydra.sweep.dir
            continue
        except Exception:  # one manifest that cannot be read must not keep the others from their end
            log.warning("job %d: its manifest does not say that it was cancelled", number, exc_info=True)


def _kill_workers() -> None:
    workers = multiprocessing.active_children()
    for pid in [worker.pid for worker in workers if worker.pid]:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # loky's processes have no kill()
    for worker in workers:
        worker.join(_END_S)


def _cancel(folder: Path, values: dict[str, Any], ledger: Ledger) -> None:
    """What a single run that is cancelled writes down, from what its last manifest knew: of the stage in work only that
    it was cancelled. An observer of the job's own process is not told."""
    stages = [StageRecord(**stage) for stage in values["stages"]]
    if at_work := [stage for stage in stages if stage.status in ("waiting", "running")]:
        at_work[0].status = at_work[0].error = "cancelled"
    manifest = Manifest(**values | {"status": "cancelled", "error": "cancelled", "stages": stages})
    begun = datetime.fromisoformat(manifest.started)
    manifest.seconds = round((datetime.now(tz=begun.tzinfo) - begun).total_seconds(), 3)
    with contextlib.suppress(QmvError):  # as in a single run
        book(manifest, Account(ledger=ledger, budget="", run=str(folder)))
    manifest.write(folder)
    events = folder / "events.jsonl"
    if events.is_file() and not events.read_bytes().endswith(b"\n"):
        with events.open("a", encoding="utf-8") as torn:  # a worker that was killed while it wrote
            torn.write("\n")
    log_of_job = EventLog(events)
    log_of_job.qmv_event(RunFinished(status="cancelled", seconds=manifest.seconds, error="cancelled"))
    log_of_job.close()


def summary() -> list[str]:
    """A line a job of this process's sweep: number, what became of it, overrides, and the video or the error."""
    if not _sweeps:
        return []
    sweep, jobs = _sweeps[-1], _jobs(_sweeps[-1])
    ends = [manifest["status"] for _, manifest in jobs]
    first = cut_short(ends, sweep.planned) if _cut_short else finished(ends)
    # by the ledger: an order that one job adopted from another counts once
    spent = [sweep.ledger.sums(run=str(sweep.folder / str(number))) for number, _ in jobs]
    return [f"{first} in {sweep.folder}", *(line(*job) for job in jobs), *money([job for _, job in jobs], spent)]


def _count(config: DictConfig) -> int:
    """The jobs of a sweep by Hydra's own sweeper; 0 for another's, and for words that Hydra will refuse."""
    sweeper = config.hydra.get("sweeper") or {}
    if not str(sweeper.get("_target_", "")).endswith(".BasicSweeper"):
        return 0
    try:
        loader = GlobalHydra.instance().config_loader() if GlobalHydra.instance().is_initialized() else None
        params: Any = OmegaConf.to_container(sweeper.get("params") or OmegaConf.create({}), resolve=False)
        words = [f"{key}={value}" for key, value in params.items()] + unresolved(config.hydra.overrides.task)
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(words)
        return sum(map(len, basic_sweeper.BasicSweeper.split_arguments(parsed, None)))
    except Exception:  # told by Hydra itself, which reads the same words next
        return 0


def _jobs(sweep: _Sweep) -> list[tuple[int, dict[str, Any]]]:
    """Those that have begun, by number; not those that an earlier sweep has left in the folder."""
    folders = [folder for folder in sweep.folder.glob("*") if folder.name.isdigit()]
    jobs = ((int(folder.name), _manifest(folder, sweep.began)) for folder in folders)
    return sorted(((number, manifest) for number, manifest in jobs if manifest), key=lambda job: job[0])


def _manifest(folder: Path, began: datetime) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return manifest if datetime.fromisoformat(manifest["started"]) >= began else {}
    except (OSError, ValueError, KeyError, TypeError):  # another program's
        return {}
