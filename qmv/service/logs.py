"""What the service's processes log: how much, as LOG_LEVEL says, and never a secret."""

from __future__ import annotations

import logging
import os

from qmv.errors import ConfigError

__all__ = ["log_level", "log_to_stderr", "quieten"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_TALKATIVE = ("PIL", "filelock")  # at DEBUG they would hide everything else


def log_level() -> str:
    """Raises ConfigError for a LOG_LEVEL that is none."""
    level = os.environ.get("LOG_LEVEL", "").strip().upper() or "INFO"
    if level not in _LEVELS:
        raise ConfigError(f"LOG_LEVEL: is {', '.join(_LEVELS)}, got '{level}'.")
    return level


def log_to_stderr(part: str) -> None:
    """Each line names the part of the service and holds no secret; raises ConfigError for a LOG_LEVEL that is none."""
    from qmv.engine.secrets import Redacting

    handler = logging.StreamHandler()
    handler.setFormatter(Redacting(f"%(asctime)s {part} %(levelname)s %(message)s"))
    logging.basicConfig(level=log_level(), handlers=[handler])
    quieten()


def quieten() -> None:
    """Keeps libraries that tell each of their steps at INFO, whatever LOG_LEVEL is."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
