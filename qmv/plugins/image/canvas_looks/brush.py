"""What every look paints with: a float canvas, antialiased shapes, fractal noise, light and grain.

Lengths are in short sides of the picture, measured from its centre with y downwards, so a composition
does not depend on the resolution. Pictures are planar (a colour plane each), which keeps a mask and a
plane the same shape.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from qmv.plugins.image.canvas_looks.scene import Scene

Floats = npt.NDArray[np.float32]
"""A mask [height, width], a colour [3] or a picture [3, height, width], all nominally 0 to 1."""

Point = tuple[float, float]
Shape = npt.NDArray[np.float64]
"""The corners [n, 2] of a polygon or an open line."""

_NOISE_CELLS = 256
_SUBPIXEL_BITS = 5
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def rgb(code: str) -> Floats:
    """The colour [3] of "#rrggbb" or "#rgb"."""
    digits = code.strip().removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    if len(digits) != 6:
        raise ValueError(f"not a hex colour: {code!r}")
    return np.array([int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)], dtype=np.float32)


def mix(first: Floats, second: Floats, amount: float) -> Floats:
    """The colour between two colours: `first` at 0, `second` at 1."""
    return np.asarray(first + (second - first) * amount, dtype=np.float32)


def luma(colour: Floats) -> float:
    """How light a colour is, 0 to 1."""
    return float(colour @ _LUMA)


def smooth(values: Floats, low: float, high: float) -> Floats:
    """A soft step: 0 up to `low`, 1 from `high` on (or the other way round where high < low)."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


class Canvas:
    """The picture being painted, its palette and its random numbers.

    `x` [1, width] and `y` [height, 1] are the positions of the pixels; `right` and `bottom` those of
    the picture's edges (the left and the top edge being -right and -bottom).
    """

    def __init__(self, scene: Scene) -> None:
        self.rng = np.random.Generator(np.random.PCG64(scene.entropy))
        self.width_px, self.height_px = scene.width_px, scene.height_px
        self.short_px = min(scene.width_px, scene.height_px)
        # Small pictures are drawn finer and shrunk: a line of whole pixels would be too coarse for them.
        self._finer = min(4, max(1, round(1024 / self.short_px)))
        self.right, self.bottom = (px / self.short_px / 2 for px in (self.width_px, self.height_px))
        columns, rows = (np.arange(px, dtype=np.float32) for px in (self.width_px, self.height_px))
        self.x: Floats = np.asarray((columns + 0.5) / self.short_px - self.right, np.float32)[None, :]
        self.y: Floats = np.asarray((rows + 0.5) / self.short_px - self.bottom, np.float32)[:, None]
        self.image: Floats = np.zeros((3, self.height_px, self.width_px), dtype=np.float32)
        colours = [rgb(code) for code in scene.palette]
        self.dark, self.base, self.accents = colours[0], colours[:-2] or colours[:1], colours[-2:]
        self.colours = colours

    def pick(self, low: float, high: float) -> float:
        """A random number between two."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """True that often."""
        return bool(self.rng.random() < probability)

    def side(self) -> int:
        """-1 or 1."""
        return 1 if self.chance(0.5) else -1

    def ramp(self, position: float) -> Floats:
        """The base colour at a position: darkest at 0, lightest at 1, mixed between."""
        place = min(max(position, 0.0), 1.0) * (len(self.base) - 1)
        index = min(int(place), len(self.base) - 1)
        return mix(self.base[index], self.base[min(index + 1, len(self.base) - 1)], place - index)

    # Fields -----------------------------------------------------------------------------------

    def noise(self, frequency: float, roughness: float = 0.5) -> Floats:
        """Fractal noise [height, width], mean 0 and deviation 1, of `frequency` features a short side.

        Roughness 0 leaves only smooth blobs; 1 adds nearly as much detail at every finer scale.
        """
        rows, columns = (max(8, round(2 * half * _NOISE_CELLS)) for half in (self.bottom, self.right))
        spectrum = np.fft.rfft2(self.rng.standard_normal((rows, columns), dtype=np.float32))
        down = np.fft.fftfreq(rows, 1 / _NOISE_CELLS)[:, None]
        ratio = np.hypot(down, np.fft.rfftfreq(columns, 1 / _NOISE_CELLS)[None, :]) / frequency
        gain = np.minimum(ratio, 1) ** 2 * np.maximum(ratio, 1) ** (2 * roughness - 3.2)
        field = np.fft.irfft2((spectrum * gain).astype(np.complex64), s=(rows, columns))
        field = ((field - field.mean()) / (field.std() + 1e-9)).astype(np.float32)
        shrinks = self.short_px < _NOISE_CELLS
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(field, (self.width_px, self.height_px), interpolation=how), np.float32)

    def ridge(self, frequency: float, roughness: float = 0.5) -> Floats:
        """A fractal line [1, width], mean 0 and deviation about 1: the profile of a hill or a wave."""
        samples = 1024
        spectrum = np.fft.rfft(self.rng.standard_normal(samples))
        ratio = np.arange(spectrum.size) / (2 * frequency)
        gain = np.minimum(ratio, 1) ** 2 * np.maximum(ratio, 1) ** (2 * roughness - 2.7)
        line = np.fft.irfft(spectrum * gain, samples)
        line = (line - line.mean()) / line.std()
        # Two short sides long whatever the picture, so that a hill keeps its size in any format.
        return np.asarray(np.interp(self.x, np.linspace(-1, 1, samples), line), np.float32)

    def inside(self, distance: Floats, softness: float = 0.0) -> Floats:
        """The mask of a signed distance (negative inside), antialiased, or softer by a length."""
        return np.asarray(np.clip(0.5 - distance / max(1 / self.short_px, softness), 0, 1), np.float32)

    def radius(self, centre: Point, stretch: float = 1.0) -> Floats:
        """The distance of every pixel from a point; `stretch` > 1 flattens the circles."""
        return np.asarray(np.hypot(self.x - centre[0], (self.y - centre[1]) * stretch), np.float32)

    def disc(self, centre: Point, radius: float, softness: float = 0.0) -> Floats:
        """The mask of a disc."""
        return self.inside(self.radius(centre) - radius, softness)

    def polygons(self, shapes: Iterable[Sequence[Point] | Shape]) -> Floats:
        """The mask of filled polygons, overlaps joined."""
        mask = np.zeros((self.height_px * self._finer, self.width_px * self._finer), dtype=np.uint8)
        for shape in shapes:
            cv2.fillPoly(mask, [self._pixels(shape)], (255,), cv2.LINE_AA, _SUBPIXEL_BITS)
        return np.multiply(self._shrink(mask), np.float32(1 / 255), dtype=np.float32)

    def strokes(self, lines: Iterable[Sequence[Point] | Shape], width: float) -> Floats:
        """The mask of open lines of a width; a line thinner than a pixel is drawn fainter."""
        mask = np.zeros((self.height_px * self._finer, self.width_px * self._finer), dtype=np.uint8)
        width_px = width * self.short_px * self._finer
        ink = (255.0 * min(1.0, width_px),)
        for line in lines:
            points = [self._pixels(line)]
            cv2.polylines(mask, points, False, ink, max(1, round(width_px)), cv2.LINE_AA, _SUBPIXEL_BITS)
        return np.multiply(self._shrink(mask), np.float32(1 / 255), dtype=np.float32)

    def _pixels(self, shape: Sequence[Point] | Shape) -> npt.NDArray[np.int32]:
        points = (np.asarray(shape, np.float64) + (self.right, self.bottom)) * (self.short_px * self._finer) - 0.5
        return np.asarray(np.rint(points * 2**_SUBPIXEL_BITS).clip(-(2**20), 2**20), np.int32)

    def _shrink(self, drawn: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        if self._finer == 1:
            return drawn
        size = (self.width_px, self.height_px)
        return np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), np.uint8)

    def blur(self, field: Floats, radius: float) -> Floats:
        """A mask blurred by a Gaussian of that deviation."""
        sigma_px = radius * self.short_px
        if sigma_px < 0.3:
            return field
        # A wide blur leaves nothing fine to keep, so it is done on a small copy.
        shrink = max(1.0, sigma_px / 2.5)
        size = (max(1, round(self.width_px / shrink)), max(1, round(self.height_px / shrink)))
        small = cv2.resize(field, size, interpolation=cv2.INTER_AREA) if shrink > 1 else field
        small = cv2.GaussianBlur(small, (0, 0), sigma_px / shrink, borderType=cv2.BORDER_REPLICATE)
        if shrink > 1:
            small = cv2.resize(small, (self.width_px, self.height_px), interpolation=cv2.INTER_CUBIC)
        return np.asarray(small, np.float32)

    def warp(self, field: Floats, right: Floats | float, down: Floats | float) -> Floats:
        """A mask with every pixel taken from that far to its right and below it."""
        columns = (self.x + right + self.right) * self.short_px - 0.5 + 0 * self.y
        rows = (self.y + down + self.bottom) * self.short_px - 0.5 + 0 * self.x
        maps = (columns.astype(np.float32), rows.astype(np.float32))
        return np.asarray(cv2.remap(field, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)

    def shift(self, field: Floats, right: float, down: float) -> Floats:
        """A mask moved by that much, its edges stretched into the room it leaves."""
        move = np.array([[1, 0, right * self.short_px], [0, 1, down * self.short_px]], np.float32)
        size = (self.width_px, self.height_px)
        return np.asarray(cv2.warpAffine(field, move, size, borderMode=cv2.BORDER_REPLICATE), np.float32)

    # Paint ------------------------------------------------------------------------------------

    def gradient(self, stops: Sequence[tuple[float, Floats]], along: Floats | None = None) -> Floats:
        """The colours at positions: of `y`, top to bottom, or of any other field."""
        field = self.y if along is None else along
        places = [place for place, _ in stops]
        scale = np.linspace(places[0], places[-1], 2048)
        table = np.array([np.interp(scale, places, [colour[i] for _, colour in stops]) for i in range(3)], np.float32)
        position = (field - places[0]) * np.float32(2047 / (places[-1] - places[0]))
        return table[:, np.clip(position, 0, 2047).astype(np.int32)]

    def lay(self, mask: Floats, paint: Floats, opacity: float = 1.0) -> None:
        """Cover the picture with a colour or another picture where the mask is."""
        cover = paint.reshape(3, 1, 1) if paint.ndim == 1 else paint
        self.image += (cover - self.image) * (mask * np.float32(opacity))

    def facets(self, pieces: Sequence[tuple[Sequence[Point] | Shape, Floats]]) -> None:
        """Paint many flat polygons over one another in one pass, the last one on top."""
        under = np.empty((self.height_px, self.width_px, 3), dtype=np.uint8)
        under[:] = (self.image.clip(0, 1) * 255).transpose(1, 2, 0)
        size = (self.width_px * self._finer, self.height_px * self._finer)
        layer = np.asarray(cv2.resize(under, size), np.uint8)
        for shape, colour in pieces:
            ink = tuple(float(value) * 255 for value in colour)
            cv2.fillPoly(layer, [self._pixels(shape)], ink, cv2.LINE_AA, _SUBPIXEL_BITS)
        cover = np.multiply(self._shrink(layer).transpose(2, 0, 1), np.float32(1 / 255), dtype=np.float32)
        self.lay(self.polygons(shape for shape, _ in pieces), cover)

    def light(self, mask: Floats, colour: Floats, gain: float = 1.0) -> None:
        """Add light that never burns out: the picture screened with a colour."""
        for plane, value in zip(self.image, colour, strict=True):
            plane += (1 - plane) * np.clip(mask * np.float32(value * gain), 0, 1)

    def stain(self, mask: Floats, colour: Floats, strength: float = 1.0) -> None:
        """Multiply the picture with a transparent colour where the mask is."""
        for plane, value in zip(self.image, colour, strict=True):
            plane *= 1 - mask * np.float32((1 - value) * strength)

    def bloom(self, threshold: float, gain: float, radius: float = 0.03) -> None:
        """Let the parts brighter than a threshold glow over their surroundings."""
        for plane in self.image:
            bright = np.maximum(plane - np.float32(threshold), 0)
            plane += (1 - plane) * np.clip(gain * (self.blur(bright, radius) + self.blur(bright, radius * 4)), 0, 1)

    def finish(self, vignette: float = 0.25, grain: float = 0.008) -> npt.NDArray[np.uint8]:
        """The finished picture, RGB [height, width, 3]: corners darkened, grained just enough not to band."""
        fall = smooth(np.hypot(self.x / self.right, self.y / self.bottom), 0.55, 1.5)
        speck = self.rng.random((self.height_px, self.width_px), dtype=np.float32) - np.float32(0.5)
        picture = self.image * (1 - np.float32(vignette) * fall) + speck * np.float32(2 * grain)
        levels = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
        return np.ascontiguousarray(levels.transpose(1, 2, 0))


def outline(text: str) -> Shape:
    """A shape written as "x,y x,y ..."."""
    return np.array([[float(number) for number in corner.split(",")] for corner in text.split()])


def arc(centre: Point, radius: float, start: float, stop: float) -> Shape:
    """The points [n, 2] of an arc; angles in turns, clockwise from the right."""
    turns = np.linspace(start, stop, 96) * math.tau
    return np.stack([centre[0] + radius * np.cos(turns), centre[1] + radius * np.sin(turns)], axis=1)
