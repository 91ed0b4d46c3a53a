"""What is wrong with a finished file, in words: pure functions of what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from qmv.artifacts import Beats, CutProof, Storyboard
from qmv.proof.pictures import ScreenProof
from qmv.proof.search import FoundCut
from qmv.proof.sound import SoundProof

__all__ = ["Measured", "faults"]

_HALF = 0.5  # frames
_ROUNDING = 1e-3  # frames
_OF_A_BLEND = 1 / 32  # at low quality an encoder is late by as much in a slow crossfade, whose frames hardly differ
_MOST_LATE_S = 0.010  # of the sound, also at slow rates: an encoder's delay that nobody marked is 21 ms and more
_LONGER_S = 0.1  # AAC ends with a whole block of 1024 samples


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Everything that was measured, and what it is compared with. `fps` is what the file says of itself."""

    storyboard: Storyboard
    beats: Beats
    fps: Fraction
    screen: ScreenProof
    sound: SoundProof


def faults(cuts: Sequence[CutProof], m: Measured) -> Iterator[str]:
    """Each as the end of a sentence that begins with the finished video."""
    yield from _frame_faults(m)
    yield from _cut_faults(cuts, m.screen.cuts, m)
    yield from _picture_faults(m)
    yield from _sound_faults(m)
    yield from _stretch_faults(m)


def _frame_faults(m: Measured) -> Iterator[str]:
    if m.fps != m.storyboard.fps:
        yield f"it runs at {float(m.fps):.6g} frames a second instead of {float(m.storyboard.fps):.6g}"
    elif not m.screen.exact:
        yield "its time stamps are uneven"
    if m.screen.frames != m.storyboard.frames:
        yield f"it has {m.screen.frames} frames instead of {m.storyboard.frames}"


def _cut_faults(cuts: Sequence[CutProof], found: Sequence[FoundCut], m: Measured) -> Iterator[str]:
    off = [
        cut
        for cut, seen in zip(cuts, found)
        if cut.off_frames is not None and abs(cut.off_frames) > max(_HALF, seen.blended * _OF_A_BLEND) + _ROUNDING
    ]
    if off:
        worst = max(off, key=lambda cut: abs(cut.off_frames or 0))
        yield (
            f"{_count(len(off), 'cut')} off by more than half a frame, the worst is into shot {worst.shot}: "
            f"{worst.off_frames:+.3g} frames ({worst.off_ms:+.1f} ms) from frame {worst.planned}"
        )
    for cut, seen in zip(cuts, found):
        if seen.crossing.wrong:
            yield f"the cut into shot {cut.shot}, planned at frame {cut.planned}, is not there: {cut.why}"
            break
    if late := _off_beat(cuts, m):
        worst = max(late, key=lambda cut: abs(cut.to_beat_ms or 0))
        yield (
            f"{_count(len(late), 'cut')} more than half a frame off the beat, "
            f"the worst is into shot {worst.shot}: {worst.to_beat_ms:+.1f} ms"
        )


def _picture_faults(m: Measured) -> Iterator[str]:
    for shot, other in m.screen.strangers[:1]:
        yield f"shot {shot} shows the picture of shot {other}"


def _off_beat(cuts: Sequence[CutProof], m: Measured) -> list[CutProof]:
    """Cuts off their beats though they are where the plan has them; what is off the plan has been told."""
    half_ms = 500 / float(m.storyboard.fps)
    late = []
    for cut in cuts:
        if cut.to_beat_ms is None or cut.off_ms is None or abs(cut.off_frames or 0) > _HALF:
            continue
        if abs(cut.to_beat_ms - cut.off_ms) > half_ms * (1 + _ROUNDING) + 0.001:
            late.append(cut)
    return late


def _sound_faults(m: Measured) -> Iterator[str]:
    sound, limit_s = m.sound, min(_MOST_LATE_S, float(_HALF / m.storyboard.fps))
    if sound.audio_s is None:
        yield "it has no sound"
        return
    for name, lag in (("start", sound.start), ("end", sound.end)):
        if lag.other:
            yield f"its sound near the {name} is not the song's"
        elif lag.late_s is not None and abs(lag.late_s) > limit_s:
            yield f"its sound is {abs(lag.late_s) * 1000:.1f} ms too {_way(lag.late_s)} near the {name}"
    missing_s = float(sound.song_s - sound.audio_s)
    if missing_s > limit_s:
        yield f"its sound ends {missing_s:.3f} s before the song"
    if missing_s < -_LONGER_S - limit_s:
        yield f"its sound goes on for {-missing_s:.3f} s after the song"


def _stretch_faults(m: Measured) -> Iterator[str]:
    fps, screen = float(m.storyboard.fps), m.screen
    if screen.black:
        run = max(screen.black, key=lambda run: run.frames)
        yield f"it is black for {run.frames / fps:.2f} s from {run.first / fps:.2f} s on, which is not planned"
    if screen.frozen:
        total = sum(run.frames for run in screen.frozen)
        first = screen.frozen[0].first
        yield f"the picture stands still for {_frames(total)} in which the camera moves, first at frame {first}"
    if screen.jumps:
        times, first = _times(len(screen.jumps)), screen.jumps[0]
        yield f"the picture jumps, as if frames were lost, {times}, first at frame {first}"


def _way(late_s: float) -> str:
    return "late" if late_s > 0 else "early"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing} is" if number == 1 else f"{number} {thing}s are"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _frames(number: int) -> str:
    return f"{number} frame{'' if number == 1 else 's'}"
