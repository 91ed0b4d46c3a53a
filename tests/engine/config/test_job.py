"""From a composed config to a job, and the sentence for each mistake in what is no plugin's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import open_dict

from qmv.engine.config.job import Job, bind
from qmv.engine.registry import Registry
from qmv.errors import ConfigError

Compose = Callable[..., tuple[Any, Registry]]


def test_bind_gives_the_stages_of_the_graph(job: Callable[..., Job]) -> None:
    assert list(job().stages) == ["beats", "storyboard", "pictures", "video", "proof", "handoff", "delivery"]


def test_bind_gives_the_stages_of_another_graph(job: Callable[..., Job]) -> None:
    assert list(job("graph=storyboard").stages) == ["beats", "storyboard"]


def test_bind_drops_a_stage(job: Callable[..., Job]) -> None:
    assert "delivery" not in job("~stages.delivery").stages


def test_bind_adds_a_stage_under_a_name_of_its_own(job: Callable[..., Job]) -> None:
    assert job("+stage@stages.more=track_beats").stages["more"].name == "track_beats"


def test_bind_gives_the_defaults_of_the_project(compose: Compose) -> None:
    cfg, _ = compose()
    assert (cfg.beats_per_image, cfg.min_images, cfg.fps, cfg.width, cfg.height) == (4, 8, "24", 1024, 1024)


def test_bind_gives_the_style_as_an_artifact(job: Callable[..., Job]) -> None:
    assert job("style=noir").style.name == "noir"


def test_bind_gives_the_song_with_its_window(job: Callable[..., Job]) -> None:
    song = job("song=a/b.mp3", "song.start_s=1.5", "song.end_s=9").song
    assert (song.path, song.start_s, song.end_s) == ("a/b.mp3", 1.5, 9.0)


@pytest.mark.parametrize("name", ["neon", "noir", "watercolor", "papercut", "cosmos"])
def test_bind_accepts_each_style(job: Callable[..., Job], name: str) -> None:
    assert job(f"style={name}").style.name == name


@pytest.mark.parametrize("name", ["club_night", "slow_dissolve"])
def test_bind_accepts_each_experiment(job: Callable[..., Job], name: str) -> None:
    assert job(f"experiment={name}").stages


def test_experiment_wins_over_the_config_and_the_command_line_over_both(compose: Compose) -> None:
    cfg, _ = compose("experiment=club_night", "height=480")
    assert (cfg.beats_per_image, cfg.width, cfg.height) == (2, 1920, 480)


# -- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run.workers=-1", r"run: workers must be at least 0 .*got -1"),
        ("song.start_s=-1", r"song: start_s must be at least 0, got -1"),
        ("song.start_s=nan", r"song: start_s must be"),
        ("song.end_s=0", r"song: end_s must come after start_s \(0\), got 0"),
        ("style.palette=[red]", r"style \(neon\): palette has 'red'; colours look like '#1a2b3c'"),
        ("style.subjects=[]", r"style \(neon\): subjects is empty; give at least one"),
        ("style.prompt='{nothing}'", r"prompt has a wrong placeholder 'nothing'; allowed: \{artist\}"),
    ],
)
def test_bind_refuses_a_mistake_and_says_where(job: Callable[..., Job], override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        job(override)


def test_bind_refuses_a_graph_without_stages(compose: Compose) -> None:
    cfg, registry = compose()
    with open_dict(cfg):
        cfg.stages = {}
    with pytest.raises(ConfigError, match="stages: there are none; choose a graph"):
        bind(cfg, registry)
