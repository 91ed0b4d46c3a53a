"""Text of unknown origin as a name or a line that people read, for captions, titles and metadata. Pure."""

from __future__ import annotations

import unicodedata

__all__ = ["legible"]

# Persian and many scripts of India are spelt with the joiners, and so are emoji. The three marks tell of a bracket or a
# full stop which way it reads; unlike embeddings and overrides, they turn nothing round that stands further off.
_UNSEEN = frozenset("\u200c\u200d\u200e\u200f\u061c")
_SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")  # numbers


def legible(text: str) -> str:
    """The text in one line with single blanks; '' where nothing in it can be seen.

    Signs of control, and those that no font has, become blanks. Of the signs of format (Cf) only those stay that words
    are spelt with; the others, such as soft hyphens, go without a trace, since a blank would cut a word in two.
    """
    line = " ".join("".join(map(_kept, text)).split())
    return line if set(line) - _UNSEEN - {" "} else ""


def _kept(sign: str) -> str:
    if sign.isprintable() or sign in _UNSEEN or sign in _SEEN:
        return sign
    return "" if unicodedata.category(sign) == "Cf" else " "
