"""Whether a file that was paid for is a picture: what breaks on its way, or was never one, is told from what is."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from qmv.buying.look import look_at
from qmv.buying.seller import Spoilt

SIZE = (160, 96)
FORMATS = ("PNG", "JPEG", "WEBP")


def file(rgb: npt.NDArray[np.uint8], kind: str = "PNG", quality: int = 85) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, kind, quality=quality)
    return stream.getvalue()


def scene(size: tuple[int, int] = SIZE) -> npt.NDArray[np.uint8]:
    """Soft blobs of colour, as photographs have them."""
    small = np.random.default_rng(3).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


def flat(colour: tuple[int, int, int], noise: int = 0, size: tuple[int, int] = SIZE) -> npt.NDArray[np.uint8]:
    """One colour, up to `noise` levels off at each pixel."""
    off = np.random.default_rng(4).integers(-noise, noise + 1, (size[1], size[0], 3))
    return np.clip(np.array(colour) + off, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_picture_passes(kind: str) -> None:
    look_at(file(scene(), kind), SIZE)


def test_a_picture_of_any_size_passes_where_none_is_asked_for() -> None:
    look_at(file(scene((40, 30))), None)


@pytest.mark.parametrize("size", [(160, 95), (96, 160), (320, 192)], ids=str)
def test_a_picture_of_another_size_is_spoilt(size: tuple[int, int]) -> None:
    with pytest.raises(Spoilt, match=rf"a picture of {size[0]}x{size[1]} px came, 160x96 was asked for"):
        look_at(file(scene(size)), SIZE)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_picture_that_is_cut_off_is_spoilt(kind: str, share: float) -> None:
    """What lacks its last few bytes may be whole to the pixel; a twentieth never is."""
    whole = file(scene(), kind)
    with pytest.raises(Spoilt, match="that is no whole picture"):
        look_at(whole[: int(len(whole) * share)], SIZE)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 5000, b"<html><body>502 Bad Gateway</body></html>", b'{"error": "gone"}', b"\x89PNG\r\n\x1a\n"],
    ids=["empty", "zeros", "html", "json", "signature"],
)
def test_what_is_no_picture_is_spoilt(data: bytes) -> None:
    with pytest.raises(Spoilt, match=f"a file of {len(data)} bytes came that is no whole picture"):
        look_at(data, SIZE)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 30, 60)], ids=str)
def test_a_flat_colour_is_spoilt(kind: str, colour: tuple[int, int, int]) -> None:
    with pytest.raises(Spoilt, match="one flat colour"):
        look_at(file(flat(colour), kind), SIZE)


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_a_flat_colour_with_the_noise_of_jpeg_is_spoilt(quality: int) -> None:
    with pytest.raises(Spoilt, match="one flat colour"):
        look_at(file(flat((90, 90, 90), noise=1), "JPEG", quality), SIZE)


def test_a_clear_picture_shows_nothing() -> None:
    """Each pixel has a colour, and none can be seen."""
    stream = io.BytesIO()
    Image.fromarray(np.dstack([scene(), np.zeros(SIZE[::-1], np.uint8)])).save(stream, "PNG")
    with pytest.raises(Spoilt, match="one flat colour"):
        look_at(stream.getvalue(), SIZE)


@pytest.mark.parametrize("lift", [0, 100, 235])
def test_a_picture_of_little_contrast_passes(lift: int) -> None:
    """Fog and night: 20 levels from edge to edge."""
    ramp = np.linspace(lift, lift + 20, SIZE[0]).astype(np.uint8)
    look_at(file(np.broadcast_to(ramp[None, :, None], (SIZE[1], SIZE[0], 3)).copy()), SIZE)


def test_a_picture_in_one_colour_passes_where_its_hue_alone_changes() -> None:
    """Red at the left, green at the right, and the same mean everywhere."""
    ramp = np.linspace(0, 200, SIZE[0]).astype(np.uint8)
    row = np.stack([200 - ramp, ramp, np.full_like(ramp, 50)], axis=1)
    look_at(file(np.broadcast_to(row, (SIZE[1], SIZE[0], 3)).copy()), SIZE)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)], ids=str)
def test_a_tiny_picture_is_looked_at_too(size: tuple[int, int]) -> None:
    with pytest.raises(Spoilt):
        look_at(file(flat((9, 9, 9), size=size)), size)


def test_a_large_picture_is_looked_at_in_all_its_parts() -> None:
    """A light of 16 px in a night of 1024 px is found: every eighth pixel is looked at."""
    night = flat((4, 4, 6), size=(1024, 1024))
    night[700:716, 300:316] = 250
    look_at(file(night), (1024, 1024))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(kind=st.sampled_from(FORMATS), place=st.floats(0, 1), junk=st.binary(min_size=1, max_size=40))
def test_a_damaged_file_is_a_picture_or_spoilt_and_nothing_else(kind: str, place: float, junk: bytes) -> None:
    """Whatever a decoder says of it, the loop hears one of two answers."""
    data = bytearray(file(scene(), kind))
    start = int(place * (len(data) - len(junk)))
    data[start : start + len(junk)] = junk
    with contextlib.suppress(Spoilt):
        look_at(bytes(data), SIZE)
