"""The tracker beat_this with its real package and a tiny network of random weights: `make test-beat-this`.

The package needs torch, hundreds of megabytes, so pytest does not collect this file by itself: its name says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmv.artifacts import Hints
from qmv.errors import InputError
from qmv.plugins.tracker.beat_this import BeatThis, beats_of
from qmv.testing import PluginContract, click_track

RATE_HZ = 22050


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as the project's training writes it, of a network small enough for a test."""
    import torch
    from beat_this.model import beat_tracker

    torch.manual_seed(1)
    sizes: dict[str, Any] = {
        "spect_dim": 128, "transformer_dim": 32, "ff_mult": 1, "n_layers": 1, "head_dim": 8, "stem_dim": 8,
        "dropout": {"frontend": 0.1, "transformer": 0.2}, "sum_head": True, "partial_transformers": True,
    }  # fmt: skip
    weights = beat_tracker.BeatThis(**sizes).state_dict()
    file = tmp_path_factory.mktemp("weights") / "tiny.ckpt"
    saved = {"hyper_parameters": sizes | {"lr": 0.0008}, "state_dict": {f"model.{k}": v for k, v in weights.items()}}
    torch.save(saved, file)
    return file


class TestBeatThis(PluginContract):
    plugin = BeatThis(device="cpu")


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
def test_the_network_runs_on_a_song_longer_than_its_window(checkpoint: Path, rate_hz: int) -> None:
    song = click_track(120, 0.25, 40.0, rate_hz)
    found = BeatThis(checkpoint=str(checkpoint), device="cpu").track(song, rate_hz, Hints())
    assert found.duration_s == 40
    assert list(found.times_s) == sorted(set(found.times_s))
    assert all(0 <= time_s < 40 for time_s in found.times_s)
    assert len(found.bar_position) == len(found.tempi_bpm) == len(found.times_s)
    assert found == BeatThis(checkpoint=str(checkpoint), device="cpu").track(song, rate_hz, Hints())


def test_peaks_are_those_of_the_package(checkpoint: Path) -> None:
    """To half a frame: the package stops at whole ones."""
    from beat_this.inference import Audio2Frames
    from beat_this.model.postprocessor import Postprocessor

    noise = np.random.default_rng(3).normal(0, 0.1, 30 * RATE_HZ).astype(np.float32)
    beat, downbeat = Audio2Frames(str(checkpoint), "cpu")(noise, RATE_HZ)
    beat, downbeat = beat - beat.median(), downbeat - downbeat.median()  # so that half of the values are above 0
    theirs, _ = Postprocessor("minimal")(beat, downbeat)
    ours = beats_of(beat.numpy().astype(float), downbeat.numpy().astype(float), 30).times_s
    assert len(theirs) > 20
    assert ours == pytest.approx(theirs, abs=0.010001)


def test_a_frame_is_the_sound_around_its_time() -> None:
    """A click 441 k samples from the start is loudest in frame k, and as loud in those before and after it."""
    import torch
    from beat_this.preprocessing import LogMelSpect

    click = torch.zeros(10 * RATE_HZ)
    click[441 * 200] = 1.0
    loudness = LogMelSpect()(click).sum(dim=1)
    assert int(loudness.argmax()) == 200
    assert float(loudness[199]) == pytest.approx(float(loudness[201]), rel=0.02)


def test_weights_that_are_not_here_are_asked_for_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    torch.hub.set_dir(str(tmp_path))
    with pytest.raises(InputError, match=r"the weights 'final0' cannot be downloaded; get https://.*/final0\.ckpt"):
        BeatThis(device="cpu").track(click_track(120, 0.25, 4.0, RATE_HZ), RATE_HZ, Hints())


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "song.ckpt"
    file.write_bytes(b"RIFF....WAVE")
    with pytest.raises(InputError, match="is none that the package can read"):
        BeatThis(checkpoint=str(file), device="cpu").track(click_track(120, 0.25, 4.0, RATE_HZ), RATE_HZ, Hints())
