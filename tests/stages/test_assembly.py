"""What both ways to a video have in common: the sound's settings, and songs that cannot be copied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qmv.artifacts import Song
from qmv.errors import ConfigError, InputError
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.encoder.x265 import X265
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.cut import Cut
from qmv.stages.assemble_moviepy import AssembleMoviepy
from qmv.stages.assemble_video import AssembleVideo
from qmv.stages.assembly import Assembly
from qmv.testing import stage_context
from tests.media.helpers import chirps, song, write_sound
from tests.stages.helpers import board, grey_pictures, no_beats

STAGES: list[type[Assembly]] = [AssembleVideo, AssembleMoviepy]


def made(cls: type[Assembly], **settings: Any) -> Assembly:
    return cls(motion=Still(), transition=Cut(), encoder=X264(preset="ultrafast"), **settings)


@pytest.fixture
def wav(tmp_path: Path) -> Song:
    return song(write_sound(tmp_path / "song.wav", chirps(1.5, 44100), 44100, "pcm_s16le", "mono"))


@pytest.mark.parametrize("cls", STAGES)
def test_song_that_cannot_be_copied_is_refused_before_the_run(cls: type[Assembly], wav: Song) -> None:
    with pytest.raises(InputError, match="its sound is pcm_s16le, only AAC can be copied"):
        made(cls, audio="copy").foresee(wav)


@pytest.mark.parametrize("cls", STAGES)
def test_song_that_is_encoded_may_be_anything(cls: type[Assembly], wav: Song) -> None:
    made(cls).foresee(wav)


@pytest.mark.parametrize("cls", STAGES)
def test_copying_and_a_loudness_do_not_go_together(cls: type[Assembly]) -> None:
    with pytest.raises(ValueError, match="loudness_lufs must be null where sound is copied"):
        made(cls, audio="copy", loudness_lufs=-14.0)


def test_video_too_narrow_for_its_encoder_is_refused(tmp_path: Path, wav: Song) -> None:
    assemble = AssembleVideo(motion=Still(), transition=Cut(), encoder=X265())
    given = {"song": wav, "beats": no_beats(), "storyboard": board([12])}
    pictures = replace(grey_pictures(tmp_path / "pictures", [40]), width_px=64)
    with pytest.raises(ConfigError, match=r"encoder \(x265\): takes videos from 66 px of width on, got 64"):
        assemble.run(stage_context(tmp_path), pictures=pictures, **given)


def test_what_is_said_of_the_sound_is_kept_with_the_video(tmp_path: Path, wav: Song) -> None:
    """Sweeps at nearly full scale cannot become as loud as this below -1 dBTP; told again when the sound is cached."""
    assemble = made(AssembleVideo, loudness_lufs=-6.0)
    given = {
        "song": wav, "beats": no_beats(), "storyboard": board([12, 24]),
        "pictures": grey_pictures(tmp_path / "pictures", [40, 200]),
    }  # fmt: skip
    first, again = (assemble.run(stage_context(tmp_path), **given) for _ in range(2))
    assert "-1 dBTP" in first.notes[0]
    assert again.notes == first.notes
