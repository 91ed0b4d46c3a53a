"""The pictures: a function of prompt, seed and size, drawn when they are asked for, so that none is kept."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MIME", "Picture"]

MIME = {"JPG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

_HTML = b"<!doctype html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One result of a task, and the fault that its delivery has."""

    uuid: str
    prompt: str
    seed: int
    width_px: int
    height_px: int
    format: str = "JPG"
    quality: int = 95
    fault: str = ""

    @property
    def name(self) -> str:
        """Its file's name in its address."""
        return f"{self.uuid}.{self.format.lower()}"

    def data(self) -> bytes:
        """The file as it is delivered: 1024x1024 takes some 20 ms."""
        if self.fault == "html":
            return _HTML
        if self.fault == "empty":
            return b""
        if self.fault == "corrupt":
            return hashlib.shake_256(self.uuid.encode()).digest(6400)
        half = 2 if self.fault == "wrong_size" else 1
        size = (self.width_px // half, self.height_px // half)
        coded = self._coded(_plain(size) if self.fault == "blank" else _drawn(self.prompt, self.seed, size))
        return coded[: len(coded) * 3 // 5] if self.fault == "truncated" else coded

    def _coded(self, image: Image) -> bytes:
        out = io.BytesIO()
        if self.format == "PNG":
            image.save(out, "PNG", compress_level=1)
        elif self.format == "WEBP":
            image.save(out, "WEBP", quality=self.quality, method=0)
        else:
            image.save(out, "JPEG", quality=self.quality)
        return out.getvalue()


def _plain(size: tuple[int, int]) -> Image:
    from PIL import Image

    return Image.new("RGB", size, (0, 0, 0))


def _drawn(prompt: str, seed: int, size: tuple[int, int]) -> Image:
    """Soft colours with shapes on them; the last two are a bright one and a dark one, so that no picture is plain."""
    import numpy as np
    from PIL import Image, ImageDraw

    numbers = np.random.default_rng([*hashlib.sha256(f"{seed}|{prompt}".encode()).digest()])
    colours = numbers.integers(20, 235, (5, 5, 3), dtype=np.uint8)
    image = Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    across, unit = np.array(size), min(size) / 8
    for number, colour in enumerate([*numbers.integers(0, 256, (4, 3)).tolist(), (250, 245, 235), (12, 10, 18)]):
        x, y = numbers.uniform(0.2, 0.8, 2) * across
        reach_x, reach_y = numbers.uniform(0.6, 1.6, 2) * unit
        box = (x - reach_x, y - reach_y, x + reach_x, y + reach_y)
        (draw.ellipse if number % 2 else draw.rectangle)(box, fill=tuple(colour))
    return image
