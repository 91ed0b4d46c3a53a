"""The config as a run keeps it, and other plugins and settings in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from qmv.engine.config.record import changed, keep, node_of, recorded
from qmv.engine.registry import Registry
from qmv.errors import ConfigError

Compose = Callable[..., tuple[Any, Registry]]


@pytest.fixture
def part() -> Any:
    """What of a config a delivery reads."""
    return OmegaConf.create({"storage": node_of(Registry(), "storage", "folder"), "session": ""})


def test_recorded_config_comes_back_with_its_interpolations(compose: Compose) -> None:
    cfg, _ = compose("fps=30")
    again = OmegaConf.create(recorded(cfg))
    again.fps = "25"
    assert (again.stages.storyboard.fps, "hydra" in again) == ("25", False)


def test_kept_config_says_what_was_composed_and_why(compose: Compose, tmp_path: Path) -> None:
    cfg, _ = compose("fps=30")
    keep(tmp_path / "kept", cfg)
    files = {path.name: OmegaConf.load(path) for path in (tmp_path / "kept").iterdir()}
    assert sorted(files) == ["config.yaml", "hydra.yaml", "overrides.yaml"]
    assert (files["config.yaml"].fps, list(files["overrides.yaml"])) == ("30", ["fps=30"])


def test_kept_config_holds_no_password_of_an_address(compose: Compose, tmp_path: Path) -> None:
    cfg, _ = compose("run.cache_url='s3://me:hush-hush@bucket/cache'")
    keep(tmp_path / "kept", cfg)
    assert not any("hush-hush" in path.read_text(encoding="utf-8") for path in (tmp_path / "kept").iterdir())


def test_node_takes_the_settings_that_were_recorded() -> None:
    node = node_of(Registry(), "storage", OmegaConf.create({"name": "folder", "path": "/videos"}))
    assert (node.name, node.path) == ("folder", "/videos")


def test_changed_puts_another_plugin_there_before_it_sets_it(part: Any) -> None:
    changed(part, ["storage.bucket=videos", "storage=gcs"], Registry(), ("storage",))
    assert (part.storage.name, part.storage.bucket) == ("gcs", "videos")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("fps=30", r"fps: cannot be changed here; what can is storage, session\."),
        ("session=a,b", r"session: needs one value, got 'session=a,b'\."),
        ("~session", r"session: needs one value, got '~session'\."),
    ],
)
def test_changed_refuses_what_is_no_part_of_it(part: Any, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        changed(part, [override], Registry(), ("storage", "session"))
