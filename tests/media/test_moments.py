"""Where in the music a frame is."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction

import pytest

from qmv.artifacts import Beats, Section
from qmv.media.moments import moments
from qmv.media.timebase import frame_at

FPS = Fraction(24)


def beats(times: tuple[float, ...], bars: tuple[int, ...] = (), sections: tuple[Section, ...] = ()) -> Beats:
    return Beats(
        times_s=times,
        bar_position=bars or (0,) * len(times),
        tempo_bpm=120.0,
        confidence=1.0,
        duration_s=Fraction(10),
        sections=sections,
    )


def phases(song: Beats, fps: Fraction = FPS, count: int = 60) -> list[float | None]:
    return [moment.beat_phase for moment in moments(song, fps, 0, count)]


def drops(found: list[float | None]) -> list[int]:
    """The frames at which a beat begins."""
    steps = enumerate(itertools.pairwise(found), 1)
    return [number for number, (a, b) in steps if a is not None and b is not None and b < a]


def test_moments_rise_from_a_beat_to_the_next() -> None:
    found = phases(beats((0.0, 0.5, 1.0, 1.5)), count=24)
    assert found == pytest.approx([(i % 12) / 12 for i in range(24)], abs=1e-6)


def test_moments_have_no_phase_before_the_first_beat() -> None:
    assert phases(beats((1.0, 1.5, 2.0)), count=23) == [None] * 23


def test_moments_have_no_phase_without_beats() -> None:
    assert phases(beats(()), count=3) == [None] * 3


def test_moments_count_bars_from_downbeats() -> None:
    song = beats(tuple(i * 0.5 for i in range(9)), (1, 2, 3, 4, 1, 2, 3, 4, 1))
    assert [moments(song, FPS, frame, 1)[0].bar_phase for frame in (0, 12, 24, 48)] == [0.0, 0.25, 0.5, 0.0]


def test_moments_know_no_bar_where_the_tracker_knows_none() -> None:
    assert {moment.bar_phase for moment in moments(beats((0.0, 0.5, 1.0)), FPS, 0, 10)} == {None}


def test_moments_take_the_energy_of_their_section() -> None:
    parts = (Section(start_s=0, end_s=1, label="A", energy=0.2), Section(start_s=1, end_s=2, label="B", energy=0.9))
    assert [m.energy for m in moments(beats((), sections=parts), FPS, 22, 4)] == [0.2, 0.2, 0.9, 0.9]


def test_moments_take_the_energy_of_the_curve_where_there_is_one() -> None:
    parts = (Section(start_s=0, end_s=10, label="A", energy=0.2),)
    song = dataclasses.replace(beats((), sections=parts), energy=(0.0, 0.6, 0.4))
    found = [moment.energy for moment in moments(song, FPS, 0, 60)]
    assert [found[frame] for frame in (0, 6, 12, 18, 24, 59)] == pytest.approx([0.0, 0.3, 0.6, 0.5, 0.4, 0.4])


def test_moments_are_of_middling_energy_where_no_section_is_known() -> None:
    assert moments(beats(()), FPS, 0, 1)[0].energy == 0.5


def test_moments_of_a_later_chunk_are_those_of_the_song() -> None:
    song = beats((0.0, 0.5, 1.0, 1.5, 2.0))
    assert moments(song, FPS, 10, 20) == moments(song, FPS, 0, 30)[10:]


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(24000, 1001), Fraction(30)], ids=str)
@pytest.mark.parametrize("bpm", [118, 97.3])
def test_moments_begin_a_beat_on_the_frame_that_the_cut_takes(bpm: float, fps: Fraction) -> None:
    times = tuple(round(0.37 + i * 60 / bpm, 6) for i in range(12))
    found = phases(beats(times), fps, frame_at(times[-1], fps))
    assert drops(found) == [frame_at(time, fps) for time in times[1:-1]]


def test_moments_begin_a_beat_half_way_between_frames_on_the_frame_of_the_cut() -> None:
    """120 beats a minute at 25 frames a second: every other beat lies at .5 of a frame, and cuts round up."""
    found = phases(beats((0.0, 0.5, 1.0, 1.5)), Fraction(25), 25)
    assert drops(found) == [frame_at(0.5, Fraction(25))]


def test_moments_begin_the_last_beat_too() -> None:
    assert phases(beats((0.0, 0.5, 1.0)), count=25)[24] == 0.0
