"""What noir pictures are built from: fog, rain, lamps, blinds, house fronts and silhouettes."""

from __future__ import annotations

import math

import numpy as np

from qmv.plugins.image.canvas_looks.brush import Canvas, Floats, Point, Shape, arc, luma, mix, outline, smooth
from qmv.plugins.image.canvas_looks.scene import Scene

_MAN = outline(
    "-.2,1 -.25,.55 -.17,.12 -.21,.3 -.3,.28 -.29,-.1 -.22,-.36 -.07,-.43 -.055,-.5 -.08,-.58 -.19,-.6 "
    "-.18,-.63 -.09,-.66 -.075,-.78 -.01,-.79 .07,-.77 .085,-.65 .18,-.61 .18,-.585 .085,-.58 .06,-.5 "
    ".07,-.43 .22,-.36 .29,-.08 .3,.26 .21,.29 .17,.12 .24,.55 .18,1 .03,1 0,.7 -.04,1"
)


class Night(Canvas):
    """A canvas with grey tones only (`grey`), a `white`, and the one `accent` of the picture."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        tones = sorted(luma(colour) for colour in self.colours)
        self.low, self.high = tones[0], max(tones[-1], tones[0] + 0.4)
        self.accent = max(self.accents, key=lambda colour: float(colour.max() - colour.min()))
        self.white = self.grey(1.0)
        self.mirror = self.side()

    def grey(self, tone: float) -> Floats:
        """A grey of the palette: its darkest at 0, its lightest at 1."""
        value = self.low + (self.high - self.low) * tone
        return np.array([value * 1.0, value * 0.995, value * 0.98], dtype=np.float32)

    def backdrop(self, top: float, middle: float, low: float, place: float) -> None:
        """A vertical sweep of three tones, the middle one at a height."""
        stops = [(-self.bottom, self.grey(top)), (place, self.grey(middle)), (self.bottom, self.grey(low))]
        self.image[:] = self.gradient(stops)

    def fog(self, place: float, depth: float, strength: float) -> None:
        """A bank of lit fog about a height."""
        bank = np.exp(-(((self.y - place) / depth) ** 2))
        wisps = smooth(self.warp(self.noise(2.2, 0.45), 0.0, 1.5 * self.y), -1.2, 2.0)
        self.light((bank * wisps).astype(np.float32), self.grey(0.8), strength)

    def rain(self, amount: int, length: float, strength: float) -> None:
        """Slanted rain, a near and a far sheet of it."""
        slant = self.pick(0.06, 0.3) * self.mirror
        for share, scale in ((0.75, 0.55), (0.25, 1.2)):
            starts = self.rng.uniform((-1.1, -1.1), (1.1, 1), (int(amount * share), 2)) * (
                self.right,
                self.bottom,
            )
            spans = self.rng.uniform(0.4, 1, len(starts)) * length * scale
            drops = [[(x, y), (x - slant * s, y + s)] for (x, y), s in zip(starts.tolist(), spans, strict=True)]
            self.light(self.strokes(drops, 0.0018 * scale), self.white, strength * scale)

    def lamp(self, head: Point, foot: float, size: float) -> None:
        """A street lamp: post, head, glare and a cone of light down to the height of its foot."""
        x, y = head
        post = [(x + size * 0.5 * self.mirror, y - 0.2 * size), (x + size * 0.5 * self.mirror, foot)]
        neck = [(x, y), (x + 0.1 * size * self.mirror, y - 0.22 * size), post[0]]
        drop = np.maximum(self.y - y, 1e-4)
        cone = smooth(np.abs(self.x - x) / (0.07 * size + 0.42 * drop), 1.0, 0.2) * (self.y > y)
        self.light((cone * np.exp(-1.6 * drop / max(foot - y, 0.05))).astype(np.float32), self.white, 0.55)
        self.light(np.exp(-self.radius(head) / (0.28 * size)).astype(np.float32), self.white, 0.85)
        self.lay(self.strokes([post, neck], 0.035 * size), self.grey(0.0))
        shade = [(x - 0.12 * size, y), (x - 0.05 * size, y - 0.09 * size), (x + 0.05 * size, y - 0.09 * size)]
        self.lay(self.polygons([[*shade, (x + 0.12 * size, y)]]), self.grey(0.0))
        self.light(self.disc((x, y + 0.01 * size), 0.06 * size, 0.04 * size), self.white)

    def wet(self, horizon: float, strength: float) -> None:
        """The street below a horizon mirrors what is above it, broken by ripples."""
        down = np.maximum(self.y - horizon, 0)
        sway = self.warp(self.noise(12, 0.6), 0.0, 5 * down) * (0.004 + 0.05 * down)
        mirrored = np.stack([self.warp(plane, sway, -2 * down + sway) for plane in self.image])
        shine = np.asarray(mirrored * np.exp(-0.8 * down) * strength, np.float32)
        self.lay(self.inside(horizon - self.y + 0 * self.x), shine)

    def figure(self, foot: Point, height: float) -> Floats:
        """The mask of a standing silhouette, its feet at a point."""
        shape = rounded(_MAN) * (self.mirror * height / 1.78, height / 1.78)
        return self.polygons([shape + (foot[0], foot[1] - height * 0.56)])

    def blinds(self, slats: int, tilt: float, lit: float, soft: float) -> Floats:
        """The mask of light falling through a blind; `lit` is the lit part of each slat."""
        phase = (self.y * math.cos(tilt) + self.x * math.sin(tilt)) * slats
        away = (np.abs(phase % 1 - 0.5) - lit / 2) / slats
        return self.inside(away.astype(np.float32), soft)


def buildings(night: Night, horizon: float, gap: float, depth: float, tone: float) -> None:
    """House fronts closing in on both sides of a street, with a few lit windows."""
    for side in (-1, 1):
        x, fronts, panes = gap * side, [], []
        while abs(x) < night.right + 0.3:
            wide = night.pick(0.16, 0.3) * depth
            roof = horizon - (0.25 + 0.8 * abs(x)) * night.pick(0.7, 1.25) * depth
            fronts.append([(x, horizon + 0.01), (x, roof), (x + wide * side, roof), (x + wide * side, horizon + 0.01)])
            cell = wide / 4
            for column, row in np.ndindex(3, min(30, int((horizon - roof) / (1.5 * cell)))):
                if night.chance(0.1):
                    left, top = x + side * cell * (column + 0.75), roof + cell * (1.5 * row + 0.6)
                    panes.append(
                        [
                            (left, top),
                            (left + 0.5 * cell, top),
                            (left + 0.5 * cell, top + cell),
                            (left, top + cell),
                        ]
                    )
            x += wide * side
        night.lay(night.polygons(fronts), night.grey(tone))
        glass = night.polygons(panes)
        night.light(night.blur(glass, 0.015), night.grey(0.8), 0.5)
        night.light(glass, night.grey(0.9), 0.75)


def umbrella(night: Night, tip: Point, size: float) -> None:
    """The accent: an umbrella seen from the side, and its smear on the wet street."""
    dome = arc(tip, size, 0.5, 1.0)
    hem = [arc((tip[0] + size * (0.75 - 0.5 * k), tip[1]), size * 0.25, 1.0, 0.5) for k in range(4)]
    cover = night.polygons([np.concatenate([dome, *hem])])
    night.light(night.blur(cover, 0.04), night.accent, 0.5)
    night.lay(cover, night.accent)
    night.stain(cover * smooth(night.x + 0 * night.y, tip[0] + size, tip[0] - size), night.grey(0.0), 0.55)


def rounded(shape: Shape) -> Shape:
    """A polygon with its corners cut twice, so that it reads as drawn by hand."""
    for _ in range(2):
        after = np.roll(shape, -1, axis=0)
        shape = np.stack([0.8 * shape + 0.2 * after, 0.2 * shape + 0.8 * after], axis=1).reshape(-1, 2)
    return shape


def storeys(night: Night, foot: Shape, roof: Shape, tone: float) -> None:
    """Rows of windows up a tower; one of them is lit in the accent."""
    dim: list[Shape] = []
    lit: list[Shape] = []
    columns, rows = 6, 17
    for row, column in np.ndindex(rows, columns):
        s = (np.array([0.2, 0.75, 0.75, 0.2]) + column + 0.03) / (columns + 0.0)
        t = 1 - (1 - (np.array([0.1, 0.1, 0.75, 0.75]) + row) / rows) ** 1.8
        edges = [
            foot[0]
            + (foot[1] - foot[0]) * u
            + ((roof[0] + (roof[1] - roof[0]) * u) - foot[0] - (foot[1] - foot[0]) * u) * v
            for u, v in zip(s, t, strict=True)
        ]
        (lit if night.chance(0.1) else dim).append(np.array(edges))
    night.lay(night.polygons(dim), night.grey(tone + 0.07))
    glass = night.polygons(lit)
    night.light(night.blur(glass, 0.02), night.grey(0.7), 0.5)
    night.light(glass, night.white, 0.85)
    seen = [pane for pane in dim if tone < 0.1 and np.all(np.abs(pane / (night.right, night.bottom)) < 0.8)]
    if seen:
        pane = night.polygons([seen[int(night.rng.integers(len(seen)))]])
        night.light(night.blur(pane, 0.05), night.accent, 2.0)
        night.lay(pane, mix(night.accent, night.white, 0.12))
