"""What papercuts are built from: floating sheets with shadows, suns, clouds, leaves and boats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qmv.plugins.image.canvas_looks.brush import Canvas, Floats, Point, Shape, arc, luma, mix
from qmv.plugins.image.canvas_looks.scene import Scene

_WHITE = np.ones(3, dtype=np.float32)


class Stage(Canvas):
    """A stack of sheets; `pale` is the furthest, then `lead`, `second` and `deep`; `spark` draws the eye."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        by_light = sorted(self.colours, key=luma)
        self.pale, self.deep = by_light[-1], by_light[0]
        order = self.rng.permutation(len(self.colours) - 2) + 1 if len(self.colours) > 2 else [0, 1]
        self.lead, self.second = by_light[order[0]], by_light[order[-1]]
        warm = [c for c in self.colours if 0.3 < luma(c) < 0.8 and c is not self.lead] or [self.accents[-1]]
        self.spark = max(warm, key=lambda c: float(c.max() - c.min() + 0.4 * np.abs(c - self.lead).sum()))
        self.sun_side = self.side()
        self.fibre = np.float32(1) + np.float32(0.011) * self.noise(60, 1.0)
        self.cast = mix(self.deep, np.zeros(3, np.float32), 0.5)
        self.dusk = self.chance(0.35)

    def tone(self, near: float) -> Floats:
        """The colour of a sheet: from the furthest, 0, to the nearest, 1."""
        steps = [self.pale, mix(self.lead, self.pale, 0.45), self.lead, self.second, self.deep]
        steps = steps[1:][::-1] if self.dusk else steps
        place = min(max(near, 0.0), 1.0) * (len(steps) - 1.001)
        return mix(steps[int(place)], steps[int(place) + 1], place % 1)

    def sheet(self, mask: Floats, colour: Floats, lift: float = 0.02) -> None:
        """Lay a sheet that floats that high over those below: shadow, paper, and light on the cut edge."""
        shadow = self.blur(self.shift(mask, -0.6 * self.sun_side * lift, lift), 0.7 * lift)
        self.stain(shadow, self.cast, 0.55)
        edge = mask - self.shift(mask, -0.0035 * self.sun_side, 0.0035)
        colours = colour.reshape(3, 1, 1) * (self.fibre + np.float32(0.16) * edge.clip(0, 1))
        self.lay(mask, np.asarray(colours, np.float32))

    def backdrop(self, colour: Floats) -> None:
        """The rearmost sheet."""
        self.image[:] = colour.reshape(3, 1, 1) * self.fibre

    def halo(self, centre: Point, radius: float, rings: int, colour: Floats) -> None:
        """A sun in the middle of widening rings of sky."""
        for k in range(rings, 0, -1):
            sky = mix(mix(colour, self.pale, 0.3), self.image[:, 0, 0] / self.fibre[0, 0], k / (rings + 1))
            self.sheet(self.disc(centre, radius * (1 + 0.75 * k)), sky, 0.016)
        self.sheet(self.disc(centre, radius), colour, 0.018)

    def cloud(self, centre: Point, size: float, above: bool = False) -> None:
        """A cloud hanging in front of the sky, flat below, or one seen from above."""
        puffs = [
            oval((centre[0] + size * dx, centre[1] - size * r * 0.55), size * r)
            for dx, r in ((-0.75, 0.35), (-0.2, 0.55 * self.pick(0.9, 1.2)), (0.4, 0.42), (0.85, 0.28))
        ]
        flat = 1 if above else self.inside(self.y - centre[1] + 0 * self.x)
        puffs += [2 * np.asarray(centre) - puff for puff in puffs[:3]] if above else []
        self.sheet(self.polygons(puffs) * flat, mix(self.pale, _WHITE, 0.4), 0.045 if above else 0.02)

    def birds(self, centre: Point, size: float, amount: int) -> None:
        """A flock of folded paper birds."""
        flock = []
        for _ in range(amount):
            place, scale = self.rng.normal(0, 3.0 * size, 2) * (1.5, 0.7) + centre, size * self.pick(0.7, 1.2)
            bird = np.array(
                [
                    (-1, -0.5),
                    (-0.35, -0.3),
                    (0, 0.05),
                    (0.35, -0.35),
                    (1, -0.6),
                    (0.4, 0.05),
                    (0, 0.3),
                    (-0.4, 0.05),
                ]
            )
            flock.append(bird * scale + place)
        self.sheet(
            self.polygons(flock),
            mix(self.pale, _WHITE, 0.5) if luma(self.tone(0)) < 0.5 else self.deep,
            0.012,
        )


def oval(centre: Point, radius: float) -> Shape:
    """A round cut."""
    return arc(centre, radius, 0, 1)


def leaf(foot: Point | Shape, turn: float, length: float, width: float, notches: int = 0) -> Shape:
    """A leaf from its foot along `turn` (radians), with notches cut in from its edge if asked."""
    t = np.linspace(0, 1, 120)
    half = width / 2 * np.sin(math.pi * t**0.75) ** 0.8
    if notches:
        half = half * (1 - 0.62 * np.clip(np.sin(t * notches * math.tau) * 4 - 2.6, 0, 1))
    outline = np.concatenate([np.stack([t * length, half], 1), np.stack([t * length, -half], 1)[::-1]])
    cos, sin = math.cos(turn), math.sin(turn)
    return np.asarray(outline @ np.array([(cos, sin), (-sin, cos)]) + np.asarray(foot), np.float64)


def pine(foot: Point, size: float) -> list[Shape]:
    """The cuts of a fir tree about that tall."""
    tiers = [[(-w, -h), (w, -h), (0, -h - 0.45)] for w, h in ((0.26, 0.12), (0.21, 0.36), (0.15, 0.6))]
    trunk = [(-0.03, 0.1), (0.03, 0.1), (0.03, -0.2), (-0.03, -0.2)]
    return [np.array(part) * size + foot for part in (*tiers, trunk)]


def ship(stage: Stage, keel: Point, size: float) -> None:
    """A sailing boat from the side, as tall as `size`."""
    tilt, flip = stage.pick(-0.12, 0.12), stage.side()
    spin = np.array([(math.cos(tilt), math.sin(tilt)), (-math.sin(tilt), math.cos(tilt))])

    def cut(points: Sequence[Point]) -> Floats:
        return stage.polygons([(np.array(points) * (flip * size, size)) @ spin + keel])

    stage.sheet(cut([(0.03, -0.95), (0.42, -0.24), (0.03, -0.2)]), mix(stage.pale, _WHITE, 0.5), 0.012)
    stage.sheet(cut([(-0.02, -0.85), (-0.02, -0.2), (-0.32, -0.23)]), stage.spark, 0.012)
    stage.sheet(cut([(-0.42, -0.16), (0.48, -0.18), (0.3, 0.1), (-0.3, 0.1)]), stage.deep, 0.014)


def blossom(stage: Stage, heart: Point, size: float, tones: tuple[Floats, Floats]) -> None:
    """A flower of two rings of petals; `size` is the length of the outer ones."""
    petals, start = int(stage.rng.integers(6, 10)), stage.pick(0, 1)
    for ring, tone in enumerate(tones):
        blades = [
            leaf(
                heart,
                (start + (k + 0.5 * ring) / petals) * math.tau,
                size * (1 - 0.35 * ring),
                size * 3 / petals,
            )
            for k in range(petals)
        ]
        stage.sheet(stage.polygons(blades), tone, 0.016)
    stage.sheet(stage.disc(heart, size * 0.22), stage.deep if tones[0] is not stage.deep else stage.spark, 0.01)


def boat(stage: Stage, heart: Point, height: Floats) -> None:
    """A boat rounding the island where the sea is deepest."""
    turns = stage.pick(0, 1) + np.arange(16) / 16
    round_trip = arc(heart, 0.42, float(turns[0]), float(turns[-1]))[:: 95 // 15]
    seen = [spot for spot in round_trip if abs(spot[0]) < 0.85 * stage.right and abs(spot[1]) < 0.85 * stage.bottom]
    rows = [int((y + stage.bottom) * stage.short_px) for _, y in seen]
    columns = [int((x + stage.right) * stage.short_px) for x, _ in seen]
    bow = seen[int(np.argmin(height[rows, columns]))]
    turn = math.atan2(bow[1] - heart[1], bow[0] - heart[0])
    wake = [leaf(bow, turn + 1.57 + lean, 0.22, 0.012) for lean in (-0.16, 0.16)]
    stage.lay(stage.polygons(wake), mix(stage.pale, _WHITE, 0.6), 0.6)
    stage.sheet(stage.polygons([leaf(bow, turn + 1.57, 0.1, 0.045)]), mix(stage.pale, _WHITE, 0.7), 0.012)
