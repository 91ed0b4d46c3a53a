"""What tests share: made songs and pictures, composed configs, and runs of the real command line."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from filelock import FileLock
from PIL import Image

from qmv.engine.registry import Registry

if TYPE_CHECKING:
    from tests.finished import Film

ROOT = Path(__file__).resolve().parents[1]
CONFIG_FOLDER = ROOT / "conf"

# Beats without librosa, whose import and first compilation take seconds: exactly where a made track clicks.
CLICKS_PLUGIN = '''
from fractions import Fraction

from qmv.api import Tracker, plugin
from qmv.artifacts import Beats
from qmv.hookspecs import hookimpl


@plugin
class Clicks(Tracker):
    """Beats at the clicks of a made track."""

    name = "clicks"

    def track(self, samples, rate_hz, hints):
        import numpy as np

        loud = np.flatnonzero(np.abs(samples) > 0.3)
        starts = [int(at) for place, at in enumerate(loud) if not place or at - loud[place - 1] > rate_hz // 20]
        times_s = tuple(start / rate_hz for start in starts)
        tempo_bpm = round(60 / float(np.median(np.diff(times_s))), 3) if len(times_s) > 1 else 0.0
        return Beats(
            times_s=times_s,
            bar_position=(0,) * len(times_s),
            tempo_bpm=tempo_bpm,
            confidence=1.0,
            duration_s=Fraction(len(samples), rate_hz),
        )


@hookimpl
def qmv_trackers():
    return [Clicks]
'''


def pytest_configure() -> None:
    """A shell's background jobs, and all that they start, are deaf to Ctrl-C, which some tests press."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# -- made input ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def click_track() -> Callable[..., Path]:
    """Writes a mono song of 20 ms clicks, the first one at `first_beat_s`; no clicks for bpm=0."""

    def write(
        path: Path, bpm: float = 120, seconds: float = 3.0, first_beat_s: float = 0.25, rate_hz: int = 22050
    ) -> Path:
        samples = np.zeros(round(seconds * rate_hz), dtype=np.float32)
        time_s = np.arange(round(0.02 * rate_hz)) / rate_hz
        click = (0.8 * np.cos(2 * np.pi * 1000 * time_s) * np.exp(-time_s * 40)).astype(np.float32)
        beat = 0
        while bpm and (start := round((first_beat_s + beat * 60 / bpm) * rate_hz)) < len(samples):
            samples[start : start + len(click)] += click[: len(samples) - start]
            beat += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate_hz)
        return path

    return write


@pytest.fixture(scope="session")
def picture_folder() -> Callable[..., Path]:
    """Fills a folder with plain PNG files `0.png`, `1.png` ... of different colours."""

    def fill(folder: Path, count: int = 3, size: tuple[int, int] = (64, 36)) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", size, (40 * number % 256, 90, 200 - 30 * number % 200)).save(folder / f"{number}.png")
        return folder

    return fill


@pytest.fixture(scope="session")
def clicks_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin file with a tracker that hears the clicks of `click_track`, without librosa."""
    path = tmp_path_factory.mktemp("plugins") / "clicks_plugin.py"
    path.write_text(CLICKS_PLUGIN, encoding="utf-8")
    return path


@pytest.fixture
def quick(clicks_plugin: Path) -> tuple[str, str]:
    """The overrides that find the beats without librosa."""
    return f"plugins=[{clicks_plugin}]", "tracker=clicks"


@pytest.fixture
def song(tmp_path: Path, click_track: Callable[..., Path]) -> Path:
    """Three seconds at 120 beats a minute."""
    return click_track(tmp_path / "song.wav")


# -- the config, composed in this process ----------------------------------------------------------------------------


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Composes config.yaml with overrides as the command line does: (config, registry).

    Leaves Hydra's singletons as they were.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.plugins import Plugins
    from omegaconf import open_dict

    from qmv import app
    from qmv.engine.songs import SongSearchPath

    monkeypatch.setenv("QMV_DISABLE_PLUGINS", "")
    Plugins.instance()  # Hydra's own plugins publish their nodes once, so before the store is copied
    store, hydra_config = ConfigStore.instance(), HydraConfig.instance()
    monkeypatch.setattr(store, "repo", copy.deepcopy(store.repo))
    monkeypatch.setattr(hydra_config, "cfg", hydra_config.cfg)
    monkeypatch.setattr(SongSearchPath, "songs_dir", SongSearchPath.songs_dir)
    monkeypatch.setattr(SongSearchPath, "config_paths", SongSearchPath.config_paths)

    def composed(*overrides: str) -> tuple[Any, Registry]:
        registry = app.prepare(list(overrides), CONFIG_FOLDER / "config.yaml")
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3", job_name="test"):
            cfg = hydra_compose("config", overrides=list(overrides), return_hydra_config=True)
        with open_dict(cfg):
            cfg.hydra.runtime.output_dir = str(tmp_path / "run")
        hydra_config.set_config(cfg)
        return cfg, registry

    yield composed
    GlobalHydra.instance().clear()


# -- the command line, as a real process -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How a command ended. `outputs` is the folder that it was told to use."""

    rc: int
    stdout: str
    stderr: str
    outputs: Path

    @property
    def errors(self) -> list[str]:
        return [line for line in self.stderr.splitlines() if line.startswith("error:")]

    @property
    def video(self) -> Path:
        """The path on the last line of stdout."""
        return Path(self.stdout.strip().splitlines()[-1])

    def found(self, pattern: str) -> list[Path]:
        return sorted(self.outputs.rglob(pattern)) if self.outputs.is_dir() else []


SMALL = {"width": "64", "height": "36", "quality": "draft", "quality.scale": "1", "run.workers": "1"}


@pytest.fixture(scope="session")
def command() -> Callable[..., list[str]]:
    """The command line of a tiny video, where the overrides do not say otherwise."""

    def line(*overrides: str, outputs: Path) -> list[str]:
        given = {override.lstrip("+~").partition("=")[0] for override in overrides}
        rest = {**SMALL, "outputs": str(outputs)}
        return [
            sys.executable,
            str(ROOT / "run.py"),
            *overrides,
            *(f"{key}={value}" for key, value in rest.items() if key not in given),
        ]

    return line


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment of a user who set nothing of ours."""
    ours = ("QMV_", "HYDRA_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


@pytest.fixture(scope="session")
def run_in(command: Callable[..., list[str]], environment: dict[str, str]) -> Callable[..., Ended]:
    """Runs `python run.py OVERRIDES` for a tiny video in a folder, and waits for its end."""

    def run(folder: Path, *overrides: str, outputs: Path | None = None, **settings: Any) -> Ended:
        outputs = outputs or folder / "outputs"
        ended = subprocess.run(
            command(*overrides, outputs=outputs),
            cwd=folder,
            env=environment | settings.pop("env", {}),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            **settings,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr, outputs)

    return run


@pytest.fixture
def run_cli(tmp_path: Path, run_in: Callable[..., Ended]) -> Callable[..., Ended]:
    """Runs `python run.py OVERRIDES` for a tiny video and waits for its end."""

    def run(*overrides: str, cwd: Path = tmp_path, outputs: Path | None = None, **settings: Any) -> Ended:
        return run_in(cwd, *overrides, outputs=outputs or tmp_path / "outputs", **settings)

    return run


@pytest.fixture(scope="session")
def finished_film(
    tmp_path_factory: pytest.TempPathFactory,
    run_in: Callable[..., Ended],
    click_track: Callable[..., Path],
    clicks_plugin: Path,
) -> Callable[[str], Film]:
    """The finished video of a recipe in `tests.finished`, rendered once for all of pytest's workers."""
    from tests.finished import film_of

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def made(name: str) -> Film:
        folder = shared / "films" / name
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            return film_of(name, folder, click_track, run_in, f"plugins=[{clicks_plugin}]", "tracker=clicks")

    return made
