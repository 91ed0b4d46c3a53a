"""`python -m qmv tap SONG` plays a song, listens to taps, and writes the beats that they mean."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.commands.given import output_path, written
from qmv.commands.recording import from_keys, from_lines
from qmv.errors import InputError, OutputError

if TYPE_CHECKING:
    from qmv.artifacts import Song

__all__ = ["add"]

_ABOUT = """\
Plays a song; tap any key on each beat, q or Ctrl-C ends it. The taps become an even pulse that follows their drift:
double taps go, missed beats are filled in, your delay is taken off, and each beat moves onto the sound next to it.

    qmv tap song.mp3
    python run.py song=song.mp3 song.beats_file=song.beats

Without a terminal, taps come from the pipe: a time in seconds a line, or an empty line for a tap now.
"""
_FEWEST = 4


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "tap", help="tap a song's beats on the keyboard, into a .beats file", description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("song", type=Path, help="an audio file")
    parser.add_argument("--out", type=Path, metavar="FILE.beats", help="what to write (the song's name, here)")
    parser.add_argument("--latency-ms", type=float, metavar="N", help="how late the taps are (found by the sound)")
    parser.add_argument("--raw", action="store_true", help="write the taps as they are")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.set_defaults(command=_tap)


def _tap(given: argparse.Namespace) -> None:
    from qmv.analysis.beat_files import written as text_of
    from qmv.artifacts import File, Song
    from qmv.media.audio import inspect

    if given.latency_ms is not None and not abs(given.latency_ms) <= 2000:
        raise InputError(f"tap: --latency-ms must be -2000 to 2000, got {given.latency_ms:g}.")
    out = given.out or Path(f"{given.song.stem}.beats")
    output_path("--out", out, ".beats", [str(given.song)])
    if out.exists() and not given.force:
        raise OutputError(f"--out ({out}): is there already; name another file, or write over it with --force.")
    inspect(given.song)
    song = Song(file=File.of(given.song), title=given.song.stem)
    taps_s, duration_s = _recorded(song)
    if len(taps_s) < _FEWEST:
        raise InputError(f"tap: a pulse needs {_FEWEST} taps at least, got {len(taps_s)}; tap on.")
    latency_s = given.latency_ms / 1000 if given.latency_ms is not None else None
    beats = _unchanged(taps_s, latency_s or 0.0) if given.raw else _made_of(song, taps_s, latency_s)
    kept = [time_s for time_s in beats if 0 <= time_s < duration_s]
    if not kept:
        raise InputError(f"tap: no tap lies in the song, which is {duration_s:.3f} s long.")
    with written("--out", out) as part:
        part.write_text(text_of(kept, [0] * len(kept)), encoding="utf-8")
    print(f"wrote {len(kept)} beats to {out}; make a video with them:", file=sys.stderr)
    print(f"python run.py {shlex.quote(f'song={given.song}')} {shlex.quote(f'song.beats_file={out}')}")


def _recorded(song: Song) -> tuple[list[float], float]:
    """The taps in seconds of the song, and its length; raises InputError where nothing can play it or be tapped on."""
    from qmv.media.player import PLAYERS, play, player, write_wav

    command, terminal = player(), sys.stdin.isatty()
    if terminal and command is None:
        known = ", ".join(name for name, *_ in PLAYERS)
        raise InputError(
            f"tap: no player was found, install one of {known}; or play the song elsewhere and pipe the taps in: "
            f"a time in seconds a line, or an empty line for a tap now, | python -m qmv tap {song.file.path}"
        )
    with tempfile.TemporaryDirectory(prefix="qmv-tap-") as folder:
        wav, errors = Path(folder, "song.wav"), Path(folder, "errors.txt")
        duration_s = write_wav(song, wav)
        if terminal:
            print(f"{song.file.path}: tap any key on each beat; q ends it", file=sys.stderr)
        process = play(command, wav, errors) if command is not None else None
        started = time.monotonic()

        def playing() -> bool:
            if process is not None:
                return process.poll() is None
            return time.monotonic() - started < duration_s

        try:
            if terminal:
                taps_s = [at - started for at in from_keys(sys.stdin, playing, _count)]
                print(file=sys.stderr)
            else:
                taps_s = from_lines(sys.stdin, playing, started)
        finally:
            if process is not None:
                process.kill()
                process.wait()
        if command is not None and process is not None and process.returncode > 0 and not taps_s:
            words = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it does not say why"]
            raise InputError(f"tap: {command[0]} cannot play the song ({words[-1]:.200}).")
    return taps_s, duration_s


def _count(taps: int) -> None:
    print(f"\r{taps} taps", end="", file=sys.stderr, flush=True)


def _unchanged(taps_s: Sequence[float], latency_s: float) -> list[float]:
    from qmv.analysis.beat_files import CLOSEST_S

    beats: list[float] = []
    for tap_s in sorted(round(tap - latency_s, 6) for tap in taps_s):
        if not beats or tap_s - beats[-1] >= CLOSEST_S:  # a key that bounces is hit once
            beats.append(tap_s)
    return beats


def _made_of(song: Song, taps_s: Sequence[float], latency_s: float | None) -> list[float]:
    from qmv.analysis.attacks import attacks
    from qmv.analysis.taps import beats_of_taps
    from qmv.media.audio import mono

    found = beats_of_taps(taps_s, *attacks(*mono(song)), known_s=latency_s)
    print(
        f"{len(taps_s)} taps, {1000 * found.latency_s:.0f} ms late; {found.filled} beats filled in, "
        f"{found.on_attacks} moved onto the sound next to them",
        file=sys.stderr,
    )
    return sorted({round(time_s, 6) for time_s in found.times_s})
