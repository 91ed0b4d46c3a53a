"""Words on a chart: cut to the room there is, in a font that has their letters.

Pillow's own font has little more than ASCII, and titles have more: a font of the system is taken where one has them
all, else letters lose their accents, and what is left over becomes a question mark.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from PIL import ImageFont

    Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

__all__ = ["fitting", "font_and_text"]

_ELSEWHERE = (
    "DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "Helvetica.ttc", "Arial.ttf",
    "NotoSansCJK-Regular.ttc", "Arial Unicode.ttf",
)  # fmt: skip
_MISSING = "\U0010fffd"  # a private sign, which no font has


def font_and_text(text: str, size_px: int) -> tuple[Font, str]:
    """A font of this size, and the text with what it cannot show replaced."""
    from PIL import ImageFont

    own = ImageFont.load_default(size_px)
    if _shows(own, text):
        return own, text
    for name in _ELSEWHERE:
        font = _system_font(name, size_px)
        if font is not None and _shows(font, text):
            return font, text
    plain = (sign if _shows(own, sign) else unicodedata.normalize("NFKD", sign)[0] for sign in text)
    return own, "".join(sign if _shows(own, sign) else "?" for sign in plain)


def fitting(text: str, font: Font, room_px: float) -> str:
    """As much of the text as there is room for, with three dots where that is not all."""
    if font.getlength(text) <= room_px:
        return text
    while text and font.getlength(text + "...") > room_px:
        text = text[:-1]
    return text.rstrip() + "..."


@functools.cache
def _system_font(name: str, size_px: int) -> Font | None:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(name, size_px)
    except OSError:
        return None


def _shows(font: Font, text: str) -> bool:
    missing = bytes(font.getmask(_MISSING))
    return all(sign.isspace() or bytes(font.getmask(sign)) != missing for sign in set(text))
