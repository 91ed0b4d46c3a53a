"""From `quality` on the command line to what FFmpeg is told, and the sentence for each mistake."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from qmv.api import Encoder
from qmv.engine.config.job import bind
from qmv.errors import ConfigError
from qmv.plugins.encoder.svt_av1 import SvtAv1
from qmv.plugins.encoder.videotoolbox import Videotoolbox
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.encoder.x265 import X265

ENCODERS = ("x264", "x265", "svt_av1", "nvenc", "qsv", "vaapi", "videotoolbox")
SOFTWARE = (X264, X265, SvtAv1)


@pytest.fixture
def chosen(compose: Callable[..., Any]) -> Callable[..., Encoder]:
    """The encoder of the video that a command line asks for."""

    def encoder(*overrides: str) -> Encoder:
        found = bind(*compose(*overrides)).stages["video"].encoder  # type: ignore[attr-defined]
        assert isinstance(found, Encoder)
        return found

    return encoder


@pytest.mark.parametrize(("name", "level"), [*zip(ENCODERS, itertools.cycle(["draft", "high", "standard"]))])
def test_quality_means_the_encoders_own_levels(chosen: Callable[..., Encoder], name: str, level: str) -> None:
    encoder = chosen(f"encoder={name}", f"quality={level}")
    assert (encoder.name, (encoder.speed, encoder.constant_quality)) == (name, getattr(encoder.levels, level))


@pytest.mark.parametrize("name", ["x265", "svt_av1"])
def test_preset_and_crf_win_over_the_level(chosen: Callable[..., Encoder], name: str) -> None:
    slowest = type(chosen(f"encoder={name}")).presets[-1]
    encoder = chosen(f"encoder={name}", "quality=draft", f"quality.preset='{slowest}'", "quality.crf=24.5")
    assert (encoder.speed, encoder.constant_quality) == (slowest, 24.5)


def test_x264_is_told_preset_and_crf(chosen: Callable[..., Encoder]) -> None:
    told = dict(chosen("quality.preset=slow", "quality.crf=17.5").coding().options)
    assert (told["preset"], told["crf"]) == ("slow", "17.5")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("encoder=svt_av1", "quality.crf=64"), r"encoder \(svt_av1\): crf must be at least 1 and at most 63, got 64"),
        (("encoder=svt_av1", "quality.crf=0"), r"encoder \(svt_av1\): crf must be at least 1 and at most 63, got 0"),
        (("encoder=x265", "quality.crf=51.5"), r"encoder \(x265\): crf must be at least 0 and at most 51, got 51\.5"),
        (("encoder=x264", "quality.crf=good"), r"encoder\.crf.*'good'.*give it another value"),
        (("encoder=x265", "quality.preset=slw"), r"preset: 'slw' is not known\. Did you mean 'slow'\? Known: "),
        (("encoder=nvenc", "quality.preset=slow"), r"preset: 'slow' is not known\. Known: p1, p2, "),
        (
            ("encoder=nvenc", "encoder.codec=vp9"),
            r"encoder \(nvenc\): codec: 'vp9' is not known\. Known: av1, h264, hevc",
        ),
        (
            ("encoder=videotoolbox", "encoder.codec=av1"),
            r"encoder \(videotoolbox\): codec: 'av1' is not known\. .*h264, hevc",
        ),
        (("quality.level=best",), r"encoder \(x264\): level: 'best' is not known\. Known: draft, high, standard"),
        (("encoder=auto", "quality.crf=20"), r"encoder \(auto\): preset and crf mean something else in each encoder"),
        (("encoder=auto", "quality.preset=slow"), r"encoder \(auto\): .* encoder=auto takes none; name the encoder"),
    ],
    ids=str,
)
def test_bind_refuses_a_wrong_quality_in_one_sentence(
    chosen: Callable[..., Encoder], overrides: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        chosen(*overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cls", SOFTWARE, ids=lambda cls: cls.name)
def test_identity_is_what_ffmpeg_is_told_however_it_was_asked_for(cls: type[Encoder]) -> None:
    preset, crf = cls.levels.standard
    assert cls(crf=crf).identity() == cls(level="draft", preset=preset, crf=crf).identity() == cls().identity()
    assert cls(crf=crf + 0.5).identity() != cls().identity()


def test_identities_of_all_encoders_and_levels_differ() -> None:
    levels = ("draft", "standard", "high")
    told = {str(cls(level=level).identity()) for cls in SOFTWARE for level in levels}
    assert len(told) == len(SOFTWARE) * len(levels)


@pytest.mark.parametrize(("crf", "quality"), [(0.0, "11800"), (17.0, "7788"), (50.0, "118")])
def test_videotoolbox_is_told_its_own_scale(crf: float, quality: str) -> None:
    """1 to 100 times FFmpeg's 118, higher is better."""
    assert dict(Videotoolbox(crf=crf).coding().options)["global_quality"] == quality
