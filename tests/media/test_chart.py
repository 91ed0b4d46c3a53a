"""The chart of a song's beats: that everything which was found is seen where it belongs."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageColor

from qmv.artifacts import Beats, Section, Stretch
from qmv.media.chart import Caption, draw, summary
from qmv.media.chart_lanes import PAPER, SWATCHES, section_colours

CAPTION = Caption(title="Night Bus", artist="The Commuters", source="by trial", start_s=0.0)
LEFT_PX, WIDTH_PX = 78, 1682


def found(seconds: float = 30.0, **changes: object) -> Beats:
    times = tuple(0.5 + n * 0.5 for n in range(int(2 * seconds) - 2))
    beats = Beats(
        times_s=times,
        bar_position=tuple(n % 4 + 1 for n in range(len(times))),
        tempo_bpm=120.0,
        confidence=0.9,
        duration_s=Fraction(seconds),
        meter="4/4",
        sections=(
            Section(start_s=0.0, end_s=seconds / 2, label="A", energy=0.4),
            Section(start_s=seconds / 2, end_s=seconds, label="B", energy=0.8),
        ),
        energy=(0.5,) * int(2 * seconds),
    )
    return dataclasses.replace(beats, **changes)  # type: ignore[arg-type]


def samples(seconds: float) -> np.ndarray:
    return np.sin(np.arange(int(seconds * 1000)) / 3).astype(np.float32)


def near(picture: Image.Image, colour: str, x: float) -> bool:
    """Whether a column within a pixel of `x` shows the colour."""
    pixels = np.asarray(picture).astype(int)[:, round(x) - 1 : round(x) + 2]
    return bool((np.abs(pixels - ImageColor.getrgb(colour)).sum(axis=2) < 24).sum() > 20)


def test_beats_and_downbeats_stand_at_their_times() -> None:
    picture = draw(found(), samples(30), CAPTION)
    downbeat, beat = (SWATCHES[name][0] for name in ("downbeat", "beat"))
    for number, time_s in enumerate(found().times_s):
        assert near(picture, beat if number % 4 else downbeat, LEFT_PX + time_s / 30 * WIDTH_PX)
    assert not near(picture, downbeat, LEFT_PX + 0.75 / 30 * WIDTH_PX)


@pytest.mark.parametrize(("seconds", "rows"), [(0.5, 1), (60, 1), (61, 1), (62, 2), (100, 2), (300, 5), (4000, 12)])
def test_a_long_song_wraps_into_rows(seconds: float, rows: int) -> None:
    beats = found(seconds, times_s=(), bar_position=(), tempo_bpm=0.0)
    assert (draw(beats, samples(seconds), CAPTION).height - 152) / 282 == rows


def test_a_part_without_beats_is_shaded() -> None:
    stretches = (
        Stretch(start_s=0.0, end_s=10.0, tempo_bpm=120.0, confidence=0.9),
        Stretch(start_s=10.0, end_s=30.0, tempo_bpm=0.0, confidence=0.0),
    )
    times = tuple(time_s for time_s in found().times_s if time_s < 10)
    shaded = found(times_s=times, bar_position=(0,) * len(times), stretches=stretches)
    assert near(draw(shaded, samples(30), CAPTION), SWATCHES["no beat"][0], LEFT_PX + 20.3 / 30 * WIDTH_PX)


def test_a_song_without_beats_is_shaded_from_end_to_end() -> None:
    picture = draw(found(times_s=(), bar_position=(), tempo_bpm=0.0), samples(30), CAPTION)
    assert all(near(picture, SWATCHES["no beat"][0], LEFT_PX + part * WIDTH_PX) for part in (0.01, 0.5, 0.99))


def test_energy_reaches_both_ends_of_a_window() -> None:
    picture = draw(found(2.0), samples(2), CAPTION)
    assert all(near(picture, SWATCHES["energy"][0], LEFT_PX + part * WIDTH_PX) for part in (0.02, 0.98))


def test_a_label_keeps_its_colour_in_a_window_without_the_labels_before_it() -> None:
    whole, window = section_colours(found()), section_colours(found(sections=found().sections[1:]))
    assert window == {"B": whole["B"]}
    other = (Section(start_s=0.0, end_s=30.0, label="chorus", energy=0.5),)
    assert set(section_colours(found(sections=other))) == {"chorus"}


def test_a_song_without_anything_found_is_drawn_too() -> None:
    nothing = Beats(times_s=(), bar_position=(), tempo_bpm=0.0, confidence=0.0, duration_s=Fraction(3))
    picture = draw(nothing, np.zeros(3000, np.float32), CAPTION)
    assert picture.getpixel((5, 5)) == ImageColor.getrgb(PAPER)
    assert draw(dataclasses.replace(nothing, duration_s=Fraction(0)), np.zeros(0, np.float32), CAPTION).width


def test_a_summary_says_what_there_is() -> None:
    assert summary(found(), "by trial") == (
        "58 beats, 120.0 a minute, 15 bars of 4/4, confidence 0.90, 30.0 s, by trial"
    )  # fmt: skip
    nothing = found(times_s=(), bar_position=(), tempo_bpm=0.0)
    assert summary(nothing, "by trial") == "no beats, 30.0 s, by trial"
