"""Transitions and chunks, for arbitrary shots."""

from __future__ import annotations

import itertools
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.artifacts import Storyboard
from qmv.media.timeline import Overlap, chunk_spans, held, overlaps, seen
from qmv.testing import song_shot

RATES = [Fraction(r) for r in (24, 25, 30, 50, 60)] + [Fraction(r * 1000, 1001) for r in (24, 30, 60)]
FEW = settings(max_examples=150, deadline=None)


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


# -- shots without a picture -----------------------------------------------------------------------------------------


@FEW
@given(lengths=LENGTHS, data=st.data())
def test_shots_that_are_held_cover_all_frames_in_their_order(lengths: list[int], data: st.DataObject) -> None:
    plan = board(lengths)
    kept = data.draw(st.sets(st.sampled_from(range(len(lengths))), min_size=1))
    missing = {*range(len(lengths))} - kept
    shots = held(plan, missing).shots
    assert [shot.seed for shot in shots] == [plan.shots[index].seed for index in sorted(kept)]
    assert [shot.index for shot in shots] == list(range(len(kept)))
    assert (shots[0].start, shots[-1].end) == (0, plan.frames)
    assert all(a.end == b.start and a.frames >= 1 for a, b in itertools.pairwise(shots))


@FEW
@given(lengths=LENGTHS, data=st.data())
def test_a_shot_that_is_held_moves_no_other_cut(lengths: list[int], data: st.DataObject) -> None:
    """Each shot but the first begins where it was planned, and none ends sooner than planned."""
    plan = board(lengths)
    kept = sorted(data.draw(st.sets(st.sampled_from(range(len(lengths))), min_size=1)))
    shots = held(plan, {*range(len(lengths))} - {*kept}).shots
    for index, shot in zip(kept, shots, strict=True):
        assert shot.start in (0, plan.shots[index].start)
        assert shot.end >= plan.shots[index].end
    assert [shot.start for shot in shots[1:]] == [plan.shots[index].start for index in kept[1:]]


def test_a_storyboard_without_a_gap_is_held_as_it_is() -> None:
    plan = board([12, 12])
    assert held(plan, ()) is plan


def test_the_shot_before_a_gap_stays_and_the_first_of_all_comes_sooner() -> None:
    shots = held(board([10, 20, 30, 40]), [0, 2]).shots
    assert [(shot.start, shot.end) for shot in shots] == [(0, 60), (60, 100)]
