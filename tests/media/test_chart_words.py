"""Words on a chart: titles as people write them."""

from __future__ import annotations

import pytest
from PIL import ImageFont

from qmv.media import chart_words
from qmv.media.chart_words import fitting, font_and_text


def test_words_that_the_font_has_stay_as_they_are() -> None:
    _, text = font_and_text("Night Bus - The Commuters (live)", 30)
    assert text == "Night Bus - The Commuters (live)"


@pytest.mark.parametrize(
    ("title", "shown"), [("Björk", "Bjork"), ("Sigur Rós", "Sigur Ros"), ("東京 Night", "?? Night")]
)
def test_without_another_font_accents_go_and_the_rest_is_marked(
    title: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_words, "_ELSEWHERE", ("there-is-no-such-font.ttf",))
    assert font_and_text(title, 30)[1] == shown


def test_a_font_that_has_every_letter_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ImageFont.load_default(29)
    monkeypatch.setattr(chart_words, "_system_font", lambda name, size_px: other)
    monkeypatch.setattr(chart_words, "_shows", lambda font, text: font is other)
    assert font_and_text("東京", 30) == (other, "東京")


def test_what_is_too_long_ends_in_dots() -> None:
    font = ImageFont.load_default(30)
    assert fitting("short", font, 500) == "short"
    cut = fitting("a title that goes on and on and on", font, 200)
    assert cut.endswith("...")
    assert font.getlength(cut) <= 200
