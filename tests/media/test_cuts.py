"""Cuts, for arbitrary beats."""

from __future__ import annotations

import dataclasses
import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.artifacts import Beats, Section
from qmv.media.cuts import BEATS, EVEN, PHRASES, Cut
from qmv.media.cuts import cut_points as cuts_at
from qmv.media.pace import Pace
from qmv.media.timebase import frame_at, frame_count

RATES = [Fraction(r) for r in (24, 25, 30, 50, 60)] + [Fraction(r * 1000, 1001) for r in (24, 30, 60)]
FEW = settings(max_examples=150, deadline=None)


def cut_points(song: Beats, pace: object, min_images: int, fps: Fraction) -> list[Cut]:
    return cuts_at(song, Pace.of(pace), min_images, fps)


def beats(times: list[float], duration_s: Fraction) -> Beats:
    return Beats(
        times_s=tuple(times),
        bar_position=(0,) * len(times),
        tempo_bpm=120.0 if times else 0.0,
        confidence=1.0,
        duration_s=duration_s,
    )


def steady(bpm: float, duration_s: int, first_s: float = 0.0) -> Beats:
    count = int((duration_s - first_s) * bpm / 60)
    return beats([first_s + i * 60 / bpm for i in range(count)], Fraction(duration_s))


@st.composite
def any_beats(draw: st.DrawFn) -> Beats:
    """Beats of any kind: none, a few, crowded into one frame, long gaps, some past the end."""
    samples = draw(st.integers(1, 44100 * 40))
    gaps = draw(st.lists(st.floats(0.001, 3.0), max_size=60))
    first = draw(st.floats(0, 10))
    times = [first + total for total in itertools.accumulate([0.0, *gaps])] if draw(st.booleans()) else []
    song = beats([round(time, 6) for time in times], Fraction(samples, 44100))
    meter = draw(st.sampled_from([0, 1, 3, 4]))
    shift = draw(st.integers(0, 3))
    positions = tuple((shift + number) % meter + 1 if meter else 0 for number in range(len(times)))
    energy = tuple(draw(st.lists(st.floats(0, 1), max_size=90)))
    lengths = draw(st.lists(st.floats(0.05, 15), max_size=6))
    return dataclasses.replace(song, bar_position=positions, energy=energy, sections=sections(*lengths))


def sections(*lengths_s: float, labels: str = "ABCABC", energies: tuple[float, ...] = (0.5,)) -> tuple[Section, ...]:
    edges = [0.0, *itertools.accumulate(lengths_s)]
    words = zip(itertools.pairwise(edges), itertools.cycle(labels), itertools.cycle(energies))
    return tuple(Section(start_s=a, end_s=b, label=label, energy=energy) for (a, b), label, energy in words)


def barred(song: Beats, meter: int, pickup: int = 0) -> Beats:
    """With bars, after so many beats of an unfinished one."""
    positions = tuple((number - pickup) % meter + 1 for number in range(len(song.times_s)))
    return dataclasses.replace(song, bar_position=positions)


CASES = {
    "song": any_beats(),
    "fps": st.sampled_from(RATES),
    "beats_per_image": st.one_of(
        st.integers(1, 16), st.dictionaries(st.sampled_from(["calm", "loud", "A", "B", "default"]), st.integers(1, 16))
    ),
    "min_images": st.integers(1, 20),
}


@FEW
@given(**CASES)
def test_cut_points_start_at_zero_and_increase_within_the_video(
    song: Beats, fps: Fraction, beats_per_image: object, min_images: int
) -> None:
    frames = [cut.frame for cut in cut_points(song, beats_per_image, min_images, fps)]
    assert frames[0] == 0
    assert frames == sorted(set(frames))
    assert frames[-1] < frame_count(song.duration_s, fps)


@FEW
@given(**CASES)
def test_cut_points_are_at_least_as_many_as_asked_for(
    song: Beats, fps: Fraction, beats_per_image: object, min_images: int
) -> None:
    wanted = min(min_images, frame_count(song.duration_s, fps))
    assert len(cut_points(song, beats_per_image, min_images, fps)) >= wanted


@FEW
@given(**CASES)
def test_cut_points_lie_on_the_frame_nearest_to_their_beat(
    song: Beats, fps: Fraction, beats_per_image: object, min_images: int
) -> None:
    for cut in cut_points(song, beats_per_image, min_images, fps):
        if cut.beat is not None:
            assert cut.frame == frame_at(song.times_s[cut.beat], fps)


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("bpm", [60, 118, 174.6])
def test_cut_points_do_not_drift_in_ten_minutes(bpm: float, fps: Fraction) -> None:
    song = steady(bpm, 600)
    cuts = cut_points(song, 4, 8, fps)
    assert len(cuts) >= int(600 * bpm / 60) // 4
    for cut in cuts:
        if cut.beat is not None:
            assert abs(cut.frame / fps - Fraction(song.times_s[cut.beat])) <= Fraction(1, 2) / fps


def test_cut_points_take_every_fourth_beat() -> None:
    cuts = cut_points(steady(120, 8), 4, 1, Fraction(24))
    assert [(cut.frame, cut.beat) for cut in cuts] == [(0, 0), (48, 4), (96, 8), (144, 12)]


def test_cut_points_let_a_short_lead_in_join_the_first_shot() -> None:
    cuts = cut_points(steady(120, 8, first_s=0.37), 4, 1, Fraction(24))
    assert [(cut.frame, cut.beat) for cut in cuts][:2] == [(0, None), (frame_at(2.37, Fraction(24)), 4)]


def test_cut_points_give_a_long_lead_in_shots_of_its_own() -> None:
    cuts = cut_points(steady(120, 16, first_s=6.0), 4, 1, Fraction(24))
    assert [cut.frame for cut in cuts][:4] == [0, 48, 96, 144]
    assert [cut.beat for cut in cuts][:4] == [None, None, None, 0]


def test_cut_points_go_on_after_the_last_beat() -> None:
    cuts = cut_points(beats([i * 0.5 for i in range(9)], Fraction(12)), 4, 1, Fraction(24))
    assert max(b.frame - a.frame for a, b in itertools.pairwise(cuts)) <= 1.75 * 48


def test_cut_points_are_even_where_no_beat_is_heard() -> None:
    cuts = cut_points(beats([], Fraction(8)), 4, 1, Fraction(24))
    assert [(cut.frame, cut.beat, cut.paced_by) for cut in cuts] == [(at, None, EVEN) for at in (0, 48, 96, 144)]


def test_cut_points_take_whole_beats_where_a_song_is_short() -> None:
    cuts = cut_points(steady(120, 8), 4, 8, Fraction(24))
    assert len(cuts) == 8
    assert {cut.beat for cut in cuts} == {0, 2, 4, 6, 8, 10, 12, 14}


def test_cut_points_of_a_song_of_few_frames_are_its_frames() -> None:
    cuts = cut_points(beats([], Fraction(1, 8)), 4, 8, Fraction(24))
    assert [cut.frame for cut in cuts] == [0, 1, 2]


# -- bars ------------------------------------------------------------------------------------------------------------


def beats_of(cuts: list[Cut]) -> list[int | None]:
    return [cut.beat for cut in cuts]


@pytest.mark.parametrize(
    ("count", "meter", "wanted"),
    [
        (4, 4, [0, 4, 8, 12]),
        (8, 4, [0, 8]),
        (2, 4, [0, 2, 4, 6, 8, 10, 12, 14]),
        (3, 3, [0, 3, 6, 9, 12]),
        (6, 3, [0, 6, 12]),
    ],
)
def test_cut_points_fall_on_places_of_the_bar(count: int, meter: int, wanted: list[int]) -> None:
    assert beats_of(cut_points(barred(steady(120, 8), meter), count, 1, Fraction(24))) == wanted


def test_cut_points_count_bars_from_the_first_downbeat() -> None:
    """Two beats of pickup are half of a shot, and so a shot; one is not."""
    assert beats_of(cut_points(barred(steady(120, 8), 4, pickup=2), 4, 1, Fraction(24))) == [0, 2, 6, 10, 14]
    assert beats_of(cut_points(barred(steady(120, 8), 4, pickup=1), 4, 1, Fraction(24))) == [0, 5, 9, 13]


def test_cut_points_return_to_the_downbeat_after_an_uneven_bar() -> None:
    positions = (1, 2, 3, 4, 1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4, 5)
    song = dataclasses.replace(steady(120, 8), bar_position=positions)
    assert beats_of(cut_points(song, 4, 1, Fraction(24))) == [0, 4, 7, 11]
    assert beats_of(cut_points(song, 2, 1, Fraction(24))) == [0, 2, 4, 6, 7, 9, 11, 13, 15]


def test_cut_points_go_on_where_a_downbeat_was_missed() -> None:
    positions = tuple(range(1, 13)) + (1, 2, 3, 4)
    song = dataclasses.replace(barred(steady(120, 16), 4), bar_position=positions + (1, 2, 3, 4) * 4)
    assert beats_of(cut_points(song, 4, 1, Fraction(24)))[:4] == [0, 4, 8, 12]


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001)], ids=str)
@pytest.mark.parametrize(("meter", "count"), [(3, 3), (3, 6), (4, 4), (4, 8), (4, 16)])
def test_cut_points_of_whole_bars_are_all_downbeats(meter: int, count: int, fps: Fraction) -> None:
    song = barred(steady(97.3, 120), meter)
    assert {song.bar_position[cut.beat] for cut in cut_points(song, count, 1, fps) if cut.beat is not None} == {1}


def test_cut_points_of_a_short_song_with_bars_halve_the_beats_a_picture_stays() -> None:
    cuts = cut_points(barred(steady(120, 10), 4), 4, 8, Fraction(24))
    assert beats_of(cuts) == list(range(0, 20, 2))


# -- sections --------------------------------------------------------------------------------------------------------


def test_cut_points_start_a_shot_with_each_section() -> None:
    """The second section begins at beat 6, where no count of fours from the song's start would come."""
    song = dataclasses.replace(steady(120, 10), sections=sections(3, 7))
    assert beats_of(cut_points(song, 4, 1, Fraction(24))) == [0, 4, 6, 10, 14, 18]


def test_cut_points_let_a_rest_before_a_section_join_the_shot_before() -> None:
    song = dataclasses.replace(steady(120, 10), sections=sections(2.5, 7.5))
    assert beats_of(cut_points(song, 4, 1, Fraction(24))) == [0, 5, 9, 13, 17]


def test_cut_points_move_a_section_to_the_nearest_beat() -> None:
    song = dataclasses.replace(steady(120, 10), sections=sections(3.1, 6.9))
    assert 6 in beats_of(cut_points(song, 4, 1, Fraction(24)))


def test_cut_points_count_every_second_bar_from_the_start_of_a_section() -> None:
    song = dataclasses.replace(barred(steady(120, 22), 4), sections=sections(6, 16))
    assert beats_of(cut_points(song, 8, 1, Fraction(24))) == [0, 8, 12, 20, 28, 36]


def test_cut_points_begin_no_shot_for_a_section_shorter_than_half_of_one() -> None:
    song = dataclasses.replace(steady(120, 16), sections=sections(8, 0.5, 7.5))
    assert beats_of(cut_points(song, 4, 1, Fraction(24))) == [0, 4, 8, 12, 17, 21, 25, 29]


@pytest.mark.parametrize(
    ("pace", "wanted"),
    [
        ({"calm": 8, "loud": 2}, [0, 8, 12, 16, 18, 20, 22]),
        ({"A": 8, "B": 2}, [0, 8, 10, 12, 14, 16, 20]),
        ({"loud": 2, "C": 4, "default": 8}, [0, 8, 16, 20]),
    ],
)
def test_cut_points_follow_the_energy_or_the_label_of_a_section(pace: object, wanted: list[int]) -> None:
    parts = sections(4, 4, 4, labels="ABC", energies=(0.1, 0.5, 0.9))
    assert beats_of(cut_points(dataclasses.replace(steady(120, 12), sections=parts), pace, 1, Fraction(24))) == wanted


@FEW
@given(
    lengths=st.lists(st.integers(1, 24), min_size=2, max_size=8),
    bars=st.sampled_from([(0, 0), (3, 0), (3, 1), (4, 0), (4, 2), (4, 3)]),
    count=st.integers(1, 12),
    fps=st.sampled_from(RATES),
    bpm=st.sampled_from([60.0, 97.3, 120.0, 174.6]),
)
def test_shots_last_at_least_half_of_their_beats(
    lengths: list[int], bars: tuple[int, int], count: int, fps: Fraction, bpm: float
) -> None:
    """And each section that is long enough for a shot starts one, unless the song begins right before it."""
    total, (meter, pickup) = sum(lengths), bars
    song = beats([i * 60 / bpm for i in range(total)], Fraction(total * 60 / bpm))
    song = barred(song, meter, pickup) if meter else song
    song = dataclasses.replace(song, sections=sections(*(length * 60 / bpm for length in lengths)))
    cuts = cut_points(song, count, 1, fps)
    ends = [cut.beat for cut in cuts[1:]] + [total]
    assert all(2 * (end - cut.beat) >= count for cut, end in zip(cuts, ends)) or len(cuts) == 1  # type: ignore[operator]
    starts = list(itertools.accumulate(lengths, initial=0))
    long = [start for start, length in zip(starts[1:], lengths[1:]) if start >= count and length >= count]
    assert set(long) <= set(beats_of(cuts))


# -- where no beat is heard ------------------------------------------------------------------------------------------


def waves(duration_s: float, every_s: float, step_s: float = 0.5) -> tuple[float, ...]:
    """An energy that sinks to its least every few seconds."""
    return tuple(0.5 - 0.4 * math.cos(math.tau * i * step_s / every_s) for i in range(int(duration_s / step_s) + 1))


def test_cut_points_follow_phrases_where_no_beat_is_heard() -> None:
    song = dataclasses.replace(beats([], Fraction(30)), energy=waves(30, 2.5))
    cuts = cut_points(song, 4, 1, Fraction(24))
    assert [cut.frame for cut in cuts] == [60 * number for number in range(12)]
    assert {(cut.beat, cut.paced_by) for cut in cuts} == {(None, PHRASES)}


def test_cut_points_follow_phrases_in_a_gap_between_beats() -> None:
    times = [i * 0.5 for i in range(9)] + [14 + i * 0.5 for i in range(12)]
    song = dataclasses.replace(beats(times, Fraction(20)), energy=waves(20, 2.5))
    cuts = cut_points(song, 4, 1, Fraction(24))
    assert (
        {7.5, 10, 12.5}
        <= {cut.frame / 24 for cut in cuts if cut.paced_by == PHRASES}
        <= {4.5 + i / 2 for i in range(19)}
    )
    assert [cut.beat for cut in cuts if cut.paced_by == BEATS] == [0, 4, 8, 9, 13, 17]


def test_cut_points_are_even_where_the_energy_says_nothing() -> None:
    song = dataclasses.replace(beats([], Fraction(8)), energy=(0.5,) * 17)
    assert [(cut.frame, cut.paced_by) for cut in cut_points(song, 4, 1, Fraction(24))] == [
        (frame, EVEN) for frame in (0, 48, 96, 144)
    ]


def test_cut_points_are_slower_where_calm_music_has_no_beat() -> None:
    calm = dataclasses.replace(beats([], Fraction(24)), sections=sections(24, energies=(0.1,)))
    assert [cut.frame for cut in cut_points(calm, 4, 1, Fraction(24))] == [0, 72, 144, 216, 288, 360, 432, 504]


def test_cut_points_start_a_section_without_beats_at_its_own_frame() -> None:
    song = dataclasses.replace(beats([], Fraction(12)), sections=sections(5, 7))
    assert 120 in [cut.frame for cut in cut_points(song, 4, 1, Fraction(24))]


def test_cut_points_say_that_a_short_lead_in_belongs_to_the_beats() -> None:
    cuts = cut_points(steady(120, 8, first_s=0.37), 4, 1, Fraction(24))
    assert {cut.paced_by for cut in cuts} == {BEATS}


@FEW
@given(**CASES)
def test_cut_points_stand_on_beats_where_they_say_so(
    song: Beats, fps: Fraction, beats_per_image: object, min_images: int
) -> None:
    cuts = cut_points(song, beats_per_image, min_images, fps)
    assert all(cut.paced_by == BEATS for cut in cuts if cut.beat is not None)
    assert all(cut.paced_by in (BEATS, PHRASES, EVEN) for cut in cuts)
