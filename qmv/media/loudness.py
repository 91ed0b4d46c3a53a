"""How loud a sound is by EBU R 128 (FFmpeg's own meter), and the gain that brings it to another loudness."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["CEILING_DB", "Loudness", "fitting_gain_db"]

CEILING_DB = -1.0  # dBTP, the highest that EBU R 128 and streaming services advise; what lossy coding adds fits above

_METER = "peak=true:metadata=1:framelog=quiet"
_NOTHING_LUFS = -70.0  # the gate of R 128: what the meter says of silence, and of less than 0.4 s
_UNNOTICED_LU = 0.05  # rounds to the figure that was asked for


class Loudness:
    """Takes decoded audio frames in order, and gives the figures at the end."""

    def __init__(self) -> None:
        self._graph: Any = None
        self._last: dict[str, str] = {}

    def add(self, frame: Any) -> None:
        """The next frame of the sound."""
        if self._graph is None:
            self._graph = _graph(frame)
        self._push(frame)

    def figures(self) -> tuple[float | None, float | None]:
        """Integrated loudness in LUFS and true peak in dB of full scale; None where there is nothing to measure."""
        if self._graph is not None:
            self._push(None)
        lufs = float(self._last.get("lavfi.r128.I", _NOTHING_LUFS))
        peak = float(self._last.get("lavfi.r128.true_peak", 0))
        return (
            round(lufs, 2) if lufs > _NOTHING_LUFS else None,
            round(20 * math.log10(peak), 2) if peak > 0 else None,
        )

    def _push(self, frame: Any) -> None:
        from av.error import BlockingIOError as NotYet
        from av.error import EOFError as AtEnd

        self._graph.push(frame)
        while True:
            try:
                made = self._graph.pull()
            except (NotYet, AtEnd):
                return
            self._last = dict(made.metadata) or self._last  # the last frame, a short one, carries none


def fitting_gain_db(lufs: float | None, peak_db: float | None, target_lufs: float) -> tuple[float, tuple[str, ...]]:
    """The gain that brings a sound of this loudness and true peak to the target, and what the user has to know of it.

    One gain for the whole sound, so its dynamics stay; it is held back where the true peak would pass `CEILING_DB`.
    """
    if lufs is None or peak_db is None:
        return 0.0, (f"the sound is silent or too short to be measured, so it is not brought to {_lufs(target_lufs)}",)
    wanted, most = target_lufs - lufs, CEILING_DB - peak_db
    if wanted <= most + _UNNOTICED_LU:
        return min(wanted, most), ()
    why = f"any louder, its true peak would pass {CEILING_DB:g} dBTP"
    return most, (f"the sound is at {_lufs(lufs + most)}, not {_lufs(target_lufs)}: {why}",)


def _lufs(value: float) -> str:
    return f"{value:.1f} LUFS"


def _graph(frame: Any) -> Any:
    from fractions import Fraction

    from av.filter import Graph

    graph = Graph()
    source = graph.add_abuffer(
        format=frame.format.name,
        layout=frame.layout.name,
        sample_rate=frame.sample_rate,
        time_base=frame.time_base or Fraction(1, frame.sample_rate),
    )
    meter, sink = graph.add("ebur128", _METER), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    return graph
