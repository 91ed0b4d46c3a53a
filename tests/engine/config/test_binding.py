"""From nodes of a config to plugin objects, and the sentence for each mistake in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf, open_dict

from qmv.engine.config.job import Job, bind
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, UnknownName
from qmv.plugins.effect.flash import Flash
from qmv.plugins.observer.redis import Redis
from qmv.stages.track_beats import TrackBeats

Compose = Callable[..., tuple[Any, Registry]]

LAYERED = """
from qmv.api import Stage, Tracker, plugin, setting
from qmv.artifacts import Beats, Song
from qmv.hookspecs import hookimpl


@plugin
class Choir(Tracker):
    name = "choir"
    voices: tuple[str, ...] = ("alto", "bass")
    gains: list[float] = setting("how loud each is", default=[0.5, 1.0])
    depth: int = setting(help="no default")

    def track(self, samples, rate_hz, hints): ...


@plugin
class Solo(Tracker):
    name = "solo"
    pitch: float = setting("in Hz", default=440.0, at_least=20)

    def track(self, samples, rate_hz, hints): ...


@plugin
class Pair(Stage):
    name = "pair"
    second: Tracker

    def run(self, ctx, song: Song) -> Beats: ...


@hookimpl
def qmv_trackers():
    return [Choir, Solo]


@hookimpl
def qmv_stages():
    return [Pair]
"""


WATCH = """
from qmv.api import Observer, Watcher, plugin, setting
from qmv.hookspecs import hookimpl


@plugin
class Watch(Observer):
    name = "watch"
    text: str = setting("what it says", default="", knob="licence")

    def watch(self, about):
        return Watcher()


@hookimpl
def qmv_observers():
    return [Watch]
"""


@pytest.fixture
def layered(tmp_path: Path) -> str:
    """The override that loads a plugin file with nested plugins."""
    path = tmp_path / "layered.py"
    path.write_text(LAYERED, encoding="utf-8")
    return f"plugins=[{path}]"


# -- plugins inside plugins ------------------------------------------------------------------------------------------


def test_bind_fills_a_field_from_the_group_of_its_kind(job: Callable[..., Job]) -> None:
    beats = job("tracker.usual_bpm=90").stages["beats"]
    assert isinstance(beats, TrackBeats)
    assert beats.tracker.usual_bpm == 90  # type: ignore[attr-defined]


def test_bind_fills_the_effects_in_their_order(job: Callable[..., Job]) -> None:
    stages = job("+effect@effects.b=flash", "+effect@effects.a=flash", "effects.a.strength=0.5").stages
    assert stages["video"].effects == (Flash(), Flash(strength=0.5))  # type: ignore[attr-defined]


def test_bind_gives_no_effects_by_default(job: Callable[..., Job]) -> None:
    assert job().stages["video"].effects == ()  # type: ignore[attr-defined]


def test_bind_takes_a_plugin_of_its_own_for_one_stage(job: Callable[..., Job]) -> None:
    video = job("stages.video.motion={name: still}").stages["video"]
    assert video.motion.name == "still"  # type: ignore[attr-defined]


def test_bind_reads_tuples_and_lists(job: Callable[..., Job], layered: str) -> None:
    overrides = (layered, "tracker=choir", "tracker.depth=3", "tracker.voices=[tenor]")
    tracker = job(*overrides).stages["beats"].tracker  # type: ignore[attr-defined]
    assert (tracker.voices, tuple(tracker.gains), tracker.depth) == (("tenor",), (0.5, 1.0), 3)


def test_bind_names_the_place_of_a_nested_mistake(job: Callable[..., Job], layered: str) -> None:
    overrides = (layered, "+stage@stages.more=pair", "~stages.beats", "tracker=solo", "tracker.pitch=1")
    with pytest.raises(ConfigError, match=r"stages\.more.*second.* pitch must be at least 20, got 1"):
        job(*overrides)


# -- observers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "observers"),
    [
        ("observers=[]", ()),
        ("observers=redis", (Redis(),)),
        ("observers=[redis]", (Redis(),)),
        ("observers=[{name: redis, keep_hours: 24}]", (Redis(keep_hours=24.0),)),
        ("observers=[redis, {name: redis, url_env: OTHER_URL}]", (Redis(), Redis(url_env="OTHER_URL"))),
    ],
)
def test_bind_gives_the_observers(job: Callable[..., Job], override: str, observers: tuple[Redis, ...]) -> None:
    found = job(override, "session=spring", "n=3")
    assert (repr(found.observers), found.session, found.n) == (repr(observers), "spring", 3)


def test_setting_of_an_observer_may_follow_a_knob(job: Callable[..., Job], tmp_path: Path) -> None:
    (tmp_path / "watch.py").write_text(WATCH, encoding="utf-8")
    [one, other] = job(
        f"plugins=[{tmp_path / 'watch.py'}]", "licence=CC0", "observers=[watch, {name: watch, text: x}]"
    ).observers
    assert (one.text, other.text) == ("CC0", "x")  # type: ignore[attr-defined]


# -- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("beats_per_image=-1", r"stages\.storyboard \(write_storyboard\): beats_per_image must be at least 1 .*got -1"),
        ("beats_per_image=two", r"beats_per_image must be a whole number of beats, or a mapping such as .*, got 'two'"),
        ("beats_per_image={clam:8}", r"'clam' is not known\. Did you mean 'calm'\?"),
        ("fps=0", r"stages\.storyboard \(write_storyboard\): fps must be at least 1 and at most 240, got 0"),
        ("fps=fast", r"fps must be a number such as 24, 29\.97 or 30000/1001, got fast"),
        ("width=65", r"stages\.pictures \(paint_pictures\): width must be even .*got 65"),
        ("width=8", r"width must be at least 16 and at most 8192 .*got 8"),
        ("quality.crf=99", r"encoder \(x264\): crf must be at least 1 and at most 51, got 99"),
        ("quality.preset=warp", r"preset: 'warp' is not known\. Known: fast, "),
        ("motion.zoom=7", r"motion \(ken_burns\): zoom must be at least 0 and at most 1, got 7"),
        ("tracker.slowest_bpm=10", r"tracker \(superflux\): slowest_bpm must be at least 20 and at most 200 .*got 10"),
        ("stages.delivery.key='{nothing}'", r"stages\.delivery \(deliver\): key has a wrong placeholder"),
        (
            "image=folder",
            r"image\.path: has no value yet; give it one with image\.path=PATH, the folder with the pictures",
        ),
        ("storage.path='???'", r"storage\.path: has no value yet; give it one with storage\.path=PATH, the folder; "),
        ("fps='???'", r"^fps: has no value yet; give it one with fps=FPS, frame rate: 24, "),
        ("width='???'", r"^width: has no value yet; give it one with width=WIDTH, width of the pictures"),
        ("+motion.zom=1", r"motion \(ken_burns\):? setting: 'zom' is not known\. Did you mean 'zoom'\?"),
        ("+stages.more=3", r"stages\.more: names no stage plugin, got 3; ~stages\.more drops a stage; known: "),
        ("observers=[rediss]", r"observer: 'rediss' is not known\. Did you mean 'redis'\? Known: redis"),
        ("observers=3", r"observers\[0\]: names no observer plugin, got 3; give its name, or \{name: NAME"),
        ("observers=[redis,{keep_hours:2}]", r"observers\[1\]: names no observer plugin, got \{'keep_hours': 2\}"),
        ("observers=[{name:redis,keep_ours:2}]", r"observers\[0\] \(redis\) setting: 'keep_ours' .*'keep_hours'\?"),
        ("observers=[{name:redis,keep_hours:long}]", r"observers\[0\] \(redis\): keep_hours: Value 'long' .*Float"),
        ("observers=[{name:redis,keep_hours:0}]", r"observers\[0\] \(redis\): keep_hours must be above 0 .*got 0"),
        ("observers=[{name:redis,url_env:'redis://x'}]", r"url_env is the name of an environment variable, got"),
        ("+effects.flash=1", r"effects\.flash: names no effect plugin, got 1; .*known: flash"),
    ],
)
def test_bind_refuses_a_mistake_and_says_where(job: Callable[..., Job], override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        job(override)


def test_bind_refuses_a_plugin_that_nobody_knows(compose: Compose) -> None:
    cfg, registry = compose()
    with open_dict(cfg):
        cfg.motion = OmegaConf.create({"name": "kenburns"})
    with pytest.raises(UnknownName, match=r"motion: 'kenburns' is not known\. Did you mean 'ken_burns'\?"):
        bind(cfg, registry)


def test_bind_refuses_a_dropped_plugin(job: Callable[..., Job]) -> None:
    with pytest.raises(ConfigError, match=r"motion: names no motion plugin, got None; motion=NAME chooses one"):
        job("~motion")


def test_bind_refuses_a_missing_setting_of_a_plugin_file(job: Callable[..., Job], layered: str) -> None:
    with pytest.raises(ConfigError, match=r"tracker\.depth: has no value yet"):
        job(layered, "tracker=choir")
