"""The same video the MoviePy way, against the planar one."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from qmv.api import IDENTITY, Affine, Motion, Transition, plugin
from qmv.artifacts import Artifact, Pictures, Shot, Song
from qmv.media.probe import probe
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.cut import Cut
from qmv.stages.assemble_moviepy import AssembleMoviepy
from qmv.stages.assemble_video import AssembleVideo
from qmv.testing import StageContract, stage_context
from tests.media.helpers import NTSC, chirps, decoded, lag_s, read_sound, song, write_sound
from tests.stages.helpers import board, grey_of, grey_pictures, luma_of, no_beats, photo_pictures

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


Planes = list[npt.NDArray[np.uint8]]
LENGTHS = (9, 3, 14)


def moviepy(motion: Motion | None = None, transition: Transition | None = None, **settings: Any) -> AssembleMoviepy:
    encoder = X264(preset=settings.pop("preset", "ultrafast"), crf=settings.pop("crf", None))
    values: dict[str, Any] = {"encoder": encoder, "audio_kbps": 64} | settings
    return AssembleMoviepy(motion=motion or Still(), transition=transition or Cut(), **values)


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Song:
    path = tmp_path_factory.mktemp("song") / "song.wav"
    return song(write_sound(path, chirps(1.1, 44100), 44100, "pcm_s16le", "mono"))


class TestAssembleMoviepy(StageContract):
    plugin = moviepy(KenBurns(), Crossfade(duration_s=0.2))

    @pytest.fixture
    def given(self, tmp_path: Path, tune: Song) -> dict[str, Artifact]:
        pictures = grey_pictures(tmp_path / "pictures", [grey_of(0), grey_of(1)])
        return {"song": tune, "storyboard": board([6, 6]), "pictures": pictures}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return photo_pictures(tmp_path_factory.mktemp("photos"), 3, 128, 72)


def both(
    folder: Path, tune: Song, pictures: Pictures, look: tuple[Motion, Transition], fps: Fraction
) -> tuple[Planes, Planes]:
    """The luma of the planar video and of MoviePy's."""
    settings: dict[str, Any] = {"motion": look[0], "transition": look[1], "encoder": X264(preset="ultrafast", crf=6.0)}
    inputs = {"song": tune, "storyboard": board(LENGTHS, fps), "pictures": pictures}
    ours = AssembleVideo(**settings).run(stage_context(folder / "ours"), beats=no_beats(), **inputs)
    theirs = AssembleMoviepy(**settings).run(stage_context(folder / "theirs"), **inputs)
    return decoded(ours.file.path)[0], decoded(theirs.file.path)[0]


def worst_psnr(ours: Planes, theirs: Planes) -> float:
    """The worst frame's, in dB."""
    errors = [np.square(a.astype(float) - b).mean() for a, b in zip(ours, theirs, strict=True)]
    return 10 * math.log10(255**2 / max([*errors, 1e-9]))


@pytest.mark.parametrize("fps", [Fraction(24), NTSC], ids=str)
@pytest.mark.parametrize(
    "look",
    [(Still(), Cut()), (KenBurns(zoom=0.2), Crossfade(duration_s=0.25))],
    ids=["still and cut", "ken_burns and crossfade"],
)
def test_moviepy_shows_the_same_frames(
    tmp_path: Path, tune: Song, pictures: Pictures, look: tuple[Motion, Transition], fps: Fraction
) -> None:
    """40 dB: two encodes at crf 6 give 46 and more; a frame too early or too late gives less than 20."""
    assert worst_psnr(*both(tmp_path, tune, pictures, look, fps)) > 40


def test_moviepy_video_has_every_frame_at_its_exact_time(tmp_path: Path, tune: Song) -> None:
    lengths = (20, 1, 2, 30)
    greys = grey_pictures(tmp_path / "pictures", [grey_of(index) for index in range(4)])
    video = moviepy().run(stage_context(tmp_path), song=tune, storyboard=board(lengths, NTSC), pictures=greys)
    planes, times = decoded(video.file.path)
    assert times == [number / NTSC for number in range(sum(lengths))]
    planned = [luma_of(grey_of(index)) for index, length in enumerate(lengths) for _ in range(length)]
    assert [float(plane.mean()) for plane in planes] == pytest.approx(planned, abs=2)


def test_moviepy_video_says_that_it_is_bt709(tmp_path: Path, tune: Song) -> None:
    greys = grey_pictures(tmp_path / "pictures", [40, 200])
    video = moviepy().run(stage_context(tmp_path), song=tune, storyboard=board([3, 3], NTSC), pictures=greys)
    assert probe(video.file.path).bt709


def test_moviepy_video_has_its_rate_and_its_sound_in_step(tmp_path: Path, tune: Song) -> None:
    greys = grey_pictures(tmp_path / "pictures", [40, 200])
    video = moviepy().run(stage_context(tmp_path), song=tune, storyboard=board([13, 13], NTSC), pictures=greys)
    made = probe(video.file.path)
    assert (made.fps, made.frames, made.faststart, made.audio_start_s) == (NTSC, 26, True, 0)
    heard, rate_hz = read_sound(video.file.path)
    assert abs(lag_s(heard, chirps(1.1, rate_hz)[0].astype(float), rate_hz)) < 0.001


@plugin
class Breathe(Motion):
    """In and out again within a shot."""

    name = "breathe"

    def camera(self, shot: Shot, frame: int) -> Affine:
        side = 1 - 0.3 * math.sin(math.pi * (frame - shot.start) / max(1, shot.frames - 1)) ** 2
        return IDENTITY if side > 1 - 1e-12 else Affine(side, 0, (1 - side) / 2, 0, side, (1 - side) / 2)


def test_moviepy_follows_a_motion_that_ends_where_it_began(tmp_path: Path, tune: Song, pictures: Pictures) -> None:
    assert worst_psnr(*both(tmp_path, tune, pictures, (Breathe(), Cut()), Fraction(24))) > 40


def test_moviepy_video_has_the_same_bytes_for_any_number_of_workers(tmp_path: Path, tune: Song) -> None:
    photos = photo_pictures(tmp_path / "photos", 3, 256, 144)
    hashes = {
        moviepy(KenBurns(), preset="veryfast")
        .run(
            stage_context(tmp_path / str(workers), workers=workers),
            song=tune,
            storyboard=board(LENGTHS),
            pictures=photos,
        )
        .file.sha256
        for workers in (1, 4)
    }
    assert len(hashes) == 1


def test_moviepy_refuses_another_transition() -> None:
    @plugin
    class Wipe(Cut):
        name = "wipe"

    with pytest.raises(ValueError, match="transition must be cut or crossfade with MoviePy, got wipe"):
        moviepy(transition=Wipe())


def test_moviepy_takes_a_draft_scale(tmp_path: Path, tune: Song) -> None:
    greys = grey_pictures(tmp_path / "pictures", [40])
    video = replace(moviepy(), scale=0.5).run(stage_context(tmp_path), song=tune, storyboard=board([5]), pictures=greys)
    made = probe(video.file.path)
    assert (made.width_px, made.height_px) == (32, 18)
