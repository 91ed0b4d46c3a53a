"""The colours that the user wants: words for prompts, codes for providers that draw."""

from __future__ import annotations

from typing import Any

import pytest

from qmv.engine.palette import with_palette
from qmv.errors import ConfigError
from qmv.testing import style


@pytest.mark.parametrize("wanted", [None, "", "  "])
def test_palette_is_the_styles_own_where_none_is_wanted(wanted: Any) -> None:
    assert with_palette(style(), wanted) == style()


def test_palette_in_words_is_for_the_prompts_alone() -> None:
    made = with_palette(style(), " teal  and orange ")
    assert (made.colours, made.palette) == ("teal and orange", style().palette)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (["#000000", "#FFFFFF"], "black and white"),
        (["#191970", "#008080", "#ff7f50"], "midnight blue, teal and coral"),
        (["#191970", "#181a71", "#00ffff"], "midnight blue and cyan"),  # two that have one name
        (["#ff00ff", "#808080"], "magenta and grey"),
        (["#fafad2", "#9370db"], "light goldenrod yellow and medium purple"),
        (["#ff6347", "#cd853f"], "coral and goldenrod"),  # CSS calls them tomato and peru
        (["#000000", "#000001"], "black"),
    ],
)
def test_palette_in_codes_has_names_too(codes: list[str], words: str) -> None:
    made = with_palette(style(), codes)
    assert (made.colours, made.palette) == (words, tuple(codes))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (["#12345"], "palette: has '#12345'; colours look like '#1a2b3c'."),
        (["#123456", "teal"], "palette: has 'teal'; colours look like"),
        (["#123456", 7], "palette: has 7; colours look like"),
        ([], "palette: has 0 colours; give 2 to 8,"),
        (["#123456"], "palette: has 1 colours;"),
        (["#123456"] * 9, "palette: has 9 colours;"),
        ("#123456", "palette: '#123456' has codes of colours in words; write words, palette='teal and orange', or"),
        (7, "palette: is neither words nor a list, got 7;"),
        ({"dark": "#123456"}, "palette: is neither words nor a list, got {'dark': '#123456'};"),
    ],
)
def test_palette_refuses_what_is_no_colour(wanted: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_palette(style(), wanted)
    assert str(caught.value).startswith(words)
