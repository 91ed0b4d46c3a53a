"""The band that plays the demo song: drums, bass, electric piano, pad, pluck and lead, and the mixing desk.

A sound is an array [2, samples]. Every oscillator is a sum of sines kept below the Nyquist frequency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import signal

from qmv.demo.song import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Sound: TypeAlias = npt.NDArray[np.float64]

_TABLE_SIZE = 4096
_HIGHEST_PARTIAL_HZ = 15_000.0
_CEILING = 0.86  # the soft saturation cannot pass it
_BUSES = ("drums", "bass", "keys", "pad", "lead")
_REVERB_SEND = {"drums": 0.07, "bass": 0.0, "keys": 0.22, "pad": 0.30, "lead": 0.30}
_DUCK_DEPTH = {"bass": 0.25, "keys": 0.22, "pad": 0.55, "lead": 0.10}


def _times_s(duration_s: float) -> Sound:
    return np.arange(round(duration_s * RATE_HZ)) / RATE_HZ


def _noise(seed: int, samples: int, low_hz: float, high_hz: float) -> Sound:
    white = np.random.Generator(np.random.PCG64(seed)).standard_normal(samples)
    band = signal.butter(2, (low_hz, high_hz), "bandpass", fs=RATE_HZ, output="sos")
    return np.asarray(signal.sosfilt(band, white))


def _faded(sound: Sound, attack_s: float, release_s: float) -> Sound:
    """Raised-cosine ends: the rule by which no note can click."""
    rise, fall = (0.5 - 0.5 * np.cos(np.pi * _times_s(s) / s) for s in (attack_s, release_s))
    sound[..., : rise.size] *= rise
    sound[..., sound.shape[-1] - fall.size :] *= fall[::-1]
    return sound


def _stereo(sound: Sound) -> Sound:
    return np.stack((sound, sound))


def kick() -> Sound:
    t = _times_s(0.34)
    body = np.sin(2 * np.pi * (49 * t + 170 * 0.026 * (1 - np.exp(-t / 0.026)))) * np.exp(-t / 0.12)
    click = _noise(11, t.size, 1800, 6000) * np.exp(-t / 0.003)
    return _stereo(_faded(body + 0.7 * click, 0.001, 0.08))


def snare() -> Sound:
    t = _times_s(0.30)
    shell = np.sin(2 * np.pi * (188 * t + 1.2 * (1 - np.exp(-t / 0.015)))) * np.exp(-t / 0.055)
    wires = _noise(21, t.size, 1500, 9500) * np.exp(-t / 0.075)
    return _stereo(_faded(0.70 * shell + 0.95 * wires, 0.0008, 0.08))


def clap() -> Sound:
    """Three hands: the first is on the beat, the others follow it within 25 ms; the room is wide."""
    t = _times_s(0.32)
    hands = sum((t >= at_s) * np.exp(-np.maximum(t - at_s, 0) / 0.006) for at_s in (0.0, 0.011, 0.023))
    envelope = hands + 0.45 * np.exp(-t / 0.085)
    wide = [0.7 * _noise(31, t.size, 900, 4200) + 0.5 * _noise(32 + i, t.size, 900, 6500) for i in (0, 1)]
    return _faded(np.stack(wide) * envelope, 0.0008, 0.10)


def hat(take: int, decay_s: float) -> Sound:
    """One of several takes: the same sample over and over is what makes a drum machine tiring."""
    t = _times_s(0.03 + 4 * decay_s)
    return _stereo(_faded(_noise(40 + take, t.size, 7200, 14500) * np.exp(-t / decay_s), 0.0008, 0.02))


def crash() -> Sound:
    t = _times_s(2.6)
    wash = np.stack([_noise(50 + i, t.size, 3200, 13500) for i in (0, 1)])
    return _faded(wash * (0.6 * np.exp(-t / 0.6) + 0.4 * np.exp(-t / 0.09)), 0.001, 0.5)


def riser(duration_s: float) -> Sound:
    """Wind that swells and brightens until the next section begins."""
    t = _times_s(duration_s)
    rise = t / duration_s
    bands = ((500, 1500, (1 - rise) * rise), (1500, 4500, rise**2), (4500, 12000, rise**3))
    wind = np.zeros((2, t.size))
    for seed, (low_hz, high_hz, swell) in enumerate(bands):
        for side in (0, 1):
            wind[side] += swell * _noise(60 + 2 * seed + side, t.size, low_hz, high_hz)
    return _faded(wind, 0.05, 0.02)


def _table(frequency_hz: float, cutoff_hz: float, even: float = 1.0) -> Sound:
    """One period of a saw behind a low-pass, no partial above Nyquist; with `even` at 0 it is a square."""
    order = np.arange(1, min(int(_HIGHEST_PARTIAL_HZ / frequency_hz), _TABLE_SIZE // 8) + 1)
    level = 1 / order / np.sqrt(1 + (order * frequency_hz / cutoff_hz) ** 4)
    spectrum = np.zeros(_TABLE_SIZE // 2 + 1, dtype=np.complex128)
    spectrum[order] = -0.5j * _TABLE_SIZE * level * np.where(order % 2, 1.0, even)
    return np.asarray(np.fft.irfft(spectrum, _TABLE_SIZE))


def _oscillate(table: Sound, cycles: Sound) -> Sound:
    place = cycles * _TABLE_SIZE
    left = place.astype(np.int64)
    between = place - left
    left &= _TABLE_SIZE - 1
    return np.asarray(table[left] + between * (np.roll(table, -1) - table)[left])


def bass(frequency_hz: float, duration_s: float) -> Sound:
    t = _times_s(duration_s + 0.05)
    bite = np.exp(-t / 0.09)
    tone = _oscillate(_table(frequency_hz, 2200), frequency_hz * t) * bite
    tone += _oscillate(_table(frequency_hz, 320), frequency_hz * t) * (1 - 0.6 * bite)
    return _stereo(_faded(tone * (0.4 * np.exp(-t / 1.6) + 0.6 * np.exp(-t / 0.4)), 0.004, 0.05))


def electric_piano(chord_hz: tuple[float, ...], duration_s: float) -> Sound:
    """A tine piano in FM (the modulation fades as a struck tine does), with its slow stereo tremolo."""
    t = _times_s(duration_s + 0.30)
    mono = np.zeros_like(t)
    for f in chord_hz:
        bark = (0.35 + 1.5 * np.exp(-t / 0.20)) * np.sin(2 * np.pi * f * t)
        tine = 0.22 * np.exp(-t / 0.06) * np.sin(2 * np.pi * 11.0 * f * t)
        mono += (np.sin(2 * np.pi * f * t + bark) + tine) * np.exp(-t / (1.6 * (262 / f) ** 0.5))
    swing = 0.22 * np.sin(2 * np.pi * 4.3 * t)
    return _faded(np.stack((mono * (1 + swing), mono * (1 - swing))), 0.003, 0.28)


def pad(chord_hz: tuple[float, ...], duration_s: float, cutoff_hz: float) -> Sound:
    """Detuned saws, different on each side; its fades cross the bar line to join the chords."""
    t = _times_s(duration_s + 0.45)
    sides = np.zeros((2, t.size))
    for n, f in enumerate(chord_hz):
        table = _table(f, cutoff_hz)
        for i, detune in enumerate((-0.0040, -0.0013, 0.0017, 0.0043)):
            tone = _oscillate(table, f * (1 + detune) * t + 0.37 * (n + 2.3 * i))
            sides[i % 2] += tone
            sides[1 - i % 2] += 0.35 * tone
    return _faded(sides, 0.22, 0.45)


def pluck(frequency_hz: float) -> Sound:
    """A kalimba-like note: high partials die first."""
    t = _times_s(1.1)
    partials = ((1, 1.0, 0.30), (2, 0.40, 0.18), (3, 0.28, 0.10), (5.4, 0.18, 0.05), (8.2, 0.08, 0.03))
    tone = sum(a * np.exp(-t / d) * np.sin(2 * np.pi * k * frequency_hz * t) for k, a, d in partials)
    return _stereo(_faded(np.asarray(tone), 0.002, 0.15))


def lead(frequency_hz: float, duration_s: float) -> Sound:
    """A soft square with a late vibrato, a little apart on each side."""
    t = _times_s(duration_s + 0.12)
    vibrato = 8.5e-5 * frequency_hz * np.sin(2 * np.pi * 5.2 * t) * np.clip(t / 0.4 - 0.5, 0, 1)
    bright, dark = _table(frequency_hz, 5200), _table(frequency_hz, 2000, even=0.0)
    open_ = np.exp(-t / 0.16)
    sides = []
    for detune in (-0.0011, 0.0011):
        cycles = frequency_hz * (1 + detune) * t + vibrato
        sides.append(_oscillate(bright, cycles) * open_ + _oscillate(dark, cycles) * (1 - 0.5 * open_))
    return _faded(np.stack(sides) * (0.55 + 0.45 * np.exp(-t / 0.3)), 0.006, 0.12)


class Desk:
    """Collects what is played, then ducks, echoes, reverberates and saturates it into the record."""

    def __init__(self, duration_s: float) -> None:
        self._buses = {name: np.zeros((2, round(duration_s * RATE_HZ))) for name in _BUSES}
        self._takes: dict[tuple[object, ...], Sound] = {}

    def take(self, voice: Callable[..., Sound], *score: object) -> Sound:
        """The voice's sound for this score, rendered only the first time it is asked for."""
        key = (voice, *score)
        if key not in self._takes:
            self._takes[key] = voice(*score)
        return self._takes[key]

    def play(self, bus: str, at_s: float, sound: Sound, gain: float, pan: float = 0.0) -> None:
        """Add a sound to a bus; `pan` runs from -1, left, to 1, right."""
        start = round(at_s * RATE_HZ)
        track = self._buses[bus][:, start : start + sound.shape[1]]
        track[0] += gain * (1 - max(pan, 0)) * sound[0, : track.shape[1]]
        track[1] += gain * (1 + min(pan, 0)) * sound[1, : track.shape[1]]

    def record(self, kicks_s: Iterable[float], echo_s: float, drive: float) -> npt.NDArray[np.float32]:
        duck = self._duck(kicks_s)
        self._echo(self._buses["lead"], echo_s)
        for name, depth in _DUCK_DEPTH.items():
            self._buses[name] *= 1 - depth * duck
        dry, send = np.zeros_like(self._buses["drums"]), np.zeros_like(self._buses["drums"])
        for name, bus in self._buses.items():
            dry += bus
            send += _REVERB_SEND[name] * bus
        mix = _CEILING * np.tanh(drive * (dry + _reverb(send)))
        subsonic = signal.butter(1, 18, "highpass", fs=RATE_HZ, output="sos")  # last: saturation makes DC
        return _faded(np.asarray(signal.sosfilt(subsonic, mix)), 0.005, 1.2).astype(np.float32)

    def _duck(self, kicks_s: Iterable[float]) -> Sound:
        t = _times_s(0.40)
        dip = np.minimum(t / 0.006, 1) * np.exp(-t / 0.11)
        dip = _faded(dip, 0.001, 0.1)
        curve = np.zeros(self._buses["drums"].shape[1])
        for at_s in kicks_s:
            span = curve[round(at_s * RATE_HZ) :][: dip.size]
            np.maximum(span, dip[: span.size], out=span)
        return curve

    @staticmethod
    def _echo(bus: Sound, echo_s: float) -> None:
        dry, step = bus.copy(), round(echo_s * RATE_HZ)
        for n in range(1, 5):
            crossed = dry[::-1] if n % 2 else dry
            gain = np.array([[0.34], [0.20]]) if n % 2 else np.array([[0.20], [0.34]])
            bus[:, n * step :] += gain * 0.5 ** (n - 1) * crossed[:, : -n * step]


def _reverb(send: Sound) -> Sound:
    """A hall of decaying noise, whose highs die sooner than its body."""
    t = _times_s(1.9)
    hall = [_noise(70 + i, t.size, 250, 2500) * np.exp(-t / 0.36) for i in (0, 1)]
    air = [_noise(80 + i, t.size, 2500, 9000) * np.exp(-t / 0.17) for i in (0, 1)]
    response = _faded(0.055 * (np.stack(hall) + 0.7 * np.stack(air)), 0.02, 0.4)
    return np.asarray(signal.oaconvolve(send, response, axes=1)[:, : send.shape[1]])
