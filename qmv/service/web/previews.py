"""What a style looks like before anything is rendered: a small picture of it, painted by the canvas provider.

A picture is kept under a name that its content gives: the style's words and colours, and the painter with its version.
So an edited style has another picture at once, and nothing has to be cleared.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from qmv.api import ImageProvider, ImageRequest
from qmv.engine.cache import digest
from qmv.engine.palette import COLOUR
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, UnknownName

__all__ = ["WIDTH_PX", "HEIGHT_PX", "preview"]

log = logging.getLogger("qmv")

WIDTH_PX, HEIGHT_PX = 320, 200
_DRAWN_AT = 2  # times the size: fine lines come out even
_MOST_BYTES = 30_000
_QUALITIES = (88, 80, 70, 58, 45, 30, 15)
_SEED = 7
_FIRST = "wide shot"  # shows most of a style, where it has that framing
_PALETTE = ("#101018", "#404060", "#8080a0", "#f0f0f0")  # what a style without colours is rendered in
_LOOK = "neon"


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What of a style its picture hangs on."""

    palette: tuple[str, ...]
    look: str
    framing: str
    subject: str


def preview(program: Path, name: str, kept: Path) -> bytes:
    """A style's picture as a JPEG of WIDTH_PX x HEIGHT_PX, less than 30 KB, from the folder `kept` if it is there.

    Painting takes a good part of a second, so a server hands this to a thread. Raises UnknownName, and ConfigError for
    a style that cannot be read.
    """
    files = _files(program)
    if name not in files:
        raise UnknownName("style", name, files)
    look, canvas = _look(files, name), _canvas()
    path = kept / f"{name}-{digest({'look': look.__dict__, 'painter': canvas.identity(), 'form': _form()})[:16]}.jpg"
    try:
        return path.read_bytes()
    except OSError:
        pass
    image = _jpeg(_painted(canvas, look))
    _keep(path, image)
    return image


# -- the style's file ------------------------------------------------------------------------------------------------


def _files(program: Path) -> dict[str, Path]:
    """The styles by name, also those that packages bring; the first folder that has one decides, as with Hydra."""
    found: dict[str, Path] = {}
    for folder in (program.parent / "conf", *map(Path, _registry().config_paths)):
        for file in sorted((folder / "style").glob("*.yaml")):
            found.setdefault(file.stem, file)
    return found


def _look(files: Mapping[str, Path], name: str) -> _Look:
    values = _values(files, name)
    palette = [str(colour) for colour in _listed(values, "palette")] or _PALETTE
    shots, subjects = _listed(values, "shots"), _listed(values, "subjects")
    if wrong := next((colour for colour in palette if not COLOUR.fullmatch(colour)), ""):
        raise ConfigError(f"style ({name}): palette has '{wrong}'; colours look like '#1a2b3c'.")
    return _Look(
        palette=tuple(palette),
        look=str(values.get("look") or _LOOK),
        framing=_FIRST if _FIRST in shots or not shots else str(shots[0]),
        subject=str(subjects[0]) if subjects else "",
    )


def _values(files: Mapping[str, Path], name: str, within: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the file says, over what the styles say that its defaults list names before `_self_`."""
    import yaml

    file = files[name]
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise ConfigError(f"style ({name}): {file.name} cannot be read ({why}); mend it.") from error
    if not isinstance(read, dict):
        raise ConfigError(f"style ({name}): {file.name} holds no settings; see conf/style/neon.yaml for their form.")
    own = {key: value for key, value in read.items() if key != "defaults"}
    values: dict[str, Any] = {}
    parts = [part for part in _listed(read, "defaults") if isinstance(part, str)]
    for part in parts if "_self_" in parts else [*parts, "_self_"]:
        if part == "_self_":
            values |= own
        elif part in files and part not in (*within, name):
            values |= _values(files, part, (*within, name))
    return values


def _listed(values: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = values.get(key)
    return value if isinstance(value, list) else ()


# -- the picture -----------------------------------------------------------------------------------------------------


@functools.cache
def _registry() -> Registry:
    return Registry()


def _canvas(**settings: str) -> ImageProvider:
    return cast(ImageProvider, _registry().get("image", "canvas").cls(**settings))


def _painted(canvas: ImageProvider, look: _Look) -> bytes:
    """A PNG. A style for other painters may name a look that the canvas does not know; its colours still tell."""
    request = ImageRequest(
        index=0,
        prompt=look.subject,
        negative_prompt="",
        seed=_SEED,
        framing=look.framing,
        subject=look.subject,
        look=look.look,
        palette=look.palette,
        width_px=WIDTH_PX * _DRAWN_AT,
        height_px=HEIGHT_PX * _DRAWN_AT,
    )
    try:
        return canvas.render(request)
    except UnknownName:
        return _canvas(look=_LOOK).render(request)


def _jpeg(painted: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(painted)) as opened:
        picture = opened.convert("RGB").resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS)
    for quality in _QUALITIES:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
        if out.tell() < _MOST_BYTES:
            break
    return out.getvalue()


def _form() -> list[int]:
    """What of this module the picture hangs on."""
    return [WIDTH_PX, HEIGHT_PX, _DRAWN_AT, _SEED, _MOST_BYTES]


def _keep(path: Path, image: bytes) -> None:
    """By a rename, so that nobody reads half a picture; where nothing can be kept, it is painted again next time."""
    part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(image)
        part.replace(path)
    except OSError as error:
        log.warning("previews: cannot be kept (%s)", error)
