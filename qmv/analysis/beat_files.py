"""Files of beats: read from what people and other programs write, and written as `.beats`.

A `.beats` file has a line a beat: the time in seconds, a tab, and the place in the bar (1 at each downbeat, 0 where
bars are not known). Label tracks of Audacity and plain lists of times are read too. Imported by stages, the engine
and the commands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from qmv.errors import InputError

__all__ = ["CLOSEST_S", "MOST_IN_A_BAR", "Marks", "parsed", "read", "within", "written"]

MOST_IN_A_BAR = 32
CLOSEST_S = 0.01  # closer ones are samples or frames of something, not beats
_MOST_BYTES = 16_000_000  # a day of beats; whole songs and videos are named by mistake
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,6}(\.0*)?", re.ASCII)
_FORMS = "a line is a time in seconds, and after a tab the place in the bar where it is known"


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The beats of a file; `bar_position` is 0 where the file does not tell, `lines` counts from 1."""

    times_s: tuple[float, ...]
    bar_position: tuple[int, ...]
    lines: tuple[int, ...]


def read(path: Path) -> Marks:
    """Raises InputError for a file that cannot be read as beats, naming the line at fault."""
    where = f"song.beats_file ({path})"
    try:
        if not path.exists():
            raise InputError(f"{where}: there is no such file; give its path from the folder that you are in.")
        if not path.is_file():
            raise InputError(f"{where}: is no file but a folder or a device; name the file itself.")
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise InputError(f"{where}: is {size / 1e6:.0f} MB large, beats need less than 16; {_FORMS}.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror}); check its name and permissions.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: is no text file; {_FORMS}.") from error
    return parsed(text, where)


def parsed(text: str, where: str) -> Marks:
    """The beats of a file's text; `where` begins the sentence of each InputError."""
    if "\0" in text:
        raise InputError(f"{where}: is no text file; {_FORMS}.")
    rows = [(number, fields) for number, line in enumerate(text.splitlines(), 1) if (fields := _fields(line))]
    if not rows:
        raise InputError(f"{where}: holds no beats; {_FORMS}.")
    times = [_time_s(fields[0], f"{where}, line {number}") for number, fields in rows]
    positions = _label_positions(rows) if _is_label_track(rows) else _told_positions(rows, where)
    for (a, b), (number, _), position in zip(pairwise([-1.0, *times]), rows, positions):
        if b <= a:
            raise InputError(
                f"{where}, line {number}: {b:g} s does not come after the {a:g} s of the beat before; "
                "put the beats in order, each once."
            )
        if position > MOST_IN_A_BAR:
            raise InputError(
                f"{where}, line {number}: the place in the bar is 0 to {MOST_IN_A_BAR}, got {position}; "
                "leave it out where bars are not known (and write numbers with a point, not a comma)."
            )
    return Marks(times_s=tuple(times), bar_position=tuple(positions), lines=tuple(number for number, _ in rows))


def within(marks: Marks, duration_s: float, where: str) -> None:
    """Raises InputError for the first beat past the song's end, and for one that follows the one before too soon."""
    for time_s, line in zip(marks.times_s, marks.lines):
        if time_s > duration_s:
            raise InputError(
                f"{where}, line {line}: {time_s:g} s is past the end of the song ({duration_s:.3f} s); "
                "is the file another song's?"
            )
    for (a, b), line in zip(pairwise(marks.times_s), marks.lines[1:]):
        if b - a < CLOSEST_S:
            raise InputError(
                f"{where}, line {line}: {b:g} s comes {1000 * (b - a):.3g} ms after the beat before, "
                f"beats are at least {1000 * CLOSEST_S:g} ms apart; leave one of them out."
            )


def written(times_s: Sequence[float], bar_position: Sequence[int]) -> str:
    """The text of a `.beats` file, times to the microsecond."""
    return "".join(f"{time_s:.6f}\t{position}\n" for time_s, position in zip(times_s, bar_position))


# -- lines -----------------------------------------------------------------------------------------------------------


def _fields(line: str) -> list[str]:
    """What stands in a line between tabs, semicolons, commas or blanks, whichever it uses; [] where nothing does."""
    if line.startswith("\\"):  # a label's frequencies, on a line of their own
        return []
    line = line.partition("#")[0].rstrip(" \r\n")
    if not line.strip():
        return []
    mark = next((mark for mark in "\t;," if mark in line), None)
    return [field.strip() for field in line.split(mark)]


def _is_label_track(rows: list[tuple[int, list[str]]]) -> bool:
    """Start, end and a label; or start and end alone, where an editor has cut off the tabs of empty labels."""

    def is_label(fields: list[str]) -> bool:
        alone = len(fields) == 2 and "." in fields[1]
        return (alone or len(fields) == 3) and _is_number(fields[1]) and float(fields[1]) >= float(fields[0])

    return all(is_label(fields) for _, fields in rows)


def _label_positions(rows: list[tuple[int, list[str]]]) -> list[int]:
    labels = [fields[2] if len(fields) > 2 else "" for _, fields in rows]
    return [int(float(label)) if _WHOLE.fullmatch(label) else 0 for label in labels]


def _told_positions(rows: list[tuple[int, list[str]]], where: str) -> list[int]:
    positions = []
    for number, fields in rows:
        if len(fields) > 2 and any(fields[2:]):
            raise InputError(f"{where}, line {number}: has {len(fields)} columns; {_FORMS}.")
        told = fields[1] if len(fields) > 1 else ""
        if told and not _WHOLE.fullmatch(told):
            raise InputError(f"{where}, line {number}: '{told:.40}' is no place in a bar; {_FORMS}.")
        positions.append(int(float(told)) if told else 0)
    return positions


def _time_s(text: str, where: str) -> float:
    if not _is_number(text):
        hint = "write a point for the decimal comma" if re.fullmatch(r"\d+,\d+", text) else _FORMS
        raise InputError(f"{where}: '{text:.40}' is no number of seconds; {hint}.")
    time_s = float(text)
    if time_s < 0:
        raise InputError(f"{where}: {text} lies before the song begins; times are seconds of the song's file, from 0.")
    return time_s


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and math.isfinite(float(text))
