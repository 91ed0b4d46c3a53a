"""Which signs of a text are kept, and that what is written with them can be read back everywhere."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.artifacts import LyricLine
from qmv.handoff.captions import lrc, srt, vtt
from qmv.media.legible import legible
from qmv.media.provenance import xmp

PERSIAN = "\u0645\u06cc\u200c\u0631\u0648\u0645"  # 'I go', with a zero width non-joiner
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
TITLE = "{http://purl.org/dc/elements/1.1/}title"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (PERSIAN, PERSIAN),
        (FAMILY, FAMILY),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("\u05e9\u05dc\u05d5\u05dd!\u200f", "\u05e9\u05dc\u05d5\u05dd!\u200f"),
        ("\u0601 \u06dd", "\u0601 \u06dd"),
        ("rail\u00adway \ufeffstation\u2060", "railway station"),
        ("in\u202evoice\u202c \u2066x\u2069", "invoice x"),
        ("one\r\n two\x00three\u2028four\u00a0five", "one two three four five"),
        ("a\ud800b\ue000c\uffffd", "a b c d"),
        ("\u200d \u200c\u200f", ""),
        ("\u00ad", ""),
        ("", ""),
    ],
)
def test_legible_keeps_what_words_are_spelt_with(text: str, seen: str) -> None:
    assert legible(text) == seen


@given(st.text())
def test_legible_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    seen = legible(text)
    assert legible(seen) == seen
    assert len(seen.splitlines()) == bool(seen)
    seen.encode()


@pytest.mark.parametrize("write", [srt, vtt, lrc])
@pytest.mark.parametrize("words", [PERSIAN, FAMILY])
def test_captions_keep_joiners_and_drop_soft_hyphens(write: object, words: str) -> None:
    assert callable(write)
    assert f"{words} railway\n" in write((LyricLine(start_s=0.0, text=f"{words} rail\u00adway"),), 0.0, 5.0)


@given(st.text())
def test_packet_with_any_title_is_well_formed(title: str) -> None:
    packet = xmp(title=title, creator=title)
    found = next(ET.fromstring(packet).iter(TITLE), None)
    assert found is None or "".join(found.itertext()) == legible(title)


def test_packet_keeps_joiners() -> None:
    assert f">{PERSIAN} railway<".encode() in xmp(title=f"{PERSIAN} rail\u00adway")
