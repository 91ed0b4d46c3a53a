"""A video that is smaller than the size that was asked for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from qmv.artifacts import Video
from qmv.events import Event, Notice
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.cut import Cut
from qmv.stages.assemble_moviepy import AssembleMoviepy
from qmv.stages.assemble_video import AssembleVideo
from qmv.stages.assembly import Assembly
from qmv.testing import stage_context
from tests.stages.helpers import grey_pictures


def told(cls: type[Assembly], folder: Path, scale: float) -> list[str]:
    """The notices of the review of a video of 64x36 pictures."""
    seen: list[Event] = []
    pictures = grey_pictures(folder / "pictures", [40])
    stage = replace(cls(motion=Still(), transition=Cut(), encoder=X264()), scale=scale)
    width_px, height_px = stage.size_px(pictures)
    video = Video(
        file=pictures.pictures[0].file, width_px=width_px, height_px=height_px, fps=Fraction(24), frames=1, title=""
    )
    stage.review(stage_context(folder, publish=seen.append), video, pictures=pictures)
    return [event.message for event in seen if isinstance(event, Notice)]


@pytest.mark.parametrize("cls", [AssembleVideo, AssembleMoviepy])
def test_scaled_video_tells_both_sizes_and_how_to_keep_the_one_asked_for(cls: type[Assembly], tmp_path: Path) -> None:
    words = "the video is 32x18, not 64x36: it is scaled by 0.5; quality.scale=1 keeps the size"
    assert told(cls, tmp_path, 0.5) == [words]


@pytest.mark.parametrize("cls", [AssembleVideo, AssembleMoviepy])
@pytest.mark.parametrize("scale", [1.0, 0.99])  # 0.99 of it is 64x36 in whole chroma samples
def test_video_of_the_size_asked_for_says_nothing_of_it(cls: type[Assembly], tmp_path: Path, scale: float) -> None:
    assert told(cls, tmp_path, scale) == []
