"""Lyrics as captions: exact texts, and what holds for all lyrics and all windows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.artifacts import LyricLine
from qmv.handoff.captions import lrc, srt, vtt
from qmv.media.lyrics import parsed

LINES = (
    LyricLine(start_s=8.0, text="Rails & rain <live>"),
    LyricLine(start_s=12.5, text="I count --> the lights"),
    LyricLine(start_s=15.25, text=""),
    LyricLine(start_s=40.0, text="and go"),
)
SRT_TIMES = re.compile(r"(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})")


def test_srt_numbers_its_lines_and_counts_from_the_start_of_the_window() -> None:
    assert srt(LINES, 10.0, 45.0) == (
        "1\n00:00:00,000 --> 00:00:02,500\nRails & rain <live>\n\n"
        "2\n00:00:02,500 --> 00:00:05,250\nI count --> the lights\n\n"
        "3\n00:00:30,000 --> 00:00:35,000\nand go\n"
    )


def test_vtt_escapes_what_a_cue_must_not_hold() -> None:
    assert vtt(LINES, 10.0, 45.0) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:02.500\nRails &amp; rain &lt;live&gt;\n\n"
        "00:00:02.500 --> 00:00:05.250\nI count --&gt; the lights\n\n"
        "00:00:30.000 --> 00:00:35.000\nand go\n"
    )


def test_lrc_ends_a_line_before_a_pause() -> None:
    assert lrc(LINES, 10.0, 45.0) == (
        "[00:00.00]Rails & rain <live>\n[00:02.50]I count --> the lights\n[00:05.25]\n[00:30.00]and go\n[00:35.00]\n"
    )


def test_last_line_before_a_solo_is_seen_for_ten_seconds() -> None:
    lines = (LyricLine(start_s=1.0, text="the last"), LyricLine(start_s=60.0, text="the next"))
    assert "00:00:01,000 --> 00:00:11,000\nthe last\n" in srt(lines, 0.0, 100.0)


def test_line_of_several_lines_stays_one_cue() -> None:
    assert "\none two\n" in srt((LyricLine(start_s=0.0, text="one\n\n two\x00"),), 0.0, 5.0)


def test_captions_of_a_video_of_hours_tell_the_hours() -> None:
    lines = (LyricLine(start_s=7384.5, text="late"),)
    assert "02:03:04,500 --> 02:03:14,500" in srt(lines, 0.0, 9000.0)
    assert lrc(lines, 0.0, 9000.0).startswith("[123:04.50]late\n")


@pytest.mark.parametrize("write", [srt, vtt, lrc])
@pytest.mark.parametrize("lines", [(), (LyricLine(start_s=3.0, text=""),), (LyricLine(start_s=50.0, text="later"),)])
def test_nothing_sung_gives_no_captions(write: object, lines: tuple[LyricLine, ...]) -> None:
    assert callable(write)
    assert write(lines, 0.0, 20.0) == ""


# -- for all lyrics --------------------------------------------------------------------------------------------------


SECONDS = st.floats(min_value=0, max_value=7200, allow_nan=False)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="[]<>"), max_size=30)
LYRICS = st.lists(st.builds(lambda start_s, text: LyricLine(start_s=start_s, text=text), SECONDS, WORDS), max_size=20)


def spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each cue of a SubRip file, in milliseconds."""
    found = []
    for match in SRT_TIMES.finditer(text):
        hours, minutes, seconds, ms, *end = map(int, match.groups())
        found.append(
            (
                ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms,
                ((end[0] * 60 + end[1]) * 60 + end[2]) * 1000 + end[3],
            )
        )
    return found


@given(LYRICS, SECONDS, st.floats(min_value=0.01, max_value=7200))
def test_cues_are_in_order_apart_and_inside_the_video(lines: list[LyricLine], start_s: float, length_s: float) -> None:
    end_s = start_s + length_s
    times = [time for span in spans(srt(lines, start_s, end_s)) for time in span]
    assert times == sorted(times)
    assert all(0 <= time <= (end_s - start_s) * 1000 for time in times)
    assert all(0 < end - start <= 10_000 for start, end in spans(srt(lines, start_s, end_s)))


@given(LYRICS, SECONDS, st.floats(min_value=0.01, max_value=7200))
def test_lrc_is_read_back_as_it_was_written(lines: list[LyricLine], start_s: float, length_s: float) -> None:
    text = lrc(lines, start_s, start_s + length_s)
    if not text:
        return
    again = parsed(text, "made")
    assert lrc(again, 0.0, length_s + 20) == text
    assert len(again) == len(text.splitlines())


@given(LYRICS, SECONDS, st.floats(min_value=0.01, max_value=7200))
def test_every_cue_of_vtt_is_a_block_without_markup(lines: list[LyricLine], start_s: float, length_s: float) -> None:
    text = vtt(lines, start_s, start_s + length_s)
    for block in text.removesuffix("\n").split("\n\n")[1:]:
        times, words = block.split("\n")
        assert times.count("-->") == 1
        assert not set("<>") & set(words)
