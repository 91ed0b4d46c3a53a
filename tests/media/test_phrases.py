"""Cuts at the breaths of an energy curve."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.artifacts import Beats
from qmv.media.phrases import phrase_cuts

FPS = Fraction(24)


def curve(*values: float, step_s: float = 0.5) -> Beats:
    return Beats(
        times_s=(), bar_position=(), tempo_bpm=0.0, confidence=0.0, duration_s=Fraction(len(values) * step_s),
        energy=values, energy_step_s=step_s,
    )  # fmt: skip


def dips(count: int, *at: int) -> Beats:
    return curve(*(0.1 if i in at else 0.6 for i in range(count)))


def test_phrases_begin_where_the_energy_has_sunk() -> None:
    assert phrase_cuts(dips(20, 5, 8, 13), (0, 228), (0, 228), 48, FPS) == [60, 96, 156]


def test_phrases_of_a_flat_curve_are_none() -> None:
    assert phrase_cuts(curve(*[0.5] * 20), (0, 228), (0, 228), 48, FPS) == []


def test_phrases_without_a_curve_are_none() -> None:
    assert phrase_cuts(curve(), (0, 228), (0, 228), 48, FPS) == []


def test_phrases_begin_in_the_free_part_only() -> None:
    found = phrase_cuts(dips(30, 5, 10, 15, 20), (0, 348), (200, 348), 48, FPS)
    assert found
    assert min(found) >= 200


def test_phrases_keep_near_the_wanted_length_where_breaths_are_far_apart() -> None:
    cuts = [0, *phrase_cuts(dips(60, 30), (0, 708), (0, 708), 48, FPS), 708]
    assert max(b - a for a, b in pairwise(cuts)) <= 1.75 * 48


@settings(max_examples=150, deadline=None)
@given(
    energy=st.lists(st.floats(0, 1), max_size=80),
    step_s=st.sampled_from([0.25, 0.5, 1.0]),
    span=st.tuples(st.integers(0, 300), st.integers(1, 900)),
    shot=st.floats(1, 400),
    fps=st.sampled_from([Fraction(1), Fraction(24), Fraction(30000, 1001)]),
)
def test_phrases_are_in_order_and_inside(
    energy: list[float], step_s: float, span: tuple[int, int], shot: float, fps: Fraction
) -> None:
    first, last = span[0], span[0] + span[1]
    cuts = phrase_cuts(curve(*energy, step_s=step_s), (first, last), (first, last), shot, fps)
    assert all(a < b for a, b in pairwise([first, *cuts, last]))
