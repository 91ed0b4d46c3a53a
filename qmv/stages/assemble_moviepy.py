"""The same video the MoviePy way: its clips, its CrossFadeIn, its writer. Slower, and open to MoviePy's effects.

It is what `assemble_video` is compared with. Needs the extra `qmv[moviepy]`.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.api import IDENTITY, Context, plugin
from qmv.artifacts import Pictures, Shot, Song, Storyboard, Video
from qmv.errors import PluginError
from qmv.media.mux import describe, join, tags
from qmv.media.sound import write_sound
from qmv.media.timeline import held, overlaps, seen
from qmv.stages.assembly import Assembly

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["AssembleMoviepy"]

_THREADS = 2  # x264's bytes depend on it, so it is not the machine's number of cores
_TO_YUV = "scale=in_range=full:out_range=limited:out_color_matrix=bt709:flags=accurate_rnd+full_chroma_inp"
_BT709 = [
    "-vf", f"{_TO_YUV},setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=limited",
    "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
]  # fmt: skip


@plugin
class AssembleMoviepy(Assembly):
    """ImageClips with CrossFadeIn in a CompositeVideoClip, written by write_videofile."""

    name = "assemble_moviepy"
    version = 3
    libraries = ("av", "moviepy", "numpy", "pillow")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transition.name not in ("cut", "crossfade"):
            raise ValueError(f"transition must be cut or crossfade with MoviePy, got {self.transition.name}")
        if self.effects:
            raise ValueError(f"effects must be none with MoviePy (use assemble_video), got {self.effects[0].name}")
        if self.encoder.name != "x264":
            raise ValueError(f"encoder must be x264 with MoviePy (use assemble_video), got {self.encoder.name}")

    def run(self, ctx: Context, song: Song, storyboard: Storyboard, pictures: Pictures) -> Video:
        storyboard = held(storyboard, pictures.missing)
        size_px = self.size_px(pictures)
        silent, sound = ctx.folder / "silent.mp4", ctx.folder / "sound.mp4"
        self._write(ctx, silent, self._composite(storyboard, pictures, size_px), storyboard)
        notes = write_sound(sound, song, self.sound)
        path = ctx.folder / "video.mp4"
        # MoviePy rounds the rate to two digits; joining counts the frames, so the finished file has the exact one
        join(path, [(0, silent)], sound, storyboard.fps, tags(song, pictures))
        describe(path, song, pictures)
        silent.unlink()
        sound.unlink()
        return self.video(path, song, storyboard, size_px, notes)

    def _composite(self, storyboard: Storyboard, pictures: Pictures, size: tuple[int, int]) -> Any:
        from moviepy import CompositeVideoClip, vfx

        fps = storyboard.fps
        transitions = overlaps(storyboard, self.transition.length_s())
        clips = []
        for shot, overlap, picture in zip(storyboard.shots, transitions, pictures.pictures):
            span = seen(shot, transitions)
            clip = self._clip(span, picture.file.path, size, fps)
            # half a frame early: frames then lie in the middle of what MoviePy samples, safe from rounding
            clip = clip.with_start(float((span.start - Fraction(1, 2)) / fps))
            if overlap.half:
                clip = clip.with_effects([vfx.CrossFadeIn(float(2 * overlap.half / fps))])
            clips.append(clip)
        return CompositeVideoClip(clips, size=size).with_duration(float((storyboard.frames + Fraction(1, 2)) / fps))

    def _clip(self, shot: Shot, picture: Path, size: tuple[int, int], fps: Fraction) -> Any:
        from moviepy import ImageClip, VideoClip

        from qmv.media.picture import crop_to, read

        rgb = crop_to(read(picture, str(picture)), *size)
        duration_s = float(shot.frames / fps)
        if all(self.motion.camera(shot, frame) == IDENTITY for frame in range(shot.start, shot.end)):
            return ImageClip(rgb, duration=duration_s)

        def frame_at(t: float) -> npt.NDArray[np.uint8]:
            return self._view(rgb, shot, min(shot.end - 1, shot.start + int(t * fps)))

        return VideoClip(frame_function=frame_at, duration=duration_s)

    def _view(self, rgb: npt.NDArray[np.uint8], shot: Shot, frame: int) -> npt.NDArray[np.uint8]:
        from qmv.media.plate import warp_plane

        return warp_plane(rgb, rgb.shape, self.motion.camera(shot, frame))

    def _write(self, ctx: Context, path: Path, clip: Any, storyboard: Storyboard) -> None:
        """Writes the silent video; refuses a file that lacks frames."""
        clip.write_videofile(
            str(path),
            fps=float(storyboard.fps),
            codec="libx264",
            audio=False,
            preset=self.encoder.speed,
            threads=_THREADS,
            ffmpeg_params=["-crf", f"{self.encoder.constant_quality:g}", *_BT709],
            logger=None,
        )
        from qmv.media.probe import probe

        if (frames := probe(path).frames) != storyboard.frames:
            raise PluginError(f"assemble_moviepy: MoviePy wrote {frames} frames instead of {storyboard.frames}.")
        ctx.progress(storyboard.frames, storyboard.frames, "frames")
