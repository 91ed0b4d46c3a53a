"""What space is built from: nebulae, star fields, planets and their rings."""

from __future__ import annotations

import math

import numpy as np

from qmv.plugins.image.canvas_looks.brush import Canvas, Floats, Point, luma, mix, smooth
from qmv.plugins.image.canvas_looks.scene import Scene

_WHITE = np.ones(3, dtype=np.float32)


class Space(Canvas):
    """Deep space, and the light of one picture: `key` the dominant, `second`, and a `warm` star colour."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        vivid = [colour for colour in self.colours if 0.15 < luma(colour) < 0.8] or self.accents
        order = self.rng.permutation(len(vivid))
        # The lighter of the two glows: the other way round, warm gas thins out into brown.
        self.second, self.key = sorted((vivid[order[0]], vivid[order[1 % len(vivid)]]), key=luma)
        self.warm = mix(max(self.accents, key=luma), _WHITE, 0.3)
        self.lit = self.side()

    def void(self, glow: float = 0.2) -> None:
        """Empty space, faintly lighter somewhere."""
        away = self.radius((self.right * self.pick(-0.8, 0.8), self.bottom * self.pick(-0.8, 0.8)))
        self.image[:] = self.gradient([(0, mix(self.dark, self.key, glow)), (0.9, self.dark)], away) * 0.9

    def nebula(self, centre: Point, reach: float, strength: float = 1.0) -> None:
        """Clouds about a point: two colours, dark lanes of dust, a bright heart."""
        drift, rise = 0.06 * self.noise(1.8, 0.25), 0.06 * self.noise(1.8, 0.25)
        gas = self.warp(self.noise(2.2, 0.7), drift, rise)
        veil = self.warp(self.noise(1.8, 0.5), rise, drift)
        dust = smooth(self.warp(self.noise(2.6, 0.72), rise, -drift), 0.3, 1.7)
        away = self.radius(centre) / reach
        body = np.exp(-(np.maximum(away + 0.25 * veil, 0) ** 2)).astype(np.float32)
        dense = smooth(gas + 1.3 * body, 0.0, 2.8) * body * (1 - 0.85 * dust)
        self.light(smooth(veil, -1.2, 2.2) * np.sqrt(body) * (1 - 0.6 * dust), self.second, 0.85 * strength)
        self.light(dense, self.key, 1.1 * strength)
        self.light(dense**2, mix(self.key, self.warm, 0.6), 0.6 * strength)
        self.light(
            (np.exp(-((away * 2.4) ** 2)) * (0.5 + 0.5 * dense)).astype(np.float32),
            self.warm,
            0.55 * strength,
        )

    def stars(self, amount: int = 520, bright: int = 6) -> None:
        """A star field: dust of faint stars, some tinted, and a few that flare."""
        spots = self.rng.uniform((-self.right, -self.bottom), (self.right, self.bottom), (amount, 2))
        tints = (_WHITE, mix(self.key, _WHITE, 0.6), self.warm)
        for share, (size, gain) in enumerate(((0.0011, 0.55), (0.0017, 0.7), (0.0026, 0.95))):
            some = spots[share::3] if share < 2 else spots[2::9]
            dots = self.strokes([[(x, y), (x + 1e-4, y)] for x, y in some.tolist()], size)
            self.light(dots, tints[share], gain)
        for x, y in spots[:bright].tolist():
            self.flare((x, y), self.pick(0.003, 0.007))

    def flare(self, place: Point, size: float) -> None:
        """A star with a glow and a fine cross of light."""
        away = self.radius(place)
        right, down = np.abs(self.x - place[0]), np.abs(self.y - place[1])
        cross = np.exp(-right / (7 * size)) * np.exp(-down / (0.18 * size)) + np.exp(-down / (7 * size)) * np.exp(
            -right / (0.18 * size)
        )
        self.light((0.5 * np.exp(-away / (3 * size))).astype(np.float32), self.key)
        self.light(
            (1.4 * np.exp(-((away / size) ** 2)) + 0.5 * cross).astype(np.float32),
            mix(self.warm, _WHITE, 0.5),
        )

    def planet(self, centre: Point, radius: float, sun: float, banded: bool) -> None:
        """A planet lit from the direction `sun` (radians), its night side fading into space."""
        across, down = (self.x - centre[0]) / radius, (self.y - centre[1]) / radius
        flat = np.hypot(across, down).astype(np.float32)
        height = np.sqrt(np.clip(1 - flat**2, 0, 1))
        tilt = self.pick(-0.5, 0.5)
        latitude = (down * math.cos(tilt) + across * math.sin(tilt)) / np.maximum(0.55 + 0.45 * height, 1e-3)
        if banded:
            strata = np.sin(
                latitude * self.pick(7, 12) + 0.5 * self.noise(1.5 / radius, 0.5) + 1.5 * np.sin(5 * latitude)
            )
            surface = 0.5 + 0.38 * strata + 0.07 * self.noise(4 / radius, 0.6)
        else:
            surface = 0.5 + 0.26 * self.noise(1.2 / radius, 0.55) + 0.12 * self.noise(8 / radius, 0.8)
        tones = [mix(self.dark, self.second, 0.55), self.second, self.key, mix(self.key, self.warm, 0.4)]
        skin = self.gradient([(k / 3, tone) for k, tone in enumerate(tones)], surface.astype(np.float32))
        lamp = (math.cos(sun) * 0.86, math.sin(sun) * 0.86, 0.5)
        day = smooth((across * lamp[0] + down * lamp[1] + height * lamp[2]).astype(np.float32), -0.12, 0.75)
        rim = smooth(flat, 0.72, 1.0) * day
        glow = np.exp(-np.maximum(flat - 1, 0) * 11) * smooth(
            (across * lamp[0] + down * lamp[1]).astype(np.float32), -0.3, 1.0
        )
        self.light(glow.astype(np.float32), mix(self.key, _WHITE, 0.15), 0.75)
        body = skin * (0.035 + 1.05 * day) + mix(self.key, _WHITE, 0.35).reshape(3, 1, 1) * (0.45 * rim)
        self.lay(self.disc(centre, radius), np.asarray(body, np.float32))

    def ring(self, centre: Point, radius: float, tilt: float, open_: float, front: bool) -> None:
        """Half of a planet's ring: the one behind the planet or the one in front of it."""
        across, down = self.x - centre[0], self.y - centre[1]
        major = across * math.cos(tilt) + down * math.sin(tilt)
        minor = down * math.cos(tilt) - across * math.sin(tilt)
        away = (np.hypot(major, minor / open_) / radius).astype(np.float32)
        band = smooth(away, 1.32, 1.36) * smooth(away, 2.25, 2.15) * grooves(away)
        half = self.inside((-minor if front else minor).astype(np.float32))
        shade = 0.3 + 0.7 * smooth((major * self.lit).astype(np.float32), -1.3 * radius, 0.3 * radius)
        tone = self.gradient([(1.3, self.second), (1.8, mix(self.warm, self.key, 0.3)), (2.3, self.key)], away)
        self.lay(np.asarray(band * half * 0.9, np.float32), np.asarray(tone * shade, np.float32))


def grooves(away: Floats) -> Floats:
    """How dense a ring is at a distance in planet radii: broad bands, a gap, fine grooves."""
    waves = 0.62 + 0.2 * np.sin(away * 23) + 0.12 * np.sin(away * 61 + 1) + 0.08 * np.sin(away * 137)
    gap = np.clip(np.abs(away - 1.86) / 0.03, 0, 1)
    return np.asarray(np.clip(waves, 0.1, 1) * gap, np.float32)
