"""The finished video, frame by frame."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmv.api import IDENTITY, Context, Effect, Motion, Transition
from qmv.artifacts import Artifact, Beats, Pictures, Song, Storyboard, Video
from qmv.media.chunk import chunk_frames, load_picture
from qmv.media.plate import Plate
from qmv.media.probe import probe
from qmv.plugins.effect.flash import Flash
from qmv.plugins.effect.vignette import Vignette
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.cut import Cut
from qmv.stages.assemble_video import AssembleVideo
from qmv.testing import StageContract, stage_context
from tests.media.helpers import NTSC, chirps, decoded, lag_s, read_sound, song, write_sound
from tests.stages.helpers import board, grey_of, grey_pictures, luma_of, no_beats, photo_pictures

LENGTHS = (13, 1, 2, 24, 7, 1, 40)


def stage(motion: Motion | None = None, transition: Transition | None = None, **settings: Any) -> AssembleVideo:
    encoder = X264(preset=settings.pop("preset", "ultrafast"), crf=settings.pop("crf", None))
    values: dict[str, Any] = {"encoder": encoder, "audio_kbps": 64} | settings
    return AssembleVideo(motion=motion or Still(), transition=transition or Cut(), **values)


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Song:
    path = tmp_path_factory.mktemp("song") / "song.wav"
    return song(write_sound(path, chirps(3.7, 44100, 2), 44100, "pcm_s16le", "stereo"))


def greys_of(lengths: Sequence[int]) -> list[int]:
    return [grey_of(index) for index in range(len(lengths))]


def made(ctx: Context, assemble: AssembleVideo, tune: Song, plan: Storyboard, pictures: Pictures) -> Video:
    return assemble.run(ctx, song=tune, beats=no_beats(), storyboard=plan, pictures=pictures)


class TestAssembleVideo(StageContract):
    plugin = stage(KenBurns(), Crossfade(duration_s=0.2))

    @pytest.fixture
    def given(self, tmp_path: Path, tune: Song) -> dict[str, Artifact]:
        pictures = grey_pictures(tmp_path / "pictures", greys_of([12, 12]))
        return {"song": tune, "beats": no_beats(), "storyboard": board([12, 12]), "pictures": pictures}


@pytest.mark.parametrize("fps", [Fraction(24), NTSC, Fraction(30), Fraction(60000, 1001)], ids=str)
def test_video_has_every_frame_at_its_exact_time(tmp_path: Path, tune: Song, fps: Fraction) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of(LENGTHS))
    video = made(stage_context(tmp_path), stage(), tune, board(LENGTHS, fps), pictures)
    _, times = decoded(video.file.path)
    assert times == [number / fps for number in range(sum(LENGTHS))]


def test_video_shows_each_picture_on_exactly_its_frames(tmp_path: Path, tune: Song) -> None:
    """Within 2: crf 18 on flat grey; neighbours differ by 50 and more."""
    pictures = grey_pictures(tmp_path / "pictures", greys_of(LENGTHS))
    video = made(stage_context(tmp_path), stage(), tune, board(LENGTHS), pictures)
    shown = [float(plane.mean()) for plane in decoded(video.file.path)[0]]
    planned = [luma_of(grey_of(index)) for index, length in enumerate(LENGTHS) for _ in range(length)]
    assert shown == pytest.approx(planned, abs=2)


def test_video_says_what_it_is(tmp_path: Path, tune: Song) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of(LENGTHS))
    video = made(stage_context(tmp_path), stage(), tune, board(LENGTHS, NTSC), pictures)
    assert (video.width_px, video.height_px, video.fps, video.frames) == (64, 36, NTSC, sum(LENGTHS))
    seen = probe(video.file.path)
    assert (seen.width_px, seen.height_px, seen.fps, seen.frames) == (64, 36, NTSC, sum(LENGTHS))
    assert seen.bt709
    assert seen.faststart


def test_video_has_its_sound_in_step(tmp_path: Path, tune: Song) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of(LENGTHS))
    video = made(stage_context(tmp_path), stage(), tune, board(LENGTHS), pictures)
    heard, rate_hz = read_sound(video.file.path)
    assert probe(video.file.path).audio_start_s == 0
    assert abs(lag_s(heard, chirps(3.7, rate_hz)[0].astype(float), rate_hz)) < 0.001


def test_video_has_the_same_bytes_for_any_number_of_workers(tmp_path: Path, tune: Song) -> None:
    pictures = photo_pictures(tmp_path / "pictures", 4, 64, 36)
    assemble = stage(KenBurns(), Crossfade(duration_s=0.3), preset="veryfast")
    hashes = {
        made(
            stage_context(tmp_path / str(workers), workers=workers), assemble, tune, board([9, 14, 11, 8]), pictures
        ).file.sha256
        for workers in (1, 2)
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(("scale", "size"), [(0.5, (32, 18)), (0.3, (20, 10)), (1.0, (64, 36))])
def test_video_of_a_draft_is_smaller(tmp_path: Path, tune: Song, scale: float, size: tuple[int, int]) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of([6, 6]))
    video = made(stage_context(tmp_path), stage(scale=scale), tune, board([6, 6]), pictures)
    seen = probe(video.file.path)
    assert (video.width_px, video.height_px) == (seen.width_px, seen.height_px) == size


# -- transitions -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fade(tmp_path_factory: pytest.TempPathFactory, tune: Song) -> list[float]:
    """The luma of 72 frames with two crossfades of 12 frames, at frames 24 and 48."""
    folder = tmp_path_factory.mktemp("fade")
    pictures = grey_pictures(folder / "pictures", [40, 200, 90])
    assemble = stage(transition=Crossfade(duration_s=0.5), crf=8.0)
    video = made(stage_context(folder), assemble, tune, board([24, 24, 24]), pictures)
    return [float(plane.mean()) for plane in decoded(video.file.path)[0]]


@pytest.mark.parametrize("cut", [24, 48])
def test_crossfade_is_half_over_on_the_cut(fade: list[float], cut: int) -> None:
    """The cut lies between two frames that are as far from the middle, within rounding and crf 8."""
    middle = (fade[cut - 8] + fade[cut + 8]) / 2
    assert (fade[cut - 1] + fade[cut]) / 2 == pytest.approx(middle, abs=1)


@pytest.mark.parametrize(("first", "last", "grey"), [(0, 18, 40), (30, 42, 200), (54, 72, 90)])
def test_crossfade_leaves_the_rest_of_a_shot_alone(fade: list[float], first: int, last: int, grey: int) -> None:
    assert fade[first:last] == pytest.approx([luma_of(grey)] * (last - first), abs=1.5)


def test_crossfade_goes_in_even_steps(fade: list[float]) -> None:
    steps = [b - a for a, b in itertools.pairwise(fade[17:31])]
    whole = luma_of(200) - luma_of(40)
    assert steps[1:12] == pytest.approx([whole / 12] * 11, abs=2)
    assert sum(steps) == pytest.approx(whole, abs=2)


# -- chunks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transition", [Cut(), Crossfade(duration_s=0.25)], ids=["cut", "crossfade"])
@pytest.mark.parametrize("changed", [0, 3, 7])
def test_changing_one_picture_of_eight_encodes_two_chunks_at_most(
    tmp_path: Path, tune: Song, transition: Transition, changed: int
) -> None:
    greys, plan = greys_of(range(8)), board([8] * 8)
    assemble = stage(transition=transition)
    made(stage_context(tmp_path), assemble, tune, plan, grey_pictures(tmp_path / "pictures", greys))
    greys[changed] = 255
    ctx = stage_context(tmp_path)
    made(ctx, assemble, tune, plan, grey_pictures(tmp_path / "pictures", greys))
    assert ctx.counts["total"] == 8
    assert 1 <= ctx.counts["made"] <= 2


def test_a_chunk_is_reused_wherever_in_the_song_it_lies(tmp_path: Path, tune: Song) -> None:
    """The first shot gets longer, so all others begin later: only the first is encoded anew."""
    pictures = grey_pictures(tmp_path / "pictures", greys_of(range(5)))
    assemble = stage(KenBurns())
    made(stage_context(tmp_path), assemble, tune, board([8, 8, 8, 8, 8]), pictures)
    ctx = stage_context(tmp_path)
    made(ctx, assemble, tune, board([15, 8, 8, 8, 8]), pictures)
    assert (ctx.counts["total"], ctx.counts["made"]) == (5, 1)


def test_the_same_video_again_encodes_nothing(tmp_path: Path, tune: Song) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of(range(3)))
    hashes = set()
    for _ in range(2):
        ctx = stage_context(tmp_path)
        hashes.add(made(ctx, stage(), tune, board([8, 8, 8]), pictures).file.sha256)
    assert (ctx.counts["total"], ctx.counts["made"]) == (3, 0)
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "other",
    [stage(crf=30.0), stage(preset="superfast"), stage(scale=0.5), stage(KenBurns()), stage(effects=(Flash(),))],
    ids=["crf", "preset", "scale", "motion", "effects"],
)
def test_another_setting_encodes_anew(tmp_path: Path, tune: Song, other: AssembleVideo) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of(range(2)))
    made(stage_context(tmp_path), stage(), tune, board([8, 8]), pictures)
    ctx = stage_context(tmp_path)
    made(ctx, other, tune, board([8, 8]), pictures)
    assert ctx.counts["made"] == 2


def test_another_rate_encodes_anew(tmp_path: Path, tune: Song) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of(range(2)))
    made(stage_context(tmp_path), stage(), tune, board([8, 8]), pictures)
    ctx = stage_context(tmp_path)
    made(ctx, stage(), tune, board([8, 8], NTSC), pictures)
    assert ctx.counts["made"] == 2


def test_another_strength_of_an_effect_encodes_anew(tmp_path: Path, tune: Song) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of(range(2)))
    made(stage_context(tmp_path), stage(effects=(Flash(strength=0.1),)), tune, board([8, 8]), pictures)
    ctx = stage_context(tmp_path)
    made(ctx, stage(effects=(Flash(strength=0.9),)), tune, board([8, 8]), pictures)
    assert ctx.counts["made"] == 2


def test_forecast_tells_what_is_cached(tmp_path: Path, tune: Song) -> None:
    pictures = grey_pictures(tmp_path / "pictures", greys_of(range(3)))
    made(stage_context(tmp_path), stage(), tune, board([8, 8, 8]), pictures)
    outlook = stage().forecast(
        stage_context(tmp_path), song=tune, beats=no_beats(), storyboard=board([9, 8, 8]), pictures=pictures
    )
    assert outlook == "1 chunks to encode, 2 cached"


def raw_frames(assemble: AssembleVideo, plan: Storyboard, pictures: Pictures) -> list[bytes]:
    """The frames before they are encoded."""
    _, chunks = assemble._plan(plan, pictures, no_beats())
    return [frame.y.tobytes() + frame.u.tobytes() + frame.v.tobytes() for c in chunks for frame in chunk_frames(c)]


@pytest.mark.parametrize("transition", [Cut(), Crossfade(duration_s=2.0)], ids=["cut", "crossfade"])
def test_splitting_a_shot_into_chunks_changes_no_pixel(tmp_path: Path, transition: Transition) -> None:
    pictures, plan = photo_pictures(tmp_path, 3, 64, 36), board([40, 25, 60])
    whole = stage(KenBurns(), transition)
    assert raw_frames(replace(whole, chunk_frames=12), plan, pictures) == raw_frames(whole, plan, pictures)


def test_a_motion_begins_on_the_first_frame_of_its_shot(tmp_path: Path) -> None:
    """An even shot of ken_burns begins with the whole picture, an odd one ends with it; luma within 1."""
    pictures = photo_pictures(tmp_path, 2, 64, 36)
    frames = raw_frames(stage(KenBurns()), board([10, 10]), pictures)
    loaded = [load_picture(picture.file.path, 64, 36) for picture in pictures.pictures]
    whole = [Plate.of(frame).through(IDENTITY).y.ravel() for frame in loaded]
    luma = [np.frombuffer(frame, np.uint8)[: 64 * 36] for frame in frames]
    near = [number for number, y in enumerate(luma) if any(np.abs(y.astype(int) - w).max() <= 1 for w in whole)]
    assert near == [0, 19]


def test_a_motion_goes_on_evenly_through_a_crossfade(tmp_path: Path) -> None:
    """Each shot is seen for its frames and half of both transitions, and its motion spans them all."""
    pictures, plan = photo_pictures(tmp_path, 2, 64, 36), board([24, 24])
    _, chunks = stage(KenBurns(), Crossfade(duration_s=0.5))._plan(plan, pictures, no_beats())
    spans = [[(layer.shot.start, layer.shot.end) for layer in chunk.layers] for chunk in chunks]
    assert spans == [[(0, 30)], [(-18, 12), (0, 30)]]


# -- effects ---------------------------------------------------------------------------------------------------------


def test_an_effect_falls_on_the_frame_of_the_beat(tmp_path: Path, tune: Song) -> None:
    beats = Beats(
        times_s=(0.5, 1.0, 1.5, 2.0), bar_position=(0,) * 4, tempo_bpm=120, confidence=1, duration_s=Fraction(2)
    )
    assemble = stage(effects=(Flash(strength=0.5, decay=20.0),))
    pictures = grey_pictures(tmp_path / "pictures", [40, 40])
    video = assemble.run(stage_context(tmp_path), song=tune, beats=beats, storyboard=board([24, 24]), pictures=pictures)
    luma = np.array([plane.mean() for plane in decoded(video.file.path)[0]])
    assert np.flatnonzero(luma > luma_of(40) + 60).tolist() == [12, 24, 36]


def test_a_louder_master_encodes_nothing_anew_where_no_effect_follows_the_energy(tmp_path: Path, tune: Song) -> None:
    """Beats where they were, another energy: flash and vignette do not look at it, an effect that says nothing does."""
    pictures, plan = grey_pictures(tmp_path / "pictures", greys_of([12, 12])), board([12, 12])
    quiet = Beats(
        times_s=(0.0, 0.5), bar_position=(0, 0), tempo_bpm=120, confidence=1, duration_s=Fraction(1), energy=(0.2, 0.4)
    )
    loud = replace(quiet, energy=(0.3, 0.9))

    class Unsaid(Flash):
        reads = Effect.reads

    def encoded(effect: Effect) -> int:
        ctx = stage_context(tmp_path / type(effect).__name__)
        for beats in (quiet, loud):
            stage(effects=(effect,)).run(ctx, song=tune, beats=beats, storyboard=plan, pictures=pictures)
        return int(ctx.counts["made"])

    assert [encoded(effect) for effect in (Flash(), Vignette(), Unsaid())] == [0, 0, 2]
