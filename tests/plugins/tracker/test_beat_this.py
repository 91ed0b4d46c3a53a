"""The tracker beat_this with a stand-in for its package, which is too heavy for every run of the tests.

`make test-beat-this` tries it with the real one, in an environment of its own.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from qmv.artifacts import Hints
from qmv.errors import ConfigError, InputError, PluginError
from qmv.plugins.tracker.beat_this import BeatThis, beats_of
from qmv.testing import PluginContract, click_track

RATE_HZ = 22050


def logits(peaks_s: list[float], seconds: float, width_frames: float = 1.6) -> np.ndarray:
    """A curve at 50 frames a second with parabolas at the given times, far below 0 elsewhere."""
    frames = np.arange(int(seconds * 50) + 1)
    away = np.abs(frames[:, None] - 50 * np.array(peaks_s)[None, :]).min(axis=1)
    return np.maximum(-8.0, 4.0 - (away / width_frames) ** 2)


class Tensor:
    """What the plugin uses of torch's."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self.values.astype(np.float32)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Any]]:
    """Puts a package of that name in place, whose network hears the clicks of a track; gives what it was asked for."""

    def put(error: Exception | None = None, cuda: bool = False) -> list[Any]:
        asked: list[Any] = []

        class Audio2Frames:
            def __init__(self, checkpoint_path: str, device: str) -> None:
                asked.append((checkpoint_path, device))
                if error is not None:
                    raise error

            def __call__(self, signal: np.ndarray, sr: int) -> tuple[Tensor, Tensor]:
                loud = np.flatnonzero(np.abs(signal) > 0.3) / sr
                starts = [float(at) for n, at in enumerate(loud) if not n or at - loud[n - 1] > 0.1]
                seconds = len(signal) / sr
                return Tensor(logits(starts, seconds)), Tensor(logits(starts[1::4], seconds))

        inference, package, torch = ModuleType("beat_this.inference"), ModuleType("beat_this"), ModuleType("torch")
        vars(inference).update(Audio2Frames=Audio2Frames, CHECKPOINT_URL="https://weights.example")
        vars(package).update(inference=inference, __spec__=SimpleNamespace(name="beat_this"), __path__=[])
        vars(torch).update(
            cuda=SimpleNamespace(is_available=lambda: cuda),
            backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: False)),
            hub=SimpleNamespace(get_dir=lambda: str(tmp_path / "hub")),
        )
        for name, module in (("beat_this", package), ("beat_this.inference", inference), ("torch", torch)):
            monkeypatch.setitem(sys.modules, name, module)
        return asked

    return put


def test_times_between_frames_are_found() -> None:
    """A peak at 13 ms of a frame of 20 ms; the parabola is exact where the curve is one."""
    times = [0.313 + n * 0.5 for n in range(16)]
    found = beats_of(logits(times, 9), logits(times[::4], 9), Fraction(9))
    assert found.times_s == pytest.approx(times, abs=1e-6)
    assert found.tempo_bpm == pytest.approx(120, abs=0.01)
    assert found.confidence == pytest.approx(0.98, abs=0.005)


def test_bars_are_counted_from_downbeats_and_backwards_into_a_pickup() -> None:
    times = [0.3 + n * 0.5 for n in range(10)]
    found = beats_of(logits(times, 6), logits([times[2], times[5], times[8]], 6), Fraction(6))
    assert found.bar_position == (2, 3, 1, 2, 3, 1, 2, 3, 1, 2)
    assert found.meter == "3/4"


def test_bars_are_not_known_without_two_downbeats() -> None:
    times = [0.3 + n * 0.5 for n in range(10)]
    found = beats_of(logits(times, 6), logits([times[2]], 6), Fraction(6))
    assert (set(found.bar_position), found.meter) == ({0}, "")


def test_a_part_without_beats_is_a_stretch_of_its_own() -> None:
    times = [0.2 + n * 0.5 for n in range(10)] + [12.2 + n * 0.5 for n in range(10)]
    found = beats_of(logits(times, 18), logits(times[::4], 18), Fraction(18))
    assert [stretch.tempo_bpm > 0 for stretch in found.stretches] == [True, False, True]
    edges = [0.0, *(stretch.end_s for stretch in found.stretches)]
    assert [stretch.start_s for stretch in found.stretches] == edges[:-1]
    assert edges == pytest.approx([0, 5.2, 12.2, 18], abs=0.01)


def test_no_peak_is_no_beat() -> None:
    found = beats_of(np.full(400, -3.0), np.full(400, -3.0), Fraction(8))
    assert (found.times_s, found.tempo_bpm, found.confidence, found.stretches) == ((), 0, 0, ())


def test_equal_values_beside_each_other_are_one_beat() -> None:
    curve = np.full(200, -5.0)
    curve[50:52] = 2.0
    assert beats_of(curve, curve, Fraction(4)).times_s == pytest.approx([1.01])


def test_the_network_gets_the_song_and_its_beats_come_back(package: Callable[..., list[Any]]) -> None:
    asked = package()
    found = BeatThis().track(click_track(120, 0.25, 8.0, RATE_HZ), RATE_HZ, Hints())
    assert asked == [("final0", "cpu")]
    assert found.times_s == pytest.approx([0.25 + n / 2 for n in range(16)], abs=0.005)
    assert found.bar_position[:6] == (4, 1, 2, 3, 4, 1)
    assert found.duration_s == 8


@pytest.mark.parametrize("samples", [np.zeros(4 * RATE_HZ, np.float32), np.full(2000, 0.1, np.float32)])
def test_silence_and_snippets_ask_nobody(package: Callable[..., list[Any]], samples: Any) -> None:
    asked = package()
    assert BeatThis().track(samples, RATE_HZ, Hints()).times_s == ()
    assert asked == []


def test_a_file_of_weights_is_used_and_counts_by_its_bytes(package: Callable[..., list[Any]], tmp_path: Path) -> None:
    asked = package()
    file = tmp_path / "mine.ckpt"
    file.write_bytes(b"weights")
    tracker = BeatThis(checkpoint=str(file))
    before = tracker.content()
    tracker.track(click_track(120, 0.25, 4.0, RATE_HZ), RATE_HZ, Hints())
    assert asked == [(str(file), "cpu")]
    file.write_bytes(b"others")
    assert before != tracker.content()
    assert BeatThis().content() is None


def test_the_best_device_is_taken(package: Callable[..., list[Any]]) -> None:
    asked = package(cuda=True)
    BeatThis().track(click_track(120, 0.25, 4.0, RATE_HZ), RATE_HZ, Hints())
    assert asked == [("final0", "cuda")]


def refused(error: type[Exception], tracker: BeatThis) -> str:
    with pytest.raises(error) as caught:
        tracker.track(click_track(120, 0.25, 4.0, RATE_HZ), RATE_HZ, Hints())
    return str(caught.value)


def test_weights_that_cannot_be_had_are_explained(package: Callable[..., list[Any]], tmp_path: Path) -> None:
    package(error=ValueError("Could not load the checkpoint given the provided name"))
    said = refused(InputError, BeatThis())
    assert "https://weights.example/final0.ckpt" in said
    assert str(tmp_path / "hub" / "checkpoints" / "beat_this-final0.ckpt") in said
    assert "tracker.checkpoint=" in said


def test_a_file_that_holds_no_weights_is_named(package: Callable[..., list[Any]], tmp_path: Path) -> None:
    package(error=KeyError("hyper_parameters"))
    file = tmp_path / "song.ckpt"
    file.write_bytes(b"no weights")
    assert f"checkpoint {file} is none" in refused(InputError, BeatThis(checkpoint=str(file)))


def test_a_missing_file_of_weights_is_named(package: Callable[..., list[Any]]) -> None:
    package()
    assert "there is no file weights/final0.ckpt" in refused(InputError, BeatThis(checkpoint="weights/final0.ckpt"))


def test_a_device_that_is_not_there_is_refused(package: Callable[..., list[Any]]) -> None:
    package()
    assert "device=cuda is not on this machine" in refused(ConfigError, BeatThis(device="cuda"))


def test_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "beat_this" else find(name))
    assert "python -m pip install 'qmv[beat-this]'" in refused(PluginError, BeatThis())
    with pytest.raises(PluginError, match=r"qmv\[beat-this\]"):
        BeatThis().identity()


class TestBeatThis(PluginContract):
    """Its identity names the version of the package, which is not there."""

    plugin = BeatThis()

    @pytest.fixture(autouse=True)
    def installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(BeatThis, "_version", lambda self, library: "1")
