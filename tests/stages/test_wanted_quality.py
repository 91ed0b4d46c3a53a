"""A video whose VMAF is asked for, by the real stage, encoder and libvmaf."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("imageio_ffmpeg")

from qmv.api import Encoder
from qmv.artifacts import Pictures, Song, Storyboard, Video
from qmv.events import Event, Notice
from qmv.media.chunk import chunk_frames
from qmv.media.vmaf import vmaf
from qmv.plugins.encoder.svt_av1 import SvtAv1
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.transition.crossfade import Crossfade
from qmv.stages.assemble_video import AssembleVideo
from qmv.stages.wanted_quality import samples
from qmv.testing import stage_context
from tests.media.helpers import song, write_sound
from tests.stages.helpers import board, no_beats, photo, picture_file

LENGTHS, SIZE = (12, 10, 14, 10, 12, 10), (192, 108)
NARROW = X264(preset="ultrafast")


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Song:
    silence = np.zeros((2, 44100 * 5), np.float32)
    return song(write_sound(tmp_path_factory.mktemp("song") / "song.wav", silence, 44100, "pcm_s16le", "stereo"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    folder = tmp_path_factory.mktemp("pictures")
    made = tuple(picture_file(folder / f"{seed}.png", photo(seed, *SIZE)) for seed in range(len(LENGTHS)))
    return Pictures(width_px=SIZE[0], height_px=SIZE[1], pictures=made)


def stage(target: float, encoder: Encoder = NARROW) -> AssembleVideo:
    return AssembleVideo(
        motion=KenBurns(), transition=Crossfade(duration_s=0.2), encoder=encoder, audio_kbps=64, vmaf=target
    )


def inputs(tune: Song, pictures: Pictures, lengths: Sequence[int] = LENGTHS) -> dict[str, Song | Storyboard | Pictures]:
    return {"song": tune, "beats": no_beats(), "storyboard": board(lengths), "pictures": pictures}  # type: ignore[dict-item]


def measured(assemble: AssembleVideo, video: Video, pictures: Pictures) -> float:
    """The finished video against its own frames."""
    _, chunks = assemble._plan(board(LENGTHS), pictures, no_beats())
    frames = (frame for chunk in chunks for frame in chunk_frames(chunk))
    return vmaf(video.file.path, frames, SIZE, video.fps).mean


def found(video: Video) -> tuple[float, float, str]:
    """The crf, the VMAF on the samples and what else there was to say."""
    told = " ".join(video.notes)
    match = re.search(r"quality\.vmaf=[\d.]+: crf ([\d.]+) gives ([\d.]+) on \d chunks(.*)", told)
    assert match, told
    return float(match[1]), float(match[2]), match[3]


@pytest.mark.parametrize("encoder", [NARROW, SvtAv1(level="draft")], ids=lambda encoder: encoder.name)
def test_video_has_the_vmaf_that_is_asked_for(tmp_path: Path, tune: Song, pictures: Pictures, encoder: Encoder) -> None:
    """Within 1.5: the samples are four of six chunks. Half a crf more would have been too little on them."""
    assemble = stage(90, encoder)
    video = assemble.run(stage_context(tmp_path), **inputs(tune, pictures))
    crf, reached, rest = found(video)
    assert reached >= 90
    assert rest == ""
    assert encoder.crfs[0] < crf < encoder.crfs[1]
    whole = measured(assemble, video, pictures)
    assert whole == pytest.approx(reached, abs=1.5)
    assert 88.5 <= whole <= 96


def test_second_run_takes_the_crf_from_the_cache(tmp_path: Path, tune: Song, pictures: Pictures) -> None:
    told: list[Event] = []
    runs = []
    for _ in range(2):
        ctx = stage_context(tmp_path, publish=told.append)
        runs.append((stage(85).run(ctx, **inputs(tune, pictures)), ctx.counts["made"]))
    looking = [event for event in told if isinstance(event, Notice) and "looking for the crf" in event.message]
    assert len(looking) == 1
    assert (runs[0][0].file.sha256, runs[0][0].notes) == (runs[1][0].file.sha256, runs[1][0].notes)
    assert (runs[0][1], runs[1][1]) == (len(LENGTHS), 0)


def test_search_leaves_what_it_found_and_nothing_else(tmp_path: Path, tune: Song, pictures: Pictures) -> None:
    stage(85).run(stage_context(tmp_path, workers=2), **inputs(tune, pictures))
    left = sorted(path.name for path in (tmp_path / "cache" / "quality").rglob("*") if path.is_file())
    assert [name for name in left if not name.endswith(".lock")] == ["found.json", "sums.json"]
    assert not list((tmp_path / "cache").rglob("*.part"))
    assert not list((tmp_path / "cache").rglob("tmp*"))


def test_a_search_that_fails_leaves_nothing(
    tmp_path: Path, tune: Song, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> float:
        raise OSError("no more")

    monkeypatch.setattr("qmv.stages.wanted_quality.vmaf", failing)
    with pytest.raises(OSError, match="no more"):
        stage(85).run(stage_context(tmp_path), **inputs(tune, pictures))
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []


def test_forecast_says_what_hangs_on_the_search(tmp_path: Path, tune: Song, pictures: Pictures) -> None:
    ctx = stage_context(tmp_path)
    before = stage(85).forecast(ctx, **inputs(tune, pictures))
    assert before == f"{len(LENGTHS)} chunks to encode, once the crf for a VMAF of 85 is known"
    stage(85).run(ctx, **inputs(tune, pictures))
    assert stage(85).forecast(ctx, **inputs(tune, pictures)) == f"0 chunks to encode, {len(LENGTHS)} cached"
    assert "once the crf for a VMAF of 86 is known" in stage(86).forecast(ctx, **inputs(tune, pictures))


class Careful(X264):
    """Encodes well only."""

    name = "careful"
    crfs = (0, 20)


class Coarse(X264):
    """Encodes badly only."""

    name = "coarse"
    crfs = (40, 42)


def test_a_target_out_of_reach_is_told(tmp_path: Path, tune: Song, pictures: Pictures) -> None:
    video = stage(99, Coarse(preset="ultrafast")).run(stage_context(tmp_path), **inputs(tune, pictures))
    crf, reached, rest = found(video)
    assert (crf, rest) == (40, ", the most that this encoder gives")
    assert reached < 99


def test_a_target_that_the_worst_exceeds_takes_the_worst(tmp_path: Path, tune: Song, pictures: Pictures) -> None:
    video = stage(50, Careful(preset="ultrafast")).run(stage_context(tmp_path), **inputs(tune, pictures))
    crf, reached, rest = found(video)
    assert (crf, rest) == (20, "")
    assert reached > 80


def test_a_crf_beside_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vmaf finds the crf itself, so quality\.crf must be null, got 20"):
        stage(85, X264(crf=20.0))


def test_samples_are_beginnings_of_chunks_from_all_over(pictures: Pictures) -> None:
    _, chunks = stage(90)._plan(board([60] * 6), pictures, no_beats())
    picked = samples(chunks)
    assert [chunk.frames for chunk in picked] == [48] * 4
    assert [chunk.layers[-1].shot.index for chunk in picked] == [0, 2, 3, 5]
