"""What the ways to a video have in common: what is seen, how it is encoded, what is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qmv.api import Context, Effect, Encoder, Motion, Stage, Transition, plugin, setting
from qmv.artifacts import File, Pictures, Song, Storyboard, Video
from qmv.errors import ConfigError
from qmv.media.encode import even
from qmv.media.sound import CODECS, SoundSettings
from qmv.media.sound_copy import refuse_to_copy

__all__ = ["Assembly"]


@plugin
class Assembly(Stage):
    """A stage that makes a video."""

    motion: Motion
    transition: Transition
    effects: tuple[Effect, ...] = ()
    encoder: Encoder
    scale: float = setting("size against the pictures", default=1.0, above=0, at_most=1, knob="quality.scale")
    audio: str = setting("AAC encoded anew, or the song's own AAC copied", default="aac", choices=CODECS, knob="audio")
    audio_kbps: int = setting(
        "AAC bit rate of stereo sound", default=256, unit="kbit/s", at_least=32, at_most=512, knob="audio_kbps"
    )
    loudness_lufs: float | None = setting(
        "integrated loudness by EBU R 128; null: the song's own", default=None, unit="LUFS", at_least=-40, at_most=-5,
        knob="loudness_lufs",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.sound  # raises where its settings do not go together

    def foresee(self, song: Song) -> None:
        if self.audio == "copy":
            refuse_to_copy(song)

    def review(self, ctx: Context, made: Any, **inputs: Any) -> None:
        """Tells which encoder `auto` took, and of a size that is not the one asked for, also where the video was there
        already."""
        pictures = inputs.get("pictures")
        if isinstance(made, Video) and pictures is not None and self.size_px(pictures) != (
            pictures.width_px, pictures.height_px,
        ):  # fmt: skip
            ctx.notice(
                f"the video is {made.width_px}x{made.height_px}, not {pictures.width_px}x{pictures.height_px}: it is "
                f"scaled by {self.scale:g}; quality.scale=1 keeps the size"
            )
        if why := self.encoder.chosen()[1]:
            ctx.notice(why)

    @property
    def sound(self) -> SoundSettings:
        return SoundSettings(codec=self.audio, kbps=self.audio_kbps, loudness_lufs=self.loudness_lufs)

    def size_px(self, pictures: Pictures) -> tuple[int, int]:
        """Raises ConfigError where the encoder takes no video as narrow as that."""
        width_px, height_px = even(pictures.width_px * self.scale), even(pictures.height_px * self.scale)
        least_px = self.encoder.chosen()[0].narrowest_px
        if width_px < least_px:
            raise ConfigError(
                f"encoder ({self.encoder.name}): takes videos from {least_px} px of width on, got {width_px}; "
                "make it wider or choose encoder=x264."
            )
        return width_px, height_px

    def video(
        self, path: Path, song: Song, storyboard: Storyboard, size_px: tuple[int, int], notes: tuple[str, ...]
    ) -> Video:
        return Video(
            file=File.of(path),
            width_px=size_px[0],
            height_px=size_px[1],
            fps=storyboard.fps,
            frames=storyboard.frames,
            title=song.title,
            notes=notes,
        )
