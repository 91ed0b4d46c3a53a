"""Whether a file that was paid for is a picture at all."""

from __future__ import annotations

from qmv.buying.seller import Spoilt
from qmv.errors import InputError

__all__ = ["look_at"]

_LEAST_RANGE = 8  # of 255 levels: less between the darkest and the brightest pixel is one flat colour


def look_at(image: bytes, size: tuple[int, int] | None) -> None:
    """Raises Spoilt for a file that cannot be decoded to its end, has another size than asked for, or shows nothing."""
    from qmv.media.picture import read

    try:
        rgb = read(image)
    except InputError as error:
        raise Spoilt(f"a file of {len(image)} bytes came that is no whole picture") from error
    height, width = rgb.shape[:2]
    if size is not None and (width, height) != size:
        raise Spoilt(f"a picture of {width}x{height} px came, {size[0]}x{size[1]} was asked for")
    small = rgb[:: max(1, height // 128), :: max(1, width // 128)]  # every 128th part tells as much, and costs nothing
    if int((small.max(axis=(0, 1)) - small.min(axis=(0, 1))).max()) < _LEAST_RANGE:
        raise Spoilt("the picture that came is one flat colour")
