"""Names for files that any system takes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.handoff.names import picture_name, plain, suffix_of


def test_name_says_number_section_framing_and_subject() -> None:
    assert picture_name(7, "Chorus", "wide shot", "a lighthouse", ".png") == "007_chorus_wide_shot_a_lighthouse.png"


def test_name_has_the_first_words_of_a_long_subject() -> None:
    name = picture_name(1, "A", "", "one two three four five six seven", ".png")
    assert name == "001_a_one_two_three_four_five_six.png"


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Größe, café", "001_grosse_cafe.png"),
        ("the drone's view", "001_the_drones_view.png"),
        ("../../etc/passwd", "001_etc_passwd.png"),
        ("夜の電車", "001.png"),
        ("CON", "001_con.png"),
        ("", "001.png"),
    ],
)
def test_name_keeps_letters_and_digits_of_ascii(subject: str, name: str) -> None:
    assert picture_name(1, "", "", subject, ".png") == name


@given(st.integers(1, 99_999), st.text(), st.text(), st.text())
def test_every_name_is_safe_and_short(number: int, section: str, framing: str, subject: str) -> None:
    name = picture_name(number, section, framing, subject, ".png")
    assert re.fullmatch(r"\d{3,5}(_[a-z0-9]+)*\.png", name)
    assert len(name.encode()) <= 100
    assert int(name[: re.match(r"\d+", name).end()]) == number  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("file", "suffix"), [("a.MP3", ".mp3"), ("a.tar.gz", ".gz"), ("a", ""), ("a.m p3", ""), ("a.?", "")]
)
def test_suffix_is_a_plain_word_or_nothing(file: str, suffix: str) -> None:
    assert suffix_of(Path(file)) == suffix


@given(st.text(st.characters()))
def test_plain_text_goes_into_xml_and_utf_8(text: str) -> None:
    element = ET.Element("title", name=plain(text))
    assert ET.fromstring(ET.tostring(element, encoding="unicode").encode()).get("name") is not None


def test_plain_text_keeps_what_people_write() -> None:
    assert plain('Night & "Train" <3 日本 🎵\x01\udc80') == 'Night & "Train" <3 日本 🎵  '
