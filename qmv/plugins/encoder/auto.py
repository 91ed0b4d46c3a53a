"""Whatever encodes quickest here."""

from __future__ import annotations

import functools
from typing import Any

from qmv.api import Coding, Encoder, plugin
from qmv.media.coding import refusal
from qmv.plugins.encoder.nvenc import Nvenc
from qmv.plugins.encoder.qsv import Qsv
from qmv.plugins.encoder.vaapi import Vaapi
from qmv.plugins.encoder.videotoolbox import Videotoolbox
from qmv.plugins.encoder.x264 import X264

__all__ = ["Auto"]

_IN_TURN: tuple[type[Encoder], ...] = (Nvenc, Qsv, Videotoolbox, Vaapi)


@plugin
class Auto(Encoder):
    """The first of nvenc, qsv, videotoolbox and vaapi that works here, else x264; says which, and why."""

    name = "auto"
    levels = X264.levels  # each encoder has its own
    presets = X264.presets

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.preset is not None or self.crf is not None:
            raise ValueError(
                "preset and crf mean something else in each encoder, so encoder=auto takes none; name the encoder"
            )

    @classmethod
    def about(cls) -> tuple[str, ...]:
        return ()

    def coding(self) -> Coding:
        return self.chosen()[0].coding()

    def identity(self) -> dict[str, Any]:
        return self.chosen()[0].identity()

    def chosen(self) -> tuple[Encoder, str]:
        return _chosen(self.level)


@functools.cache
def _chosen(level: str) -> tuple[Encoder, str]:
    refused: list[str] = []
    for cls in _IN_TURN:
        encoder = cls(level=level)
        reason = refusal(encoder.coding())
        if not reason:
            return encoder, _told(encoder, refused)
        refused.append(f"{cls.name}: {reason}")
    return X264(level=level), _told(X264(level=level), refused)


def _told(encoder: Encoder, refused: list[str]) -> str:
    why = f"; refused were {'; '.join(refused)}" if refused else ", the first that was tried"
    return f"encoder=auto took {encoder.name}{why}"
