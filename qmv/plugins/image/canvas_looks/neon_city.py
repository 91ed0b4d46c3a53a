"""What neon pictures are built from: tubes, signs, towers, a sun and wet streets."""

from __future__ import annotations

import math

import numpy as np

from qmv.plugins.image.canvas_looks.brush import Canvas, Floats, Point, Shape, arc, luma, mix, smooth
from qmv.plugins.image.canvas_looks.scene import Scene

_WHITE = np.ones(3, dtype=np.float32)


WINDOW_SPANS = tuple((start, start + 0.11) for start in (-0.88, -0.7, -0.52, -0.34, -0.16, 0.02, 0.18, 0.45, 0.6, 0.75))


class City(Canvas):
    """A canvas with the light of one picture: `key` the dominant glow, `rim` the other, `sky` the haze."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        glows = [colour for colour in self.colours[-3:] if luma(colour) > luma(self.dark) + 0.05] or self.accents
        order = self.rng.permutation(len(glows))
        self.key, self.rim = glows[order[0]], glows[order[-1]]
        self.haze = mix(self.ramp(self.pick(0.35, 0.7)), self.key, 0.25)

    def tube(self, mask: Floats, colour: Floats, reach: float = 0.03) -> None:
        """A light tube: a nearly white core in its own glow."""
        wide = self.blur(mask, reach)
        self.light(self.blur(mask, reach * 4), colour, 1.2)
        self.light(wide, colour, 1.3)
        self.lay(mask, mix(colour, _WHITE, 0.1))
        self.lay(mask * smooth(self.blur(mask, reach / 6), 0.55, 1.0), mix(colour, _WHITE, 0.85))

    def sky(self, horizon: float) -> None:
        """Night from the top down to a glowing horizon, with stars and lit cloud."""
        top = -self.bottom
        span = horizon - top
        stops = [(top, self.dark), (top + 0.45 * span, self.ramp(0.3)), (horizon, self.haze)]
        self.image[:] = self.gradient([*stops, (horizon + 0.3, self.dark)])
        stars = self.rng.uniform((-self.right, top), (self.right, horizon - 0.2 * span), (90, 2))
        dots = self.strokes([[(x, y), (x + 1e-3, y)] for x, y in stars.tolist()], 0.0022)
        self.light(dots, _WHITE, self.pick(0.2, 0.8))
        cloud = smooth(self.warp(self.noise(3, 0.4), 0.2 * self.x, 2.5 * self.y), 0.1, 2.2)
        self.light(cloud * smooth(self.y, top, horizon), mix(self.haze, self.rim, 0.5), 0.55)

    def sun(self, centre: Point, radius: float) -> None:
        """A banded sun: slats cut out of its lower half."""
        away = self.radius(centre)
        self.light(np.exp(-np.maximum(away - radius, 0) / (0.55 * radius)).astype(np.float32), self.key, 0.6)
        depth = (self.y - centre[1]) / radius
        slats, low = int(self.rng.integers(5, 9)), self.pick(-0.1, 0.25)
        phase = (depth - low) / (1 - low) * slats
        thickness = 0.15 + 0.55 * (phase / slats)
        edge = (np.abs(phase % 1 - 0.5) - thickness / 2) * radius * (1 - low) / slats
        gaps = np.where(depth > low, self.inside(edge.astype(np.float32)), 0)
        body = self.gradient([(centre[1] - radius, mix(self.rim, _WHITE, 0.3)), (centre[1] + radius, self.key)])
        self.lay(self.disc(centre, radius) * (1 - gaps), body)

    def skyline(self, horizon: float, height: float, width: float, gap: float, tone: Floats) -> None:
        """A row of towers with lit windows, lower towards the middle of a `gap` round the centre."""
        towers, panes, trims = [], [], []
        x = -self.right - self.pick(0, width)
        while x < self.right:
            wide = width * self.pick(0.6, 1.3)
            tall = height * self.pick(0.35, 1.0) * min(1.0, 0.25 + abs(x + wide / 2) / max(gap, 1e-3))
            roof = horizon - tall
            towers.append([(x, horizon + 0.02), (x, roof), (x + wide, roof), (x + wide, horizon + 0.02)])
            if self.chance(0.35):
                mast = x + wide * self.pick(0.3, 0.7)
                trims.append([(mast, roof), (mast, roof - tall * self.pick(0.1, 0.3))])
            if self.chance(0.3):
                trims.append([(x, horizon), (x, roof), (x + wide, roof)])
            panes += self._windows(x, roof, wide, horizon)
            x += wide + width * self.pick(0, 0.25)
        self.lay(self.polygons(towers), tone)
        for colour in (self.key, self.rim, mix(self.rim, _WHITE, 0.7)):
            lit = [pane for pane in panes if self.chance(0.13)]
            self.light(self.polygons(lit), colour, self.pick(0.55, 1.0))
        trim = self.strokes(trims, 0.004)
        self.light(self.blur(trim, 0.012), self.rim, 1.6)
        self.light(trim, self.rim)

    def _windows(self, x: float, roof: float, wide: float, horizon: float) -> list[list[Point]]:
        columns = max(int(self.rng.integers(3, 6)), round(wide / self.pick(0.02, 0.03)))
        cell = wide / (columns + 0.6)
        rows = min(40, int((horizon - roof) / (cell * 1.2)))
        panes = []
        for row in range(1, rows):
            for column in range(columns):
                left, top = x + cell * (column + 0.5), roof + cell * 1.2 * (row - 0.3)
                right, low = left + 0.6 * cell, top + 0.55 * cell
                panes.append([(left, top), (right, top), (right, low), (left, low)])
        return panes

    def floor(self, horizon: float, grid: bool) -> None:
        """Below the horizon: the upper picture mirrored in a wet street, or a glowing grid over it."""
        down = np.maximum(self.y - horizon, 0)
        ripple = self.warp(self.noise(14, 0.6), 0.0, 6 * down)
        sway = ripple * (0.006 + 0.05 * down)
        below = self.inside(horizon - self.y + 0 * self.x)
        mirrored = np.stack([self.warp(plane, sway, -2 * down + 0.7 * sway) for plane in self.image])
        fade = np.exp(-1.1 * down)
        self.lay(below, np.asarray(mirrored * fade * 0.72 + self.dark.reshape(3, 1, 1) * 0.5, np.float32))
        if grid:
            near = np.maximum(down, 1e-4)
            cells = self.pick(1.4, 2.6)
            rung, rail = cells / near + self.pick(0, 1), (self.x - self.pick(-0.1, 0.1)) * cells / near
            lines = np.maximum(self._lines(rung, cells / near**2, down), self._lines(rail, cells / near, down))
            lines = (lines * below * smooth(down + 0 * self.x, 0.0, 0.12)).astype(np.float32)
            self.light(self.blur(lines, 0.014), self.rim, 1.5)
            self.light(lines, self.rim)
        seam = np.exp(-np.abs(self.y - horizon) / 0.012) * np.exp(-((self.x / self.right) ** 2))
        self.light(seam.astype(np.float32), self.key, 0.8)

    def _lines(self, phase: Floats, slope: Floats, down: Floats) -> Floats:
        """Lines at the whole numbers of a phase changing by `slope` a unit, wider the nearer they are."""
        distance = np.abs((phase + 0.5) % 1 - 0.5) / slope
        return self.inside((distance - 0.0015 - 0.008 * down).astype(np.float32))


def sign(city: City, centre: Point, size: float) -> list[Shape]:
    """The tubes of one sign: nested rings, triangles, a bolt, a heart, an arrow or a crescent."""
    kind = int(city.rng.integers(6))
    turn = city.pick(-0.06, 0.06)
    if kind == 0:
        start = city.pick(0, 1)
        shapes = [arc((0, 0), radius, start + k * 0.4, start + k * 0.4 + 0.86) for k, radius in enumerate((1, 0.74))]
    elif kind == 1:
        shapes = [scale * arc((0, 0), 1, -0.25, 0.75)[[0, 32, 63, 95]] for scale in (1.1, 0.78, 0.46)]
    elif kind == 2:
        shapes = [
            np.array([(0.3, -1.1), (-0.5, 0.15), (0.05, 0.15), (-0.25, 1.1), (0.6, -0.2), (0.0, -0.2), (0.3, -1.1)])
        ]
    elif kind == 3:
        t = np.linspace(0, math.tau, 120)
        heart = np.stack(
            [np.sin(t) ** 3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 15],
            1,
        )
        shapes = [heart, heart * 0.72]
    elif kind == 4:
        chevron = np.array([(-0.5, -0.8), (0.3, 0.0), (-0.5, 0.8)])
        shapes = [chevron + (shift, 0.0) for shift in (-0.55, 0.0, 0.55)]
    else:
        shapes = [arc((0, 0), 1, 0.1, 0.9), arc((0.45, 0), 0.72, 0.15, 0.85)]
    cos, sin = math.cos(turn * math.tau), math.sin(turn * math.tau)
    spin = np.array([(cos, sin), (-sin, cos)])
    return [shape @ spin * size + centre for shape in shapes]


def tower(city: City, peak: Point, turn: float, half: float, near: float) -> None:
    """One tower seen from its foot: a wedge pointing at the vanishing point, floors of lit windows on it."""

    def at(angle: float, away: float) -> Point:
        return peak[0] + away * math.cos(turn + angle), peak[1] + away * math.sin(turn + angle)

    city.lay(
        city.polygons([[at(-half, near), at(half, near), at(half, 3), at(-half, 3)]]),
        city.ramp(city.pick(0, 0.22)),
    )
    shade = city.polygons([[at(half * 0.35, near), at(half, near), at(half, 3), at(half * 0.35, 3)]])
    city.lay(shade, city.dark, 0.75)
    panes, away = [], near * 1.06
    while away < 1.9:
        for low, high in WINDOW_SPANS:
            if city.chance(0.35):
                ring = ((low, away), (high, away), (high, away * 1.025), (low, away * 1.025))
                panes.append([at(half * angle, distance) for angle, distance in ring])
        away *= 1.055
    city.light(city.polygons(panes), city.key if city.chance(0.5) else city.rim, city.pick(0.5, 0.95))
    if city.chance(0.5):
        city.tube(city.strokes([[at(half * 0.35, near), at(half * 0.35, 3)]], 0.006), city.rim, 0.012)


def block(city: City, foot: Shape, height: float, nadir: Shape) -> list[tuple[Shape, Floats]]:
    """The polygons of one tower seen from above: walls, their lit windows, the roof and what is on it."""
    roof, floors = foot * (1 + height), max(3, round(height * 22))
    glow = city.key if city.chance(0.6) else city.rim
    pieces = []
    for k in range(4):
        low, up = foot[[k, k - 1]], roof[[k, k - 1]]
        pieces.append((np.concatenate([low, up[::-1]]), mix(city.dark, city.ramp(0.4), 0.25 + 0.2 * (k % 2))))
        for level, column in np.ndindex(floors, 7):
            if city.chance(0.3) and np.hypot(*low.mean(axis=0)) < np.hypot(*foot.mean(axis=0)):
                s, t = (
                    np.array([0.1, 0.45, 0.45, 0.1]) / 7 + (column + 0.3) / 7,
                    np.array([0.2, 0.2, 0.7, 0.7]) + level,
                )
                edge = low[0] + (low[1] - low[0]) * s[:, None]
                pieces.append((edge * (1 + height * t[:, None] / floors), mix(glow, city.dark, city.pick(0, 0.5))))
    heart = roof.mean(axis=0)
    pieces.append((roof, mix(city.dark, city.ramp(0.35), 0.35)))
    pieces.append((heart + (roof - heart) * 0.86, mix(city.dark, city.ramp(0.3), city.pick(0.1, 0.3))))
    if city.chance(0.35):
        ring = arc((0, 0), float(np.hypot(*(roof[0] - heart))) * 0.38, 0, 1)
        pieces += [(heart + ring, glow), (heart + ring * 0.8, city.dark)]
    return [(shape + nadir, colour) for shape, colour in pieces]
