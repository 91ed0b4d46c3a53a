"""Rubbish from a tracker is found out at once, and what can be put right is."""

from __future__ import annotations

import dataclasses
import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from qmv.analysis.tracked import TrackerFault, checked
from qmv.artifacts import Beats, Section, Stretch

SONG_S = Fraction(4)


def heard(**changes: Any) -> Beats:
    beats = Beats(times_s=(1.0, 2.0), bar_position=(1, 2), tempo_bpm=60.0, confidence=1.0, duration_s=SONG_S)
    return dataclasses.replace(beats, **changes)


def section(start_s: float, end_s: float) -> Section:
    return Section(start_s=start_s, end_s=end_s, label="A", energy=0.5)


def test_checked_keeps_good_beats_as_they_are() -> None:
    told = heard(tempi_bpm=(60.0, 60.0), sections=(section(0, 2), section(2, 4)), notes=("clear",), meter="4/4")
    assert checked(told, SONG_S) == told


def test_checked_measures_the_length_of_the_song_itself() -> None:
    assert checked(heard(duration_s=Fraction(1)), SONG_S).duration_s == SONG_S


@pytest.mark.parametrize(
    ("rubbish", "words"),
    [
        (None, "must give Beats, got None"),
        ([0.5, 1.0], "must give Beats"),
        (heard(times_s=(2.0, 1.0)), "in order, each once, got 1 s after 2 s"),
        (heard(times_s=(1.0, 1.0)), "in order, each once"),
        (heard(times_s=(1.0, math.nan)), "numbers as times_s, got nan"),
        (heard(times_s=(1.0, math.inf)), "numbers as times_s, got inf"),
        (heard(times_s=(1.0, "2")), "numbers as times_s, got '2'"),
        (heard(times_s=None), "a tuple as times_s, got None"),
        (heard(times_s=(1000.0, 2000.0)), "within the song, which is 4.000 s long, got 1000 s"),
        (heard(times_s=(-2.0, 1.0)), "within the song"),
        (heard(bar_position=(1,)), "2 beats, 1 positions"),
        (heard(bar_position=(1, 2.5)), "whole numbers of 0 to 32 as bar_position, got 2.5"),
        (heard(bar_position=(1, -1)), "whole numbers of 0 to 32"),
        (heard(bar_position=(1, 10**9)), "whole numbers of 0 to 32"),
        (heard(tempo_bpm=-5.0), "tempo_bpm as numbers of 0 or more, got -5"),
        (heard(tempi_bpm=(60.0, -1.0)), "tempo_bpm as numbers of 0 or more, got -1"),
        (heard(confidence=99.0), "confidence as numbers of 0 to 1, got 99"),
        (heard(energy=(0.5, 2.0)), "energy as numbers of 0 to 1, got 2"),
        (heard(tempi_bpm=(60.0,)), "2 positions and 1 tempi"),
        (heard(tempo_bpm=math.nan), "numbers as tempo_bpm"),
        (heard(confidence=None), "confidence"),
        (heard(energy_step_s=0.0), "energy_step_s above 0, got 0"),
        (heard(energy=(0.5, math.nan)), "numbers as energy"),
        (heard(sections=(section(2, 4), section(0, 2))), "sections in order within the song"),
        (heard(stretches=((0, 4),)), "Stretch values as stretches"),
    ],
)
def test_checked_refuses_rubbish(rubbish: object, words: str) -> None:
    with pytest.raises(TrackerFault, match=words):
        checked(rubbish, SONG_S)


def test_checked_leaves_out_beats_just_outside_of_the_song() -> None:
    told = heard(times_s=(-0.01, 1.0, 4.0), bar_position=(4, 1, 2), tempi_bpm=(60.0, 61.0, 62.0))
    found = checked(told, SONG_S)
    assert (found.times_s, found.bar_position, found.tempi_bpm) == ((1.0,), (1,), (61.0,))


def test_checked_makes_plain_numbers_of_arrays() -> None:
    told = heard(
        times_s=np.array([1, 2], np.float32),
        bar_position=np.array([1, 2]),
        tempo_bpm=np.float32(60),
        stretches=(Stretch(start_s=0, end_s=4, tempo_bpm=np.float32(60), confidence=1),),  # type: ignore[arg-type]
    )
    found = checked(told, SONG_S)
    assert json.dumps([found.times_s, found.bar_position, found.tempo_bpm, found.stretches[0].tempo_bpm])
