"""How many beats a picture stays, as people write it."""

from __future__ import annotations

import pytest

from qmv.artifacts import Section
from qmv.errors import UnknownName
from qmv.media.pace import Pace


def part(label: str = "A", energy: float = 0.5) -> Section:
    return Section(start_s=0.0, end_s=10.0, label=label, energy=energy)


def test_pace_of_a_number_is_the_same_everywhere() -> None:
    assert {Pace.of(3).beats(part("ABC"[i], i / 2)) for i in range(3)} == {3}


@pytest.mark.parametrize(("energy", "beats"), [(0.1, 8), (0.5, 4), (0.9, 2)])
def test_pace_follows_the_energy(energy: float, beats: int) -> None:
    assert Pace.of({"calm": 8, "normal": 4, "loud": 2}).beats(part(energy=energy)) == beats


def test_pace_of_a_label_goes_before_that_of_an_energy() -> None:
    assert Pace.of({"loud": 2, "A": 6}).beats(part("A", 0.9)) == 6


def test_pace_falls_back_to_the_default() -> None:
    assert Pace.of({"loud": 2, "default": 16}).beats(part()) == 16


def test_pace_falls_back_to_four() -> None:
    assert Pace.of({"loud": 2}).beats(part()) == 4


def test_pace_tells_which_labels_the_song_has_not() -> None:
    assert Pace.of({"A": 2, "chorus": 2, "loud": 1, "default": 3}).unused([part("A"), part("B")]) == ["chorus"]


def test_pace_halves_whole_beats_down_to_two() -> None:
    slower = Pace.of({"calm": 16, "A": 6, "B": 1, "default": 2}).halved()
    assert slower == Pace.of({"calm": 8, "A": 3, "B": 1, "default": 2})


@pytest.mark.parametrize("value", ["two", 2.5, True, None, [4], {"calm": "8"}, {"calm": 2.5}])
def test_pace_refuses_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number of beats, or a mapping such as"):
        Pace.of(value)


def test_pace_names_the_entry_that_is_too_small() -> None:
    with pytest.raises(ValueError, match=r"^beats_per_image\.loud must be at least 1 \(beats\), got 0$"):
        Pace.of({"loud": 0})


@pytest.mark.parametrize(
    ("key", "meant"), [("clam", "calm"), ("Loud", "loud"), ("nromal", "normal"), ("defualt", "default")]
)
def test_pace_asks_back_for_a_misspelled_energy(key: str, meant: str) -> None:
    with pytest.raises(UnknownName, match=f"'{key}' is not known. Did you mean '{meant}'"):
        Pace.of({key: 2})


@pytest.mark.parametrize("key", ["A", "B2", "verse", "chorus", "intro", "bridge", "drop", "outro", "solo"])
def test_pace_takes_other_words_for_labels(key: str) -> None:
    assert Pace.of({key: 2}).beats(part(key)) == 2
