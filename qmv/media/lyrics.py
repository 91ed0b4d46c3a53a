"""Lyrics with their times, from LRC files.

A line is `[01:23.45]words`, with one time or several. Tags such as `[ti:...]` and lines without a time are left out,
and so are the times of single words, `<01:23.90>`. A line with a time and no words ends the one before. Imported by
stages and the engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from qmv.artifacts import LyricLine
from qmv.errors import InputError
from qmv.media.legible import legible

__all__ = ["LONGEST_LINE_S", "beside", "parsed", "read", "sung"]

_MOST_BYTES = 1_000_000  # the lyrics of a song have some thousands
LONGEST_LINE_S = 10.0  # nobody sings a line for longer: the last one before a solo has no end of its own
_STAMP = re.compile(r"\[\s*(?:(\d{1,2}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,6}))?\s*\]", re.ASCII)
_OLD_STAMP = re.compile(r"\[\s*(\d{1,3}):(\d{2}):(\d{2})\s*\]", re.ASCII)  # hundredths after a colon
_WORD_STAMP = re.compile(r"<\s*\d{1,3}:\d{1,2}(?:[.:,]\d{1,6})?\s*>", re.ASCII)
_OFFSET = re.compile(r"\s*\[\s*offset\s*:\s*(.*?)\s*\]\s*", re.IGNORECASE)
_FORM = "lines of an LRC file look like [01:23.45]words"
_CURE = "mend it, or leave the lyrics out with song.lyrics=none"


def beside(song: Path) -> Path | None:
    """The LRC file that lies beside a song and has its name."""
    places = (song.with_suffix(suffix) for suffix in (".lrc", ".LRC"))
    return next((place for place in places if place.is_file()), None)


def read(path: Path) -> tuple[LyricLine, ...]:
    """Raises InputError for a file that holds no lyrics with times."""
    where = f"song.lyrics ({path})"
    try:
        if not path.exists():
            raise InputError(f"{where}: there is no such file; give its path from the folder that you are in.")
        if not path.is_file():
            raise InputError(f"{where}: is no file but a folder or a device; name the file itself.")
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise InputError(f"{where}: is {size / 1e6:.1f} MB large, lyrics need less than 1; {_FORM}.")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror}); check its name and permissions.") from error
    return parsed(_decoded(data, where), where)


def parsed(text: str, where: str) -> tuple[LyricLine, ...]:
    """The lines in the order of their times; `where` begins the sentence of each InputError.

    `[offset:500]` lets all lines come half a second sooner. Of two lines at one time the first one with words stays.
    """
    found: dict[float, str] = {}
    sooner_s, words_seen = 0.0, False
    for number, line in enumerate(text.splitlines(), 1):
        if offset := _OFFSET.fullmatch(line):
            sooner_s = _offset_s(offset[1], f"{where}, line {number}")
            continue
        stamps, words = _split(line, f"{where}, line {number}")
        words_seen = words_seen or (bool(words) and not words.startswith("["))
        for time_s in stamps:
            found[time_s] = found.get(time_s) or words
    if not any(found.values()):
        what = "has words but no times" if words_seen and not found else "holds no lyrics"
        raise InputError(f"{where}: {what}; {_FORM}; {_CURE}.")
    lines = {max(0.0, round(time_s - sooner_s, 6)): words for time_s, words in sorted(found.items())}
    return tuple(LyricLine(start_s=start_s, text=words) for start_s, words in lines.items())


def sung(lyrics: Sequence[LyricLine], start_s: float, end_s: float) -> str:
    """The line that covers most of a stretch of the song, in seconds of its file; '' where hardly anything is sung.

    A line that is heard for less than a third of itself and of the stretch belongs to a neighbour.
    """
    best, longest = "", 0.0
    for line, until in zip(lyrics, [*(line.start_s for line in lyrics[1:]), float("inf")]):
        until = min(until, line.start_s + LONGEST_LINE_S)
        covered = min(end_s, until) - max(start_s, line.start_s)
        enough = min(until - line.start_s, end_s - start_s) / 3
        if line.text and covered > longest and covered >= enough:
            best, longest = line.text, covered
    return best


def _split(line: str, where: str) -> tuple[list[float], str]:
    """The times that a line begins with, and what is sung."""
    stamps, rest = [], line.lstrip(" \t\ufeff")
    while stamp := _OLD_STAMP.match(rest) or _STAMP.match(rest):
        stamps.append(_seconds(stamp, where))
        rest = rest[stamp.end() :].lstrip(" \t")
    return stamps, legible(_WORD_STAMP.sub(" ", rest))


def _seconds(stamp: re.Match[str], where: str) -> float:
    if stamp.re is _OLD_STAMP:
        hours, minutes, seconds, rest = "0", *stamp.groups()
    else:
        hours, minutes, seconds, rest = (part or "0" for part in stamp.groups())
    if int(seconds) > 59 or (int(hours) and int(minutes) > 59):
        raise InputError(f"{where}: {stamp[0]} is no time, a minute has 60 seconds; {_CURE}.")
    return round(3600 * int(hours) + 60 * int(minutes) + float(f"{int(seconds)}.{rest}"), 6)


def _offset_s(text: str, where: str) -> float:
    if not re.fullmatch(r"[+-]?\d{1,7}", text, re.ASCII):
        raise InputError(f"{where}: '{text:.40}' is no offset, a whole number of milliseconds is one; {_CURE}.")
    return int(text) / 1000


def _decoded(data: bytes, where: str) -> str:
    """UTF-8, UTF-16 with its mark, else the alphabet of western Windows."""
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{where}: is no text file; {_FORM}; {_CURE}.")
