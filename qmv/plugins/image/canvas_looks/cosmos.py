"""Cosmos: nebulae of warped noise, glowing stars, planets with a terminator, rings, galaxies."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qmv.plugins.image.canvas_looks.brush import mix, smooth
from qmv.plugins.image.canvas_looks.cosmos_space import Space
from qmv.plugins.image.canvas_looks.scene import Scene

_WHITE = np.ones(3, dtype=np.float32)


def _nebula(space: Space) -> None:
    space.void()
    heart = (space.right * space.pick(-0.5, 0.5), space.bottom * space.pick(-0.45, 0.35))
    space.nebula(heart, space.pick(0.42, 0.6))
    space.stars(700, 7)
    space.flare(heart, 0.012)
    place = (-heart[0] * 1.1 + space.pick(-0.1, 0.1), space.bottom * space.pick(0.25, 0.65))
    sun = math.atan2(heart[1] - place[1], heart[0] - place[0])
    space.planet(place, space.pick(0.05, 0.085), sun, space.chance(0.5))
    space.planet((place[0] + space.pick(0.1, 0.16), place[1] - 0.06), 0.014, sun, False)


def _ringed(space: Space) -> None:
    space.void(0.35)
    centre = (space.right * space.pick(-0.35, 0.35), space.bottom * space.pick(-0.3, 0.3))
    space.nebula((-centre[0] * 1.6, -centre[1] * 1.6), 0.5, 0.55)
    space.stars(450, 4)
    radius, tilt, open_ = space.pick(0.17, 0.23), space.pick(-0.6, 0.6), space.pick(0.16, 0.34)
    sun = (0.0 if space.lit > 0 else math.pi) + space.pick(-0.6, 0.6)
    space.ring(centre, radius, tilt, open_, front=False)
    space.planet(centre, radius, sun, True)
    space.ring(centre, radius, tilt, open_, front=True)
    moon = (centre[0] - space.lit * space.pick(0.3, 0.42), centre[1] + space.side() * space.pick(0.18, 0.28))
    space.planet(moon, space.pick(0.025, 0.045), sun, False)


def _limb(space: Space) -> None:
    space.void(0.3)
    turn = space.pick(0.15, 0.85) * math.pi
    reach, radius = math.hypot(space.right, space.bottom), space.pick(0.75, 1.05)
    centre = (
        math.cos(turn) * reach * 1.05,
        math.sin(turn) * (radius + space.bottom * space.pick(-0.1, 0.25)),
    )
    space.nebula((-centre[0] * 0.6, -centre[1] * 0.5), 0.4, 0.7)
    space.stars(420, 4)
    sun = math.atan2(-centre[1], -centre[0]) + space.pick(0.35, 0.8) * space.lit
    space.planet(centre, radius, sun, space.chance(0.4))
    dawn = (centre[0] + radius * math.cos(sun), centre[1] + radius * math.sin(sun))
    away = space.radius(dawn)
    space.light(np.exp(-away / 0.16).astype(np.float32), space.warm, 0.8)
    space.flare(dawn, 0.014)


def _storm(space: Space) -> None:
    turn, eye = (
        space.pick(-0.5, 0.5),
        np.array([space.right * space.pick(-0.45, 0.45), space.bottom * space.pick(-0.4, 0.4)]),
    )
    size, spin = space.pick(0.2, 0.3), space.side()
    right, down = space.x - eye[0], (space.y - eye[1]) * 1.5
    away = np.hypot(right, down) / size
    twist = spin * 5.5 * np.exp(-(away**2) * 0.8)
    cos, sin = np.cos(twist), np.sin(twist)
    pulled_x, pulled_y = right * cos - down * sin, right * sin + down * cos
    flow = 0.03 * space.noise(2.2, 0.45)
    noise = space.warp(
        space.noise(5, 0.5),
        (pulled_x - right + 6 * flow).astype(np.float32),
        (pulled_y - down + flow).astype(np.float32),
    )
    latitude = (pulled_y / 1.5 + eye[1]) * math.cos(turn) + (pulled_x + eye[0]) * math.sin(turn) + flow
    strata = np.sin(latitude * space.pick(13, 20)) * 0.55 + np.sin(latitude * 41 + 1) * 0.25
    surface = 0.5 + 0.32 * strata + 0.1 * noise - 0.14 * np.exp(-((away - 0.9) ** 2) * 9)
    surface = surface + 0.5 * np.exp(-((away / 0.45) ** 2))
    tones = [
        space.dark,
        mix(space.dark, space.second, 0.7),
        space.second,
        space.key,
        mix(space.key, space.warm, 0.6),
        space.warm,
    ]
    space.image[:] = space.gradient([(k / 5, tone) for k, tone in enumerate(tones)], surface.astype(np.float32))
    edge = space.pick(0, math.tau)
    night = space.x * math.cos(edge) + space.y * math.sin(edge) + 0 * away
    space.image *= 0.1 + 1.0 * smooth(night.astype(np.float32), 0.7, -0.25)
    if space.chance(0.5):
        moon = (-eye[0] * 1.2, -eye[1] * 1.2)
        space.stain(space.disc((moon[0] + 0.06, moon[1] + 0.05), 0.06, 0.01), space.dark, 0.85)
        space.planet(moon, 0.055, edge + math.pi, False)


def _horizon(space: Space) -> None:
    space.void(0.4)
    ground = space.bottom * space.pick(0.35, 0.6)
    centre = (space.right * space.pick(-0.45, 0.45), ground - space.pick(0.25, 0.5))
    space.nebula((-centre[0], -space.bottom * 0.4), 0.5, 0.6)
    space.stars(480, 5)
    radius, sun = space.pick(0.27, 0.38), -math.pi / 2 + space.lit * space.pick(0.4, 1.3)
    ringed, tilt, open_ = space.chance(0.45), space.pick(-0.5, 0.5), space.pick(0.1, 0.25)
    if ringed:
        space.ring(centre, radius * 0.8, tilt, open_, front=False)
    space.planet(centre, radius * (0.8 if ringed else 1.0), sun, ringed)
    if ringed:
        space.ring(centre, radius * 0.8, tilt, open_, front=True)
    space.light(np.exp(-np.abs(space.y - ground) / 0.14 + 0 * space.x).astype(np.float32), space.key, 0.55)
    for k in range(4):
        near = k / 3
        crest = ground + (space.bottom - ground) * 0.85 * near + (0.05 + 0.03 * near) * space.ridge(1.6 + near, 0.62)
        crest = crest - 0.16 * near * (space.x / space.right) ** 2
        tone = mix(mix(space.key, space.dark, 0.45), space.dark * 0.5, near**0.6)
        space.lay(space.inside(crest - space.y), tone)
        lit = np.exp(-np.abs(space.y - crest) / 0.006) * (space.y > crest)
        space.light(lit.astype(np.float32), mix(space.key, space.warm, 0.5), 0.4 * (1 - 0.7 * near))
        space.light(np.exp(-np.abs(space.y - crest - 0.06) / 0.07).astype(np.float32), space.key, 0.1 * (1 - near))


def _spiral(space: Space) -> None:
    space.void(0.12)
    space.stars(420, 4)
    heart = (space.right * space.pick(-0.3, 0.3), space.bottom * space.pick(-0.3, 0.3))
    lean, flat, spin = space.pick(0, math.pi), space.pick(0.38, 0.8), space.side()
    across, down = space.x - heart[0], space.y - heart[1]
    major = across * math.cos(lean) + down * math.sin(lean)
    minor = (down * math.cos(lean) - across * math.sin(lean)) / flat
    away = np.hypot(major, minor) / space.pick(0.3, 0.42)
    angle = np.arctan2(minor, major) * spin
    wisps = space.noise(5, 0.72)
    arms = np.cos(space.rng.choice([2, 2, 3]) * (angle - space.pick(2.2, 3.4) * np.log(away + 0.12)) + 0.55 * wisps)
    fall = np.exp(-1.35 * away)
    gas = (smooth(arms.astype(np.float32), -0.35, 1.0) * fall * smooth(away.astype(np.float32), 0.02, 0.4)).astype(
        np.float32
    )
    space.light(fall.astype(np.float32), space.second, 0.5)
    space.light(gas, space.key, 2.2)
    space.light(gas * smooth(wisps, 0.1, 1.6), mix(space.key, _WHITE, 0.65), 1.8)
    space.stain(
        (smooth(arms.astype(np.float32), -0.1, -0.7) * smooth(space.noise(4, 0.7), 0.0, 1.2) * fall).astype(np.float32),
        space.dark,
        0.8,
    )
    clusters = space.rng.normal(0, 1, (500, 2))
    dots = space.strokes([[(x, y), (x + 1e-4, y)] for x, y in (clusters * 0.28 + heart).tolist()], 0.0014)
    space.light(dots * np.sqrt(gas), _WHITE, 1.6)
    space.light(np.exp(-((away / 0.16) ** 1.2)).astype(np.float32), mix(space.warm, _WHITE, 0.3), 1.3)


_PLATES = {
    "wide shot": _nebula,
    "medium shot": _ringed,
    "close-up": _limb,
    "extreme close-up": _storm,
    "low angle": _horizon,
    "aerial view": _spiral,
}


def paint(scene: Scene) -> npt.NDArray[np.uint8]:
    """Paint the scene: RGB [height_px, width_px, 3]."""
    space = Space(scene)
    _PLATES[scene.plate](space)
    space.bloom(0.7, 0.35)
    return space.finish(vignette=0.3)
