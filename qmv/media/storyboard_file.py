"""A storyboard as a file that a musician can edit: `written` gives its text, `read` and `parsed` take it apart.

What becomes of it with a song's beats is told by `qmv.media.edited`. Imported by stages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from qmv.artifacts import Shot, Storyboard
from qmv.errors import InputError, UnknownName
from qmv.media.cuts import BEATS, EVEN, PHRASES
from qmv.media.storyboard_yaml import Node, folded, tree, word
from qmv.media.timebase import frame_rate

__all__ = ["Row", "Sheet", "clock", "parsed", "read", "written"]

_MOST_BYTES = 16_000_000  # an hour at a picture a beat is 8 MB
_MOST_SEED = 2**31 - 1
_HEAD = """\
# A video's storyboard, shot by shot. Change it, and run the same command again with it:
#
#     python run.py ... storyboard=PATH/TO/THIS.yaml
#
# A shot keeps its picture as long as you leave framing, subject, prompt, negative_prompt and seed alone; another seed
# gives another picture of the same words. Delete a shot, and the one before it stays longer; copy one to add a shot.
# A shot starts on its beat, counted from 1 at the first beat of the video (`at` is when that was); one without a beat
# starts at its `at`, in minutes:seconds. Shots stand in order, and the first one begins with the video, at 0:00.000.
# Section and lyric are there to find your way. Lines of #, such as these, are for people.
"""
_TIME = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{0,9})?)", re.ASCII)
_OWN = "take the storyboard.yaml of a run's folder"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A shot of the file: `beat` counts from 0, `line` from 1."""

    line: int
    at_s: Fraction | None
    beat: int | None
    section: str
    lyric: str
    framing: str
    subject: str
    prompt: str
    negative_prompt: str
    seed: int
    paced_by: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a file holds; `song` is the title of the song that it was written for."""

    song: str
    style: str
    fps: Fraction | None
    rows: tuple[Row, ...]


# -- writing ---------------------------------------------------------------------------------------------------------


def written(storyboard: Storyboard, song: str, style: str) -> str:
    """The text of the file; `song` and `style` are their names."""
    head = f"{_HEAD}\nsong: {word(song)}\nstyle: {word(style)}\nfps: {storyboard.fps}\nshots:\n"
    on_beats = any(shot.beat is not None for shot in storyboard.shots)
    return head + "\n".join(_shot(shot, storyboard.fps, on_beats) for shot in storyboard.shots)


def clock(time_s: Fraction) -> str:
    """'1:02.500'; thousandths are enough for whole frames at all rates."""
    ms = round(time_s * 1000)
    return f"{ms // 60000}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def _shot(shot: Shot, fps: Fraction, on_beats: bool) -> str:
    values = {
        "at": clock(shot.start / fps),
        "beat": "" if shot.beat is None else str(shot.beat + 1),
        "section": word(shot.section) if shot.section else "",
        "lyric": word(shot.lyric) if shot.lyric else "",
        "framing": word(shot.framing),
        "subject": word(shot.subject),
        "prompt": folded(shot.prompt, indent=6),
        "negative_prompt": folded(shot.negative_prompt, indent=6),
        "seed": str(shot.seed),
        "paced_by": "" if shot.paced_by == _paced_by(shot.beat, on_beats) else shot.paced_by,
    }
    lines = "\n    ".join(f"{key}: {value}" for key, value in values.items() if value)
    return f"  - {lines}\n"


def _paced_by(beat: int | None, on_beats: bool) -> str:
    """What sets the place of most shots of such a storyboard, which is not written down."""
    return BEATS if beat is not None or on_beats else EVEN


# -- reading ---------------------------------------------------------------------------------------------------------


def read(path: Path) -> Sheet:
    """Raises InputError for a file that is no storyboard, naming the line at fault."""
    where = f"storyboard ({path})"
    try:
        if not path.exists():
            raise InputError(f"{where}: there is no such file; give its path from the folder that you are in.")
        if not path.is_file():
            raise InputError(f"{where}: is no file but a folder or a device; name the storyboard.yaml itself.")
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise InputError(f"{where}: is {size / 1e6:.0f} MB large, storyboards need less than 16; {_OWN}.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror}); check its name and permissions.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: is no text in UTF-8; save it as such, or {_OWN}.") from error
    return parsed(text, where)


def parsed(text: str, where: str) -> Sheet:
    """What a file's text holds; `where` begins the sentence of each InputError."""
    root = tree(text, where)
    if not isinstance(root.value, dict) or "shots" not in root.value:
        raise InputError(f"{where}: is no storyboard, it has no shots; {_OWN}.")
    _only(root.value, ("song", "style", "fps", "shots"), where)
    shots = root.value["shots"]
    if not isinstance(shots.value, list) or not shots.value:
        raise InputError(f"{where}, line {shots.line}: shots is no list of shots; {_OWN}.")
    on_beats = any(isinstance(node.value, dict) and "beat" in node.value for node in shots.value)
    return Sheet(
        song=_words(root.value, "song", where),
        style=_words(root.value, "style", where),
        fps=_fps(root.value, where),
        rows=tuple(_row(node, on_beats, f"{where}, shot {number}") for number, node in enumerate(shots.value, 1)),
    )


_KEYS = ("at", "beat", "section", "lyric", "framing", "subject", "prompt", "negative_prompt", "seed", "paced_by")


def _row(node: Node, on_beats: bool, where: str) -> Row:
    if not isinstance(node.value, dict):
        raise InputError(
            f"{where} (line {node.line}): is no shot; a shot has at least a beat or an `at`, and a prompt."
        )
    found: dict[str, Node] = node.value
    _only(found, _KEYS, where)
    if not _words(found, "prompt", where).strip():
        raise InputError(f"{where} (line {node.line}): has no prompt; say what is seen, or delete the shot.")
    beat = _number(found, "beat", where, 1, 10**7)
    at_s = _time_s(found, where)
    if beat is None and at_s is None:
        raise InputError(f"{where} (line {node.line}): has neither a beat nor an `at`; give one, such as at: 1:02.500.")
    own = _paced_by(beat, on_beats)
    paced_by = _words(found, "paced_by", where) or own
    if paced_by not in (BEATS, PHRASES, EVEN):
        line = found["paced_by"].line
        raise InputError(
            f"{where} (line {line}): paced_by is {BEATS}, {PHRASES} or {EVEN}, got '{paced_by:.40}'; drop it."
        )
    names = ("section", "lyric", "framing", "subject", "prompt", "negative_prompt")
    return Row(
        line=node.line,
        at_s=at_s,
        beat=None if beat is None else beat - 1,
        seed=_number(found, "seed", where, 0, _MOST_SEED) or 0,
        paced_by=paced_by,
        **{name: _words(found, name, where) for name in names},
    )


def _only(found: Mapping[str, Node], known: tuple[str, ...], where: str) -> None:
    for key, node in found.items():
        if key not in known:
            raise InputError(str(UnknownName(f"{where} (line {node.line})", f"{key:.40}", known)))


def _words(found: Mapping[str, Node], name: str, where: str) -> str:
    node = found.get(name)
    if node is None:
        return ""
    if not isinstance(node.value, str):
        what = "a list" if isinstance(node.value, list) else "a mapping"
        raise InputError(f"{where} (line {node.line}): {name} is {what}; write text, in quotes where it has signs.")
    return node.value


def _number(found: Mapping[str, Node], name: str, where: str, least: int, most: int) -> int | None:
    text = _words(found, name, where)
    if not text:
        return None
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or not least <= int(text) <= most:
        line = found[name].line
        raise InputError(f"{where} (line {line}): {name} is a whole number from {least} to {most}, got '{text:.40}'.")
    return int(text)


def _time_s(found: Mapping[str, Node], where: str) -> Fraction | None:
    text = _words(found, "at", where)
    if not text:
        return None
    parts = _TIME.fullmatch(text)
    if parts is None or (parts[2] is not None and Fraction(parts[3]) >= 60):
        line = found["at"].line
        raise InputError(f"{where} (line {line}): `at` is minutes:seconds, such as 1:02.500, got '{text:.40}'.")
    return 3600 * int(parts[1] or 0) + 60 * int(parts[2] or 0) + Fraction(parts[3])


def _fps(found: Mapping[str, Node], where: str) -> Fraction | None:
    text = _words(found, "fps", where)
    try:
        return frame_rate(text) if text else None
    except ValueError as error:
        raise InputError(f"{where}, line {found['fps'].line}: {error}; or drop the line.") from error
