"""Tells at the end of a sweep what became of each of its jobs, since Hydra tells the first failure only; says it for
jobs that a cancelled sweep ends; and keeps secrets out of what Hydra writes and says of a sweep."""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import os
import signal
from datetime import datetime
from decimal import Decimal
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
from qmv.engine.ledger import Account, Ledger, dollars
from qmv.engine.manifest import Manifest, StageRecord
from qmv.engine.money import BUDGET_ENV, book, budget_name, ledger_of, pictures
from qmv.engine.observers import EventLog
from qmv.errors import InputError, QmvError
from qmv.events import RunFinished

__all__ = ["SweepWatch", "cancel", "register", "summary", "unresolved", "without_secrets"]

log = logging.getLogger("qmv")

_END_S = 10.0  # for a worker process to be gone, once it is killed
_folders: list[Path] = []
_ledgers: list[Ledger] = []
_began: list[datetime] = []
_planned: list[int] = []  # how many jobs a sweep has; 0 where that is not known
_cut_short: list[bool] = []  # not empty where some jobs may not have had their turn


class SweepWatch(Callback):
    """Notes where a sweep puts its jobs, and names their common budget; switched on in conf/config.yaml."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        _folders.append(Path(config.hydra.sweep.dir).absolute())
        _ledgers.append(ledger_of(config.get("outputs", "outputs")))
        _began.append(datetime.now().astimezone().replace(microsecond=0))  # manifests count whole seconds
        _planned.append(_count(config))
        os.environ[BUDGET_ENV] = budget_name(unresolved(config.hydra.overrides.task))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        name = os.environ.pop(BUDGET_ENV)
        if all(manifest["status"] == "finished" for _, manifest in _jobs()):
            with contextlib.suppress(QmvError):  # a ledger that is broken is told where something is to be bought
                _ledgers[-1].close_budget(name)

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
    can do it itself; not for jobs that have no manifest yet, nor for those of other sweeps that share the folder."""
    if not _folders:
        return
    _cut_short.append(True)
    _kill_workers()
    for number, manifest in _jobs():
        try:
            if manifest["status"] == "running" and datetime.fromisoformat(manifest["started"]) >= _began[-1]:
                check_at_rest(_folders[-1] / str(number))
                _cancel(_folders[-1] / str(number), manifest)
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


def _cancel(folder: Path, values: dict[str, Any]) -> None:
    """What a single run that is cancelled writes down, from what its last manifest knew: of the stage in work only that
    it was cancelled. An observer of the job's own process is not told."""
    stages = [StageRecord(**stage) for stage in values["stages"]]
    if at_work := [stage for stage in stages if stage.status in ("waiting", "running")]:
        at_work[0].status = at_work[0].error = "cancelled"
    manifest = Manifest(**values | {"status": "cancelled", "error": "cancelled", "stages": stages})
    begun = datetime.fromisoformat(manifest.started)
    manifest.seconds = round((datetime.now(tz=begun.tzinfo) - begun).total_seconds(), 3)
    with contextlib.suppress(QmvError):  # as in a single run
        book(manifest, Account(ledger=_ledgers[-1], budget="", run=str(folder)))
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
    if not _folders:
        return []
    jobs = _jobs()
    done = sum(manifest["status"] in ("finished", "planned") for _, manifest in jobs)
    first = f"{done} of {len(jobs)} jobs finished"
    if _cut_short:
        first = _ends(done, [manifest["status"] for _, manifest in jobs])
    return [f"{first} in {_folders[-1]}", *(_line(*job) for job in jobs), *_money(jobs)]


def _ends(done: int, statuses: list[str]) -> str:
    """What became of the jobs of a sweep that was cancelled, those included that had not had their turn."""
    if _planned[-1] < len(statuses):  # not known, or others put their jobs there too
        return f"{done} of {len(statuses)} begun jobs finished"
    counts = {
        "cut short": statuses.count("cancelled") + statuses.count("running"),
        "failed": statuses.count("failed"),
        "not begun": _planned[-1] - len(statuses),
    }
    rest = (f", {count} {what}" for what, count in counts.items() if count)
    return f"{done} of {_planned[-1]} jobs finished{''.join(rest)},"


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


def _jobs() -> list[tuple[int, dict[str, Any]]]:
    found = [(folder.name, _manifest(folder)) for folder in _folders[-1].glob("*") if folder.name.isdigit()]
    return sorted(((int(number), manifest) for number, manifest in found if manifest), key=lambda job: job[0])


def _money(jobs: list[tuple[int, dict[str, Any]]]) -> list[str]:
    """What the jobs have spent together, or would; a picture that several of them want is bought once."""
    lines, manifests = [], [manifest for _, manifest in jobs]
    if offers := {key: usd for manifest in manifests for key, usd in manifest.get("quote", {}).items()}:
        known = [Decimal(usd) for usd in offers.values() if usd is not None]
        unknown = f", and {len(offers) - len(known)} without a known price" if len(known) < len(offers) else ""
        price = dollars(sum(known, Decimal(0)))
        cap = next((manifest["budget_usd"] for manifest in manifests if manifest.get("budget_usd") is not None), None)
        over = (
            ""
            if cap is None
            else f", {'MORE than' if sum(known, Decimal(0)) > Decimal(str(cap)) else 'within'} budget_usd"
        )
        lines.append(f"in all {pictures(len(offers))} to buy, about {price}{unknown}{over}; shared ones count once")
    if spent := [manifest["money"] for manifest in manifests if manifest.get("money")]:
        saved = sum((Decimal(money["saved_usd"]) for money in spent), Decimal(0))
        sums = [
            _ledgers[-1].sums(run=str(_folders[-1] / str(number))) for number, _ in jobs
        ]  # adopted orders count once
        total, count = sum((found.spent for found in sums), Decimal(0)), sum(found.orders for found in sums)
        lines.append(f"spent {dollars(total)} on {pictures(count)}, saved {dollars(saved)} by reuse")
    return lines


def _line(number: int, manifest: dict[str, Any]) -> str:
    status = "stopped" if manifest["status"] == "running" else manifest["status"]
    end = manifest["result"] or manifest["error"] or ""
    return f"  #{number} {status}: {' '.join(manifest['overrides'])}" + (f": {end}" if end else "")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest
