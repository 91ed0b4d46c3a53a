"""The picture that stands for a video: which frame, and that it is that frame."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from qmv.artifacts import Beats, Section, Storyboard, Video
from qmv.companions.thumbnail import moment, thumbnail
from qmv.testing import song_shot
from tests.finished import COLOURS, Film


@pytest.mark.parametrize("name", ["stills", "upright"])
def test_thumbnail_is_the_asked_frame(finished_film: Callable[[str], Film], name: str) -> None:
    film = finished_film(name)
    for place, shot in enumerate(film.shots):
        picture = Image.open(io.BytesIO(thumbnail(film.path, shot.start + len(shot) // 2)))
        assert picture.format == "JPEG"
        assert picture.size == film.recipe.size
        colour = np.median(np.asarray(picture), axis=(0, 1))
        # JPEG, video and the way between RGB and YUV, twice, at draft quality
        assert np.abs(colour - COLOURS[place % len(COLOURS)]).max() <= 14


def a_video(film: Film) -> Video:
    return film.artifact("video", Video)


def test_moment_lies_in_the_loudest_section(finished_film: Callable[[str], Film]) -> None:
    film = finished_film("stills")
    storyboard = film.artifact("storyboard", Storyboard)
    sections = tuple(
        Section(start_s=start_s, end_s=start_s + 1, label=label, energy=energy)
        for start_s, label, energy in ((0.0, "A", 0.2), (1.0, "B", 0.9), (2.0, "C", 0.4))
    )
    beats = Beats(
        times_s=(), bar_position=(), tempo_bpm=0, confidence=0, duration_s=Fraction(3), sections=sections
    )  # fmt: skip
    assert 1.0 <= moment(a_video(film), storyboard, beats) / film.fps < 2.0


def test_moment_is_the_middle_where_nothing_is_known(finished_film: Callable[[str], Film]) -> None:
    film = finished_film("stills")
    assert moment(a_video(film), None, None) == film.frames // 2


def test_moment_is_a_frame_of_the_video(finished_film: Callable[[str], Film]) -> None:
    film = finished_film("stills")
    long = Storyboard(fps=film.fps, frames=10_000, shots=(song_shot(10_000),))
    assert moment(a_video(film), long, None) == film.frames - 1
