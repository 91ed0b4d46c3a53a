"""Reads picture files of any kind as sRGB, and crops them to a format."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

__all__ = ["PICTURE_SUFFIXES", "crop_to", "png", "read"]

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF


def read(source: bytes | Path, name: str = "picture") -> npt.NDArray[np.uint8]:
    """R'G'B' [height, width, 3] in sRGB: EXIF orientation, ICC profile, palette, CMYK, alpha (on black) and 16 bit are
    taken care of. Raises InputError that names the picture where it cannot be decoded.
    """
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    stream = source if isinstance(source, Path) else io.BytesIO(source)
    try:
        with Image.open(stream) as opened:
            opened.load()
            try:
                image: Image.Image = ImageOps.exif_transpose(opened)
            except struct.error:  # a damaged tag beside the orientation
                image = opened
            return np.asarray(_to_srgb(image, getattr(opened, "tag_v2", {})), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        reason = "no picture format is recognised" if isinstance(error, UnidentifiedImageError) else str(error)
        raise InputError(f"{name}: cannot be read as a picture ({reason}); replace or remove it.") from error


def _to_srgb(image: Image.Image, tags: Mapping[int, Any]) -> Image.Image:
    """`tags` are those of a TIFF file."""
    from PIL import Image, ImageChops

    alpha = _alpha(image)
    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        image, profile = _grey(image, tags), None
    elif image.mode in ("LA", "La"):
        image = image.convert("LA").getchannel("L")
    elif image.mode not in ("RGB", "CMYK", "L", "LAB"):
        image = image.convert("RGBA" if alpha else "RGB").convert("RGB")
    image = _from_profile(image, profile) if profile and image.mode != "LAB" else image
    image = image.convert("RGB")
    return image if alpha is None else ImageChops.multiply(image, Image.merge("RGB", (alpha,) * 3))


def _alpha(image: Image.Image) -> Image.Image | None:
    """How opaque each pixel is [L]; None for a picture without transparency."""
    import numpy as np
    from PIL import Image

    clear = image.info.get("transparency")
    if clear is not None and image.mode.startswith(("1", "I")):  # of which Pillow keeps no alpha
        seen = np.asarray(image) != (bool(clear) if image.mode == "1" else clear)
        return Image.fromarray(seen.astype(np.uint8) * np.uint8(255))
    if clear is None and image.mode not in ("PA", "LA", "La", "RGBA", "RGBa"):
        return None
    return image.convert("LA" if image.mode == "La" else "RGBA").getchannel("A")


def _grey(image: Image.Image, tags: Mapping[int, Any]) -> Image.Image:
    """Grey of 16 or 32 bit or of floats in 0..1, in 8 bit; TIFF 6.0 for the tags."""
    import numpy as np
    from PIL import Image

    values, top = np.asarray(image), 1.0
    if image.mode.startswith("I"):
        top = 65535.0
        if tags.get(_BITS, (16,))[0] == 32:
            signed = tags.get(_SAMPLE_FORMAT, (1,))[0] == 2
            values, top = (values, 2.0**31 - 1) if signed else (values.view(np.uint32), 2.0**32 - 1)
    share = values.astype(np.float64) / top
    if tags.get(_PHOTOMETRIC) == 0 and image.mode.startswith("I"):  # 0 is white, which Pillow heeds up to 8 bit
        share = 1 - share
    return Image.fromarray((share * 255).round().clip(0, 255).astype(np.uint8))


def _from_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """As sRGB; a profile that does not fit its picture is ignored, as browsers do."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image
    return image if converted is None else converted


def crop_to(rgb: npt.NDArray[np.uint8], width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
    """The largest middle part of the format's shape, scaled to exactly width_px x height_px."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    if (width, height) == (width_px, height_px):
        return rgb
    scale = max(width_px / width, height_px / height)
    crop_w, crop_h = (max(1, min(full, round(px / scale))) for full, px in ((width, width_px), (height, height_px)))
    x, y = (width - crop_w) // 2, (height - crop_h) // 2
    part = np.ascontiguousarray(rgb[y : y + crop_h, x : x + crop_w])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(part, (width_px, height_px), interpolation=method)  # type: ignore[return-value]


def png(rgb: npt.NDArray[np.uint8]) -> bytes:
    """A PNG file, lightly compressed; the same bytes for the same pixels."""
    import cv2

    done, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise ValueError(f"no PNG can be made of an array of shape {rgb.shape}")
    return data.tobytes()
