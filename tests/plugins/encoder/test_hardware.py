"""Encoders of devices by the real command line: a film where the machine has one, else FFmpeg's reason, at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.api import Encoder
from qmv.media.coding import AS_BT709, refusal
from qmv.media.probe import probe
from qmv.plugins.encoder.auto import Auto
from qmv.plugins.encoder.nvenc import Nvenc
from qmv.plugins.encoder.qsv import Qsv
from qmv.plugins.encoder.vaapi import Vaapi
from qmv.plugins.encoder.videotoolbox import Videotoolbox
from tests.conftest import Ended

DEVICES = (Nvenc, Qsv, Vaapi, Videotoolbox)
SMALL = ("width=256", "height=256", "min_images=1", "beats_per_image=8")  # devices refuse much smaller pictures

by_name = pytest.mark.parametrize("cls", DEVICES, ids=lambda cls: cls.name)


@by_name
def test_levels_go_from_quick_to_good(cls: type[Encoder]) -> None:
    presets, crfs = zip(*cls.levels)
    speeds = [cls.presets.index(preset) for preset in presets]
    assert speeds == sorted(speeds)
    assert list(crfs) == sorted(crfs, reverse=True)
    assert all(cls.crfs[0] <= crf <= cls.crfs[1] for crf in crfs)


@by_name
def test_each_level_is_told_in_another_way(cls: type[Encoder]) -> None:
    assert len({cls(level=level).coding() for level in ("draft", "standard", "high")}) == 3


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_codec_chooses_the_encoder_and_its_name_in_the_file(codec: str) -> None:
    told = [cls(codec=codec).coding() for cls in (Nvenc, Qsv, Vaapi)]
    assert [coding.codec for coding in told] == [f"{codec}_nvenc", f"{codec}_qsv", f"{codec}_vaapi"]
    assert {coding.sample_entry for coding in told} == {"hvc1" if codec == "hevc" else ""}


def test_vaapi_says_what_colours_it_gives() -> None:
    """Else the program takes BT.709 for BT.601."""
    assert Vaapi().coding().filters.startswith(AS_BT709)


@by_name
def test_a_device_makes_a_film_or_is_refused_with_ffmpegs_reason_before_any_work(
    run_cli: Callable[..., Ended], song: Path, clicks_plugin: Path, cls: type[Encoder]
) -> None:
    ended = run_cli(f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", f"encoder={cls.name}", *SMALL)
    if ended.rc == 0:
        assert refusal(cls(level="draft").coding()) == ""
        assert probe(ended.video).bt709
        return
    codec = cls().coding().codec
    sentence = rf"error: encoder \({cls.name}\): {codec} does not work on this machine \(FFmpeg: .+\); choose enc.+\."
    assert len(ended.errors) == 1
    assert re.fullmatch(sentence, ended.errors[0])
    assert "Traceback" not in ended.stderr
    assert not ended.found("artifact.json")


def test_auto_says_what_it_took_and_why_and_is_keyed_like_it(
    run_cli: Callable[..., Ended], song: Path, clicks_plugin: Path
) -> None:
    asked = (f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", *SMALL)
    ended = run_cli(*asked, "encoder=auto")
    assert ended.rc == 0, ended.stderr
    found = re.search(r"encoder=auto took (\w+)[,;] (.*)", " ".join(manifest(ended)["notes"]))
    assert found
    refused = [cls.name for cls in DEVICES if refusal(cls(level="draft").coding())]
    assert all(f"{name}: " in found[2] for name in refused) or found[1] != "x264"
    assert found[1] == "x264" if len(refused) == len(DEVICES) else found[1] not in refused
    again = run_cli(*asked, f"encoder={found[1]}")
    assert again.rc == 0, again.stderr
    assert again.video.read_bytes() == ended.video.read_bytes()
    assert next(stage for stage in manifest(again)["stages"] if stage["node"] == "video")["cached"]


def test_auto_tries_devices_once_a_process() -> None:
    assert Auto().chosen() is Auto().chosen()
    assert Auto(level="draft").chosen()[0].level == "draft"


def manifest(ended: Ended) -> dict[str, Any]:
    return dict(json.loads((ended.video.parent / "manifest.json").read_text(encoding="utf-8")))
