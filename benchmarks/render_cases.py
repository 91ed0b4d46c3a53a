"""What the rendering benchmark renders: its cases, its sizes, and the one place where their stages are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qmv.api import Effect, Motion, Transition
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.cut import Cut

if TYPE_CHECKING:
    from qmv.engine.registry import Registry

__all__ = [
    "ALL", "CASES", "CROSSFADE_S", "EFFECTS", "SHOT_S", "THREE_EFFECTS", "Size", "assemble", "case_named",
    "missing_effects", "x264_options",
]  # fmt: skip

SHOT_S = 2
CROSSFADE_S = 0.5
CASES: dict[str, tuple[Motion, Transition]] = {
    "stills, cut": (Still(), Cut()),
    "stills, crossfade": (Still(), Crossfade(duration_s=CROSSFADE_S)),
    "motion, cut": (KenBurns(), Cut()),
    "motion, crossfade": (KenBurns(), Crossfade(duration_s=CROSSFADE_S)),
}
EFFECTS = ("flash", "vignette", "grain")
THREE_EFFECTS = "motion, crossfade, three effects"
ALL = (*CASES, THREE_EFFECTS)


@dataclass(frozen=True, kw_only=True)
class Size:
    """A format of the video."""

    width: int
    height: int
    fps: int

    @classmethod
    def of(cls, text: str) -> Size:
        """From WIDTHxHEIGHT/FPS; raises ValueError for anything else, and for odd lengths."""
        width, _, rest = text.partition("x")
        height, _, fps = rest.partition("/")
        made = cls(width=int(width), height=int(height), fps=int(fps))
        if made.width % 2 or made.height % 2 or min(made.width, made.height, made.fps) < 1:
            raise ValueError(f"width and height must be even, got {text}")
        return made

    def __str__(self) -> str:
        return f"{self.width}x{self.height}/{self.fps}"


def case_named(part: str) -> str:
    """The first case whose name holds these words; raises ValueError where none does."""
    for name in ALL:
        if part in name:
            return name
    raise ValueError(f"no case has '{part}' in its name; known: {'; '.join(ALL)}")


def missing_effects(registry: Registry) -> list[str]:
    """Those of EFFECTS that this QMV does not have."""
    return [name for name in EFFECTS if name not in registry.names("effect")]


def assemble(stage: str, case: str, preset: str, crf: float) -> Any:
    """`assemble_video` or `assemble_moviepy` for a case; this and `x264_options` alone know how x264 is chosen."""
    from qmv.plugins.encoder.x264 import X264
    from qmv.stages.assemble_moviepy import AssembleMoviepy
    from qmv.stages.assemble_video import AssembleVideo

    motion, transition = CASES["motion, crossfade" if case == THREE_EFFECTS else case]
    effects = _effects() if case == THREE_EFFECTS else ()
    made = {"assemble_video": AssembleVideo, "assemble_moviepy": AssembleMoviepy}[stage]
    return made(motion=motion, transition=transition, effects=effects, encoder=X264(preset=preset, crf=crf))


def _effects() -> tuple[Effect, ...]:
    from qmv.engine.registry import Registry

    registry = Registry()
    return tuple(cast("Effect", registry.get("effect", name).cls()) for name in EFFECTS)


def x264_options(preset: str, crf: float, *, own_threads: bool = False) -> dict[str, str]:
    """What QMV gives to x264, by the names of FFmpeg's options; with `own_threads` without what holds it to one."""
    from qmv.plugins.encoder.x264 import x264_params

    params = [part for part in x264_params().split(":") if not (own_threads and "threads" in part)]
    return {"preset": preset, "crf": f"{crf:g}", "x264-params": ":".join(params)}
