"""Cuts, transitions and chunks, for arbitrary beats."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.artifacts import Beats, Storyboard
from qmv.media.timebase import frame_at, frame_count
from qmv.media.timeline import Overlap, chunk_spans, cut_points, overlaps, seen
from qmv.testing import song_shot

RATES = [Fraction(r) for r in (24, 25, 30, 50, 60)] + [Fraction(r * 1000, 1001) for r in (24, 30, 60)]
FEW = settings(max_examples=150, deadline=None)


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
    return beats([round(time, 6) for time in times], Fraction(samples, 44100))


CASES = {
    "song": any_beats(),
    "fps": st.sampled_from(RATES),
    "beats_per_image": st.integers(1, 16),
    "min_images": st.integers(1, 20),
}


@FEW
@given(**CASES)
def test_cut_points_start_at_zero_and_increase_within_the_video(
    song: Beats, fps: Fraction, beats_per_image: int, min_images: int
) -> None:
    frames = [cut.frame for cut in cut_points(song, beats_per_image, min_images, fps)]
    assert frames[0] == 0
    assert frames == sorted(set(frames))
    assert frames[-1] < frame_count(song.duration_s, fps)


@FEW
@given(**CASES)
def test_cut_points_are_at_least_as_many_as_asked_for(
    song: Beats, fps: Fraction, beats_per_image: int, min_images: int
) -> None:
    wanted = min(min_images, frame_count(song.duration_s, fps))
    assert len(cut_points(song, beats_per_image, min_images, fps)) >= wanted


@FEW
@given(**CASES)
def test_cut_points_lie_on_the_frame_nearest_to_their_beat(
    song: Beats, fps: Fraction, beats_per_image: int, min_images: int
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
    assert [(cut.frame, cut.beat) for cut in cuts] == [(0, None), (48, None), (96, None), (144, None)]


def test_cut_points_take_whole_beats_where_a_song_is_short() -> None:
    cuts = cut_points(steady(120, 8), 4, 8, Fraction(24))
    assert len(cuts) == 8
    assert {cut.beat for cut in cuts} == {0, 2, 4, 6, 8, 10, 12, 14}


def test_cut_points_of_a_song_of_few_frames_are_its_frames() -> None:
    cuts = cut_points(beats([], Fraction(1, 8)), 4, 8, Fraction(24))
    assert [cut.frame for cut in cuts] == [0, 1, 2]


# -- transitions and chunks ------------------------------------------------------------------------------------------


def board(lengths: list[int], fps: Fraction = Fraction(24)) -> Storyboard:
    starts = [0, *itertools.accumulate(lengths)]
    shots = tuple(song_shot(length, start=start, index=i) for i, (length, start) in enumerate(zip(lengths, starts)))
    return Storyboard(fps=fps, frames=sum(lengths), shots=shots)


LENGTHS = st.lists(st.one_of(st.integers(1, 4), st.integers(1, 300)), min_size=1, max_size=12)
BOARDS = {
    "lengths": LENGTHS,
    "fps": st.sampled_from(RATES),
    "length_s": st.one_of(st.just(0.0), st.floats(0, 10)),
    "max_frames": st.integers(12, 260),
}


@FEW
@given(**BOARDS)
def test_chunks_tile_the_frames(lengths: list[int], fps: Fraction, length_s: float, max_frames: int) -> None:
    plan = board(lengths, fps)
    spans = chunk_spans(plan, overlaps(plan, length_s), max_frames)
    assert [span.first for span in spans] == [0, *itertools.accumulate(span.frames for span in spans)][:-1]
    assert sum(span.frames for span in spans) == plan.frames
    assert all(1 <= span.frames <= max_frames for span in spans)


@FEW
@given(**BOARDS)
def test_transitions_never_meet_and_never_move_a_cut(
    lengths: list[int], fps: Fraction, length_s: float, max_frames: int
) -> None:
    plan = board(lengths, fps)
    transitions = overlaps(plan, length_s)
    assert [overlap.cut for overlap in transitions] == [shot.start for shot in plan.shots]
    assert all(a.cut + a.half <= b.cut - b.half for a, b in itertools.pairwise(transitions))
    assert transitions[0].half == 0
    assert transitions[-1].cut + transitions[-1].half <= plan.frames


@FEW
@given(**BOARDS)
def test_transitions_are_as_long_as_asked_or_as_their_shots_allow(
    lengths: list[int], fps: Fraction, length_s: float, max_frames: int
) -> None:
    plan = board(lengths, fps)
    wanted = round(Fraction(length_s) * fps / 2)
    for overlap, (a, b) in zip(overlaps(plan, length_s)[1:], itertools.pairwise(plan.shots)):
        assert overlap.half == min(wanted, a.frames // 2, b.frames // 2)


@FEW
@given(**BOARDS)
def test_a_picture_is_seen_in_the_chunks_of_two_shots_at_most(
    lengths: list[int], fps: Fraction, length_s: float, max_frames: int
) -> None:
    plan = board(lengths, fps)
    transitions = overlaps(plan, length_s)
    spans = chunk_spans(plan, transitions, max_frames)
    for shot in plan.shots:
        view = seen(shot, transitions)
        touched = {span.shot for span in spans if span.first < view.end and span.first + span.frames > view.start}
        assert touched <= {shot.index, shot.index + 1}


def test_overlap_is_half_over_at_the_cut() -> None:
    overlap = Overlap(cut=100, half=6)
    assert (overlap.position(99), overlap.position(100)) == (5.5 / 12, 6.5 / 12)


def test_overlap_covers_its_frames_and_no_others() -> None:
    overlap = Overlap(cut=10, half=2)
    assert [frame for frame in range(20) if overlap.position(frame) is not None] == [8, 9, 10, 11]


def test_overlap_of_a_hard_cut_covers_no_frame() -> None:
    assert [Overlap(cut=10, half=0).position(frame) for frame in range(9, 12)] == [None] * 3


def test_seen_includes_both_transitions_counted_from_the_chunk() -> None:
    plan = board([48, 48, 48])
    view = seen(plan.shots[1], overlaps(plan, 0.5), first=42)
    assert (view.start, view.end) == (0, 60)
