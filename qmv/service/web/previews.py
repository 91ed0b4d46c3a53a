"""What a style looks like before anything is rendered: a small picture of it, painted by the canvas provider.

A picture is kept under a name that its content gives: the style's words and colours, and the painter with its version.
So an edited style has another picture, and nothing has to be cleared.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from qmv.api import ImageProvider, ImageRequest
from qmv.engine.cache import digest
from qmv.engine.palette import COLOUR
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, UnknownName
from qmv.service.intake.styles import Look

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
class _Scene:
    """What of a style its picture hangs on."""

    palette: tuple[str, ...]
    look: str
    framing: str
    subject: str

    @classmethod
    def of(cls, style: Look) -> _Scene:
        if wrong := next((colour for colour in style.palette if not COLOUR.fullmatch(colour)), ""):
            raise ConfigError(f"style ({style.name}): palette has '{wrong}'; colours look like '#1a2b3c'.")
        return cls(
            palette=style.palette or _PALETTE,
            look=style.look or _LOOK,
            framing=_FIRST if _FIRST in style.shots or not style.shots else style.shots[0],
            subject=style.subjects[0] if style.subjects else "",
        )


def preview(style: Look, kept: Path) -> bytes:
    """A style's picture as a JPEG of WIDTH_PX x HEIGHT_PX, less than 30 KB, from the folder `kept` if it is there.

    Painting takes a good part of a second, so a server hands this to a thread. Raises ConfigError for a style whose
    colours are none.
    """
    scene, canvas = _Scene.of(style), _canvas()
    look = digest({"look": scene.__dict__, "painter": canvas.identity(), "form": _form()})[:16]
    path = kept / f"{style.name}-{look}.jpg"
    try:
        return path.read_bytes()
    except OSError:
        pass
    image = _jpeg(_painted(canvas, scene))
    _keep(path, image)
    return image


# -- the picture -----------------------------------------------------------------------------------------------------


@functools.cache
def _registry() -> Registry:
    return Registry()


def _canvas(**settings: str) -> ImageProvider:
    return cast(ImageProvider, _registry().get("image", "canvas").cls(**settings))


def _painted(canvas: ImageProvider, scene: _Scene) -> bytes:
    """A PNG. A style for other painters may name a look that the canvas does not know; its colours still tell."""
    request = ImageRequest(
        index=0,
        prompt=scene.subject,
        negative_prompt="",
        seed=_SEED,
        framing=scene.framing,
        subject=scene.subject,
        look=scene.look,
        palette=scene.palette,
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
