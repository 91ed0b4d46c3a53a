"""The way from the command line to a run: Hydra composes, `engine` does the work, and users read sentences."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from qmv import ending
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, QmvError

if TYPE_CHECKING:
    from qmv.engine.manifest import Manifest

__all__ = ["launch", "prepare", "run"]

log = logging.getLogger("qmv")
logging.raiseExceptions = False  # a log that cannot be written (a full disk) must not bury the sentence
_prepared: list[Registry] = []  # this process's plugins; a sweep's worker process starts without


def prepare(arguments: list[str], config_file: Path) -> Registry:
    """Finds the plugins and gives them and the songs to Hydra; call it before Hydra reads the command line."""
    from qmv.engine import sweeps
    from qmv.engine.config.arguments import early
    from qmv.engine.config.options import publish
    from qmv.engine.hiding import hide_addresses
    from qmv.engine.secrets import read_env_file
    from qmv.engine.songs import register

    hide_addresses(arguments)  # first of all: what is wrong with an argument is told with its words
    try:
        read_env_file(Path.cwd())
        if any(re.fullmatch(r"""outputs=[\s'"]*""", argument) for argument in arguments):
            # else the runs would go to the root of the file system
            raise ConfigError("outputs: is empty; name a folder with outputs=FOLDER.")
        registry = Registry(early("plugins", arguments, config_file))
        publish(registry)
        folders = early("songs_dir", arguments, config_file)
        register(str(Path(folders[0]).expanduser()) if folders else "", tuple(registry.config_paths))
        sweeps.register()
    except QmvError as error:
        ending.leave(error)
    _prepared[:] = [registry]
    return registry


def launch(main: Callable[[], object]) -> None:
    """Calls Hydra's main; whatever ends it becomes one sentence and an exit code, never a traceback."""

    def work() -> None:
        _expand_arguments()
        main()

    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors up instead of printing them itself
    ending.see_through(work, _sentence)


def _expand_arguments() -> None:
    from qmv.engine.config.arguments import escaped
    from qmv.engine.songs import expanded

    flags = {"-m", "--multirun"} & {*sys.argv}  # Hydra's parser takes them before the overrides only
    words = [argument for argument in sys.argv[1:] if argument not in flags]
    sys.argv[1:] = [*flags, *(expanded(escaped(argument)) for argument in words)]


def _sentence(error: Exception) -> QmvError:
    from qmv.engine.hydra_errors import sentence

    return sentence(error, _prepared[0] if _prepared else None)


def run(cfg: DictConfig) -> str:
    """Runs one composed config in Hydra's output folder and prints where its result lies."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from qmv.engine.config.record import keep, recorded
    from qmv.engine.hydra_errors import sentence
    from qmv.engine.manifest import Manifest, provenance
    from qmv.engine.parallel import follow_parent
    from qmv.engine.secrets import redacted
    from qmv.engine.sweeps import unresolved

    hydra = HydraConfig.get()
    if not _prepared:  # a worker process of a sweep
        follow_parent()
        _prepared.append(Registry(list(cfg.plugins)))
    sweep = hydra.mode == RunMode.MULTIRUN
    folder = Path(hydra.runtime.output_dir).absolute()
    overrides = unresolved(hydra.overrides.task)
    keep(folder / (hydra.output_subdir or ".hydra"), cfg)
    if cfg.n is None:
        cfg.n = hydra.job.num + 1 if sweep else 1
    manifest = Manifest(
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        choices={key: value for key, value in hydra.runtime.choices.items() if not str(key).startswith("hydra/")},
        overrides=overrides,
        made_with=provenance(_prepared[0]),
        made_in=str(Path.cwd()),
        config=recorded(cfg),
    )
    try:
        result = _perform(cfg, folder, manifest, f"[{hydra.job.num}] " if sweep else "")
        print(result, flush=True)
    except BrokenPipeError:
        raise
    except Exception as cause:
        if ending.is_cancelled():
            raise KeyboardInterrupt from cause
        error = sentence(cause, _prepared[0])
        _record_failure(manifest, folder, error)
        if not sweep:
            ending.leave(error)
        # Hydra tells the first failure of a sweep only, at its end, so each job speaks for itself
        print(redacted(f"[{hydra.job.num}] {' '.join(overrides)}: {error}"), file=sys.stderr)
        raise error from cause
    return result


def _perform(cfg: DictConfig, folder: Path, manifest: Manifest, prefix: str) -> str:
    """Runs, or only forecasts; gives what belongs on stdout."""
    from qmv.engine.config.job import bind
    from qmv.engine.observers import terminal
    from qmv.engine.runner import Run

    registry = _prepared[0]
    job = bind(cfg, registry)
    if prefix and not job.run.workers:
        job.run.workers = 1  # the jobs of a sweep already run side by side
    current = Run(job=job, folder=folder, registry=registry, manifest=manifest)
    if job.run.dry:
        return "\n".join(f"{prefix}{line}" for line in current.forecast())
    watcher = terminal(prefix)
    registry.observe(watcher)
    try:
        result = current.execute().result
        if not prefix:
            with contextlib.suppress(QmvError):  # a ledger that is broken is told where something is to be bought
                current.account.ledger.close_budget(current.account.budget)
        return result
    finally:
        watcher.close()
        registry.forget(watcher)


def _record_failure(manifest: Manifest, folder: Path, error: QmvError) -> None:
    """A run that failed before its first stage has a verdict too."""
    from qmv.engine.observers import EventLog
    from qmv.engine.run_errors import error_kind
    from qmv.events import RunFinished

    if manifest.status in ("failed", "cancelled"):
        return
    manifest.status, manifest.error, manifest.error_kind = "failed", str(error), error_kind(error)
    try:
        manifest.write(folder)
        events = EventLog(folder / "events.jsonl")
        events.qmv_event(RunFinished(status="failed", seconds=0.0, error=str(error), error_kind=manifest.error_kind))
        events.close()
    except OSError:
        log.debug("no manifest could be written", exc_info=True)
