"""Asks plugins for views and frames, and checks what they give: a mistake names its plugin in one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from qmv.artifacts import Shot
from qmv.errors import PluginError, QmvError
from qmv.media.camera import Affine

if TYPE_CHECKING:
    from qmv.api import Effect, Motion, Transition
    from qmv.media.frame import Frame

__all__ = ["cameras", "changed"]


def cameras(motion: Motion, shot: Shot, numbers: Iterable[int]) -> list[Affine]:
    """The views at these frames; past its end a picture is not seen, and its last view stays."""
    where = f"motion ({motion.name}): camera()"
    views: list[Any] = [_called(where, motion.camera, shot, min(number, shot.end - 1)) for number in numbers]
    for view in views:
        if not isinstance(view, Affine):
            raise PluginError(f"{where} must give an Affine, got {view!r}; mend the plugin.")
        if not all(isinstance(part, (int, float)) and math.isfinite(part) for part in view):
            raise PluginError(f"{where} must give an Affine of finite numbers, got {view!r}; mend the plugin.")
    return views


def changed(plugin: Transition | Effect, method: Callable[..., Frame], frame: Frame, *more: Any) -> Frame:
    """The frame that a plugin makes of one, of the same size; the given one can be read only."""
    where = f"{plugin.kind} ({plugin.name}): {method.__name__}()"
    for given in (frame, *more[:1]):
        for plane in (getattr(given, name, None) for name in "yuv"):
            if plane is not None:
                plane.setflags(write=False)
    made: Any = _called(where, method, frame, *more)
    if why := _fault(made, frame):
        raise PluginError(f"{where} must give a Frame of {frame.size} pixels, got {why}; mend the plugin.")
    return made  # type: ignore[no-any-return]


def _called(where: str, method: Callable[..., Any], *given: Any) -> Any:
    try:
        return method(*given)
    except QmvError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{where} failed ({type(error).__name__}: {error}); mend the plugin.") from error


def _fault(made: object, like: Frame) -> str:
    """What is wrong with a frame, in words; '' where nothing is."""
    import numpy as np

    from qmv.media.frame import Frame

    if not isinstance(made, Frame):
        return repr(made)
    for name in "yuv":
        plane, wanted = getattr(made, name), getattr(like, name)
        if not isinstance(plane, np.ndarray):
            return f"{type(plane).__name__} as its plane {name}"
        if plane.dtype != np.uint8 or plane.shape != wanted.shape:
            return f"its plane {name} as {plane.dtype} {plane.shape} instead of uint8 {wanted.shape}"
    return ""
