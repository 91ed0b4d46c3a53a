"""The band of the made songs: mono voices beside those of the demo song, and the tape that they are recorded on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import signal

from qmv.demo import instruments as demo

__all__ = ["RATE_HZ", "SOFT_S", "Tape", "pitch_hz", "voices"]

Sound = npt.NDArray[np.float64]
RATE_HZ = 44100
SOFT_S = 0.045  # a bowed note starts so much early: at half its level, it is heard on the beat


def pitch_hz(note: int) -> float:
    """Of a MIDI note; 69 is the A of 440 Hz."""
    return float(440 * 2 ** ((note - 69) / 12))


def _times_s(duration_s: float) -> Sound:
    return np.arange(round(duration_s * RATE_HZ)) / RATE_HZ


def _noise(seed: int, size: int, low_hz: float, high_hz: float) -> Sound:
    band = signal.butter(2, (low_hz, high_hz), "bandpass", fs=RATE_HZ, output="sos")
    return np.asarray(signal.sosfilt(band, np.random.default_rng(seed).standard_normal(size)))


def _ended(sound: Sound, attack_s: float, release_s: float) -> Sound:
    rise, fall = (0.5 - 0.5 * np.cos(np.pi * _times_s(s) / s) for s in (attack_s, release_s))
    sound[: rise.size] *= rise[: sound.size]
    sound[-fall.size :] *= fall[::-1][-sound.size :]
    return sound


def _tuned(sound: Sound, factor: float) -> Sound:
    """Played quicker and higher, as another drum of its kind."""
    mono = sound[0]
    return np.interp(np.arange(0, mono.size - 1, factor), np.arange(mono.size), mono)


def _partials(frequency_hz: float, duration_s: float, falloff: float, decay_s: float, count: int = 14) -> Sound:
    """A struck string: partials a little sharp, the high ones dying first."""
    t = _times_s(duration_s + 0.25)
    sound = np.zeros_like(t)
    for order in range(1, count + 1):
        partial_hz = frequency_hz * order * (1 + 2e-4 * order * order)
        if partial_hz > 12_000:
            break
        sound += order**-falloff * np.exp(-t * (0.4 + 0.6 * order) / decay_s) * np.sin(2 * np.pi * partial_hz * t)
    return sound


def _piano(frequency_hz: float, duration_s: float) -> Sound:
    return _ended(_partials(frequency_hz, duration_s, 1.2, 1.6 * (262 / frequency_hz) ** 0.5), 0.002, 0.2)


def _guitar(frequency_hz: float, duration_s: float) -> Sound:
    return _ended(np.tanh(2.5 * _partials(frequency_hz, duration_s, 0.9, 1.2)), 0.002, 0.06)


def _skank(frequency_hz: float, duration_s: float) -> Sound:
    """A chord struck and damped at once."""
    return _ended(_partials(frequency_hz, min(duration_s, 0.09), 0.7, 0.35), 0.001, 0.2)


def _bow(frequency_hz: float, duration_s: float) -> Sound:
    t = _times_s(duration_s + 2 * SOFT_S + 0.12)
    vibrato = 0.0022 * np.sin(2 * np.pi * 5.4 * t) * np.clip(t / 0.35, 0, 1) / (2 * np.pi * 5.4)
    sound = np.zeros_like(t)
    for detune in (0.998, 1.0, 1.0023):
        for order in range(1, 9):
            sound += np.sin(2 * np.pi * frequency_hz * order * (detune * t + vibrato)) / order**1.3
    return _ended(sound / 3, 2 * SOFT_S, 0.16)


def _ride(seed: int) -> Sound:
    t = _times_s(0.9)
    ping = sum(np.sin(2 * np.pi * f * t + f) for f in (3140, 4423, 5217, 6891)) * np.exp(-t / 0.18) / 6
    return _ended(ping + _noise(seed, t.size, 5000, 13000) * (np.exp(-t / 0.02) + 0.25 * np.exp(-t / 0.3)), 0.001, 0.2)


def _rim(seed: int) -> Sound:
    t = _times_s(0.08)
    knock = np.sin(2 * np.pi * 1720 * t) + 0.6 * np.sin(2 * np.pi * 530 * t)
    return _ended((knock + 0.4 * _noise(seed, t.size, 1000, 8000)) * np.exp(-t / 0.012), 0.0008, 0.02)


def _shaker(seed: int) -> Sound:
    t = _times_s(0.11)
    return _ended(_noise(seed, t.size, 4500, 12000) * np.exp(-t / 0.035), 0.012, 0.03)


def voices(seed: int) -> dict[str, Callable[[float, float], Sound]]:
    """What each part plays for a frequency and a length; the kit differs from seed to seed."""
    rng = np.random.default_rng(seed)
    low, mid, high = rng.uniform(0.82, 1.2, 3)
    take = rng.integers(0, 5)
    decay_s = rng.uniform(0.016, 0.03)
    struck = {
        "kick": lambda: _tuned(demo.kick(), low),
        "snare": lambda: _tuned(demo.snare(), mid),
        "clap": lambda: _tuned(demo.clap(), mid),
        "hat": lambda: _tuned(demo.hat(int(take), decay_s), high),
        "open": lambda: _tuned(demo.hat(int(take), 0.09), high),
        "crash": lambda: _tuned(demo.crash(), high),
        "ride": lambda: _ride(int(take)),
        "rim": lambda: _rim(int(take)),
        "shaker": lambda: _shaker(int(take)),
    }
    drums = {part: (lambda _hz, _s, strike=strike: strike()) for part, strike in struck.items()}
    return drums | {
        "bass": lambda hz, s: demo.bass(hz, s)[0],
        "keys": lambda hz, s: demo.electric_piano((hz,), s)[0],
        "pad": lambda hz, s: demo.pad((hz,), s, 900.0)[0],
        "pluck": lambda hz, _: demo.pluck(hz)[0],
        "lead": lambda hz, s: demo.lead(hz, s)[0],
        "piano": _piano,
        "guitar": _guitar,
        "skank": _skank,
        "bow": _bow,
    }


class Tape:
    """Collects what is played, and makes the record of it."""

    def __init__(self, seconds: float, seed: int) -> None:
        self._track = np.zeros(round(seconds * RATE_HZ))
        self._voices = voices(seed)
        self._takes: dict[tuple[str, float, float], Sound] = {}

    def play(self, part: str, at_s: float, gain: float, frequency_hz: float = 0.0, duration_s: float = 0.0) -> None:
        key = (part, frequency_hz, round(duration_s, 2))
        if key not in self._takes:
            self._takes[key] = self._voices[part](frequency_hz, round(duration_s, 2))
        start, sound = round(at_s * RATE_HZ), self._takes[key]
        span = self._track[max(start, 0) : start + sound.size]
        span += gain * sound[max(-start, 0) :][: span.size]

    def record(self, room: float, fade_s: float) -> npt.NDArray[np.float32]:
        """Mono in -1..1, with a room around it, a little saturated."""
        t = _times_s(0.7)
        hall = _noise(70, t.size, 250, 6000) * np.exp(-t / 0.16) * 0.03
        hall[: round(0.01 * RATE_HZ)] = 0
        wet = signal.oaconvolve(self._track, hall)[: self._track.size]
        mix = np.tanh(0.7 * (self._track + room * wet))
        if fade_s:
            slope = np.linspace(0, 1, round(fade_s * RATE_HZ)) ** 2
            mix[: slope.size] *= slope
            mix[-slope.size :] *= slope[::-1]
        return (0.85 * mix / max(1.0, float(np.abs(mix).max()))).astype(np.float32)
