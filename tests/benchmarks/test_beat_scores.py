"""The scores of trackers, on beats whose scores are known in advance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.beat_scores import Truth, mean, score


def beats(bpm: float = 120.0, shift_s: float = 0.0, meter: int = 4, count: int = 80) -> Truth:
    times = 0.5 + shift_s + np.arange(count) * 60 / bpm
    return Truth(times_s=times, positions=np.arange(count) % meter + 1 if meter else np.zeros(count, np.int64))


NOTHING = Truth(times_s=np.array([]), positions=np.array([], np.int64))


def test_true_beats_score_one() -> None:
    found = score(beats(), beats())
    assert (found.f, found.cmlt, found.amlt, found.downbeat_f, found.tempo_ratio) == (1, 1, 1, 1, 1)
    assert found.offset_ms == pytest.approx(0, abs=1e-9)


def test_late_beats_score_one_and_their_lateness_is_told() -> None:
    found = score(beats(shift_s=0.030), beats())
    assert (found.f, found.cmlt) == (1, 1)
    assert found.offset_ms == pytest.approx(30, abs=1e-6)


def test_beats_later_than_the_tolerance_miss() -> None:
    found = score(beats(shift_s=0.080), beats())
    assert (found.f, found.offset_ms) == (0, None)


def test_half_the_tempo_is_right_at_a_related_tempo_only() -> None:
    found = score(Truth(times_s=beats().times_s[::2], positions=beats().positions[::2]), beats())
    assert found.f == pytest.approx(2 / 3, abs=0.02)
    assert (found.cmlt, found.tempo_ratio) == (0, 0.5)
    assert found.amlt > 0.95


def test_off_beats_are_right_at_a_related_tempo_only() -> None:
    found = score(beats(shift_s=0.25), beats())
    assert (found.f, found.cmlt) == (0, 0)
    assert found.amlt > 0.95


def test_bars_that_begin_a_beat_late_have_no_right_downbeat() -> None:
    late = Truth(times_s=beats().times_s, positions=(np.arange(80) - 1) % 4 + 1)
    found = score(late, beats())
    assert (found.f, found.downbeat_f) == (1, 0)


def test_downbeats_do_not_count_where_bars_are_not_known() -> None:
    assert score(beats(), beats(meter=0)).downbeat_f is None


def test_no_beats_score_nothing_where_there_are_some() -> None:
    found = score(NOTHING, beats())
    assert (found.f, found.cmlt, found.amlt, found.downbeat_f, found.tempo_ratio, found.offset_ms) == (
        0, 0, 0, 0, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(("found", "expected"), [(NOTHING, 1.0), (beats(), 0.0)])
def test_where_there_is_no_beat_only_silence_is_right(found: Truth, expected: float) -> None:
    scores = score(found, NOTHING)
    assert (scores.f, scores.cmlt, scores.amlt, scores.downbeat_f) == (expected, expected, expected, None)


def test_the_first_seconds_do_not_count() -> None:
    wrong = np.concatenate([[0.1, 1.3, 2.2], beats().times_s[beats().times_s >= 5]])
    assert score(Truth(times_s=wrong, positions=np.zeros(len(wrong), np.int64)), beats()).f == 1


def test_a_beats_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "song.beats"
    file.write_text("0.5\t4\n1.000000\t1\n\n", encoding="utf-8")
    truth = Truth.read(file)
    assert (truth.times_s.tolist(), truth.positions.tolist(), truth.downbeats_s.tolist()) == ([0.5, 1.0], [4, 1], [1.0])


def test_mean_leaves_out_what_is_not_there() -> None:
    assert mean([1.0, None, 2.0]) == 1.5
    assert mean([None]) is None
