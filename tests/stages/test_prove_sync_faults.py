"""Films with one fault on purpose do not pass, and the sentence says which fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from qmv.artifacts import Song, Video
from qmv.plugins.effect.pulse import Pulse
from qmv.plugins.motion.ken_burns import KenBurns
from tests.media.helpers import chirps, song, write_sound
from tests.proof.films import Film, alone, film, moved, twice, without
from tests.stages.looks import LOOKS, MORE_LOOKS


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Four seconds at 30 frames a second with hard cuts and a camera that can be followed."""
    return film(tmp_path_factory.mktemp("film"), fps=Fraction(30), seconds=4.0)


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
