"""How Hydra learns of plugins and their settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qmv.engine.config.job import Job
from qmv.engine.config.options import plugin_fields
from qmv.stages.assemble_video import AssembleVideo


def test_plugin_fields_finds_one_and_many() -> None:
    assert plugin_fields(AssembleVideo) == {
        "motion": ("motion", False), "transition": ("transition", False), "effects": ("effect", True),
        "encoder": ("encoder", False),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("override", "stage", "field", "value"),
    [
        ("fps=30", "storyboard", "fps", "30"),
        ("fps=29.97", "storyboard", "fps", "29.97"),
        ("beats_per_image=2", "storyboard", "beats_per_image", 2),
        ("beats_per_image={calm:8,B:2}", "storyboard", "beats_per_image", {"calm": 8, "B": 2}),
        ("min_images=3", "storyboard", "min_images", 3),
        ("seed=7", "storyboard", "seed", 7),
        ("width=640", "pictures", "width", 640),
        ("height=360", "pictures", "height", 360),
        ("format=vertical", "pictures", "height", 1920),
        ("quality=draft", "video", "scale", 0.5),
        ("quality.vmaf=94", "video", "vmaf", 94.0),
        ("loudness_lufs=-14", "video", "loudness_lufs", -14.0),
        ("audio=copy", "video", "audio", "copy"),
        ("audio_kbps=192", "video", "audio_kbps", 192),
    ],
)
def test_knob_reaches_its_stage(job: Callable[..., Job], override: str, stage: str, field: str, value: object) -> None:
    assert getattr(job(override).stages[stage], field) == value


def test_knob_can_be_overridden_for_one_stage(job: Callable[..., Job]) -> None:
    stages = job("fps=30", "stages.storyboard.fps=25").stages
    assert stages["storyboard"].fps == "25"  # type: ignore[attr-defined]
