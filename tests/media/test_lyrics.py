"""Lyrics from LRC files, as players and editors write them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.artifacts import LyricLine
from qmv.errors import InputError
from qmv.media.lyrics import beside, parsed, read, sung

SIGNS = st.characters(max_codepoint=0x1F64F, exclude_categories=["C", "Z"], exclude_characters="<")
WORDS = st.text(SIGNS, min_size=1).filter(lambda words: words[0] != "[")


def lines(text: str) -> list[tuple[float, str]]:
    return [(line.start_s, line.text) for line in parsed(text, "x")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[00:01.50]one\n[00:03.25]two", [(1.5, "one"), (3.25, "two")]),
        ("[01:02]whole", [(62, "whole")]),
        ("[1:02.5]short", [(62.5, "short")]),
        ("[00:12.345]thousandths", [(12.345, "thousandths")]),
        ("[00:12:34]old", [(12.34, "old")]),
        ("[1:02:03.4]hours", [(3723.4, "hours")]),
        ("[100:00.00]long", [(6000, "long")]),
        ("[00:20.00][00:10.00] again ", [(10, "again"), (20, "again")]),
        ("[00:05.00]later\n[00:01.00]first", [(1, "first"), (5, "later")]),
        ("[00:01.00]sung\n[00:02.00]\n[00:09.00]more", [(1, "sung"), (2, ""), (9, "more")]),
        ("[00:01.00]<00:01.00>word <00:01.40>by <00:01.80>word<00:02.00>", [(1, "word by word")]),
        ("[00:01.00]original\n[00:01.00]translation", [(1, "original")]),
        ("[00:01.00]\n[00:01.00]words", [(1, "words")]),
        ("[ti:Night Train]\n[ar: The Pier]\n[length: 03:20]\n[#]\nwritten by me\n\n[00:01.00]a", [(1, "a")]),
        ("[offset:+500]\n[00:01.00]sooner", [(0.5, "sooner")]),
        ("[00:01.00]later\n[OFFSET: -500]", [(1.5, "later")]),
        ("[offset:5000]\n[00:01.00]not before the song", [(0, "not before the song")]),
        ("\ufeff[00:01.00]mark\r\n[00:02.00]windows\r\n", [(1, "mark"), (2, "windows")]),
        ("[00:01.00]3 < 4: a [b] (c)", [(1, "3 < 4: a [b] (c)")]),
        ("[00:01.00]a\tb\u00adc \u0645\u06cc\u200c\u0631", [(1, "a bc \u0645\u06cc\u200c\u0631")]),
    ],
)
def test_parsed_takes_lines_with_their_times(text: str, found: list[tuple[float, str]]) -> None:
    assert lines(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "x: holds no lyrics; lines of an LRC file look like [01:23.45]words;"),
        ("[ti:Night Train]\n", "x: holds no lyrics"),
        ("[00:01.00]\n[00:02.00] \n", "x: holds no lyrics"),
        ("I walked home\nin the rain\n", "x: has words but no times;"),
        ("[00:01.00]a\n[00:75.00]b\n", "x, line 2: [00:75.00] is no time, a minute has 60 seconds;"),
        ("[offset:soon]\n[00:01.00]a\n", "x, line 1: 'soon' is no offset, a whole number of milliseconds is one;"),
    ],
)
def test_parsed_refuses_what_holds_no_lyrics(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parsed(text, "x")
    assert str(caught.value).startswith(words)
    assert str(caught.value).endswith("mend it, or leave the lyrics out with song.lyrics=none.")


@given(st.dictionaries(st.integers(0, 359_999), WORDS, min_size=1, max_size=20))
def test_parsed_gives_back_what_was_written(song: dict[int, str]) -> None:
    text = "".join(f"[{at // 6000:02}:{at // 100 % 60:02}.{at % 100:02}]{words}\n" for at, words in song.items())
    assert lines(text) == [(at / 100, words) for at, words in sorted(song.items())]


@given(st.text())
def test_parsed_gives_rising_times_or_a_sentence(text: str) -> None:
    with contextlib.suppress(InputError):
        times = [start_s for start_s, _ in lines("[00:01.00]a\n" + text)]
        assert times == sorted(set(times))
        assert times[0] >= 0


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_read_takes_the_usual_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "song.lrc").write_bytes("[00:01.00]Déjà vu\r\n".encode(encoding))
    assert read(tmp_path / "song.lrc") == (LyricLine(start_s=1.0, text="Déjà vu"),)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"[00:01.00]\0\x01", "is no text file"), (b"\x81\x8d", "is no text file"), (b" " * 1_000_001, "is 1.0 MB large")],
)
def test_read_refuses_what_is_no_text(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "song.lrc").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read(tmp_path / "song.lrc")


def test_read_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "gone.lrc")
    with pytest.raises(InputError, match="is no file but a folder"):
        read(tmp_path)


def test_beside_finds_the_lyrics_of_a_song(tmp_path: Path) -> None:
    assert beside(tmp_path / "a.b.mp3") is None
    (tmp_path / "a.b.lrc").write_text("[00:01.00]a", encoding="utf-8")
    assert beside(tmp_path / "a.b.mp3") == tmp_path / "a.b.lrc"


# -- what is sung when -----------------------------------------------------------------------------------------------

SONG = (
    LyricLine(start_s=2, text="one"),
    LyricLine(start_s=4, text="two"),
    LyricLine(start_s=5, text=""),
    LyricLine(start_s=20, text="three"),
)


@pytest.mark.parametrize(
    ("start_s", "end_s", "line"),
    [
        (0, 2, ""), (2, 4, "one"), (1, 4.5, "one"), (3.2, 5, "two"), (0, 10, "one"), (5, 20, ""), (4.8, 19, ""),
        (29, 40, ""), (25, 30, "three"), (2.1, 2.2, "one"), (60, 70, ""),
    ],
)  # fmt: skip
def test_sung_is_the_line_that_covers_most(start_s: float, end_s: float, line: str) -> None:
    """'three' has no line after it and is taken to end after ten seconds, at 30 s."""
    assert sung(SONG, start_s, end_s) == line


@given(st.floats(0, 40), st.floats(0.01, 40))
def test_sung_is_a_line_of_the_song_or_nothing(start_s: float, length_s: float) -> None:
    assert sung(SONG, start_s, start_s + length_s) in {"", "one", "two", "three"}
    assert sung((), start_s, start_s + length_s) == ""
