"""Writes what a video editor needs to go on: named pictures, timelines, captions, the song and the video."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from qmv.api import Context, Stage, Transition, plugin, setting
from qmv.artifacts import Beats, File, HandOff, Pictures, Song, Storyboard, Video
from qmv.handoff.beat_sheet import beat_sheet
from qmv.handoff.captions import lrc, srt, vtt
from qmv.handoff.edit import PICTURES, Edit, edit_of
from qmv.handoff.fcpxml import fcpxml
from qmv.handoff.names import suffix_of
from qmv.handoff.otio_timeline import otio_json
from qmv.handoff.sound import sound_of
from qmv.handoff.written import Written

__all__ = ["HandOffEdit"]

_FOLDER = "handoff"


@plugin
class HandOffEdit(Stage):
    """A folder in the run's own that Final Cut Pro, DaVinci Resolve and what reads OpenTimelineIO can go on with."""

    name = "hand_off"
    cached = False
    after = ("proof",)  # what is not in sync is not handed on
    transition: Transition
    copy: bool = setting("copies in place of hard links, for pictures that will be painted over", default=False)

    def run(
        self, ctx: Context, *, song: Song, beats: Beats, storyboard: Storyboard, pictures: Pictures, video: Video
    ) -> HandOff:
        edit = edit_of(
            song=song,
            beats=beats,
            storyboard=storyboard,
            pictures=pictures,
            video=video,
            sound=sound_of(song, beats, f"song{suffix_of(song.file.path)}"),
            transition=self.transition.name,
            dissolve_s=self._dissolve_s(ctx),
        )
        media = {clip.file: clip.picture.file for clip in edit.clips}
        media |= {edit.sound.file: song.file, f"video{suffix_of(video.file.path)}": video.file}
        texts = {name: text.encode() for name, text in _texts(edit, song, beats).items() if text}
        folder = ctx.run_folder / _FOLDER
        self._fill(ctx, folder, media, texts)
        files = tuple(sorted({*media, *texts}))
        ctx.progress(len(files), len(files), "files")
        return HandOff(folder=folder, files=files)

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        return f"timelines and named pictures in the run's {_FOLDER}"

    def _dissolve_s(self, ctx: Context) -> float:
        length_s = self.transition.length_s()
        if length_s and not _dissolves(self.transition):
            ctx.notice(f"the transition {self.transition.name} is no dissolve: timelines have plain cuts in its place")
            return 0.0
        return length_s

    def _fill(self, ctx: Context, folder: Path, media: dict[str, File], texts: dict[str, bytes]) -> None:
        """Makes the folder what this run says; what an editor put there or changed stays."""
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
        hashes = {name: file.sha256 for name, file in media.items()}
        hashes |= {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
        before = Written.read(folder)
        for name, wanted in hashes.items():
            if aside := before.keep_changed(name, wanted):
                ctx.notice(f"{_FOLDER}/{name} was changed since it was written; the changed one is now {aside}")
        for name, file in media.items():
            self._bring(file.path, folder / name)
        for name, text in texts.items():
            _write(folder / name, text)
        before.remove_stale(hashes)
        before.note(hashes)

    def _bring(self, source: Path, target: Path) -> None:
        """Puts a file there in one step, as a hard link where that is wanted and the file system knows them."""
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        try:
            with suppress(OSError):
                if not self.copy:
                    os.link(source.resolve(), part)
            if not part.exists():
                shutil.copyfile(source, part)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)  # it stays where both are links to the same file


def _texts(edit: Edit, song: Song, beats: Beats) -> dict[str, str]:
    """The files of text; '' for one that has nothing to tell of this song."""
    start_s, end_s = float(edit.sound.start_s), float(edit.sound.start_s + beats.duration_s)
    return {
        "timeline.otio": otio_json(edit),
        "timeline.fcpxml": fcpxml(edit),
        "beats.csv": beat_sheet(beats, edit.fps) if beats.times_s else "",
        "captions.srt": srt(song.lyrics, start_s, end_s),
        "captions.vtt": vtt(song.lyrics, start_s, end_s),
        "lyrics.lrc": lrc(song.lyrics, start_s, end_s),
    }


def _write(path: Path, text: bytes) -> None:
    """A file of the text in one step."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(text)
    os.replace(part, path)


def _dissolves(transition: Transition) -> bool:
    """Whether the pictures are mixed by how far the transition is, which editors call a cross dissolve."""
    import numpy as np

    from qmv.proof.staging import colourless, is_mix

    ramp = np.linspace(20, 230, 16 * 16, dtype=np.float32).reshape(16, 16)
    return is_mix(transition, colourless(ramp), colourless(255 - ramp.T))
