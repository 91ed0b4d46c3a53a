"""Right films pass at every rate and from every kind of song; films with one fault on purpose do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from qmv.api import Affine, Motion, plugin
from qmv.artifacts import Artifact, Song, SyncProof, Video
from qmv.errors import ProofError
from qmv.events import Event, Notice
from qmv.plugins.effect.flash import Flash
from qmv.plugins.effect.grain import Grain
from qmv.plugins.effect.pulse import Pulse
from qmv.plugins.effect.vignette import Vignette
from qmv.plugins.encoder.x264 import X264
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.cut import Cut
from qmv.plugins.transition.dip import Dip
from qmv.plugins.transition.wipe import Wipe
from qmv.stages.assemble_moviepy import AssembleMoviepy
from qmv.stages.prove_sync import ProveSync
from qmv.testing import StageContract, stage_context
from tests.media.helpers import chirps, song, write_sound
from tests.proof.films import Film, alone, film, moved, twice, without
from tests.stages.helpers import grey_pictures

RATES = {
    "23.976": Fraction(24000, 1001), "24": Fraction(24), "25": Fraction(25), "29.97": Fraction(30000, 1001),
    "30": Fraction(30), "50": Fraction(50), "59.94": Fraction(60000, 1001), "60": Fraction(60),
}  # fmt: skip
KINDS = ("wav", "mp3", "ogg", "opus", "m4a")
LOOKS: dict[str, dict[str, Any]] = {
    "cut, ken_burns": {},
    "cut, still": {"motion": Still()},
    "crossfade, ken_burns, flash": {"transition": Crossfade(duration_s=0.4), "effects": (Flash(strength=0.3),)},
}
MORE_LOOKS: dict[str, dict[str, Any]] = {
    "cut, vignette": {"effects": (Vignette(strength=0.8),)},
    "cut, still, pulse": {"effects": (Pulse(zoom=0.06),), "motion": Still()},
    "cut, pulse": {"effects": (Pulse(zoom=0.06),)},
    "cut, grain": {"effects": (Grain(strength=0.05),)},
    "dip": {"transition": Dip(duration_s=0.4)},
    "dip to white, still": {"transition": Dip(duration_s=0.5, colour="white"), "motion": Still()},
    "wipe": {"transition": Wipe(duration_s=0.4)},
    "soft wipe up, still": {"transition": Wipe(duration_s=0.6, softness=0.5, direction="up"), "motion": Still()},
    "dip, three effects": {
        "transition": Dip(duration_s=0.4), "effects": (Pulse(zoom=0.04), Vignette(), Grain()), "motion": KenBurns(),
    },
    "wipe, four effects": {
        "transition": Wipe(duration_s=0.4), "effects": (Flash(), Pulse(), Vignette(strength=0.7), Grain(strength=0.04)),
    },
    "crossfade, three effects": {
        "transition": Crossfade(duration_s=0.4), "effects": (Pulse(), Vignette(strength=0.7), Grain()),
    },
}  # fmt: skip


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


# -- faults ----------------------------------------------------------------------------------------------------------


def shifted_sound(trial: Film, seconds: float) -> Song:
    samples = chirps(4.0, 44100, 2)
    late = np.pad(samples, ((0, 0), (round(seconds * 44100), 0)))
    return song(write_sound(trial.folder / "late.wav", late, 44100, "pcm_s16le", "stereo"))


def sound_with_a_hole(trial: Film) -> Song:
    """30 ms are lost in the middle, so that the end comes early."""
    samples = chirps(4.0, 44100, 2)
    cut = np.concatenate([samples[:, :88200], samples[:, 88200 + 1323 :], np.zeros((2, 1323), np.float32)], axis=1)
    return song(write_sound(trial.folder / "hole.wav", cut, 44100, "pcm_s16le", "stereo"))


def silence(trial: Film) -> Song:
    samples = np.zeros((2, 4 * 44100), np.float32)
    return song(write_sound(trial.folder / "silence.wav", samples, 44100, "pcm_s16le", "stereo"))


def in_the_middle(trial: Film) -> int:
    return alone(trial, 2)[5]


def black(trial: Film, first: int, count: int) -> Video:
    frames = trial.frames()
    return trial.video([*frames[:first], *[frames[0].black()] * count, *frames[first + count :]])


def frozen(trial: Film, count: int) -> Video:
    frames, at = trial.frames(), in_the_middle(trial)
    return trial.video([*frames[:at], *[frames[at - 1]] * count, *frames[at + count :]])


def lost_but_counted(trial: Film) -> Video:
    """A frame is left out, and another one put at the end, so that there are as many as planned."""
    frames = without(trial.frames(), in_the_middle(trial))
    return trial.video([*frames, frames[-1]])


def other_picture(trial: Film) -> Video:
    pictures = trial.pictures.pictures
    order = (*pictures[:2], pictures[0], *pictures[3:])
    wrong = dataclasses.replace(trial, pictures=dataclasses.replace(trial.pictures, pictures=order))
    return trial.video(wrong.frames())


def cut_into_2_moved(by: int) -> Callable[[Film], Video]:
    return lambda trial: trial.video(trial.frames(moved(trial.storyboard, 2, by)))


FAULTS: dict[str, tuple[Callable[[Film], Video], str]] = {
    "a cut a frame late": (
        cut_into_2_moved(+1),
        "1 cut is off by more than half a frame, the worst is into shot 2: +1 frames (+33.3 ms) from frame 42",
    ),
    "a cut a frame early": (cut_into_2_moved(-1), "into shot 2: -1 frames (-33.3 ms) from frame 42"),
    "sound 20 ms late": (
        lambda trial: trial.video(sound=shifted_sound(trial, 0.020)),
        "its sound is 20.0 ms too late near the start; its sound is 20.0 ms too late near the end",
    ),
    "sound 20 ms early": (
        lambda trial: trial.video(sound=dataclasses.replace(trial.song, start_s=0.020)),
        "its sound is 20.0 ms too early near the start",
    ),
    "sound with a hole": (
        lambda trial: trial.video(sound=sound_with_a_hole(trial)),
        "its sound is 30.0 ms too early near the end",
    ),
    "sound cut short": (
        lambda trial: trial.video(sound=dataclasses.replace(trial.song, end_s=3.9)),
        "its sound ends 0.09",
    ),
    "no sound in the sound": (
        lambda trial: trial.video(sound=silence(trial)),
        "its sound near the start is not the song's",
    ),
    "a dropped frame": (
        lambda trial: trial.video(without(trial.frames(), in_the_middle(trial))),
        "it has 119 frames instead of 120",
    ),
    "a dropped frame made up for": (
        lost_but_counted, "the picture jumps, as if frames were lost, once, first at frame 47",
    ),
    "a doubled frame": (
        lambda trial: trial.video(twice(trial.frames(), in_the_middle(trial))),
        "it has 121 frames instead of 120",
    ),
    "a frozen frame": (
        lambda trial: frozen(trial, 1),
        "the picture stands still for 1 frame in which the camera moves, first at frame 47",
    ),
    "five frozen frames": (lambda trial: frozen(trial, 5), "the picture stands still for 5 frames"),
    "a black second": (
        lambda trial: black(trial, 30, 30),
        "it is black for 1.00 s from 1.00 s on, which is not planned",
    ),
    "a black frame": (lambda trial: black(trial, 50, 1), "it is black for 0.03 s from 1.67 s on"),
    "a wrong rate": (
        lambda trial: trial.video(fps=Fraction(25)),
        "it runs at 25 frames a second instead of 30",
    ),
    "a wrong picture": (other_picture, "shot 2 shows the picture of shot 0"),
}  # fmt: skip


@pytest.mark.parametrize(("spoiled", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_fault_is_found(right: Film, spoiled: Callable[[Film], Video], words: str) -> None:
    assert words in "; ".join(right.proof(spoiled(right)).faults)


def test_cut_outside_of_its_shots_is_found(tmp_path: Path) -> None:
    trial = film(tmp_path, fps=Fraction(30), seconds=4.0, motion=KenBurns())
    [fault, *_] = trial.proof(trial.video(trial.frames(moved(trial.storyboard, 2, 15)))).faults
    assert fault == (
        "the cut into shot 2, planned at frame 42, is not there: the picture before is still there at frame 51"
    )


@pytest.mark.parametrize("by", [-2, -1, 1, 2])
def test_crossfade_that_is_moved_is_found_under_a_flash(tmp_path: Path, by: int) -> None:
    """To a quarter of a frame."""
    trial = film(tmp_path, fps=Fraction(30), seconds=4.0, **LOOKS["crossfade, ken_burns, flash"])
    proof = trial.proof(trial.video(trial.frames(moved(trial.storyboard, 2, by))))
    assert proof.cuts[1].off_frames == pytest.approx(by, abs=0.25)
    assert "into shot 2" in "; ".join(proof.faults)


@pytest.mark.parametrize("by", [-2, -1, 1, 2])
@pytest.mark.parametrize("look", ["dip", "wipe", "dip, three effects", "wipe, four effects"])
def test_transition_that_is_no_mix_is_found_where_it_is(tmp_path: Path, by: int, look: str) -> None:
    """To a quarter of a frame."""
    trial = film(tmp_path, fps=Fraction(30), seconds=4.0, **MORE_LOOKS[look])
    proof = trial.proof(trial.video(trial.frames(moved(trial.storyboard, 2, by))))
    assert proof.cuts[1].off_frames == pytest.approx(by, abs=0.25)
    assert "into shot 2" in "; ".join(proof.faults)


def test_frozen_frames_are_found_under_a_pulse(tmp_path: Path) -> None:
    trial = film(tmp_path, fps=Fraction(30), seconds=4.0, effects=(Pulse(zoom=0.06),))
    assert "the picture stands still for 5 frames" in "; ".join(trial.proof(frozen(trial, 5)).faults)


def test_black_second_is_found_under_a_flash_and_crossfades(tmp_path: Path) -> None:
    trial = film(tmp_path, fps=Fraction(30), seconds=4.0, **LOOKS["crossfade, ken_burns, flash"])
    assert "it is black for 1.00 s from 1.00 s on" in "; ".join(trial.proof(black(trial, 30, 30)).faults)


def test_uneven_time_stamps_are_found(right: Film) -> None:
    """A frame is shown twice as long, by its time stamp only: nothing is missing in the file."""
    video = right.video()
    copy = right.folder / "uneven.mp4"
    with av.open(str(video.file.path)) as source, av.open(str(copy), "w") as out:
        streams = {s.index: out.add_stream_from_template(s, opaque=False) for s in source.streams}
        for packet in source.demux():
            if packet.pts is None:
                continue
            if packet.stream.type == "video" and packet.pts * packet.time_base >= 2:
                packet.pts += int(1 / (30 * packet.time_base))
                packet.dts = None if packet.dts is None else packet.dts + int(1 / (30 * packet.time_base))
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    proof = right.proof(dataclasses.replace(video, file=dataclasses.replace(video.file, path=copy)))
    assert not proof.exact
    assert proof.faults


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
