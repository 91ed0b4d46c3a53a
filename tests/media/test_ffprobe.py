"""What FFmpeg's own programs say of finished videos: nothing to complain of, and every time stamp exact."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.finished import RECIPES, SECONDS, Film
from tests.machine import program

pytestmark = pytest.mark.slow

BT709 = {"color_range": "tv", "color_space": "bt709", "color_transfer": "bt709", "color_primaries": "bt709"}


@dataclass(frozen=True, kw_only=True)
class Probed:
    """A film and what ffprobe tells of it."""

    film: Film
    words: str
    video: dict[str, Any]
    audio: dict[str, Any]
    frames: list[dict[str, Any]]
    samples: list[dict[str, Any]]


@pytest.fixture(scope="module", params=RECIPES)
def probed(request: pytest.FixtureRequest, finished_film: Callable[[str], Film]) -> Probed:
    ffprobe = program("ffprobe", "ffmpeg")
    made = finished_film(request.param)
    asked = ["-v", "warning", "-of", "json", "-show_format", "-show_streams", "-show_frames"]
    done = subprocess.run([ffprobe, *asked, str(made.path)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    streams = {stream["codec_type"]: stream for stream in found["streams"]}
    frames = {kind: [frame for frame in found["frames"] if frame["media_type"] == kind] for kind in streams}
    return Probed(
        film=made,
        words=done.stderr,
        video=streams["video"],
        audio=streams["audio"],
        frames=frames["video"],
        samples=frames["audio"],
    )


def seconds(stream: dict[str, Any], stamp: int) -> Fraction:
    return stamp * Fraction(stream["time_base"])


def boxes(path: Path) -> Iterator[str]:
    """The names of an MP4's outermost boxes, in order."""
    with path.open("rb") as file:
        while head := file.read(8):
            size, name = struct.unpack(">I4s", head)
            assert size >= 8  # 0 and 1 stand for boxes past 4 GB
            yield name.decode("ascii")
            file.seek(size - 8, 1)


def test_ffprobe_warns_of_nothing(probed: Probed) -> None:
    assert probed.words == ""


def test_ffmpeg_decodes_without_a_word(probed: Probed) -> None:
    line = [program("ffmpeg", "ffmpeg"), "-nostdin", "-v", "warning", "-i", str(probed.film.path), "-f", "null", "-"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_file_has_one_picture_stream_and_one_sound_stream(probed: Probed) -> None:
    assert (probed.video["codec_name"], probed.audio["codec_name"]) == (probed.film.recipe.codec[0], "aac")
    assert (probed.video["index"], probed.audio["index"]) == (0, 1)
    assert (probed.video["width"], probed.video["height"]) == probed.film.recipe.size
    assert (probed.video["pix_fmt"], probed.video["codec_tag_string"]) == ("yuv420p", probed.film.recipe.codec[1])


def test_rate_is_exact(probed: Probed) -> None:
    rates = (Fraction(probed.video["avg_frame_rate"]), Fraction(probed.video["r_frame_rate"]))
    assert rates == (probed.film.fps, probed.film.fps)


def test_every_frame_has_its_exact_time(probed: Probed) -> None:
    times = [seconds(probed.video, frame["pts"]) for frame in probed.frames]
    assert times == [number / probed.film.fps for number in range(probed.film.frames)]


def test_every_frame_lasts_one_frame(probed: Probed) -> None:
    lengths = {seconds(probed.video, frame.get("duration", frame.get("pkt_duration"))) for frame in probed.frames}
    assert lengths == {1 / probed.film.fps}  # ffprobe up to 5 calls it pkt_duration


def test_picture_stream_starts_at_zero_and_lasts_all_its_frames(probed: Probed) -> None:
    length_s = seconds(probed.video, probed.video["duration_ts"])
    assert (probed.video["start_pts"], length_s) == (0, probed.film.frames / probed.film.fps)


def test_each_shot_can_be_sought(probed: Probed) -> None:
    """A key frame is at each hard cut, and where a transition starts: half its length before its cut."""
    keys = [number for number, frame in enumerate(probed.frames) if frame["key_frame"]]
    half = round(probed.film.recipe.dissolve_s * probed.film.fps / 2)
    assert set(keys) >= {0, *(cut - half for cut in probed.film.cuts)}


def test_colours_are_told_by_the_stream_and_by_each_frame(probed: Probed) -> None:
    told = [{name: part.get(name) for name in BT709} for part in (probed.video, *probed.frames)]
    assert [tags for tags in told if tags != BT709] == []


def test_index_comes_before_the_pictures(probed: Probed) -> None:
    order = list(boxes(probed.film.path))
    assert order.index("moov") < order.index("mdat")


def test_sound_starts_at_zero(probed: Probed) -> None:
    assert (probed.audio["start_pts"], probed.samples[0]["pts"]) == (0, 0)


def test_sound_is_as_long_as_its_song(probed: Probed) -> None:
    """To the sample for a WAV; other codecs fill up their last block."""
    added = (seconds(probed.audio, probed.audio["duration_ts"]) - Fraction(SECONDS)) * probed.film.recipe.rate_hz
    assert 0 <= added <= probed.film.recipe.blocks


def test_pictures_last_until_the_sound_ends(probed: Probed) -> None:
    longer_s = probed.film.frames / probed.film.fps - seconds(probed.audio, probed.audio["duration_ts"])
    assert 0 <= longer_s < 1 / probed.film.fps
