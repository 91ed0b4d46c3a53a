"""VMAF by the real libvmaf, on small pictures."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("imageio_ffmpeg")

from qmv.errors import PluginError
from qmv.media.coding import Coding
from qmv.media.encode import encode_chunk
from qmv.media.frame import Frame
from qmv.media.vmaf import vmaf
from qmv.plugins.encoder.svt_av1 import SvtAv1
from qmv.plugins.encoder.x264 import X264
from tests.media.helpers import NTSC
from tests.stages.helpers import photo

SIZE, COUNT = (192, 108), 12


def moving(seed: int, count: int = COUNT) -> list[Frame]:
    """A picture with fine detail that moves by two pixels a frame."""
    width, height = SIZE
    wide = photo(seed, width + 2 * count, height)
    return [Frame.from_rgb(wide[:, 2 * at : 2 * at + width].copy()) for at in range(count)]


def score(folder: Path, coding: Coding, fps: Fraction = NTSC) -> float:
    frames, path = moving(1), folder / "film.mp4"
    encode_chunk(path, frames, fps, coding)
    return vmaf(path, frames, SIZE, fps).mean


@pytest.mark.parametrize("encoder", [X264(), SvtAv1()], ids=lambda encoder: encoder.name)
def test_vmaf_of_a_good_file_is_above_90_and_of_a_bad_one_well_below(tmp_path: Path, encoder: X264 | SvtAv1) -> None:
    good, bad = (score(tmp_path, encoder.at(crf).coding()) for crf in (encoder.constant_quality, encoder.crfs[1]))
    assert good > 90
    assert bad < good - 10


def test_vmaf_of_a_lossless_file_is_near_its_top(tmp_path: Path) -> None:
    """The model gives the same frames 97 to 100, by how much they move."""
    assert score(tmp_path, X264(preset="ultrafast", crf=1.0).coding()) == pytest.approx(98.5, abs=1.6)


def test_vmaf_falls_with_crf(tmp_path: Path) -> None:
    scores = [score(tmp_path, X264(crf=crf).coding()) for crf in (10, 20, 30, 40)]
    assert scores == sorted(scores, reverse=True)


def test_vmaf_of_another_picture_is_low(tmp_path: Path) -> None:
    encode_chunk(tmp_path / "film.mp4", moving(1), NTSC, X264().coding())
    assert vmaf(tmp_path / "film.mp4", moving(2), SIZE, NTSC).mean < 20


def test_vmaf_compares_frame_by_frame(tmp_path: Path) -> None:
    """One frame late is seen, and the time stamps of the file do not matter."""
    frames = moving(1, COUNT + 1)
    encode_chunk(tmp_path / "film.mp4", frames[:-1], NTSC, X264().coding())
    right = vmaf(tmp_path / "film.mp4", frames[:-1], SIZE, Fraction(5)).mean
    assert right > 90
    assert vmaf(tmp_path / "film.mp4", frames[1:], SIZE, NTSC).mean < right - 20


def test_vmaf_looks_at_one_frame_in_so_many_and_tells_the_worst(tmp_path: Path) -> None:
    """One frame is of another picture; those that are looked at are the first, the fourth and so on."""
    frames = moving(1)
    encode_chunk(tmp_path / "film.mp4", frames[:3] + moving(2)[3:4] + frames[4:], NTSC, X264(crf=10.0).coding())
    seen, unseen, whole = (vmaf(tmp_path / "film.mp4", frames, SIZE, NTSC, every=every) for every in (3, 5, 1))
    assert [found.frames for found in (seen, unseen, whole)] == [4, 3, COUNT]
    assert seen.least < 20
    assert unseen.least > 90
    assert whole.least < 20 < whole.mean < unseen.mean


def test_vmaf_takes_a_name_that_ffmpeg_would_read_as_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "it's 100%: [a],b;c=d"
    folder.mkdir()
    assert score(folder, X264().coding()) > 90


@pytest.mark.parametrize("count", [0, 1, COUNT - 1, COUNT + 1])
def test_vmaf_refuses_another_number_of_frames(tmp_path: Path, count: int) -> None:
    encode_chunk(tmp_path / "film.mp4", moving(1), NTSC, X264().coding())
    with pytest.raises(PluginError, match=rf"quality\.vmaf: the file holds {COUNT} frames, and {count} were encoded"):
        vmaf(tmp_path / "film.mp4", moving(1, count), SIZE, NTSC)


def test_vmaf_says_in_one_sentence_what_ffmpeg_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"no film")
    with pytest.raises(PluginError, match=r"^quality\.vmaf: .*; set quality\.crf instead\.$"):
        vmaf(tmp_path / "film.mp4", moving(1), SIZE, NTSC)


def test_vmaf_leaves_nothing_behind(tmp_path: Path) -> None:
    score(tmp_path, X264().coding())
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_vmaf_says_which_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode_chunk(tmp_path / "film.mp4", moving(1), NTSC, X264().coding())
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)  # what an import of a missing package meets
    with pytest.raises(
        PluginError, match=r"^[^\n]*needs the package imageio-ffmpeg, which is not installed; install it with: [^\n]*$"
    ):
        vmaf(tmp_path / "film.mp4", moving(1), SIZE, NTSC)
