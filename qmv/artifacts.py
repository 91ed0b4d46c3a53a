"""The values that stages hand to each other; `qmv.plain` keeps them on disk.

Every artifact is a frozen dataclass of plain values, so that a stage is a function of values and its result can be
cached. Seconds are floats from the start of the song's window; frames are whole numbers from 0.
May be imported from everywhere; imports only `qmv.errors`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

__all__ = [
    "Artifact", "Beats", "CutProof", "Delivery", "File", "FrameRun", "HandOff", "Hints", "LyricLine", "Picture",
    "Pictures", "Section", "Shot", "Song", "Storyboard", "Stretch", "Style", "SyncProof", "Video",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """What a stage makes."""

    @property
    def provisional(self) -> bool:
        """Whether something stood in for what was wanted: this run uses it, and a later one tries again."""
        return False


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that belongs to an artifact, with the hash that tells whether it is still the same."""

    path: Path
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> File:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return cls(path=path, sha256=digest, size_bytes=path.stat().st_size)

    def intact(self) -> bool:
        """Whether the file is there with the bytes that it was made with."""
        try:
            return self.path.stat().st_size == self.size_bytes and File.of(self.path).sha256 == self.sha256
        except OSError:
            return False


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What the user says of a song's beats; None where the tracker has to find out. Times are seconds of the file."""

    bpm: float | None = None
    tempo_range_bpm: tuple[float, float] | None = None
    meter: str | None = None  # '4/4', '3/4', '6/8' ...
    downbeat_s: float | None = None  # where any one bar begins
    offset_s: float = 0.0  # later by so much, earlier where negative
    beats_file: File | None = None


@dataclass(frozen=True, kw_only=True)
class LyricLine:
    """A line of the lyrics, sung from `start_s` (seconds of the file) until the next one."""

    start_s: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Song(Artifact):
    """The user's song and the window of it that the video covers."""

    file: File
    title: str
    artist: str = ""
    start_s: float = 0.0
    end_s: float | None = None  # None: to the end
    hints: Hints = Hints()
    lyrics: tuple[LyricLine, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Style(Artifact):
    """A look in words and colours; `palette` goes from dark to light, its last two are accents.

    `colours` are words for the prompts, where the user wants other colours than the style's own.
    """

    name: str
    prompt: str
    negative_prompt: str
    look: str
    palette: tuple[str, ...]
    shots: tuple[str, ...]
    subjects: tuple[str, ...]
    moods: tuple[str, ...]
    colours: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A stretch of the song; similar sections share a label. `energy` in 0..1."""

    start_s: float
    end_s: float
    label: str
    energy: float


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of the song with a pulse, or without: then tempo and confidence are 0, and no beat lies in it."""

    start_s: float
    end_s: float
    tempo_bpm: float
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Beats(Artifact):
    """Where the beats of a song are; `times_s` is empty where none were heard.

    `bar_position` counts from 1 at each downbeat and is 0 where bars are not known; `meter` is what it counts in most
    bars, such as '3/4'. `tempo_bpm` is the median tempo, 0 without beats, `tempi_bpm` the tempo at each beat.
    `confidence`, of the beats and not of the bars, is in 0..1, and so is `energy`, which has a value for every
    `energy_step_s` from the start on. `stretches` and `sections` cover the song in order. `duration_s` is the exact
    length of the window.
    """

    times_s: tuple[float, ...]
    bar_position: tuple[int, ...]
    tempo_bpm: float
    confidence: float
    duration_s: Fraction
    meter: str = ""
    tempi_bpm: tuple[float, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    sections: tuple[Section, ...] = ()
    energy: tuple[float, ...] = ()
    energy_step_s: float = 0.5
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture on screen from frame `start` up to, not including, frame `end`.

    `beat` is the index of the beat that the shot starts on, None where it starts on none. `paced_by` tells what set its
    place: 'beats', the 'phrases' of the music where no beat is heard, or nothing but an 'even' grid.
    """

    index: int
    start: int
    end: int
    beat: int | None
    section: str
    framing: str
    subject: str
    prompt: str
    negative_prompt: str
    seed: int
    paced_by: str = "even"
    lyric: str = ""

    @property
    def frames(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class Storyboard(Artifact):
    """The plan of the video: its shots cover the frames from 0 to `frames` without a gap.

    `stand_in` is the writer that wrote it where the one that was asked failed.
    """

    fps: Fraction
    frames: int
    shots: tuple[Shot, ...]
    notes: tuple[str, ...] = ()
    stand_in: str = ""

    @property
    def provisional(self) -> bool:
        return bool(self.stand_in)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The picture of one shot, and where it came from."""

    file: File
    width_px: int
    height_px: int
    provider: str
    seed: int
    prompt: str
    model: str = ""  # what the provider calls its model
    source_type: str = ""  # IPTC's term for where it came from, such as 'trainedAlgorithmicMedia'; '' where unknown
    cost: Decimal | None = None
    planes: File | None = None  # the picture as the renderer reads it


@dataclass(frozen=True, kw_only=True)
class Pictures(Artifact):
    """The pictures in the storyboard's order, one a shot but for the shots that are `missing` (their indexes).

    A missing shot's time goes to its neighbour. `stand_ins` are shots whose picture another provider made.
    """

    width_px: int
    height_px: int
    pictures: tuple[Picture, ...]
    missing: tuple[int, ...] = ()
    stand_ins: tuple[int, ...] = ()

    @property
    def provisional(self) -> bool:
        return bool(self.missing or self.stand_ins)


@dataclass(frozen=True, kw_only=True)
class Video(Artifact):
    """A finished MP4."""

    file: File
    width_px: int
    height_px: int
    fps: Fraction
    frames: int
    title: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CutProof:
    """Where the cut into a shot is in a finished file, or the middle of the transition into it.

    `frame` is the first frame of the shot, None where the pixels do not tell; then `why` says why. Offsets are what
    is measured less what is wanted: late is positive.
    """

    shot: int
    planned: int
    frame: float | None
    off_frames: float | None
    off_ms: float | None
    to_beat_ms: float | None  # None also where the shot begins on no beat
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class FrameRun:
    """Frames `first` up to, not including, `first + frames`."""

    first: int
    frames: int


@dataclass(frozen=True, kw_only=True)
class SyncProof(Artifact):
    """What a finished video is, measured from its decoded pixels and samples; `faults` says what must not be.

    Sound offsets are against the song: late is positive, None where nothing can be heard. `worst` and `mean` are of the
    absolute offsets of the `measured` cuts. `jumps` are frames before which at least one is missing. `followed` of the
    `moving` shots show their camera's path clearly enough to tell a frozen frame or a lost one.
    """

    cuts: tuple[CutProof, ...]
    measured: int
    worst_frames: float | None
    mean_frames: float | None
    worst_ms: float | None
    worst_to_beat_ms: float | None
    mean_to_beat_ms: float | None
    audio_start_ms: float | None
    audio_end_ms: float | None
    audio_drift_ms: float | None
    fps: Fraction
    frames: int
    exact: bool  # each frame is shown at its number / fps
    video_s: float
    audio_s: float | None
    song_s: float
    black: tuple[FrameRun, ...]
    frozen: tuple[FrameRun, ...]
    jumps: tuple[int, ...]
    moving: int
    followed: int
    loudness_lufs: float | None
    true_peak_db: float | None
    clipped_samples: int
    summary: str
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Delivery(Artifact):
    """Where the video went."""

    url: str
    storage: str
    unchanged: bool = False  # the same bytes stood there before
    companions: tuple[str, ...] = ()  # the addresses of what lies beside it
    key: str = ""  # its place in the storage
    sha256: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class HandOff(Artifact):
    """The folder that goes to a video editor, and the names of the files in it."""

    folder: Path
    files: tuple[str, ...]
