"""Neon: a synthwave city at night, lit by a low sun, signs and windows, mirrored in a wet street."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qmv.plugins.image.canvas_looks.brush import Floats, Shape, arc, mix, smooth
from qmv.plugins.image.canvas_looks.neon_city import City, block, sign, tower
from qmv.plugins.image.canvas_looks.scene import Scene

_WHITE = np.ones(3, dtype=np.float32)


_LANES = (-0.012, 0.012)


def _boulevard(city: City) -> None:
    horizon = city.bottom * city.pick(0.1, 0.36)
    city.sky(horizon)
    spot = city.right * city.pick(-0.45, 0.45)
    radius = city.pick(0.15, 0.26)
    city.sun((spot, horizon - radius * city.pick(0.2, 0.9)), radius)
    for depth in (0.45, 1.0):
        tone = mix(city.haze, city.dark, 0.45 + 0.45 * depth)
        city.skyline(horizon, city.pick(0.14, 0.26) * (1.3 - 0.3 * depth), 0.07 * depth + 0.02, 0.45 * depth, tone)
    city.floor(horizon, city.chance(0.7))


def _street(city: City) -> None:
    horizon = city.bottom * city.pick(0.4, 0.62)
    city.sky(horizon)
    if city.chance(0.5):
        radius = city.pick(0.24, 0.36)
        city.sun((city.right * city.pick(-0.2, 0.2), horizon - radius * city.pick(0.5, 1.0)), radius)
    for depth, near in ((0.3, 0.35), (0.65, 0.6), (1.0, 0.95)):
        tone = mix(city.haze, city.dark, 0.3 + 0.65 * depth)
        city.skyline(horizon, 0.95 * near, 0.1 + 0.13 * depth, 0.15 + 0.5 * depth, tone)
        city.light(smooth(city.y + 0 * city.x, horizon - 0.4, horizon), city.haze, 0.16)
    place = (city.right * city.pick(0.35, 0.65) * city.side(), horizon - city.pick(0.3, 0.5))
    city.tube(city.strokes(sign(city, place, city.pick(0.09, 0.14)), 0.013), city.key, 0.02)
    city.floor(horizon, grid=False)


def _wall(city: City) -> None:
    centre = (city.right * city.pick(-0.4, 0.4), city.bottom * city.pick(-0.3, 0.2))
    away = city.radius(centre)
    city.image[:] = city.gradient([(0, city.ramp(0.5)), (0.5, city.ramp(0.25)), (1, city.dark)], away) * 0.75
    pitch, upright = city.pick(0.055, 0.1), city.chance(0.5)
    ribs = (city.x if upright else city.y) / pitch
    city.image *= 0.78 + 0.22 * np.abs(np.sin(ribs * math.pi)) ** 0.5
    city.stain(smooth(city.noise(5, 0.8), 0.2, 2.5), city.dark, 0.5)
    glass = city.strokes(sign(city, centre, city.pick(0.24, 0.33)), 0.024)
    shadow = city.blur(city.warp(glass, -0.03, -0.04), 0.012)
    city.stain(shadow, city.dark, 0.7)
    city.tube(glass, city.key, 0.032)
    slant, edge = city.pick(-0.25, 0.25), city.right * city.pick(0.6, 0.88) * (-1 if centre[0] > 0 else 1)
    bars = [
        [(edge + k * 0.05 - slant, -city.bottom - 0.1), (edge + k * 0.05 + slant, city.bottom + 0.1)] for k in range(3)
    ]
    city.tube(city.strokes(bars[: int(city.rng.integers(1, 4))], 0.012), city.rim, 0.02)
    if city.chance(0.6):
        city.floor(city.bottom * city.pick(0.62, 0.8), grid=False)


def _macro(city: City) -> None:
    city.image[:] = city.gradient(
        [(-1, city.dark), (0.3, city.ramp(0.35)), (1, city.haze)], city.x * city.side() + city.y
    )
    for _ in range(16):
        place = (city.right * city.pick(-1, 1), city.bottom * city.pick(-1, 1))
        size, colour = city.pick(0.03, 0.12), city.key if city.chance(0.5) else city.rim
        disc = city.disc(place, size, 0.006)
        city.light(disc * (0.55 + 0.45 * smooth(city.radius(place), 0.6 * size, size)), colour, city.pick(0.08, 0.35))
    hub = (city.right * city.side() * city.pick(0.5, 1.1), city.bottom * city.side() * city.pick(0.5, 1.1))
    start, reach = city.pick(0.55, 0.8), city.pick(0.09, 0.14)
    for k in range(int(city.rng.integers(2, 4))):
        ring = city.strokes([arc(hub, start + k * reach * 1.7, 0, 1)], 0.06 - 0.012 * k)
        city.tube(ring, city.key if k % 2 == 0 else city.rim, 0.05)
    angle = city.pick(-0.9, 0.9)
    bar = [(-1.5, -1.5 * angle - hub[1] * 0.4), (1.5, 1.5 * angle - hub[1] * 0.4)]
    city.tube(city.strokes([bar], 0.04), city.rim, 0.04)


def _towers(city: City) -> None:
    peak = (city.right * city.pick(-0.3, 0.3), -city.bottom * city.pick(0.5, 0.8))
    away = city.radius(peak)
    city.image[:] = city.gradient([(0, mix(city.haze, city.key, 0.4)), (0.5, city.ramp(0.45)), (1.2, city.dark)], away)
    if city.chance(0.6):
        city.sun((peak[0], peak[1] + 0.12), city.pick(0.14, 0.22))
    else:
        city.tube(city.strokes([arc(peak, city.pick(0.15, 0.24), 0, 1)], 0.014), city.rim)
    start, count = city.pick(0, 1), int(city.rng.integers(8, 12))
    for index in city.rng.permutation(count).tolist():
        turn = (start + index / count) * math.tau
        half = math.pi / count * city.pick(0.6, 1.0)
        tower(city, peak, turn, half, city.pick(0.2, 0.42))
    city.light(smooth(city.y + 0 * city.x, 0.1, city.bottom * 1.6), city.haze, 0.45)


def _avenues(city: City) -> None:
    city.image[:] = city.ramp(0.12).reshape(3, 1, 1)
    nadir = np.array([city.right * city.pick(-0.5, 0.5), city.bottom * city.pick(-0.5, 0.5)])
    city.light(np.exp(-2.2 * city.radius((nadir[0], nadir[1]))).astype(np.float32), city.haze, 0.8)
    turn, pitch = city.pick(0, 0.25) * math.tau, city.pick(0.17, 0.26)
    east, south = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
    reach = range(-round(2 / pitch), round(2 / pitch) + 1)
    for axis, other, colour in ((east, south, city.key), (south, east, city.rim)):
        lanes = [
            np.stack([(k * pitch + s) * other - 2.5 * axis, (k * pitch + s) * other + 2.5 * axis])
            for k in reach
            for s in _LANES
        ]
        city.tube(city.strokes(lanes, 0.005), colour, 0.014)
    middles = [(c + 0.5) * pitch * east + (r + 0.5) * pitch * south for c in reach for r in reach]
    seen = [m for m in middles if abs(m[0]) < city.right + pitch and abs(m[1]) < city.bottom + pitch]
    # A roof leans away from the point straight below, over its outer neighbours.
    pieces: list[tuple[Shape, Floats]] = []
    for middle in sorted(seen, key=lambda place: -float(np.hypot(*(place - nadir)))):
        one, two = pitch * city.pick(0.3, 0.4) * east, pitch * city.pick(0.3, 0.4) * south
        foot = np.array([middle + one + two, middle + one - two, middle - one - two, middle - one + two]) - nadir
        pieces += block(city, foot, city.pick(0.08, 0.3) if city.chance(0.8) else city.pick(0.4, 0.6), nadir)
    city.facets(pieces)


_PLATES = {
    "wide shot": _boulevard,
    "medium shot": _street,
    "close-up": _wall,
    "extreme close-up": _macro,
    "low angle": _towers,
    "aerial view": _avenues,
}


def paint(scene: Scene) -> npt.NDArray[np.uint8]:
    """Paint the scene: RGB [height_px, width_px, 3]."""
    city = City(scene)
    _PLATES[scene.plate](city)
    city.bloom(0.6, 0.5)
    return city.finish(vignette=0.35)
