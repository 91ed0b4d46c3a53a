"""Measures the finished video from its pixels and samples, and refuses one that is not what was planned."""

from __future__ import annotations

from typing import Any

from qmv.api import Context, Effect, Motion, Stage, Transition, plugin, setting
from qmv.artifacts import Beats, Pictures, Song, Storyboard, SyncProof, Video
from qmv.errors import ProofError

__all__ = ["ProveSync"]

_TELL_EVERY = 240  # frames


@plugin
class ProveSync(Stage):
    """Tells where each cut and the sound really are; fails where they are not where they should be."""

    name = "prove_sync"
    version = 2
    libraries = ("av", "numpy", "opencv-python-headless", "scipy")
    motion: Motion
    transition: Transition
    effects: tuple[Effect, ...] = ()
    on_fail: str = setting(
        "what to do with a video that is out of sync", default="fail", choices=("fail", "warn"), keyed=False,
        knob="prove.on_fail",
    )  # fmt: skip

    def run(
        self, ctx: Context, *, song: Song, beats: Beats, storyboard: Storyboard, pictures: Pictures, video: Video
    ) -> SyncProof:
        import cv2

        from qmv.media.probe import probe
        from qmv.media.timeline import held, overlaps
        from qmv.proof.faults import Measured
        from qmv.proof.pictures import prove_pictures
        from qmv.proof.plan import Plan
        from qmv.proof.screen import watch
        from qmv.proof.sound import prove_sound
        from qmv.proof.verdict import judged

        cv2.setNumThreads(1)  # the decoder's threads are the parallel unit
        path, total, storyboard = video.file.path, video.frames, held(storyboard, pictures.missing)
        plan = Plan(
            storyboard=storyboard,
            beats=beats,
            overlaps=tuple(overlaps(storyboard, self.transition.length_s())),
            pictures=tuple(picture.file.path for picture in pictures.pictures),
            motion=self.motion,
            transition=self.transition,
            size_px=(video.width_px, video.height_px),
            effects=self.effects,
        )

        def tell(frames: int) -> None:
            if frames % _TELL_EVERY == 0 and frames < total:
                ctx.progress(frames, total, "frames")

        sound = prove_sound(path, song)
        screen = prove_pictures(watch(path, ctx.workers), plan, tell)
        ctx.progress(screen.frames, screen.frames, "frames")
        measured = Measured(storyboard=storyboard, beats=beats, fps=probe(path).fps, screen=screen, sound=sound)
        return judged(measured)

    def review(self, ctx: Context, made: Any, **inputs: Any) -> None:
        if not made.faults:
            return
        said = f"the finished video is not what was planned: {'; '.join(made.faults)}"
        if self.on_fail == "warn":
            ctx.notice(said)
            return
        path = inputs["video"].file.path
        raise ProofError(
            f"stages.{ctx.node} ({self.name}): {said}. It was not delivered and lies in {path}; "
            "prove.on_fail=warn delivers it all the same."
        )

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        if "storyboard" not in inputs:
            return ""
        storyboard = inputs["storyboard"]
        return f"{storyboard.frames} frames and {len(storyboard.shots) - 1} cuts to measure"
