"""Artifacts on disk: what is written is read back, also where the folder has moved."""

from __future__ import annotations

import dataclasses
import json
import shutil
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.artifacts import Artifact, Beats, Delivery, File, Picture, Pictures, Section, Shot, Song, Storyboard, Video
from qmv.plain import content, dump, files, load

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(min_value=0, max_value=2**31 - 1)
TEXT = st.text(max_size=20)

SECTIONS = st.builds(Section, start_s=NUMBERS, end_s=NUMBERS, label=TEXT, energy=NUMBERS)
BEATS = st.builds(
    Beats,
    times_s=st.lists(NUMBERS, max_size=5).map(tuple),
    bar_position=st.lists(WHOLE, max_size=5).map(tuple),
    tempo_bpm=NUMBERS,
    confidence=NUMBERS,
    duration_s=st.fractions(min_value=0),
    sections=st.lists(SECTIONS, max_size=3).map(tuple),
    notes=st.lists(TEXT, max_size=2).map(tuple),
)
SHOTS = st.builds(
    Shot,
    index=WHOLE,
    start=WHOLE,
    end=WHOLE,
    beat=st.none() | WHOLE,
    section=TEXT,
    framing=TEXT,
    subject=TEXT,
    prompt=TEXT,
    negative_prompt=TEXT,
    seed=WHOLE,
)
STORYBOARDS = st.builds(
    Storyboard,
    fps=st.fractions(min_value=1, max_value=240),
    frames=WHOLE,
    shots=st.lists(SHOTS, max_size=4).map(tuple),
    notes=st.lists(TEXT, max_size=2).map(tuple),
)


def through_json(value: object, folder: Path, within: Path | None = None) -> Any:
    return json.loads(json.dumps(dump(value, folder, within)))


def file_in(folder: Path, name: str = "a.png", content: bytes = b"picture") -> File:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return File.of(path)


def picture(file: File, cost: Decimal | None = None) -> Picture:
    return Picture(file=file, width_px=64, height_px=36, provider="folder", seed=1, prompt="a hill", cost=cost)


# -- there and back --------------------------------------------------------------------------------------------------


@given(BEATS)
def test_beats_come_back_as_they_were(beats: Beats) -> None:
    assert load(Beats, through_json(beats, Path("/x")), Path("/x")) == beats


@given(STORYBOARDS)
def test_storyboard_comes_back_as_it_was(storyboard: Storyboard) -> None:
    assert load(Storyboard, through_json(storyboard, Path("/x")), Path("/x")) == storyboard


def test_pictures_come_back_as_they_were(tmp_path: Path) -> None:
    shots = (picture(file_in(tmp_path), cost=Decimal("0.0020")),)
    pictures = Pictures(width_px=64, height_px=36, pictures=shots)
    assert load(Pictures, through_json(pictures, tmp_path), tmp_path) == pictures


def test_song_without_an_end_comes_back_as_it_was(tmp_path: Path) -> None:
    song = Song(file=file_in(tmp_path), title="Größe", artist="", start_s=0.5)
    assert load(Song, through_json(song, tmp_path), tmp_path) == song


def test_delivery_comes_back_as_it_was(tmp_path: Path) -> None:
    delivery = Delivery(url="https://example.org/a.mp4", storage="s3", unchanged=True, companions=("a.json",))
    assert load(Delivery, through_json(delivery, tmp_path), tmp_path) == delivery


def test_exact_rate_is_kept_as_a_fraction(tmp_path: Path) -> None:
    storyboard = Storyboard(fps=Fraction(30000, 1001), frames=1, shots=())
    assert dump(storyboard, tmp_path)["fps"] == "30000/1001"


# -- folders that move -----------------------------------------------------------------------------------------------


def test_file_inside_the_folder_is_kept_as_a_relative_path(tmp_path: Path) -> None:
    assert dump(file_in(tmp_path / "entry"), tmp_path / "entry")["path"] == "a.png"


def test_file_outside_the_folder_is_kept_as_an_absolute_path(tmp_path: Path) -> None:
    file = file_in(tmp_path / "elsewhere")
    assert dump(file, tmp_path / "entry")["path"] == str(file.path)


def test_file_of_another_entry_of_the_cache_is_kept_as_a_relative_path(tmp_path: Path) -> None:
    file = file_in(tmp_path / "cache" / "pictures" / "k")
    assert dump(file, tmp_path / "cache" / "stage" / "k", tmp_path / "cache")["path"] == "../../pictures/k/a.png"


def test_artifact_is_intact_after_its_tree_has_moved(tmp_path: Path) -> None:
    pictures = Pictures(width_px=64, height_px=36, pictures=(picture(file_in(tmp_path / "old" / "pictures" / "k")),))
    entry = tmp_path / "old" / "stage" / "k"
    entry.mkdir(parents=True)
    data = through_json(pictures, entry, tmp_path / "old")
    shutil.move(tmp_path / "old", tmp_path / "new")
    moved = load(Pictures, data, tmp_path / "new" / "stage" / "k")
    assert [file.intact() for file in files(moved)] == [True]


# -- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [{}, {"url": "a"}, {"url": "a", "storage": "s", "file": None, "more": 1}, [], 3, None, "text"]
)
def test_load_refuses_other_fields(data: Any) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        load(Delivery, data, Path("/x"))


def test_load_refuses_a_rate_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="Fraction"):
        load(Storyboard, {"fps": "fast", "frames": 1, "shots": [], "notes": [], "stand_in": ""}, Path("/x"))


# -- files -----------------------------------------------------------------------------------------------------------


def test_file_is_intact_as_it_was_made(tmp_path: Path) -> None:
    assert file_in(tmp_path).intact()


def test_file_with_other_bytes_of_the_same_length_is_not_intact(tmp_path: Path) -> None:
    file = file_in(tmp_path, content=b"abc")
    file.path.write_bytes(b"abd")
    assert not file.intact()


def test_file_that_is_gone_is_not_intact(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    file.path.unlink()
    assert not file.intact()


def test_files_finds_those_of_nested_values(tmp_path: Path) -> None:
    first, second = file_in(tmp_path, "1.png"), file_in(tmp_path, "2.png")
    pictures = Pictures(width_px=64, height_px=36, pictures=(picture(first), picture(second)))
    assert files(pictures) == [first, second]


def test_files_finds_none_in_plain_values() -> None:
    assert files(Storyboard(fps=Fraction(24), frames=1, shots=())) == []


@pytest.mark.parametrize("kind", [Beats, Delivery, Pictures, Song, Storyboard, Video])
def test_artifact_is_frozen(kind: type[Artifact]) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_shot_counts_its_frames() -> None:
    shot = Shot(
        index=0, start=10, end=34, beat=None, section="", framing="", subject="", prompt="", negative_prompt="", seed=0
    )
    assert dataclasses.replace(shot, end=35).frames == 25


# -- what artifacts say ----------------------------------------------------------------------------------------------


@given(BEATS)
def test_content_is_the_same_for_the_same_beats(beats: Beats) -> None:
    twin = load(Beats, through_json(beats, Path("/x")), Path("/x"))
    assert content(twin) == content(beats)
    assert json.loads(json.dumps(content(beats))) == content(beats)


@given(STORYBOARDS, STORYBOARDS)
def test_content_differs_where_storyboards_differ(one: Storyboard, two: Storyboard) -> None:
    assert (content(one) == content(two)) == (one == two)


def test_content_of_a_file_is_its_bytes_wherever_it_lies(tmp_path: Path) -> None:
    here, there = file_in(tmp_path / "here", "1.png"), file_in(tmp_path / "there", "2.png")
    assert content(picture(here)) == content(picture(there))
    assert content(picture(here)) != content(picture(file_in(tmp_path, content=b"another picture")))


def test_content_tells_exact_numbers_and_gaps_apart(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    whole = Pictures(width_px=64, height_px=36, pictures=(picture(file),))
    variants = [
        whole,
        dataclasses.replace(whole, missing=(1,)),
        dataclasses.replace(whole, stand_ins=(0,)),
        dataclasses.replace(whole, pictures=(picture(file, Decimal("0.002")),)),
        dataclasses.replace(whole, pictures=(picture(file), picture(file))),
    ]
    told = [json.dumps(content(variant)) for variant in variants]
    assert len({*told}) == len(variants)
