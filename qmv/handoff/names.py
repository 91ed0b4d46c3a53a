"""Names that every file system, URL and XML parser takes. Pure."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

__all__ = ["picture_name", "plain", "suffix_of", "words"]

_MOST = 96  # characters, all of them ASCII
_OF_SUBJECT = 6  # words
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def picture_name(number: int, section: str, framing: str, subject: str, suffix: str) -> str:
    """Such as '007_chorus_wide_shot_a_lighthouse.png': the same order by name as in the video."""
    said = [*words(section), *words(framing), *words(subject)[:_OF_SUBJECT]]
    name = "_".join([f"{number:03d}", *said])
    while len(name) + len(suffix) > _MOST:
        name = name.rpartition("_")[0] or name[:-1]
    return name + suffix


def suffix_of(path: PurePath) -> str:
    """The suffix of a file in small letters; '' for one that is no plain word."""
    suffix = path.suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""


def words(text: str) -> list[str]:
    """The words of a text in small letters of ASCII: accents are dropped, and what has no such letters is left out."""
    bare = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", bare.replace("'", ""))


def plain(text: str) -> str:
    """The text without the signs that XML 1.0 and UTF-8 have no place for; file names may hold such."""
    return _NO_XML.sub(" ", text)
