"""Small finished videos for the tests that probe and play them: each from one real run, with a click at each cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile
from PIL import Image

from qmv.artifacts import Artifact
from qmv.engine.recorded import Recorded
from tests.media.helpers import write_sound

__all__ = ["COLOURS", "FIRST_BEAT_S", "RECIPES", "SECONDS", "Film", "Recipe", "film_of"]

A = TypeVar("A", bound=Artifact)
SECONDS, FIRST_BEAT_S = 3.0, 0.25

# Far apart, and strong enough that the wrong matrix (BT.601) or range shows.
COLOURS = [(200, 30, 30), (30, 180, 40), (40, 60, 210), (220, 200, 30), (30, 190, 190), (190, 40, 180), (225, 225, 225)]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a video is made of; `blocks` is how many samples the song's codec may add at its end."""

    fps: Fraction
    song: str
    size: tuple[int, int] = (160, 90)  # no multiple of 16, so H.264 crops
    bpm: float = 120
    rate_hz: int = 44100
    blocks: int = 0
    dissolve_s: Fraction = Fraction(0)
    flat: bool = True  # pictures of one colour each, to be known again
    codec: tuple[str, str] = ("h264", "avc1")  # its name, and what an MP4 calls it
    overrides: tuple[str, ...] = ()


RECIPES = {
    "stills": Recipe(fps=Fraction(24), song="song.wav", rate_hz=22050, overrides=("motion=still",)),
    "dissolve": Recipe(
        fps=Fraction(24000, 1001),
        song="song.m4a",
        blocks=1024,
        dissolve_s=Fraction(1, 5),
        overrides=("fps=23.976", "quality=standard"),
    ),
    "flash": Recipe(
        fps=Fraction(30000, 1001),
        song="song.ogg",
        blocks=1024,
        rate_hz=48000,
        flat=False,
        overrides=("fps=29.97", "+effect@effects.flash=flash", "quality=high", "quality.preset=medium"),
    ),
    "upright": Recipe(  # beats 37 frames apart, in chunks of 12, 12, 12 and 1
        fps=Fraction(60),
        song="song.wav",
        size=(90, 160),
        bpm=60 * 60 / 37,
        dissolve_s=Fraction(1, 10),
        overrides=("fps=60", "stages.video.chunk_frames=12"),
    ),
    "av1": Recipe(
        fps=Fraction(25),
        song="song.wav",
        codec=("av1", "av01"),
        overrides=("fps=25", "encoder=svt_av1", "motion=still"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Film:
    """A finished video, its recipe, and the plan in its run's folder."""

    name: str
    path: Path
    recipe: Recipe

    @property
    def fps(self) -> Fraction:
        return self.recipe.fps

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.path.parent

    def artifact(self, node: str, kind: type[A]) -> A:
        """What a node of the run made."""
        found = Recorded.read(self.folder).artifact(node, kind)
        assert found is not None
        return found

    @cached_property
    def _storyboard(self) -> dict[str, Any]:
        path = self.path.with_name("artifacts") / "storyboard.json"
        return dict(json.loads(path.read_text(encoding="utf-8")))

    @property
    def frames(self) -> int:
        return int(self._storyboard["frames"])

    @property
    def shots(self) -> list[range]:
        """The frames of each shot."""
        return [range(shot["start"], shot["end"]) for shot in self._storyboard["shots"]]

    @property
    def cuts(self) -> list[int]:
        return [shot.start for shot in self.shots[1:]]


def film_of(
    name: str, folder: Path, click_track: Callable[..., Path], run_in: Callable[..., Any], *overrides: str
) -> Film:
    """Renders the recipe's video in the folder, where that has not been done yet."""
    recipe = RECIPES[name]
    rendered = folder / "rendered.txt"
    if not rendered.exists():
        width, height = recipe.size
        pictures = ("image=folder", f"image.path={_colour_folder(folder / 'pictures', recipe.size)}")
        dissolve = ("transition=crossfade", f"transition.duration_s={float(recipe.dissolve_s)}")
        ended = run_in(
            folder,
            f"song={_song(recipe, folder, click_track)}",
            *overrides,
            *(f"width={width}", f"height={height}", "beats_per_image=1", "min_images=1"),
            *(pictures if recipe.flat else ()),
            *(dissolve if recipe.dissolve_s else ()),
            *recipe.overrides,
        )
        assert ended.rc == 0, ended.stderr
        rendered.write_text(str(ended.video), encoding="utf-8")
    return Film(name=name, path=Path(rendered.read_text(encoding="utf-8")), recipe=recipe)


def _colour_folder(folder: Path, size: tuple[int, int]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, colour in enumerate(COLOURS):
        Image.new("RGB", size, colour).save(folder / f"{number}.png")
    return folder


def _song(recipe: Recipe, folder: Path, click_track: Callable[..., Path]) -> Path:
    wav = click_track(folder / "mono.wav", recipe.bpm, SECONDS, FIRST_BEAT_S, recipe.rate_hz)
    mono, rate_hz = soundfile.read(wav, dtype="float32")
    stereo, path = np.tile(mono, (2, 1)), folder / recipe.song
    if path.suffix == ".m4a":
        return write_sound(path, stereo, rate_hz, "aac", "stereo")
    soundfile.write(path, stereo.T, rate_hz)
    return path
