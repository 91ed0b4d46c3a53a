"""What outsiders may set of a video, and how it is said to run.py: names, types and ranges, and nothing besides.

Whatever is not in this table cannot be set from outside, and a text is never more than a text: no word of it reaches
the grammar of Hydra, or is looked up by OmegaConf.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qmv.analysis.window import asked_s
from qmv.engine.palette import COLOUR
from qmv.errors import ConfigError, UnknownName
from qmv.media.legible import legible
from qmv.service.queue.jobs import Order

__all__ = ["KNOBS", "Knob", "checked", "overrides", "schema", "shown"]

_LOOKED_UP = "${"  # what OmegaConf looks up
_MISSING = "???"  # what it takes for no value, quoted or not
_SHOWN = 60
_COLOURS = (2, 8)


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One setting. `key` is its place in run.py's config; a text has at most `longest` signs.

    With `choices` only those are taken; `default` is None where the song itself or the style decides.
    """

    name: str
    type: str  # integer, number or text
    help: str
    key: str = ""
    unit: str = ""
    default: Any = None
    at_least: float | None = None
    at_most: float | None = None
    choices: tuple[str, ...] = ()
    longest: int = 0


def _table(*knobs: Knob) -> dict[str, Knob]:
    return {knob.name: knob for knob in knobs}


# `offer` adds the choices and defaults of the folder conf/ and of the plugins that are there
KNOBS = _table(
    Knob(name="beats_per_image", type="integer", unit="beats", at_least=1, at_most=64,
        help="how long a picture stays"),
    Knob(name="min_images", type="integer", unit="pictures", at_least=1, at_most=64,
        help="the fewest pictures of a video"),
    Knob(name="fps", type="text", unit="frames a second", help="the frame rate",
        choices=("23.976", "24", "25", "29.97", "30", "50", "59.94", "60")),
    Knob(name="format", type="text", help="the shape of the video"),
    Knob(name="quality", type="text", help="how good it looks, against how long it takes"),
    Knob(name="motion", type="text", help="how the camera moves over a picture"),
    Knob(name="transition", type="text", help="how one picture becomes the next"),
    Knob(name="image", type="text", help="what makes the pictures"),
    Knob(name="seed", type="integer", at_least=0, at_most=2**31 - 1, help="another one gives other pictures"),
    Knob(name="brief", type="text", longest=500, help="what the video is about, in your words"),
    Knob(name="subject", type="text", longest=200, help="who or what every picture shows"),
    Knob(name="palette", type="text", longest=200,
        help="the colours of every picture, in words, or as codes from dark to light: #102030 #ff8800"),
    Knob(name="window", type="text", key="song.window", longest=20,
        help="only the best part of the song: best 30 for 30 seconds"),
    Knob(name="bpm", type="number", key="song.bpm", unit="beats a minute", at_least=20, at_most=400,
        help="the tempo, where it is known better than it can be heard"),
    Knob(name="loudness_lufs", type="number", unit="LUFS", at_least=-40, at_most=-5,
        help="the loudness of the whole song (EBU R 128)"),
    Knob(name="licence", type="text", longest=200, help="what others may do with the video"),
)  # fmt: skip


def checked(knobs: Mapping[str, Knob], given: object) -> dict[str, Any]:
    """The settings of a request, each of its type; what is null or '' is left to its default.

    Raises UnknownName for a name that is not in the table, ConfigError for a value that is not allowed.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"settings: are an object of names and values, got {shown(given)}; known: {', '.join(knobs)}."
        )
    values = {}
    for name, value in given.items():
        if name not in knobs:
            raise UnknownName("settings", shown(name), knobs)
        if value is not None and value != "":
            values[name] = _value(knobs[name], value)
    return values


def overrides(order: Order) -> list[str]:
    """The words of run.py's command line that make this video, style, song and all."""
    from qmv.engine.songs import in_quotes

    words = [f"song.path={in_quotes(order.song)}", f"style={in_quotes(order.style)}"]
    for name, value in order.settings.items():
        key = KNOBS[name].key or name if name in KNOBS else name
        if isinstance(value, list):
            words.append(f"{key}=[{','.join(map(in_quotes, value))}]")
        else:
            words.append(f"{key}={in_quotes(value) if isinstance(value, str) else str(value).lower()}")
    return words


def schema(knobs: Mapping[str, Knob]) -> dict[str, Any]:
    """The settings of a request as JSON Schema."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {knob.name: _schema(knob) for knob in knobs.values()},
    }


def shown(value: object) -> str:
    """A value of an outsider's in a sentence: short, in one line."""
    try:
        text = str(value)[: 4 * _SHOWN]
    except ValueError:  # a number of more than 4300 digits
        text = "a huge number"
    line = legible(text.encode("utf-8", "replace").decode())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _schema(knob: Knob) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "string" if knob.type == "text" else knob.type, "description": knob.help}
    if knob.choices:
        told["enum"] = [*knob.choices]
    for word, value in (("minimum", knob.at_least), ("maximum", knob.at_most), ("maxLength", knob.longest or None)):
        if value is not None:
            told[word] = value
    if knob.default is not None:
        told["default"] = knob.default
    return {**told, "type": [told["type"], "null"]} if not knob.choices else told


# -- values ----------------------------------------------------------------------------------------------------------


def _value(knob: Knob, value: object) -> Any:
    if knob.choices:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**53
        text = f"{value:g}" if is_number else value  # a larger one is no choice, and may be too large for a float
        if not isinstance(text, str) or text not in knob.choices:
            raise UnknownName(f"settings.{knob.name}", shown(value), knob.choices)
        return text
    if knob.type == "text":
        return _codes(value) if knob.name == "palette" else _text(knob, value)
    return _number(knob, value)


def _number(knob: Knob, value: object) -> int | float:
    whole = knob.type == "integer"
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**53
    if not fits or not isinstance(value, (int, float)) or not math.isfinite(value) or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"settings.{knob.name}: must be {kind}, {_range(knob)}, got {shown(value)}.")
    if not (knob.at_least or 0) <= value <= (knob.at_most or 0):
        raise ConfigError(f"settings.{knob.name}: must be {_range(knob)}, got {shown(value)}.")
    return int(value) if whole else float(value)


def _range(knob: Knob) -> str:
    return f"{knob.at_least:.10g} to {knob.at_most:.10g}{f' ({knob.unit})' if knob.unit else ''}"


def _text(knob: Knob, value: object) -> str:
    where = f"settings.{knob.name}"
    if not isinstance(value, str):
        raise ConfigError(f"{where}: must be a text, got {shown(value)}.")
    if len(value) > knob.longest:
        raise ConfigError(f"{where}: has {len(value)} signs, at most {knob.longest} are taken; shorten it.")
    if _LOOKED_UP in value:
        raise ConfigError(f"{where}: must not hold '{_LOOKED_UP}'; leave it out.")
    if value == _MISSING:
        raise ConfigError(f"{where}: '{_MISSING}' alone means nothing here; write it in words.")
    if odd := next((sign for sign in value if not _plain(sign)), None):
        raise ConfigError(f"{where}: holds a sign that cannot be shown (U+{ord(odd):04X}); write one line of text.")
    if knob.name == "window" and asked_s(value) is None:
        raise ConfigError(f"{where}: '{shown(value)}' is none; write 'best 30' for the best 30 seconds.")
    return value


def _plain(sign: str) -> bool:
    return unicodedata.category(sign) == "Zs" or legible(f"x{sign}x") == f"x{sign}x"


def _codes(value: object) -> str | list[str]:
    """The palette in words, or as a list where it is written in codes."""
    knob = KNOBS["palette"]
    parts: Sequence[object] = value if isinstance(value, list) else re.split(r"[\s,;]+", _text(knob, value).strip())
    if isinstance(value, str) and not COLOUR.search(value):
        return value
    if all(isinstance(part, str) and COLOUR.fullmatch(part) for part in parts):
        if _COLOURS[0] <= len(parts) <= _COLOURS[1]:
            return [str(part) for part in parts]
        raise ConfigError(f"settings.palette: has {len(parts)} colours; give {_COLOURS[0]} to {_COLOURS[1]}.")
    raise ConfigError(
        "settings.palette: is words, such as 'teal and orange', or codes, such as '#102030 #ff8800', "
        f"got {shown(value)}."
    )
