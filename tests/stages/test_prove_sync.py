"""Right films pass at every rate and from every kind of song, and a bad one is not delivered."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from qmv.api import Affine, Motion, plugin
from qmv.artifacts import Artifact, SyncProof
from qmv.errors import ProofError
from qmv.events import Event, Notice
from qmv.plugins.effect.flash import Flash
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.cut import Cut
from qmv.stages.assemble_moviepy import AssembleMoviepy
from qmv.stages.prove_sync import ProveSync
from qmv.testing import StageContract, stage_context
from tests.proof.films import Film, film, moved
from tests.stages.helpers import grey_pictures
from tests.stages.looks import LOOKS, MORE_LOOKS

RATES = {
    "23.976": Fraction(24000, 1001), "24": Fraction(24), "25": Fraction(25), "29.97": Fraction(30000, 1001),
    "30": Fraction(30), "50": Fraction(50), "59.94": Fraction(60000, 1001), "60": Fraction(60),
}  # fmt: skip
KINDS = ("wav", "mp3", "ogg", "opus", "m4a")


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Four seconds at 30 frames a second with hard cuts and a camera that can be followed."""
    return film(tmp_path_factory.mktemp("film"), fps=Fraction(30), seconds=4.0)


class TestProveSync(StageContract):
    plugin = ProveSync(motion=KenBurns(zoom=0.5), transition=Cut())

    @pytest.fixture
    def given(self, right: Film) -> dict[str, Artifact]:
        return {
            "song": right.song, "beats": right.beats, "storyboard": right.storyboard, "pictures": right.pictures,
            "video": right.video(),
        }  # fmt: skip


# -- right films -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
@pytest.mark.parametrize(("rate", "kind"), [(rate, KINDS[n % 5]) for n, rate in enumerate(RATES)])
def test_right_film_passes(tmp_path: Path, rate: str, kind: str, look: dict[str, Any]) -> None:
    """Hard cuts to the frame, crossfades to a quarter of one; the sound to 1 ms, and to 0.1 ms from start to end."""
    trial = film(tmp_path, fps=RATES[rate], kind=kind, **look)
    proof = trial.proof(trial.video())
    assert (proof.faults, proof.measured) == ((), len(trial.storyboard.shots) - 1)
    assert proof.worst_frames is not None
    assert proof.worst_frames <= (0.25 if "transition" in look else 0)
    assert abs(proof.audio_start_ms or 0) < 1
    assert abs(proof.audio_drift_ms or 0) < 0.1
    assert None not in (proof.audio_start_ms, proof.audio_end_ms)


@pytest.mark.parametrize("look", MORE_LOOKS.values(), ids=MORE_LOOKS.keys())
@pytest.mark.parametrize("rate", ["24", "59.94"])
def test_right_film_passes_with_every_look(tmp_path: Path, rate: str, look: dict[str, Any]) -> None:
    """Hard cuts to the frame, transitions to 0.4 frames at 59.94 a second, which is 7 ms."""
    trial = film(tmp_path, fps=RATES[rate], **look)
    proof = trial.proof(trial.video())
    assert (proof.faults, proof.measured) == ((), len(trial.storyboard.shots) - 1)
    assert proof.worst_frames is not None
    assert proof.worst_frames <= (0.4 if "transition" in look else 0)
    assert proof.followed >= proof.moving / 2 or "transition" in look  # a strong vignette may hide the camera's path


def test_right_film_is_described(right: Film) -> None:
    proof = right.proof(right.video())
    assert proof.summary == "4 cuts, worst 0 frames off, audio +0.0 ms, drift 0.0 ms"
    assert (proof.frames, proof.fps, proof.exact, proof.video_s) == (120, 30, True, 4.0)
    assert (proof.black, proof.frozen, proof.jumps, proof.moving, proof.followed) == ((), (), (), 5, 5)
    assert proof.loudness_lufs is not None
    assert (-40 < proof.loudness_lufs < 0, proof.audio_s is not None and proof.audio_s >= 3.999) == (True, True)


def test_cut_is_measured_against_its_beat(right: Film) -> None:
    """The beats lie on frames 21, 42, 63 and 84 exactly; later beats in the artifact make the cuts early."""
    later = tuple(time + 0.010 for time in right.beats.times_s)
    trial = dataclasses.replace(right, beats=dataclasses.replace(right.beats, times_s=later))
    proof = trial.proof(trial.video())
    assert [cut.to_beat_ms for cut in proof.cuts] == pytest.approx([-10] * 4, abs=0.01)
    assert proof.worst_to_beat_ms == pytest.approx(10, abs=0.01)


def test_cut_on_another_frame_than_its_beats_is_a_fault(right: Film) -> None:
    later = tuple(time + 0.020 for time in right.beats.times_s)
    trial = dataclasses.replace(right, beats=dataclasses.replace(right.beats, times_s=later))
    [fault] = trial.proof(trial.video()).faults
    assert fault.startswith("4 cuts are more than half a frame off the beat, the worst is into shot 1: -20.0 ms")


def test_film_by_moviepy_passes(tmp_path: Path) -> None:
    trial = film(tmp_path, fps=Fraction(24), transition=Crossfade(duration_s=0.3))
    stage = AssembleMoviepy(motion=trial.motion, transition=trial.transition, encoder=X264(preset="ultrafast"))
    video = stage.run(
        stage_context(tmp_path), song=trial.song, storyboard=trial.storyboard, pictures=trial.pictures
    )  # fmt: skip
    proof = trial.proof(video)
    assert (proof.faults, proof.measured) == ((), 3)


# -- what the pixels do not tell -------------------------------------------------------------------------------------


def test_cut_between_pictures_that_look_alike_is_not_measurable(right: Film) -> None:
    """Neither a fault nor a cut that was measured."""
    same = dataclasses.replace(right.pictures, pictures=right.pictures.pictures[:1] * 5)
    trial = dataclasses.replace(right, pictures=same, motion=Still())
    proof = trial.proof(trial.video())
    assert (proof.measured, proof.faults, proof.worst_frames) == (0, (), None)
    assert proof.summary == "4 cuts, 4 not measurable, audio +0.0 ms, drift 0.0 ms"
    assert proof.notes == (
        "4 of 4 cuts could not be measured in the finished video, mostly: the pictures look alike",
    )  # fmt: skip


def test_flat_pictures_are_told_apart_by_their_light_unless_an_effect_changes_it(right: Film, tmp_path: Path) -> None:
    greys = grey_pictures(tmp_path / "greys", [30, 90, 200, 60, 140], 96, 96)
    trial = dataclasses.replace(right, pictures=greys)
    flashed = dataclasses.replace(trial, effects=(Flash(),))
    assert (trial.proof(trial.video()).measured, trial.proof(trial.video()).faults) == (4, ())
    assert (flashed.proof(flashed.video()).measured, flashed.proof(flashed.video()).faults) == (0, ())


@plugin
class Elsewhere(Motion):
    """A camera that the film was not made with."""

    name = "elsewhere"

    def camera(self, shot: Any, frame: int) -> Affine:
        return Affine(0.4, 0.0, 0.6, 0.0, 0.4, 0.0)


def test_hard_cuts_of_a_film_with_an_unknown_motion_are_measured_by_their_jump(right: Film) -> None:
    strange = dataclasses.replace(right, motion=Elsewhere())
    proof = strange.proof(right.video())
    assert (proof.measured, proof.worst_frames, proof.faults) == (4, 0, ())


def test_crossfades_of_a_film_with_an_unknown_motion_are_not_measurable_and_no_fault(tmp_path: Path) -> None:
    trial = film(tmp_path, transition=Crossfade(duration_s=0.4))
    proof = dataclasses.replace(trial, motion=Elsewhere()).proof(trial.video())
    assert (proof.measured, proof.faults) == (0, ())


# -- the verdict -----------------------------------------------------------------------------------------------------


def reviewed(right: Film, proof: SyncProof, on_fail: str) -> list[Event]:
    seen: list[Event] = []
    stage = ProveSync(motion=right.motion, transition=right.transition, on_fail=on_fail)
    stage.review(stage_context(right.folder, node="proof", publish=seen.append), proof, video=right.video())
    return seen


@pytest.fixture(scope="module")
def bad(right: Film) -> SyncProof:
    return right.proof(right.video(right.frames(moved(right.storyboard, 2, 1))))


def test_bad_film_fails_with_its_figure_and_its_place(right: Film, bad: SyncProof) -> None:
    with pytest.raises(ProofError) as caught:
        reviewed(right, bad, "fail")
    assert str(caught.value) == (
        "stages.proof (prove_sync): the finished video is not what was planned: 1 cut is off by more than half a "
        "frame, the worst is into shot 2: +1 frames (+33.3 ms) from frame 42. It was not delivered and lies in "
        f"{right.folder / 'video.mp4'}; prove.on_fail=warn delivers it all the same."
    )


def test_bad_film_is_only_told_of_where_that_is_wanted(right: Film, bad: SyncProof) -> None:
    [event] = reviewed(right, bad, "warn")
    assert isinstance(event, Notice)
    assert "into shot 2: +1 frames" in event.message


def test_good_film_is_passed_without_a_word(right: Film) -> None:
    assert reviewed(right, right.proof(right.video()), "fail") == []


def test_proof_does_not_hang_on_what_a_bad_film_leads_to() -> None:
    """The measurement is cached; the verdict is not."""
    stages = [ProveSync(motion=Still(), transition=Cut(), on_fail=choice) for choice in ("fail", "warn")]
    assert stages[0].identity() == stages[1].identity()
