"""What is done to frames: camera motions, transitions, effects."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from qmv.api.plugin import Plugin
from qmv.artifacts import Shot
from qmv.media.camera import IDENTITY, Affine
from qmv.media.frame import Frame
from qmv.media.moments import Moment

__all__ = ["Effect", "Motion", "Transition"]


class Motion(Plugin):
    """Moves a camera over a picture."""

    kind = "motion"

    @abstractmethod
    def camera(self, shot: Shot, frame: int) -> Affine:
        """The view at a frame of the shot, start <= frame < end, sub-pixel; must stay inside the picture.

        `shot` covers every frame in which the picture is seen, transitions included.
        """


class Transition(Plugin):
    """Leads from one shot to the next; its middle lies on the cut and moves no other cut."""

    kind = "transition"

    def length_s(self) -> float:
        """How long it is seen at most; shots that are short make it shorter. 0 for a hard cut."""
        return 0.0

    @abstractmethod
    def blend(self, a: Frame, b: Frame, t: float) -> Frame:
        """t=0 gives a, t=1 gives b, exactly."""


class Effect(Plugin):
    """Changes finished frames in time with the music."""

    kind = "effect"
    reads: ClassVar[tuple[str, ...]] = tuple(
        Moment.__dataclass_fields__
    )  # of a moment; the rest is blank, and in no key

    @abstractmethod
    def apply(self, frame: Frame, at: Moment) -> Frame:
        """A new frame of the same size; the given one is not changed."""

    def view(self, at: Moment) -> Affine:
        """Where in the given frame each point of the new one comes from; only an effect that moves the picture has to
        tell, so that the finished video can be measured."""
        return IDENTITY
