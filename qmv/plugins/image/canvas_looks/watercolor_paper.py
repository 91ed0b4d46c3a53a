"""What watercolors are made with: paper, wet washes, splatter, petals and birds."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qmv.plugins.image.canvas_looks.brush import Canvas, Floats, Point, Shape, luma, mix, smooth
from qmv.plugins.image.canvas_looks.scene import Scene

_WHITE = np.ones(3, dtype=np.float32)


class Paper(Canvas):
    """A sheet of paper, and the inks of one picture: `lead` the dominant, `second`, `spark` and `deep`."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.image[:] = mix(max(self.colours, key=luma), _WHITE, 0.9).reshape(3, 1, 1)
        inks = [colour for colour in self.colours if luma(colour) < 0.8] or self.colours
        order = self.rng.permutation(len(inks))
        self.lead, self.second = inks[order[0]], inks[order[1 % len(inks)]]
        self.spark, self.deep = self.accents[int(self.rng.integers(len(self.accents)))], self.dark
        self.sway, self.heave = 0.006 * self.noise(6, 0.5), 0.006 * self.noise(6, 0.5)
        self.tooth, self.pool = self.noise(70, 1.0), self.noise(2.5, 0.55)

    def wash(self, mask: Floats, ink: Floats, other: Floats, strength: float = 0.8, wobble: float = 1.0) -> None:
        """Lay a wet wash: its outline wanders, pigment gathers at its edge, a second ink bleeds into it."""
        wet = self.warp(mask, wobble * self.sway, wobble * self.heave) if wobble else mask
        edge = np.clip(wet - self.blur(wet, 0.011), 0, 1)
        density = wet * (0.72 + 0.16 * self.pool + 0.05 * self.tooth) + 0.75 * edge
        bleed = smooth(self.pool, -0.7, 1.4)
        density = np.clip(density * np.float32(strength), 0, 1)
        for plane, first, last in zip(self.image, ink, other, strict=True):
            plane *= 1 - density * (np.float32(1 - first) + bleed * np.float32(first - last))
        # Another wash must not pool in the same places.
        self.pool = np.asarray(np.roll(self.pool, (self.height_px // 3, self.width_px // 5), (0, 1)), np.float32)

    def blot(self, centre: Point, radius: float, ragged: float = 0.35) -> Floats:
        """The mask of an irregular soft blot."""
        away = self.radius(centre) / radius + ragged * self.noise(2.2, 0.4)
        return smooth(away.astype(np.float32), 1.0, 0.93)

    def splatter(self, centre: Point, reach: float, ink: Floats, amount: int = 26) -> None:
        """Fine drops flicked off the brush."""
        dots = []
        for _ in range(amount):
            place = self.rng.normal(0, reach, 2) + centre
            dots.append(oval(place, 0.0015 + 0.009 * self.pick(0, 1) ** 4))
        self.stain(self.polygons(dots), ink, 0.65)

    def birds(self, centre: Point, reach: float, size: float, amount: int) -> None:
        """A loose flock of brush-stroke birds."""
        flock = []
        for _ in range(amount):
            place, scale = self.rng.normal(0, reach, 2) * (1.4, 0.6) + centre, size * self.pick(0.6, 1.3)
            flap, lean = self.pick(0.2, 0.6), self.pick(-0.25, 0.25)
            t = np.linspace(-1, 1, 25)
            top = -flap * np.abs(t) ** 0.7 * (1.25 - np.abs(t)) * 2 + lean * t
            low = top + 0.2 * (1 - np.abs(t)) ** 0.8
            flock.append(np.concatenate([np.stack([t, top], 1), np.stack([t, low], 1)[::-1]]) * scale + place)
        self.stain(self.polygons(flock), self.deep, 0.9)

    def finish(self, vignette: float = 0.0, grain: float = 0.006) -> npt.NDArray[np.uint8]:
        """The dry sheet, its tooth showing."""
        self.image *= 1 + np.float32(0.012) * self.tooth
        return super().finish(vignette, grain)


def oval(centre: Point | Shape, radius: float, stretch: float = 1.0) -> Shape:
    """A drop, `stretch` times as tall as it is wide."""
    turns = np.linspace(0, math.tau, 28)
    drop = np.stack([np.cos(turns) * radius, np.sin(turns) * radius * stretch], axis=1)
    return np.asarray(drop + np.asarray(centre), np.float64)


def petal(foot: Point | Shape, turn: float, length: float, width: float, tip: float = 0.6) -> Shape:
    """A leaf or petal growing from its foot; `tip` < 1 is blunt, > 1 pointed; `turn` in radians."""
    t = np.linspace(0, 1, 40)
    half = width / 2 * np.sin(math.pi * t**0.8) ** tip
    outline = np.concatenate([np.stack([t * length, half], 1), np.stack([t * length, -half], 1)[::-1]])
    cos, sin = math.cos(turn), math.sin(turn)
    return np.asarray(outline @ np.array([(cos, sin), (-sin, cos)]) + np.asarray(foot), np.float64)
