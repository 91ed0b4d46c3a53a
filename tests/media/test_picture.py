"""Pictures of every kind as sRGB, and cropping."""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from qmv.errors import InputError
from qmv.media.picture import crop_to, png, read

Pixels = npt.NDArray[np.uint8]


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def flat(colour: Any, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (8, 6), colour)


def tiff(data: bytes, bits: tuple[int, ...], photometric: int, order: str = "<") -> bytes:
    """A TIFF 6.0 file of 8 x 6 pixels, for the kinds that Pillow reads and does not write."""
    tags = {256: (8,), 257: (6,), 258: bits, 259: (1,), 262: (photometric,), 277: (len(bits),), 278: (6,)}
    start = 8 + 2 + 12 * (len(tags) + 2) + 4
    more = struct.pack(f"{order}{len(bits)}H", *bits) if len(bits) > 2 else b""
    entries = {tag: struct.pack(f"{order}HHL", tag, 3, len(values)) for tag, values in tags.items()}
    for tag, values in tags.items():
        inside = struct.pack(f"{order}{len(values)}H", *values).ljust(4, b"\0")
        entries[tag] += inside if len(values) <= 2 else struct.pack(f"{order}L", start)
    entries[273] = struct.pack(f"{order}HHLL", 273, 4, 1, start + len(more))
    entries[279] = struct.pack(f"{order}HHLL", 279, 4, 1, len(data))
    table = b"".join(entries[tag] for tag in sorted(entries))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}LH", 8, len(entries))
    return head + table + bytes(4) + more + data


def marked() -> Pixels:
    """Four different corners."""
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[:2, :3], rgb[:2, 3:], rgb[2:, :3], rgb[2:, 3:] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
    return rgb


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_read_gives_the_pixels_of_lossless_files(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(read(encoded(Image.fromarray(marked()), kind, **options)), marked())


def test_read_gives_the_colour_of_a_jpeg() -> None:
    rgb = read(encoded(flat((200, 60, 30)), "JPEG", quality=95))
    assert np.abs(rgb.astype(int) - (200, 60, 30)).max() <= 3  # JPEG's own YCbCr in 8 bit


def test_read_takes_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(marked()))
    assert np.array_equal(read(tmp_path / "a.png"), marked())


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_read_turns_a_picture_upright(orientation: int, upright: Callable[[Pixels], Pixels]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read(encoded(Image.fromarray(marked()), exif=exif)), upright(marked()))


def test_read_takes_a_palette() -> None:
    assert np.array_equal(read(encoded(Image.fromarray(marked()).quantize(4))), marked())


def test_read_takes_a_gif() -> None:
    assert read(encoded(flat((10, 200, 30)).quantize(2), "GIF"))[0, 0] == pytest.approx((10, 200, 30), abs=4)


def test_read_takes_the_first_frame_of_an_animation() -> None:
    frames = [flat(colour).quantize(2) for colour in ((200, 0, 0), (0, 200, 0))]
    rgb = read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert rgb[0, 0] == pytest.approx((200, 0, 0), abs=4)


@pytest.mark.parametrize("mode", ["1", "L"])
def test_read_takes_grey(mode: str) -> None:
    assert (read(encoded(flat(255, mode))) == 255).all()


def test_read_takes_cmyk() -> None:
    red = read(encoded(flat((0, 255, 255, 0), "CMYK"), "JPEG", quality=95))[3, 3]
    assert red[0] > 230
    assert max(red[1:]) < 40


@pytest.mark.parametrize(("alpha", "wanted"), [(255, 200), (128, 100), (0, 0)])
def test_read_puts_transparency_on_black(alpha: int, wanted: int) -> None:
    assert read(encoded(flat((200, 200, 200, alpha), "RGBA")))[0, 0] == pytest.approx([wanted] * 3, abs=1)


def test_read_puts_transparent_grey_on_black() -> None:
    assert read(encoded(flat((200, 128), "LA")))[0, 0] == pytest.approx([100] * 3, abs=1)


def test_read_puts_a_transparent_palette_colour_on_black() -> None:
    image = Image.fromarray(marked()).quantize(4)
    top_left = image.getpixel((0, 0))
    assert (read(encoded(image, transparency=top_left))[0, 0] == 0).all()


@pytest.mark.parametrize(("value", "wanted"), [(0, 0), (257 * 90, 90), (32768, 128), (65535, 255)])
def test_read_takes_grey_of_16_bit(value: int, wanted: int) -> None:
    image = Image.fromarray(np.full((6, 8), value, np.uint16))
    assert read(encoded(image))[0, 0] == pytest.approx([wanted] * 3, abs=1)


def test_read_takes_colour_of_16_bit() -> None:
    rgb = np.full((6, 8, 3), (257 * 200, 257 * 60, 257 * 30), np.uint16)
    data = cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()
    assert read(data)[0, 0] == pytest.approx((200, 60, 30), abs=1)


def test_read_takes_colour_of_16_bit_with_alpha() -> None:
    rgba = np.full((6, 8, 4), (257 * 30, 257 * 60, 257 * 200, 257 * 128), np.uint16)
    assert read(cv2.imencode(".png", rgba)[1].tobytes())[0, 0] == pytest.approx((100, 30, 15), abs=1)


@pytest.mark.parametrize("order", ["<", ">"], ids=["little endian", "big endian"])
@pytest.mark.parametrize("channels", [1, 3])
def test_read_takes_a_tiff_of_16_bit(order: str, channels: int) -> None:
    values = [257 * value for value in (200, 60, 30)[:channels]] * 48
    rgb = read(tiff(struct.pack(f"{order}{len(values)}H", *values), (16,) * channels, 2 if channels == 3 else 1, order))
    assert rgb[0, 0] == pytest.approx((200, 60, 30) if channels == 3 else (200,) * 3, abs=1)


@pytest.mark.parametrize(
    ("bits", "kind", "white"), [(8, "B", 0), (8, "B", 1), (16, "H", 0), (16, "H", 1), (32, "L", 1)]
)
def test_read_takes_grey_tiffs_whichever_end_is_white(bits: int, kind: str, white: int) -> None:
    """Photometric interpretation 0: zero is white; of 32 bit, Pillow knows the other one only."""
    top = 2**bits - 1
    data = struct.pack(f"<48{kind}", *[top // 5 if white else top - top // 5] * 48)
    assert read(tiff(data, (bits,), white))[0, 0] == pytest.approx([51] * 3, abs=1)


def test_read_takes_cmyk_of_16_bit() -> None:
    data = struct.pack("<192H", *[0, 65535, 65535, 0] * 48)
    assert read(tiff(data, (16,) * 4, 5))[0, 0].tolist() == [255, 0, 0]


def test_read_takes_lab() -> None:
    """To 2: 8 bit of CIELAB are coarser than those of sRGB."""
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(flat((200, 60, 30)), *profiles, outputMode="LAB")
    assert lab is not None
    assert read(encoded(lab, "TIFF"))[0, 0] == pytest.approx((200, 60, 30), abs=2)


def test_read_takes_a_tiff_that_holds_a_jpeg() -> None:
    assert read(encoded(flat((200, 60, 30)), "TIFF", compression="jpeg"))[0, 0] == pytest.approx((200, 60, 30), abs=3)


@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"lossless": True}), ("PNG", {}), ("MPO", {"quality": 95})])
def test_read_takes_the_first_picture_of_several(kind: str, options: dict[str, Any]) -> None:
    """Animated WebP and PNG, and the JPEG of two pictures that some cameras write."""
    data = encoded(flat((200, 60, 30)), kind, save_all=True, append_images=[flat((0, 0, 200))], **options)
    assert read(data)[0, 0].tolist() == pytest.approx((200, 60, 30), abs=3)


def test_read_puts_a_transparent_grey_of_16_bit_on_black() -> None:
    values = np.full((6, 8), 50000, np.uint16)
    values[3:] = 40000
    rgb = read(encoded(Image.fromarray(values), transparency=50000))
    assert (rgb[0, 0, 0], rgb[5, 0, 0]) == (0, round(40000 / 257))


def test_read_puts_a_transparent_white_of_1_bit_on_black() -> None:
    assert (read(encoded(flat(1, "1"), transparency=1)) == 0).all()


def test_read_takes_floating_point_grey() -> None:
    assert read(encoded(Image.fromarray(np.full((6, 8), 0.5, np.float32)), "TIFF"))[0, 0, 0] == 128


def test_read_takes_a_picture_whose_exif_is_damaged() -> None:
    """A camera's width, written as letters, beside an orientation."""
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHI4s", 0x0100, 2, 4, b"ab\0\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    assert read(encoded(Image.fromarray(marked()), exif=exif)).shape in {(4, 6, 3), (6, 4, 3)}


# -- colour profiles -------------------------------------------------------------------------------------------------

# Adobe RGB (1998), colorants adapted to D50, gamma 563/256
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
ADOBE_GAMMA = 563 / 256
D50 = (0.9642, 1.0, 0.8249)
# sRGB, adapted to D50 (IEC 61966-2-1 with the Bradford matrix)
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def profile(kind: bytes, space: bytes, connection: bytes, parts: dict[bytes, bytes]) -> bytes:
    """An ICC profile, ICC.1:2001-04, written by hand."""
    words = b"desc\0\0\0\0" + struct.pack(">I", 6) + b"trial\0" + bytes(78)
    parts = {b"desc": words, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": xyz(D50)} | parts
    table, body, start = struct.pack(">I", len(parts)), b"", 128 + 4 + 12 * len(parts)
    for name, data in parts.items():
        padded = data + bytes(-len(data) % 4)
        table += name + struct.pack(">2I", start + len(body), len(data))
        body += padded
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), 0x02400000, kind, space, connection, b"acsp")
    head += bytes(28) + struct.pack(">3i", *(round(value * 65536) for value in D50))
    return head.ljust(128, b"\0") + table + body


def adobe_profile() -> bytes:
    curve = b"curv\0\0\0\0" + struct.pack(">IH2x", 1, round(ADOBE_GAMMA * 256))
    parts = {name: xyz(colorant) for name, colorant in zip((b"rXYZ", b"gXYZ", b"bXYZ"), ADOBE)}
    return profile(b"mntr", b"RGB ", b"XYZ ", parts | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def grey_profile() -> bytes:
    """Numbers that are light itself."""
    return profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0)})


def cmyk_profile() -> bytes:
    """A table of two points an ink: paper is white, cyan as in the test, all else darker."""
    lightness = [
        (153, 98, 88) if inks == (1, 0, 0, 0) else (255 - 60 * sum(inks), 128, 128)
        for inks in itertools.product((0, 1), repeat=4)
    ]
    straight = bytes(range(256))
    unit = struct.pack(">9i", *(65536 if n % 4 == 0 else 0 for n in range(9)))
    table = b"mft1\0\0\0\0" + struct.pack("4B", 4, 3, 2, 0) + unit + straight * 4
    table += bytes(value for point in lightness for value in point) + straight * 3
    return profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def adobe_as_srgb(colour: tuple[int, int, int]) -> npt.NDArray[np.float64]:
    linear = np.linalg.inv(np.transpose(SRGB)) @ np.transpose(ADOBE) @ (np.array(colour) / 255) ** ADOBE_GAMMA
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("colour", [(180, 120, 90), (90, 140, 110), (128, 128, 128), (60, 90, 200)], ids=str)
def test_read_converts_a_wide_gamut_to_srgb(colour: tuple[int, int, int]) -> None:
    """Within 2 of the matrices' own result: the converter works in 8 bit with tables."""
    rgb = read(encoded(flat(colour), icc_profile=adobe_profile()))[0, 0]
    assert rgb == pytest.approx(adobe_as_srgb(colour), abs=2)


def test_read_changes_saturated_colours_of_a_wide_gamut() -> None:
    rgb = read(encoded(flat((60, 200, 90)), icc_profile=adobe_profile()))[0, 0]
    assert rgb[0] < 30


def test_read_converts_a_wide_gamut_with_alpha() -> None:
    rgb = read(encoded(flat((180, 120, 90, 255), "RGBA"), icc_profile=adobe_profile()))[0, 0]
    assert rgb == pytest.approx(adobe_as_srgb((180, 120, 90)), abs=2)


def test_read_converts_a_wide_gamut_before_it_puts_it_on_black() -> None:
    """Half of the light that is seen, not the colour of half the numbers."""
    rgb = read(encoded(flat((180, 120, 90, 128), "RGBA"), icc_profile=adobe_profile()))[0, 0]
    assert rgb == pytest.approx(adobe_as_srgb((180, 120, 90)) * 128 / 255, abs=2)


def test_read_converts_a_wide_gamut_palette() -> None:
    image = flat((180, 120, 90)).quantize(2)
    assert read(encoded(image, icc_profile=adobe_profile()))[0, 0] == pytest.approx(
        adobe_as_srgb((180, 120, 90)), abs=2
    )


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_read_converts_grey_with_a_profile(mode: str) -> None:
    """Gamma 1: a grey of 55 is a fifth of the light, 127 in sRGB (within 2)."""
    colour = 55 if mode == "L" else (55, 255)
    assert read(encoded(flat(colour, mode), icc_profile=grey_profile()))[0, 0] == pytest.approx([128] * 3, abs=2)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_read_converts_cmyk_with_a_profile(kind: str) -> None:
    """A made ink whose full cyan is CIELAB (60, -30, -40) on white paper: about (0, 162, 216) in sRGB."""
    image = flat((255, 0, 0, 0), "CMYK")
    options = {"quality": 100} if kind == "JPEG" else {}
    with_profile = read(encoded(image, kind, icc_profile=cmyk_profile(), **options))[3, 3]
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    point = Image.merge("LAB", [Image.new("L", (1, 1), value) for value in (153, 128 - 30, 128 - 40)])
    wanted = ImageCms.profileToProfile(point, lab, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert wanted is not None
    assert with_profile == pytest.approx(wanted.getpixel((0, 0)), abs=3)


def test_read_ignores_a_profile_of_another_kind() -> None:
    assert read(encoded(flat(100, "L"), icc_profile=adobe_profile()))[0, 0].tolist() == [100] * 3


def test_read_ignores_a_broken_profile() -> None:
    assert read(encoded(flat((9, 99, 199)), icc_profile=b"no profile"))[0, 0].tolist() == [9, 99, 199]


# -- what is no picture ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", png(np.zeros((36, 64, 3), np.uint8))[:60], encoded(flat((1, 2, 3)), "JPEG")[:-300]],
    ids=["empty", "text", "torn png", "torn jpeg"],
)
def test_read_names_what_cannot_be_read(data: bytes) -> None:
    with pytest.raises(InputError, match=r"picture 7: cannot be read as a picture \(.+\); replace or remove it\."):
        read(data, "picture 7")


def test_read_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read(tmp_path / "none.png")


# -- cropping --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [(64, 36), (36, 64), (100, 100), (1000, 10), (7, 5), (641, 359), (3, 200)], ids=str)
@pytest.mark.parametrize("wanted", [(64, 36), (36, 64), (64, 64), (16, 16), (128, 54)], ids=str)
def test_crop_has_exactly_the_size_asked_for(source: tuple[int, int], wanted: tuple[int, int]) -> None:
    rgb = np.full((source[1], source[0], 3), (10, 120, 230), np.uint8)
    cropped = crop_to(rgb, *wanted)
    assert cropped.shape == (wanted[1], wanted[0], 3)
    assert (cropped == (10, 120, 230)).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 400)], ids=str)
def test_crop_takes_the_smallest_pictures(size: tuple[int, int]) -> None:
    """A provider may give one pixel for a colour."""
    assert crop_to(np.full((size[1], size[0], 3), 9, np.uint8), 64, 16).shape == (16, 64, 3)


def test_crop_of_the_right_size_is_the_picture_itself() -> None:
    rgb = marked()
    assert crop_to(rgb, 6, 4) is rgb


def test_crop_takes_the_middle_of_a_wide_picture() -> None:
    rgb = np.zeros((10, 30, 3), np.uint8)
    rgb[:, 10:20] = 200
    assert (crop_to(rgb, 10, 10) == 200).all()


def test_crop_takes_the_middle_of_a_tall_picture() -> None:
    rgb = np.zeros((30, 10, 3), np.uint8)
    rgb[10:20] = 200
    assert (crop_to(rgb, 10, 10) == 200).all()


def test_crop_keeps_the_shape_of_things() -> None:
    rgb = np.zeros((200, 400, 3), np.uint8)
    cv2.circle(rgb, (200, 100), 40, (255, 255, 255), -1)
    small = crop_to(rgb, 64, 36)[..., 0] > 127
    assert np.ptp(np.flatnonzero(small.any(axis=0))) == pytest.approx(np.ptp(np.flatnonzero(small.any(axis=1))), abs=1)


def test_crop_averages_when_it_makes_smaller() -> None:
    """A fine checkerboard becomes grey, not a moire."""
    rgb = np.indices((160, 160)).sum(axis=0)[..., None].repeat(3, axis=2).astype(np.uint8) % 2 * 255
    assert np.ptp(crop_to(rgb, 20, 20)) <= 2


def test_png_has_the_same_bytes_twice() -> None:
    assert png(marked()) == png(marked())


def test_png_gives_its_pixels_back() -> None:
    assert np.array_equal(read(png(marked())), marked())
