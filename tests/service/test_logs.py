"""How much is logged."""

from __future__ import annotations

import logging

import pytest

from qmv.errors import ConfigError
from qmv.service.logs import log_level, quieten


def test_log_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    assert log_level() == "INFO"
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert log_level() == "DEBUG"
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(ConfigError, match="LOG_LEVEL: is DEBUG, INFO, WARNING, ERROR, got 'LOUD'"):
        log_level()


def test_libraries_do_not_tell_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIL", "filelock"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    quieten()
    assert not logging.getLogger("PIL.PngImagePlugin").isEnabledFor(logging.DEBUG)
