"""How well trackers find the beats of songs whose beats are known, and what they cost.

A song is an audio file with NAME.beats beside it: a time in seconds, a tab, the position in the bar (1 = downbeat,
0 = not known) in each line; none where there is no beat. F: F-measure within 70 ms. CMLt, AMLt: the share of the song
tracked at the right tempo, and at half, double or off-beat as well. down F: of the downbeats. In all of these the first
5 s do not count. ratio: tracked tempo by true tempo. late: the median of tracked minus true among beats that match;
in the means its size. CPU: of the tracker alone, compiled and loaded before; decoding is not counted. MiB: how far the
memory rose above what was in use (Linux).
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import table, write_json

if TYPE_CHECKING:
    from qmv.api import Tracker

PREFERRED = ("superflux", "librosa")
_COLUMNS = ("song", "tracker", "beats", "true", "F", "CMLt", "AMLt", "down F", "ratio", "late ms", "CPU s", "MiB", "")


def songs_in(folders: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """(audio file, .beats file) for each song of the folders that has both."""
    from qmv.engine.songs import AUDIO_SUFFIXES

    for folder in folders:
        for beats in sorted(folder.glob("*.beats")):
            audio = [beats.with_suffix(suffix) for suffix in sorted(AUDIO_SUFFIXES)]
            yield from ((path, beats) for path in audio if path.is_file())


def measure(tracker: Tracker, audio: Path, beats: Path) -> dict[str, Any]:
    """The figures of one song; a tracker that fails scores nothing, and the error is told."""
    from benchmarks.beat_scores import Scores, Truth, score
    from qmv.artifacts import Hints
    from qmv.media.audio import mono

    truth = Truth.read(beats)
    samples, rate_hz = mono(_song(audio))
    figures = {"folder": audio.parent.name, "song": audio.name, "tracker": tracker.name, "true": len(truth.times_s)}
    used_mib, before_s = _reset_peak_mib(), _cpu_s()
    try:
        found = _as_truth(tracker.track(samples, rate_hz, Hints()))
    except Exception as error:
        scores, count, note = Scores(), 0, f"{type(error).__name__}: {error}"
        if truth.positions.any():
            scores = dataclasses.replace(scores, downbeat_f=0.0)
    else:
        scores, count, note = score(found, truth), len(found.times_s), ""
    cpu_s = _cpu_s() - before_s
    mib = None if used_mib is None else _status_mib("VmHWM") - used_mib
    return figures | {"beats": count, **dataclasses.asdict(scores), "cpu_s": cpu_s, "mib": mib, "error": note}


def _song(path: Path) -> Any:
    from qmv.artifacts import File, Song

    return Song(file=File.of(path), title=path.stem)


def _as_truth(beats: Any) -> Any:
    import numpy as np

    from benchmarks.beat_scores import Truth

    return Truth(times_s=np.array(beats.times_s, np.float64), positions=np.array(beats.bar_position, np.int64))


def warm_up(tracker: Tracker, audio: Path) -> None:
    """Loads and compiles what a tracker needs, so that the first song does not pay for it; its errors come later."""
    import contextlib

    from qmv.artifacts import Hints
    from qmv.media.audio import mono

    samples, rate_hz = mono(_song(audio))
    with contextlib.suppress(Exception):
        tracker.track(samples, rate_hz, Hints())


def _cpu_s() -> float:
    """User and system seconds of this process with its threads, and of its children that ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _reset_peak_mib() -> float | None:
    """Forgets the process's peak of memory and tells what it uses now; None where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    return _status_mib("VmRSS")


def _status_mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def means(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Of all songs of one tracker; of the lateness the mean of its size."""
    from benchmarks.beat_scores import mean

    names = ("f", "cmlt", "amlt", "downbeat_f", "cpu_s", "mib")
    late = [None if r["offset_ms"] is None else abs(r["offset_ms"]) for r in results]
    figures = {name: mean([result[name] for result in results]) for name in names}
    folders = sorted({result["folder"] for result in results})
    of = {"tracker": results[0]["tracker"], "songs": len(results), "folders": folders}
    return of | figures | {"abs_offset_ms": mean(late)}


def _row(result: dict[str, Any]) -> list[str]:
    shares = [_cell(result[name], ".3f") for name in ("f", "cmlt", "amlt", "downbeat_f")]
    more = [_cell(result[name], form) for name, form in (("tempo_ratio", ".2f"), ("offset_ms", "+.1f"))]
    costs = [_cell(result["cpu_s"], ".2f"), _cell(result["mib"], ".0f")]
    counts = [str(result[name]) for name in ("song", "tracker", "beats", "true")]
    return [*counts, *shares, *more, *costs, result["error"][:60]]


def _mean_row(found: dict[str, Any]) -> list[str]:
    shares = [_cell(found[name], ".3f") for name in ("f", "cmlt", "amlt", "downbeat_f")]
    costs = [_cell(found["abs_offset_ms"], ".1f"), _cell(found["cpu_s"], ".2f"), _cell(found["mib"], ".0f")]
    return [
        f"mean of {found['songs']}: {', '.join(found['folders'])}"[:40],
        found["tracker"],
        "",
        "",
        *shares,
        "",
        *costs,
        "",
    ]


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.beats", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--songs", type=Path, nargs="+", default=[], metavar="DIR", help="folders of songs with .beats")
    made.add_argument("--made", action="store_true", help="the songs of benchmarks.made_songs too")
    made.add_argument("--tracker", nargs="+", metavar="NAME", help=f"trackers ({' '.join(PREFERRED)})")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    return made


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if lost := [folder for folder in options.songs if not folder.is_dir()]:
        parser.error(f"there is no folder {lost[0]}")
    with tempfile.TemporaryDirectory(prefix="qmv-beats-") as name:
        made = Path(name) / "made"
        made.mkdir()
        if options.made:
            from benchmarks.made_songs import SONGS, write

            for song in SONGS:
                write(made, song, 60)
        songs = [*songs_in(options.songs), *songs_in([made])]
        if not songs:
            parser.error("no song has a .beats file beside it; name folders with --songs, or give --made")
        results = _measured(_trackers(options.tracker), songs)
    averages = [means(part) for group in results.values() for part in _parts(group)]
    rows = [_row(result) for group in results.values() for result in group]
    table("beats against the truth", _COLUMNS, [*rows, *map(_mean_row, averages)])
    write_json(
        options.json, "beats", {"means": averages, "songs": [one for group in results.values() for one in group]}
    )
    return 0


def _parts(group: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The songs of each folder, and all of them where there are several folders."""
    folders = dict.fromkeys(result["folder"] for result in group)
    parts = [[result for result in group if result["folder"] == folder] for folder in folders]
    return parts if len(parts) == 1 else [*parts, group]


def _trackers(names: list[str] | None) -> list[Tracker]:
    from qmv.engine.registry import Registry

    registry = Registry()
    chosen = names or [name for name in PREFERRED if name in registry.names("tracker")]
    return [registry.get("tracker", name).cls() for name in chosen]  # type: ignore[misc]


def _measured(trackers: list[Tracker], songs: list[tuple[Path, Path]]) -> dict[str, list[dict[str, Any]]]:
    results: dict[str, list[dict[str, Any]]] = {}
    for tracker in trackers:
        warm_up(tracker, songs[0][0])
        results[tracker.name] = []
        for number, (audio, beats) in enumerate(songs, 1):
            print(f"{tracker.name}: {audio.name} ({number} of {len(songs)})", file=sys.stderr)
            results[tracker.name].append(measure(tracker, audio, beats))
    return results


if __name__ == "__main__":
    sys.exit(main())
