"""What the commands that work like a run share with one: its bars, its log file, its sentences."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qmv.engine.registry import Registry

__all__ = ["watched"]


@contextlib.contextmanager
def watched(registry: Registry, folder: Path) -> Iterator[None]:
    """Shows what happens on the terminal and in the folder's run.log; whatever fails becomes a QmvError."""
    from qmv.engine.hydra_errors import sentence
    from qmv.engine.observers import terminal
    from qmv.engine.run_errors import run_error
    from qmv.engine.secrets import Redacting, redacted
    from qmv.errors import QmvError

    log = logging.getLogger()
    handler = logging.FileHandler(folder / "run.log", delay=True, encoding="utf-8")
    handler.setFormatter(Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    watcher = terminal()
    registry.observe(watcher)
    try:
        yield
    except Exception as error:
        logging.getLogger("qmv").error("the command failed", exc_info=True)
        told = error if isinstance(error, QmvError) else sentence(error, registry)
        if type(told) is QmvError:  # nobody foresaw it; the log has more
            told = run_error(error, folder, "the command")
        raise type(told)(redacted(str(told))) if redacted(str(told)) != str(told) else told from error
    finally:
        watcher.close()
        registry.forget(watcher)
        log.removeHandler(handler)
        handler.close()
