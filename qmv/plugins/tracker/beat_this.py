"""Beats by the neural network Beat This! (Foscarin, Schlüter and Widmer, ISMIR 2024), from its own package."""

from __future__ import annotations

import importlib.util
import statistics
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.analysis.bars import bar_length, completed
from qmv.analysis.overrides import tempi_of
from qmv.api import Tracker, plugin, setting
from qmv.artifacts import Beats, File, Hints, Stretch
from qmv.errors import ConfigError, InputError, PluginError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Logits = npt.NDArray[np.float64]

__all__ = ["BeatThis"]

_FRAMES_A_S = 50
_REACH = 3  # frames to each side that a peak is higher than: 60 ms
_BREAK = 3.5  # so many beats without one end a stretch
_SHORTEST_S, _SILENCE = 1.0, 1e-4
_INSTALL = (
    "needs the package beat_this, which is not installed; install it with: python -m pip install 'qmv[beat-this]'"
)


@plugin
class BeatThis(Tracker):
    """A neural network, the best on real music; hears bars too. Takes about 0.2 CPU s a second of music.

    Its weights are downloaded at first use, or are a file of yours. Beats are where its curve peaks, between its frames
    of 20 ms too. Of the hints it uses none: the network has no tempo that could be held in a range.
    """

    name = "beat_this"
    libraries = ("beat-this", "torch", "numpy")
    checkpoint: str = setting("weights: a name as the package has it (final0, small0), or a file", default="final0")
    device: str = setting("where it runs", default="auto", choices=("auto", "cpu", "cuda", "mps"), keyed=False)

    def content(self) -> Any:
        """The bytes of the user's own weights."""
        path = Path(self.checkpoint).expanduser()
        return File.of(path).sha256 if path.is_file() else None

    def track(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        import numpy as np

        duration_s = Fraction(len(samples), rate_hz)
        if duration_s < _SHORTEST_S or float(np.abs(samples).max()) < _SILENCE:
            return Beats(times_s=(), bar_position=(), tempo_bpm=0.0, confidence=0.0, duration_s=duration_s)
        beat, downbeat = self._network()(samples, rate_hz)
        return beats_of(beat.cpu().numpy().astype(float), downbeat.cpu().numpy().astype(float), duration_s)

    def _version(self, library: str) -> str:
        self._check_installed()
        return super()._version(library)

    def _check_installed(self) -> None:
        if importlib.util.find_spec("beat_this") is None:
            raise PluginError(f"tracker (beat_this): {_INSTALL}")

    def _network(self) -> Any:
        """The package's own way from samples to a value a frame; raises InputError where it has no weights."""
        self._check_installed()
        from beat_this.inference import Audio2Frames

        device, checkpoint = self._device(), self.checkpoint
        if path := self._file():
            checkpoint = str(path)
        try:
            return Audio2Frames(checkpoint_path=checkpoint, device=device)
        except Exception as error:
            if path:
                reason = f"{type(error).__name__}: {' '.join(str(error).split()).split('. ')[0][:120]}".rstrip(".")
                raise InputError(
                    f"tracker (beat_this): checkpoint {path} is none that the package can read ({reason}); "
                    "name a .ckpt file of Beat This!, or one of its names such as final0."
                ) from error
            raise InputError(_missing(checkpoint)) from error

    def _file(self) -> Path | None:
        """The file that `checkpoint` means; None for a name of the package's."""
        path = Path(self.checkpoint).expanduser()
        if path.is_file():
            return path
        if path.name == self.checkpoint and path.suffix == "":
            return None
        raise InputError(
            f"tracker (beat_this): there is no file {path}; checkpoint is a file, or a name such as final0 or small0."
        )

    def _device(self) -> str:
        import torch

        there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if self.device == "auto":
            return next(name for name in ("cuda", "mps", "cpu") if there[name])
        if not there[self.device]:
            raise ConfigError(
                f"tracker (beat_this): device={self.device} is not on this machine, or torch was installed without it; "
                "use device=auto."
            )
        return self.device


def _missing(name: str) -> str:
    """How to get weights that were not to be downloaded, and where to put them."""
    import torch
    from beat_this import inference

    url = getattr(inference, "CHECKPOINT_URL", "https://github.com/CPJKU/beat_this")
    place = Path(torch.hub.get_dir()) / "checkpoints" / f"beat_this-{name}.ckpt"
    return (
        f"tracker (beat_this): the weights '{name}' cannot be downloaded; get {url}/{name}.ckpt where there is a "
        f"network and put it at {place}, or name it: tracker.checkpoint=path/to/{name}.ckpt."
    )


def beats_of(beat: Logits, downbeat: Logits, duration_s: Fraction) -> Beats:
    """Beats and bars from the network's value a frame for each; a value above 0 is more likely a beat than none."""
    import numpy as np

    found, heights = _peaks(beat)
    inside = [(float(frame) / _FRAMES_A_S, height) for frame, height in zip(found, heights)]
    inside = [(time_s, height) for time_s, height in inside if 0 <= time_s < duration_s]
    times = tuple(round(time_s, 6) for time_s, _ in inside)
    ones = {int(np.abs(found - frame).argmin()) for frame in _peaks(downbeat)[0] if len(found)}  # as the package does
    places = completed([int(number in ones) for number in range(len(times))])
    count = bar_length(places)
    likely = 1 / (1 + np.exp(-np.array([height for _, height in inside])))
    return Beats(
        times_s=times,
        bar_position=places if count else (0,) * len(times),
        tempo_bpm=round(60 / statistics.median(b - a for a, b in pairwise(times)), 3) if len(times) > 1 else 0.0,
        confidence=round(float(likely.mean()), 4) if times else 0.0,
        duration_s=duration_s,
        meter=f"{count}/4" if count else "",
        tempi_bpm=tempi_of(times),
        stretches=_stretches(times, [float(each) for each in likely], float(duration_s)),
    )


def _peaks(curve: Logits) -> tuple[Logits, Logits]:
    """(frame, height) of each highest value of its neighbourhood above 0; between frames, by a parabola."""
    import numpy as np

    padded = np.pad(curve, _REACH, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1)
    at = np.flatnonzero((curve >= around.max(axis=1)) & (curve > 0))
    at = at[np.diff(at, prepend=-_REACH - 1) > _REACH]  # of values that are equal, the first
    left, middle, right = (curve[np.clip(at + step, 0, len(curve) - 1)] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.divide(0.5 * (left - right), bend, out=np.zeros_like(middle), where=bend < 0)
    inner = (at > 0) & (at < len(curve) - 1)
    return np.asarray(at + np.where(inner, shift, 0.0), np.float64), middle


def _stretches(times: tuple[float, ...], likely: list[float], duration_s: float) -> tuple[Stretch, ...]:
    """Where beats follow each other, and where they do not for longer than a few."""
    if len(times) < 2:
        return ()
    usual_s = statistics.median(b - a for a, b in pairwise(times))
    breaks = [number for number in range(1, len(times)) if times[number] - times[number - 1] > _BREAK * usual_s]
    found: list[Stretch] = []
    end_s = 0.0
    for first, last in pairwise([0, *breaks, len(times)]):
        part = times[first:last]
        start_s = part[0] if part[0] - end_s > _BREAK * usual_s else end_s
        if start_s > end_s:
            found.append(Stretch(start_s=end_s, end_s=start_s, tempo_bpm=0.0, confidence=0.0))
        step_s = statistics.median(b - a for a, b in pairwise(part)) if len(part) > 1 else usual_s
        end_s = part[-1] + step_s if duration_s - part[-1] > _BREAK * usual_s else duration_s
        mean = round(statistics.mean(likely[first:last]), 4)
        found.append(Stretch(start_s=start_s, end_s=end_s, tempo_bpm=round(60 / step_s, 3), confidence=mean))
    if end_s < duration_s:
        found.append(Stretch(start_s=end_s, end_s=duration_s, tempo_bpm=0.0, confidence=0.0))
    return tuple(found)
