"""`python -m qmv beats SONG` tells the beats that a video of the song would have: as a .beats file, to hear, to see."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.commands.given import output_path, plugin_of, written
from qmv.errors import PluginError, QmvError

if TYPE_CHECKING:
    from qmv.api import Tracker
    from qmv.artifacts import Beats, Song
    from qmv.engine.registry import Registry
    from qmv.events import Event

__all__ = ["add"]

_PREFERRED = ("superflux", "librosa")
_ABOUT = """\
Prints the beats of a song, found the way a run finds them: a line each, the time in seconds of the song's file, a tab,
and the position in the bar (1 = downbeat, 0 = not known). What else there is to say goes to stderr.

    qmv beats song.mp3 --click heard.wav --plot seen.png
    qmv beats song.mp3 --bpm 87 --meter 3/4
    qmv beats song.mp3 > song.beats       # mend it, then: python run.py song=song.mp3 song.beats_file=song.beats
"""
_SONG = ("bpm", "meter", "downbeat_s", "offset_s", "beats_file", "start_s", "end_s", "window")


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "beats", help="tell a song's beats: printed, heard as clicks, drawn", description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("song", help="an audio file, or demo")
    parser.add_argument("--tracker", metavar="NAME", help=f"who finds them ({' or else '.join(_PREFERRED)})")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the tracker; may be repeated"
    )
    parser.add_argument("--file", action="append", default=[], metavar="FILE", help="a plugin file; may be repeated")
    parser.add_argument("--click", type=Path, metavar="OUT.wav", help="write the song with a click on each beat")
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="draw waveform, beats, bars, sections and tempo")
    for name in ("bpm", "downbeat_s", "offset_s", "start_s", "end_s"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="N", help=f"as song.{name} of a run")
    parser.add_argument("--window", metavar="'best N'", help="as song.window of a run")
    parser.add_argument("--meter", help="as song.meter of a run: 3/4")
    parser.add_argument(
        "--tempo-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="as song.tempo_range of a run"
    )
    parser.add_argument("--beats-file", metavar="FILE", help="as song.beats_file of a run: beats that you know")
    parser.set_defaults(command=_tell_beats)


def _tell_beats(given: argparse.Namespace) -> None:
    import tempfile

    from qmv.engine.registry import Registry

    outputs = {option: path for option, path in (("--click", given.click), ("--plot", given.plot)) if path is not None}
    for option, path in outputs.items():
        output_path(option, path, {"--click": ".wav", "--plot": ".png"}[option], [given.song, given.beats_file])
    registry = Registry(given.file)
    tracker = _tracker(registry, given)
    source = f"by {tracker.name}" if given.beats_file is None else f"from {Path(given.beats_file).name}"
    with tempfile.TemporaryDirectory(prefix="qmv-beats-") as folder:
        song, beats = _tracked(Path(folder), registry, tracker, given)
        if given.click is not None:
            _write_click(song, beats, given.click)
        if given.plot is not None:
            _write_plot(song, beats, source, given.plot)
    _print_beats(song, beats, source)


def _tracker(registry: Registry, given: argparse.Namespace) -> Tracker:
    """The one that is asked for, else the best that is there, with its settings."""
    known = registry.names("tracker")
    name = given.tracker or next((name for name in _PREFERRED if name in known), known[0])
    tracker: Tracker = plugin_of(registry, "tracker", name, given.set)
    return tracker


def _tracked(folder: Path, registry: Registry, tracker: Tracker, given: argparse.Namespace) -> tuple[Song, Beats]:
    """The song and its beats by the stage that runs use, in a folder of its own."""
    from qmv.api import Account, Context, Ledger
    from qmv.engine.cache import Cache
    from qmv.engine.config.schema import SongSettings
    from qmv.engine.inputs import open_song
    from qmv.engine.parallel import Mapper
    from qmv.engine.song_checks import check
    from qmv.engine.windows import windowed

    told = {name: value for name in _SONG if (value := getattr(given, name)) is not None}
    settings = SongSettings(path=given.song, tempo_range=given.tempo_range, **told)
    check(settings)
    (folder / "work").mkdir()
    cache = Cache(folder / "cache")
    song = open_song(settings, cache)
    context = Context(
        node="beats", folder=folder / "work", cache=cache, run_folder=folder, workers=1, publish=_tell,
        parallel=Mapper(()), account=Account(ledger=Ledger(folder / "ledger.sqlite"), budget="beats", run="beats"),
    )  # fmt: skip
    stage: Any = registry.get("stage", "track_beats").cls
    try:
        beats = stage(tracker=tracker).run(context, song=song)
        if given.window is not None:
            song, note = windowed(song, given.window, beats)
            beats = stage(tracker=tracker).run(dataclasses.replace(context, publish=_silent), song=song)
            print(f"note: {note}", file=sys.stderr)
        return song, beats
    except QmvError:
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
        raise PluginError(
            f"tracker ({tracker.name}): failed unexpectedly ({words}); run.py with graph=storyboard keeps the details."
        ) from error


def _tell(event: Event) -> None:
    from qmv.events import Notice

    if isinstance(event, Notice):
        print(f"note: {event.message}", file=sys.stderr)


def _silent(event: Event) -> None:
    """For what has been told already."""


def _print_beats(song: Song, beats: Beats, source: str) -> None:
    from qmv.analysis.beat_files import written as text_of
    from qmv.media.chart import summary

    print(summary(beats, source), file=sys.stderr)
    sys.stdout.write(text_of([time_s + song.start_s for time_s in beats.times_s], beats.bar_position))
    sys.stdout.flush()


def _write_click(song: Song, beats: Beats, path: Path) -> None:
    from qmv.media.clicks import write_clicked

    with written("--click", path) as part:
        write_clicked(song, beats.times_s, beats.bar_position, part)


def _write_plot(song: Song, beats: Beats, source: str, path: Path) -> None:
    from qmv.media.audio import mono
    from qmv.media.chart import Caption, draw

    samples, _ = mono(song)
    caption = Caption(title=song.title, artist=song.artist, source=source, start_s=song.start_s)
    with written("--plot", path) as part:
        draw(beats, samples, caption).save(part, "PNG")
