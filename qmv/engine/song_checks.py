"""Finds what contradicts itself in the settings of a song, before any work; `hints` makes them ready for the stages.

`check` needs the settings alone, `check_against` the song's length and the user's files.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from qmv.analysis.bars import bar_counts, bar_length, completed, parse_meter
from qmv.analysis.beat_files import read, within
from qmv.analysis.overrides import nearest
from qmv.analysis.window import asked_s
from qmv.artifacts import File, Hints, LyricLine, Song
from qmv.engine.config.schema import SongSettings
from qmv.engine.song_addresses import check_address, check_public, hide_address, is_remote, shown
from qmv.errors import ConfigError, InputError
from qmv.media.lyrics import beside
from qmv.media.lyrics import read as read_lyrics

__all__ = ["NO_LYRICS", "check", "check_against", "hints", "lyrics", "needs_length"]

NO_LYRICS = "none"

_MOST_MB = 100_000.0
_LONGEST_S = 1e7  # a song of 115 days
_BPM = (20.0, 400.0)
_FARTHEST_OFFSET_S = 60.0


def check(song: SongSettings) -> None:
    """Raises ConfigError for the first setting that is out of its range or contradicts another."""
    _check_places(song)
    if not 0 <= song.start_s < _LONGEST_S:
        raise ConfigError(f"song: start_s must be at least 0, got {song.start_s:g}.")
    if song.end_s is not None and not song.start_s < song.end_s < _LONGEST_S:
        raise ConfigError(f"song: end_s must come after start_s ({song.start_s:g}), got {song.end_s:g}.")
    if song.window is not None:
        _check_window(song.window, song.start_s, song.end_s)
    if song.bpm is not None and not _BPM[0] <= song.bpm <= _BPM[1]:
        raise ConfigError(f"song: bpm must be {_BPM[0]:g} to {_BPM[1]:g} beats a minute, got {song.bpm:g}.")
    if song.tempo_range is not None:
        _check_range(song.tempo_range, song.bpm)
    if not abs(song.offset_s) <= _FARTHEST_OFFSET_S:
        raise ConfigError(f"song: offset_s must be -60 to 60 seconds, got {song.offset_s:g}.")
    if song.meter is not None and parse_meter(song.meter) is None:
        raise ConfigError(
            f"song: meter '{song.meter}' is none; write the beats of a bar (1 to 16), a slash and their unit "
            "(1, 2, 4, 8 or 16), such as 4/4, 3/4 or 6/8."
        )
    if song.downbeat_s is not None and not 0 <= song.downbeat_s < _LONGEST_S:
        raise ConfigError(f"song: downbeat_s must be a second of the song, at least 0, got {song.downbeat_s:g}.")
    if song.beats_file is not None:
        _check_beats_file(song)
    if song.lyrics is not None and not song.lyrics.strip():
        raise ConfigError(f"song: lyrics is empty; name an LRC file, or write lyrics={NO_LYRICS} for none.")


def _check_places(song: SongSettings) -> None:
    """Where the song and what belongs to it lie."""
    if is_remote(song.path):
        check_address(song.path)
        if song.public_only:
            check_public(song.path)
    if not 0 < song.most_mb <= _MOST_MB:
        raise ConfigError(f"song: most_mb must be above 0, at most {_MOST_MB:g}, got {song.most_mb:g}.")
    if song.most_minutes is not None and not 0 < song.most_minutes <= _LONGEST_S / 60:
        raise ConfigError(f"song: most_minutes must be above 0, got {song.most_minutes:g}.")
    for name, value in (("beats_file", song.beats_file), ("lyrics", song.lyrics)):
        if value is not None and is_remote(value):
            hide_address(value)
            place = shown(value)
            raise ConfigError(f"song: {name} is a file of this machine, got {place}; fetch it, and name the file.")


def _check_window(window: str, start_s: float, end_s: float | None) -> None:
    if asked_s(window) is None:
        raise ConfigError(f"song: window '{window}' is none; write window='best 30' for the best 30 seconds.")
    if start_s or end_s is not None:
        told = f"start_s={start_s:g}" if start_s else f"end_s={end_s:g}"
        raise ConfigError(f"song: window '{window}' and {told} both choose a part; drop one of them.")


def _check_range(tempo_range: list[float], bpm: float | None) -> None:
    shown = "[" + ",".join(f"{tempo:g}" for tempo in tempo_range) + "]"
    if len(tempo_range) != 2:
        raise ConfigError(f"song: tempo_range has two numbers, the lowest and the highest tempo, got {shown}.")
    low, high = tempo_range
    if not low < high:
        raise ConfigError(f"song: tempo_range goes from the lower to the higher tempo, got {shown}.")
    if not _BPM[0] <= low < high <= _BPM[1]:
        raise ConfigError(f"song: tempo_range must lie in {_BPM[0]:g} to {_BPM[1]:g} beats a minute, got {shown}.")
    if bpm is not None and not low <= bpm <= high:
        raise ConfigError(f"song: bpm={bpm:g} lies outside of tempo_range={shown}; drop one of them.")


def _check_beats_file(song: SongSettings) -> None:
    if not song.beats_file or not song.beats_file.strip():
        raise ConfigError("song: beats_file is empty; name a file, or drop it with song.beats_file=null.")
    for name, value in (("bpm", song.bpm), ("tempo_range", song.tempo_range)):
        if value is not None:
            raise ConfigError(f"song: beats_file and {name} both tell the tempo; drop one of them.")


# -- against the files -----------------------------------------------------------------------------------------------


def hints(song: SongSettings) -> Hints:
    """Raises InputError for a beats file that cannot be read."""
    path = Path(song.beats_file).expanduser().absolute() if song.beats_file is not None else None
    if path is not None:
        read(path)
    low_high = song.tempo_range
    return Hints(
        bpm=song.bpm,
        tempo_range_bpm=(low_high[0], low_high[1]) if low_high is not None else None,
        meter=song.meter,
        downbeat_s=song.downbeat_s,
        offset_s=song.offset_s,
        beats_file=File.of(path) if path is not None else None,
    )


def lyrics(song: SongSettings, path: Path) -> tuple[LyricLine, ...]:
    """From the file that is named, else from one beside the song; raises InputError where they cannot be read."""
    if song.lyrics == NO_LYRICS:
        return ()
    if song.lyrics is not None:
        return read_lyrics(Path(song.lyrics).expanduser().absolute())
    found = beside(path)
    return read_lyrics(found) if found is not None else ()


def needs_length(song: SongSettings) -> bool:
    """Whether something in the settings can lie past the song's end in a way that is a mistake."""
    told = (song.window, song.downbeat_s, song.beats_file, song.lyrics if song.lyrics != NO_LYRICS else None)
    return song.start_s > 0 or any(value is not None for value in told)


def check_against(song: Song, window: str | None, duration_s: Fraction) -> None:
    """Raises InputError for what lies outside of the song, or contradicts the beats file."""
    where, length = f"song ({song.file.path})", f"{float(duration_s):.3f} s"
    if song.start_s >= duration_s:
        raise InputError(
            f"{where}: has no sound after start_s={song.start_s:g}, it is {length} long; choose an earlier start_s."
        )
    wanted_s = asked_s(window) if window is not None else None
    if wanted_s is not None and wanted_s > duration_s:
        raise InputError(f"{where}: window '{window}' is longer than the song, which is {length}; ask for less.")
    downbeat_s = song.hints.downbeat_s
    if downbeat_s is not None and downbeat_s >= duration_s:
        raise InputError(f"{where}: downbeat_s={downbeat_s:g} is past the end of the song, which is {length} long.")
    if song.lyrics and song.lyrics[0].start_s >= duration_s:
        raise InputError(
            f"song.lyrics: its first line is at {song.lyrics[0].start_s:g} s, past the end of the song, which is "
            f"{length} long; is the file another song's?"
        )
    if song.hints.beats_file is not None:
        _check_marks(song.hints, song.hints.beats_file.path, duration_s)


def _check_marks(known: Hints, path: Path, duration_s: Fraction) -> None:
    where, marks = f"song.beats_file ({path})", read(path)
    within(marks, float(duration_s), where)
    positions = completed(marks.bar_position)
    count = bar_length(positions)
    if known.meter is not None and count and count not in bar_counts(known.meter):
        asked = _either(bar_counts(known.meter))
        raise InputError(
            f"{where}: its bars have {count} beats, those of meter={known.meter} have {asked}; "
            "drop song.meter, or the places in the bar from the file."
        )
    if known.downbeat_s is not None and any(positions):
        beat = nearest(marks.times_s, known.downbeat_s - known.offset_s)
        if positions[beat] > 1:
            raise InputError(
                f"{where}, line {marks.lines[beat]}: the beat next to downbeat_s={known.downbeat_s:g} is number "
                f"{positions[beat]} of its bar there; drop song.downbeat_s, or the places in the bar from the file."
            )


def _either(counts: Iterable[int]) -> str:
    return " or ".join(map(str, counts))
