"""Encoders of pictures."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple, Self

from qmv.api.plugin import Plugin
from qmv.errors import PluginError, QmvError, UnknownName
from qmv.media.coding import Coding, ffmpeg_program, refusal
from qmv.settings import plugin, setting

__all__ = ["Coding", "Encoder", "Levels"]


class Levels(NamedTuple):
    """Preset and crf of each level of quality."""

    draft: tuple[str, float]
    standard: tuple[str, float]
    high: tuple[str, float]


@plugin
class Encoder(Plugin):
    """Says how FFmpeg encodes; `quality` sets the level, and what the level means is the encoder's to know.

    A subclass gives `levels`: the preset and the crf of each level; `presets`, from the quickest on; `crfs`, the range.
    """

    kind = "encoder"
    levels: ClassVar[Levels]
    presets: ClassVar[tuple[str, ...]]
    crfs: ClassVar[tuple[float, float]] = (0, 51)
    narrowest_px: ClassVar[int] = 2
    hardware: ClassVar[bool] = False  # whether it needs more than this package brings, which is tried before the run

    level: str = setting("what the video is for", default="standard", choices=Levels._fields, knob="quality.level")
    preset: str | None = setting("speed against bytes; null: the level's", default=None, knob="quality.preset")
    crf: float | None = setting("quality, lower is better; null: the level's", default=None, knob="quality.crf")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.levels, Levels):
            raise ValueError(
                f"levels must be a Levels(draft=(preset, crf), standard=..., high=...), got {self.levels!r}"
            )
        if self.preset is not None and self.preset not in self.presets:
            raise UnknownName("preset", self.preset, self.presets)
        low, high = self.crfs
        if self.crf is not None and not low <= self.crf <= high:
            raise ValueError(f"crf must be at least {low:g} and at most {high:g}, got {self.crf:g}")

    @classmethod
    def about(cls) -> tuple[str, ...]:
        low, high = cls.crfs
        levels = ", ".join(f"{name} {preset} {crf:g}" for name, (preset, crf) in cls.levels._asdict().items())
        return (f"presets: {', '.join(cls.presets)}; crf: {low:g} to {high:g}; levels: {levels}",)

    @property
    def speed(self) -> str:
        """The preset that counts."""
        return self._of_level[0] if self.preset is None else self.preset

    @property
    def constant_quality(self) -> float:
        """The crf that counts."""
        return self._of_level[1] if self.crf is None else self.crf

    @property
    def _of_level(self) -> tuple[str, float]:
        return self.levels[Levels._fields.index(self.level)]

    @abstractmethod
    def coding(self) -> Coding:
        """What FFmpeg is told."""

    def at(self, crf: float) -> Self:
        """The same encoder at another crf."""
        return dataclasses.replace(self, crf=crf)

    def chosen(self) -> tuple[Encoder, str]:
        """The encoder that does the work, and a sentence about why where it was not asked for by name."""
        return self, ""

    def identity(self) -> dict[str, Any]:
        """What FFmpeg is told, however it was asked for; raises PluginError where this machine cannot do it."""
        coding = self._told()
        if coding.program_options:
            ffmpeg_program()
        if self._doubtful and (reason := refusal(coding)):
            raise PluginError(
                f"encoder ({self.name}): {coding.codec} does not work on this machine (FFmpeg: {reason}); "
                "choose encoder=x264, or encoder=auto, which takes what works."
            )
        parts = super().identity()
        return parts | {"settings": dataclasses.asdict(coding)}

    @property
    def _doubtful(self) -> bool:
        """A codec may be missing where a device is, and where somebody else wrote the plugin."""
        return self.hardware or not type(self).__module__.startswith("qmv.plugins.")

    def _told(self) -> Coding:
        where = f"encoder ({self.name}): coding()"
        try:
            coding: object = self.coding()
        except QmvError:
            raise
        except Exception as error:
            raise PluginError(f"{where} failed ({type(error).__name__}: {error}); mend the plugin.") from error
        if not isinstance(coding, Coding):
            raise PluginError(f"{where} must give a Coding, got {coding!r}; mend the plugin.")
        return coding
