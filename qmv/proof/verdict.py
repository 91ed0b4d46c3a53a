"""From what was measured to the figures and the line that users read: pure functions of values."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from qmv.artifacts import CutProof, SyncProof
from qmv.proof.faults import Measured, faults
from qmv.proof.search import FoundCut

__all__ = ["judged"]


def judged(m: Measured) -> SyncProof:
    """The proof: rounded figures, the faults in words, and the line that users read."""
    screen, sound = m.screen, m.sound
    cuts = tuple(_cut(found, m) for found in screen.cuts)
    off = [abs(cut.off_frames) for cut in cuts if cut.off_frames is not None]
    off_ms = [abs(cut.off_ms) for cut in cuts if cut.off_ms is not None]
    beat_ms = [abs(cut.to_beat_ms) for cut in cuts if cut.to_beat_ms is not None]
    start_ms, end_ms = _ms(sound.start.late_s), _ms(sound.end.late_s)
    drift_ms = None if start_ms is None or end_ms is None else round(end_ms - start_ms, 3)
    return SyncProof(
        cuts=cuts,
        measured=len(off),
        worst_frames=max(off, default=None),
        mean_frames=round(statistics.fmean(off), 4) if off else None,
        worst_ms=max(off_ms, default=None),
        worst_to_beat_ms=max(beat_ms, default=None),
        mean_to_beat_ms=round(statistics.fmean(beat_ms), 3) if beat_ms else None,
        audio_start_ms=start_ms,
        audio_end_ms=end_ms,
        audio_drift_ms=drift_ms,
        fps=m.fps,
        frames=screen.frames,
        exact=screen.exact,
        video_s=round(float(screen.frames / m.fps), 6) if m.fps else 0.0,
        audio_s=None if sound.audio_s is None else round(float(sound.audio_s), 6),
        song_s=round(float(sound.song_s), 6),
        black=screen.black,
        frozen=screen.frozen,
        jumps=screen.jumps,
        moving=screen.moving,
        followed=screen.followed,
        loudness_lufs=sound.loudness_lufs,
        true_peak_db=sound.true_peak_db,
        clipped_samples=sound.clipped,
        summary=_summary(cuts, off, start_ms, end_ms, drift_ms),
        faults=tuple(faults(cuts, m)),
        notes=tuple(_notes(cuts, start_ms, end_ms)),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3) + 0.0


def _cut(found: FoundCut, m: Measured) -> CutProof:
    shot, frame = m.storyboard.shots[found.shot], found.crossing.frame
    if frame is None or found.time_s is None:
        return CutProof(
            shot=shot.index, planned=shot.start, frame=None, off_frames=None, off_ms=None, to_beat_ms=None,
            why=found.crossing.why,
        )  # fmt: skip
    beat_s = None if shot.beat is None else m.beats.times_s[shot.beat]
    return CutProof(
        shot=shot.index,
        planned=shot.start,
        frame=round(frame, 3),
        off_frames=round(frame - shot.start, 3) + 0.0,
        off_ms=_ms(found.time_s - float(shot.start / m.storyboard.fps)),
        to_beat_ms=None if beat_s is None else _ms(found.time_s - beat_s),
    )


# -- words -----------------------------------------------------------------------------------------------------------


def _summary(
    cuts: Sequence[CutProof],
    off: Sequence[float],
    start_ms: float | None,
    end_ms: float | None,
    drift_ms: float | None,
) -> str:
    """Such as '32 cuts, worst 0 frames off, audio +0.2 ms, drift 0.0 ms'."""
    parts = [f"{len(cuts)} cut{'' if len(cuts) == 1 else 's'}"]
    if off:
        parts.append(f"worst {max(off):.2g} frames off")
    if len(off) < len(cuts):
        parts.append(f"{len(cuts) - len(off)} not measurable")
    known = start_ms if start_ms is not None else end_ms
    parts.append("audio not measurable" if known is None else f"audio {known + 0.0:+.1f} ms")
    if drift_ms is not None:
        parts.append(f"drift {abs(drift_ms):.1f} ms" if abs(drift_ms) < 0.05 else f"drift {drift_ms:+.1f} ms")
    return ", ".join(parts)


def _notes(cuts: Sequence[CutProof], start_ms: float | None, end_ms: float | None) -> Iterator[str]:
    whys = [cut.why for cut in cuts if cut.frame is None]
    if whys:
        most = statistics.mode(whys)
        yield f"{len(whys)} of {len(cuts)} cuts could not be measured in the finished video, mostly: {most}"
    if start_ms is None and end_ms is None:
        yield "the sound of the finished video could not be compared with the song's"
