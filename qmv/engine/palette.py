"""The colours that the user wants in place of the style's: words for prompts, or codes for providers that draw."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from qmv.artifacts import Style
from qmv.errors import ConfigError

__all__ = ["COLOUR", "with_palette"]

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_MOST = 8
_FORMS = "write words, palette='teal and orange', or a list of codes, \"palette=['#102030','#ff8800']\""
_TINTS = "light|medium|dark|deep|pale|dim|hot"
_HUES = "blue|green|red|white|grey|brown|pink|yellow|violet|orange"
_NO_COLOURS = {  # names that a painter would take for a thing, a place or a typing error
    "bisque", "blanchedalmond", "burlywood", "cadetblue", "chocolate", "cornsilk", "dodgerblue", "firebrick",
    "gainsboro", "honeydew", "indianred", "lavenderblush", "lemonchiffon", "linen", "mintcream", "mistyrose",
    "moccasin", "navajowhite", "oldlace", "papayawhip", "peachpuff", "peru", "plum", "rebeccapurple",
    "saddlebrown", "seashell", "snow", "thistle", "tomato", "wheat", "whitesmoke",
}  # fmt: skip


def with_palette(style: Style, wanted: Any) -> Style:
    """The style with the value of the config's `palette`; raises ConfigError where that is neither words nor codes."""
    if wanted is None or (isinstance(wanted, str) and not wanted.strip()):
        return style
    if isinstance(wanted, str):
        if COLOUR.search(wanted):
            raise ConfigError(f"palette: '{wanted:.60}' has codes of colours in words; {_FORMS}.")
        return dataclasses.replace(style, colours=" ".join(wanted.split()))
    if not isinstance(wanted, list):
        raise ConfigError(f"palette: is neither words nor a list, got {wanted!r}; {_FORMS}.")
    for colour in wanted:
        if not isinstance(colour, str) or not COLOUR.fullmatch(colour):
            raise ConfigError(f"palette: has {colour!r}; colours look like '#1a2b3c'.")
    if not 2 <= len(wanted) <= _MOST:
        raise ConfigError(f"palette: has {len(wanted)} colours; give 2 to {_MOST}, from dark to light, accents last.")
    return dataclasses.replace(style, palette=tuple(wanted), colours=_in_words(wanted))


def _in_words(codes: list[str]) -> str:
    """'midnight blue, teal and coral'."""
    names = list(dict.fromkeys(map(_name, codes)))
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _name(code: str) -> str:
    """The nearest of the CSS colours, as words: 'dark slate blue'."""
    from PIL.ImageColor import colormap

    # of two names for one colour the last one: cyan and magenta rather than aqua and fuchsia
    names = [name for name in sorted(colormap, reverse=True) if "gray" not in name and name not in _NO_COLOURS]
    wanted = _rgb(code)
    nearest = min(names, key=lambda name: _distance(wanted, _rgb(colormap[name])))
    tinted = re.sub(rf"^({_TINTS})(?=[a-z])", r"\1 ", nearest)
    return re.sub(rf"(?<=[a-z])(?={_HUES})", " ", tinted)


def _rgb(value: Any) -> tuple[int, int, int]:
    code = str(value).lstrip("#")
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def _distance(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    """How different two colours look, squared (Riemersma's weights for red and blue by the mean red)."""
    red = (a[0] + b[0]) / 2
    weights = (2 + red / 256, 4.0, 2 + (255 - red) / 256)
    return sum(weight * (x - y) ** 2 for weight, x, y in zip(weights, a, b))
