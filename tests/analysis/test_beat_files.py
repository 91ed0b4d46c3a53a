"""Files of beats as people and programs write them, and the sentence for each mistake in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.analysis.beat_files import MOST_IN_A_BAR, parsed, read, within, written
from qmv.errors import InputError

MICROSECONDS = st.lists(st.integers(0, 10**10), min_size=1, max_size=50, unique=True).map(sorted)


def beats(text: str) -> list[tuple[float, int]]:
    marks = parsed(text, "here")
    return list(zip(marks.times_s, marks.bar_position))


@given(MICROSECONDS, st.data())
def test_written_beats_are_read_as_they_were(microseconds: list[int], data: st.DataObject) -> None:
    times_s = [count / 1e6 for count in microseconds]
    position = data.draw(st.lists(st.integers(0, MOST_IN_A_BAR), min_size=len(times_s), max_size=len(times_s)))
    assert beats(written(times_s, position)) == list(zip(times_s, position))


@given(MICROSECONDS, st.sampled_from(["\t", ",", ";", " ", ", "]))
def test_columns_may_be_divided_by_any_common_sign(microseconds: list[int], mark: str) -> None:
    text = "".join(f"{count / 1e6:.6f}{mark}{at % 4 + 1}\n" for at, count in enumerate(microseconds))
    assert [position for _, position in beats(text)] == [at % 4 + 1 for at in range(len(microseconds))]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    refusal, found = "here", []
    try:
        found = beats(text)
    except InputError as error:
        refusal = str(error)
    assert (refusal[:4], found) == ("here", sorted(found))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0.5\n1.0\n1.5", [(0.5, 0), (1.0, 0), (1.5, 0)]),
        ("# mine\n\n0.5  # first\r\n1\n", [(0.5, 0), (1.0, 0)]),
        ("\ufeff0.5\t1\n1.0\t2\n".removeprefix("\ufeff"), [(0.5, 1), (1.0, 2)]),
        ("0.5,\n1.0,\n", [(0.5, 0), (1.0, 0)]),
        ("0.090\t1.0\n0.6\t2.0\n1.1\t1.0\n", [(0.09, 1), (0.6, 2), (1.1, 1)]),
        ("0.5\t1\t\n1.0\t2\t\n", [(0.5, 0), (1.0, 0)]),
        ("0.500000\t0.500000\t1\n\\\t100.0\t200.0\n1.000000\t1.200000\t2\n", [(0.5, 1), (1.0, 2)]),
        ("0.500000\t0.500000\t\n1.000000\t1.000000\tC#\n2.0\t2.0\t1\n", [(0.5, 0), (1.0, 0), (2.0, 1)]),
        ("0.500000\t0.500000\n1.000000\t1.000000\n", [(0.5, 0), (1.0, 0)]),
        ("1e-1\n.5\n", [(0.1, 0), (0.5, 0)]),
    ],
    ids=[
        "times", "comments", "beats", "trailing commas", "places with a point", "three columns of labels", "labels",
        "labels without numbers", "labels without tabs", "exponents",
    ],
)  # fmt: skip
def test_forms_of_beats_that_are_read(text: str, wanted: list[tuple[float, int]]) -> None:
    assert beats(text) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "here: holds no beats"),
        ("# nothing\n\n", "here: holds no beats"),
        ("0.5\n0.4\n", "here, line 2: 0.4 s does not come after the 0.5 s"),
        ("0.5\n0.5\n", "here, line 2: 0.5 s does not come after the 0.5 s"),
        ("0.5\n\n-0.1\n", "here, line 3: -0.1 lies before the song begins"),
        ("0.5\nnow\n", "here, line 2: 'now' is no number of seconds"),
        ("nan\n", "here, line 1: 'nan' is no number of seconds"),
        ("1e999\n", "here, line 1: '1e999' is no number of seconds"),
        ("0,5\t1\n", "write a point for the decimal comma"),
        ("0,512\n1,024\n", "with a point, not a comma"),
        ("0.5\tone\n", "here, line 1: 'one' is no place in a bar"),
        ("0.5\t-1\n", "here, line 1: '-1' is no place in a bar"),
        ("0.5\t33\n", "here, line 1: the place in the bar is 0 to 32, got 33"),
        ("0.5,1,2,3\n", "here, line 1: has 4 columns"),
        ("RIFF\0\0", "here: is no text file"),
    ],
)
def test_text_that_is_no_beats_is_refused_by_its_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parsed(text, "here")
    assert words in str(caught.value)


def test_read_takes_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.beats"
    path.write_text("\ufeff0.5\t1\n", encoding="utf-8")
    assert read(path).times_s == (0.5,)


def test_read_refuses_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "nothing.beats")


def test_read_refuses_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file but a folder"):
        read(tmp_path)


def test_read_refuses_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.beats").write_bytes(b"ID3\xff\xfb\x90")
    with pytest.raises(InputError, match="is no text file"):
        read(tmp_path / "a.beats")


def test_read_refuses_a_file_as_large_as_a_video_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "film.beats").open("wb") as file:
        file.truncate(16_000_001)
    with pytest.raises(InputError, match="is 16 MB large, beats need less than 16"):
        read(tmp_path / "film.beats")


def test_within_names_the_line_that_follows_too_soon() -> None:
    with pytest.raises(InputError, match=r"here, line 3: 2.002 s comes 2 ms after the beat before, beats are at least"):
        within(parsed("1\n2\n2.002\n", "here"), 3.0, "here")


def test_within_names_the_line_past_the_songs_end() -> None:
    with pytest.raises(InputError, match=r"here, line 3: 4 s is past the end of the song \(3.000 s\)"):
        within(parsed("# mine\n1\n4\n", "here"), 3.0, "here")
