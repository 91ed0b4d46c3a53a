"""The same video the MoviePy way: its clips, its CrossFadeIn, its writer. Slower, and open to MoviePy's effects.

It is what `assemble_video` is compared with. Needs the extra `qmv[moviepy]`.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.api import IDENTITY, Context, Effect, Motion, Stage, Transition, plugin, setting
from qmv.artifacts import File, Pictures, Shot, Song, Storyboard, Video
from qmv.errors import PluginError
from qmv.media.encode import PRESETS, even, tags
from qmv.media.mux import join
from qmv.media.sound import encode_song
from qmv.media.timeline import overlaps, seen

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
class AssembleMoviepy(Stage):
    """ImageClips with CrossFadeIn in a CompositeVideoClip, written by write_videofile."""

    name = "assemble_moviepy"
    libraries = ("av", "moviepy", "numpy", "pillow")
    motion: Motion
    transition: Transition
    effects: tuple[Effect, ...] = ()
    preset: str = setting("x264's speed against bytes", default="veryfast", choices=PRESETS, knob="quality.preset")
    crf: float = setting("x264's quality, lower is better", default=18.0, at_least=0, at_most=51, knob="quality.crf")
    scale: float = setting("size against the pictures", default=1.0, above=0, at_most=1, knob="quality.scale")
    audio_kbps: int = setting("AAC bit rate of stereo sound", default=256, unit="kbit/s", at_least=32, at_most=512)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transition.name not in ("cut", "crossfade"):
            raise ValueError(f"transition must be cut or crossfade with MoviePy, got {self.transition.name}")
        if self.effects:
            raise ValueError(f"effects must be none with MoviePy (use assemble_video), got {self.effects[0].name}")

    def run(self, ctx: Context, song: Song, storyboard: Storyboard, pictures: Pictures) -> Video:
        size = even(pictures.width_px * self.scale), even(pictures.height_px * self.scale)
        silent, sound = ctx.folder / "silent.mp4", ctx.folder / "sound.mp4"
        self._write(ctx, silent, self._composite(storyboard, pictures, size), storyboard)
        encode_song(sound, song, self.audio_kbps)
        path = ctx.folder / "video.mp4"
        # MoviePy rounds the rate to two digits; joining counts the frames, so the finished file has the exact one
        join(path, [(0, silent)], sound, storyboard.fps, tags(song))
        silent.unlink()
        sound.unlink()
        return Video(
            file=File.of(path),
            width_px=size[0],
            height_px=size[1],
            fps=storyboard.fps,
            frames=storyboard.frames,
            title=song.title,
        )

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
            preset=self.preset,
            threads=_THREADS,
            ffmpeg_params=["-crf", f"{self.crf:g}", *_BT709],
            logger=None,
        )
        from qmv.media.probe import probe

        if (frames := probe(path).frames) != storyboard.frames:
            raise PluginError(f"assemble_moviepy: MoviePy wrote {frames} frames instead of {storyboard.frames}.")
        ctx.progress(storyboard.frames, storyboard.frames, "frames")
