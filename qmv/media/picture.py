"""Reads picture files of any kind as sRGB, and crops them to a format."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

__all__ = ["PICTURE_SUFFIXES", "crop_to", "png", "read"]

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")


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
            return np.asarray(_to_srgb(image), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        reason = "no picture format is recognised" if isinstance(error, UnidentifiedImageError) else str(error)
        raise InputError(f"{name}: cannot be read as a picture ({reason}); replace or remove it.") from error


def _to_srgb(image: Image.Image) -> Image.Image:
    import numpy as np
    from PIL import Image, ImageCms

    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if image.mode.startswith("I") else 1.0
        image, profile = Image.fromarray((values / top * 255).round().clip(0, 255).astype(np.uint8)), None
    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(ground, image).convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            image = converted if converted is not None else image
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that does not fit its picture is ignored, as browsers do
    return image.convert("RGB")


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
