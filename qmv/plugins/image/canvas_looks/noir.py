"""Noir: black and white in the rain, hard light through blinds, fog and lamps, one accent left."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qmv.plugins.image.canvas_looks.brush import Floats, Shape, arc, mix, outline, smooth
from qmv.plugins.image.canvas_looks.noir_night import Night, buildings, rounded, storeys, umbrella
from qmv.plugins.image.canvas_looks.scene import Scene

_PROFILE = outline(
    "-.62,1.2 -.6,.72 -.34,.5 -.3,.2 -.4,-.1 -.72,-.14 -.7,-.19 -.38,-.27 -.34,-.6 -.1,-.64 .08,-.58 .2,-.6 "
    ".25,-.27 .62,-.2 .63,-.15 .31,-.13 .3,-.04 .41,.14 .32,.17 .34,.23 .31,.27 .33,.32 .27,.42 .1,.42 "
    ".05,.55 .3,.72 .42,1.2"
)


def _alley(night: Night) -> None:
    horizon, spot = night.bottom * night.pick(0.2, 0.5), night.right * night.pick(-0.4, 0.4)
    night.backdrop(night.pick(0.02, 0.2), night.pick(0.5, 0.75), 0.05, horizon)
    for depth, tone, gap in ((0.5, 0.34, 0.03), (0.75, 0.2, 0.12), (1.1, 0.06, night.pick(0.22, 0.36))):
        buildings(night, horizon, gap, depth, tone)
        night.fog(horizon, 0.16, 0.3)
    for k in range(int(night.rng.integers(1, 4))):
        size = 0.34 * 0.72**k
        night.lamp((spot + (0.05 + 0.2 * k) * night.mirror, horizon - size * 0.9), horizon + 0.03, size)
    night.wet(horizon, 0.75)
    height = night.pick(0.2, 0.3)
    foot = (spot - 0.04 * night.mirror, horizon + 0.1)
    shadow = [
        (foot[0] - 0.03, foot[1]),
        (foot[0] + 0.03, foot[1]),
        (foot[0] - 0.2 * night.mirror, night.bottom * 1.1),
    ]
    night.stain(night.blur(night.polygons([shadow]), 0.008), night.grey(0.0), 0.8)
    night.lay(night.figure(foot, height), night.grey(0.0))
    umbrella(night, (foot[0], foot[1] - height * 0.9), height * 0.42)
    night.rain(420, 0.09, 0.4)


def _office(night: Night) -> None:
    lit = (night.right * night.pick(-0.35, 0.35), night.bottom * night.pick(-0.45, 0.0))
    night.backdrop(0.02, 0.12, 0.02, 0)
    tilt = night.pick(-0.12, 0.12)
    pool = smooth(
        np.maximum(np.abs(night.x - lit[0] - tilt * night.y) / 0.4, np.abs(night.y - lit[1]) / 0.42),
        1.0,
        0.88,
    )
    stripes = night.blinds(int(night.rng.integers(12, 19)), tilt, night.pick(0.45, 0.65), 0.008) * pool
    night.light(night.blur(pool, 0.12), night.grey(0.6), 0.4)
    night.lay(stripes, night.gradient([(-0.5, night.white), (0.6, night.grey(0.5))]))
    night.lay(night.strokes([[(lit[0] + tilt * y, y) for y in (-2.0, 2.0)]], 0.02) * pool, night.grey(0.02))
    night.fog(lit[1] + 0.2, 0.4, 0.3)
    x = lit[0] + night.pick(0.1, 0.24) * night.side()
    man = night.figure((x, night.bottom + 0.25), night.pick(1.0, 1.15))
    night.lay(man, night.grey(0.0))
    rim = man * (1 - night.warp(man, -0.012 * night.mirror, 0.004))
    night.light(night.blur(rim, 0.002) * smooth(night.y, 0.5, -0.4), night.white, 0.7)
    door = night.right * night.pick(0.84, 0.95) * (-1 if lit[0] > 0 else 1)
    ajar, sill = 0.028 * (1 if lit[0] > 0 else -1), night.bottom * night.pick(0.5, 0.7)
    glow = night.polygons(
        [
            [
                (door, -night.bottom * 0.7),
                (door + ajar, -night.bottom * 0.66),
                (door + ajar, sill),
                (door, sill),
            ]
        ]
    )
    spill = night.polygons([[(door, sill), (door + ajar, sill), (door + 12 * ajar, 1.1), (door + 5 * ajar, 1.1)]])
    night.light(night.blur(spill, 0.015) * smooth(night.y, 0.75, 0.2), night.accent, 0.7)
    night.light(night.blur(glow, 0.07), night.accent, 1.3)
    night.lay(glow, mix(night.accent, night.white, 0.12))


def _profile(night: Night) -> None:
    centre = (night.right * night.pick(-0.35, 0.05) * night.mirror, night.bottom * night.pick(-0.05, 0.15))
    glowing = night.chance(0.5)
    back = night.accent if glowing else night.grey(0.85)
    away = night.radius((centre[0] + 0.2 * night.mirror, centre[1] - 0.15))
    night.image[:] = night.gradient([(0, back), (0.45, back * 0.45), (1.1, night.grey(0.0))], away)
    bars = night.blinds(int(night.rng.integers(7, 12)), night.pick(-0.5, 0.5), night.pick(0.4, 0.6), 0.012)
    night.stain(1 - bars, night.grey(0.0), 0.82)
    night.fog(centre[1] + 0.3, 0.35, 0.35)
    head = _PROFILE * (night.mirror, 1) * night.pick(0.62, 0.74) + centre
    mask = night.polygons([rounded(head)])
    night.lay(mask, night.grey(0.0))
    night.light(mask * bars * smooth(away, 0.5, 0.1), night.grey(0.7), 0.25)
    rim = mask * (1 - night.warp(mask, 0.014 * night.mirror, -0.004))
    night.light(night.blur(rim, 0.002), night.white, 0.9)
    if not glowing:
        ember = head[22] + (0.19 * night.mirror, 0.0)
        night.lay(night.strokes([[head[22], ember]], 0.014), night.white)
        night.light(np.exp(-night.radius((ember[0], ember[1])) / 0.05).astype(np.float32), night.accent, 1.5)
        night.lay(night.disc((ember[0], ember[1]), 0.013), mix(night.accent, night.white, 0.2))
    night.rain(90, 0.2, 0.25)


def _eye(night: Night) -> None:
    night.image[:] = night.grey(0.3).reshape(3, 1, 1)
    skin = night.noise(2, 0.3)
    night.image *= 1 + 0.12 * skin
    centre, size = (
        (night.right * night.pick(-0.25, 0.25), night.bottom * night.pick(-0.2, 0.2)),
        night.pick(0.36, 0.46),
    )
    t = np.linspace(-1, 1, 60)
    lid, low = (
        -0.45 * (1 - t**2) ** 0.8 - 0.06 * t * night.mirror,
        0.36 * (1 - t**2) - 0.06 * t * night.mirror,
    )
    upper, lower = np.stack([t, lid], 1) * size + centre, np.stack([t, low], 1) * size + centre
    almond = night.polygons([np.concatenate([upper, lower[::-1]])])
    night.stain(
        night.blur(night.polygons([np.concatenate([upper + (0, -0.1), lower[::-1]])]), 0.06),
        night.grey(0.0),
        0.9,
    )
    night.lay(
        almond,
        night.gradient([(0.0, night.grey(0.7)), (1.05 * size, night.grey(0.2))], night.radius(centre)),
    )
    iris = (centre[0] + size * night.pick(-0.3, 0.3), centre[1] - 0.06 * size)
    away, spokes = night.radius(iris) / (0.37 * size), np.arctan2(night.y - iris[1], night.x - iris[0])
    fibres = np.sin(spokes * 31 + 2 * night.noise(5)) * 0.5 + np.sin(spokes * 73) * 0.3
    shade = np.clip(0.75 + 0.3 * fibres, 0, 1.2) * smooth(away, 1.05, 0.75) + 0.1
    ring = night.disc(iris, 0.37 * size) * almond
    night.lay(ring, (night.accent.reshape(3, 1, 1) * shade).astype(np.float32))
    night.lay(night.disc(iris, 0.15 * size) * almond, night.grey(0.0))
    night.stain(almond * smooth(night.y - (centre[1] - 0.5 * size), 0.3 * size, 0.0), night.grey(0.0), 0.8)
    night.lay(night.disc((iris[0] - 0.12 * size, iris[1] - 0.16 * size), 0.055 * size, 0.01), night.white)
    night.lay(night.strokes([upper], 0.028), night.grey(0.0))
    lashes = [[upper[k], upper[k] + ((t[k] * 0.16) * size, -(0.26 - 0.1 * t[k] ** 2) * size)] for k in range(4, 57, 4)]
    night.lay(night.strokes(lashes, 0.01), night.grey(0.0))
    brow = np.concatenate([upper[6:56] + (0, -0.34 * size), (upper[6:56] + (0, -0.5 * size))[::-1]])
    night.lay(night.blur(night.polygons([brow]), 0.012), night.grey(0.0))
    tilt, wide = night.pick(-0.35, 0.35), night.pick(0.32, 0.52) * size
    across = (night.y - iris[1]) * math.cos(tilt) + (night.x - iris[0]) * math.sin(tilt)
    slat = smooth(np.abs(across), wide, wide * 0.85)
    for step in (-1, 1):
        slat = slat + 0.7 * smooth(np.abs(across + step * 2.4 * wide), wide * 0.8, wide * 0.65)
    night.image *= 0.07 + 1.25 * np.clip(slat, 0, 1)


def _from_below(night: Night) -> None:
    (_facade if night.chance(0.6) else _stairs)(night)


def _stairs(night: Night) -> None:
    """A spiral staircase seen from the bottom, the accent glowing at its top."""
    night.image[:] = night.grey(0.0).reshape(3, 1, 1)
    eye = np.array([night.right * night.pick(-0.3, 0.3), night.bottom * night.pick(-0.3, 0.3)])
    spin, start, lit = night.side(), night.pick(0, 1), night.pick(0, math.tau)
    pieces: list[tuple[Shape, Floats]] = []
    for k in range(110):
        near, turn = 1.5 * 0.966**k, (start + spin * k / 26) * math.tau
        corners = [
            (near, turn),
            (near, turn + 0.25 * spin),
            (near * 0.62, turn + 0.25 * spin),
            (near * 0.62, turn),
        ]
        step = np.array([(r * math.cos(a), r * math.sin(a)) for r, a in corners]) + eye
        shine = (0.5 + 0.5 * math.cos(turn - lit)) ** 1.5
        rise = step + (0.1 * near * math.cos(lit), 0.1 * near * math.sin(lit))
        pieces += [(rise, night.grey(0.0)), (step, night.grey(0.05 + 0.85 * shine * (0.35 + 0.65 * k / 110)))]
    night.facets(pieces)
    rail = [eye + 0.62 * 1.5 * 0.966**k * _spoke((start + spin * k / 26) * math.tau) for k in range(110)]
    night.lay(night.strokes([np.array(rail)], 0.012), night.grey(0.0))
    well = night.radius((eye[0], eye[1]))
    night.light(np.asarray(np.exp(-well / 0.09), np.float32), night.accent, 1.2)
    night.lay(night.disc((eye[0], eye[1]), 0.035), mix(night.accent, night.white, 0.2))


def _spoke(turn: float) -> Shape:
    return np.array([math.cos(turn), math.sin(turn)])


def _facade(night: Night) -> None:
    night.backdrop(0.5, 0.3, 0.02, 0.1)
    night.fog(-night.bottom * 0.6, 0.5, 0.5)
    peak = np.array([night.right * night.pick(-0.4, 0.4), -night.bottom - night.pick(0.25, 0.6)])
    width, left = night.pick(0.55, 0.8), night.right * night.pick(-0.5, 0.1)
    towers = [(-1.5 * night.mirror - width, 0.22), (left - width / 2, 0.03), (1.6 * night.mirror, 0.12)]
    for start, tone in towers[:: night.side()]:
        foot = np.array([(start, 1.3), (start + width, 1.3)])
        roof = foot + (peak - foot) * night.pick(0.7, 0.84)
        night.lay(night.polygons([np.concatenate([foot, roof[::-1]])]), night.grey(tone))
        storeys(night, foot, roof, tone)
    night.light(smooth(night.y + 0 * night.x, 0.0, night.bottom * 1.5), night.grey(0.5), 0.35)
    night.rain(300, 0.22, 0.35)


def _square(night: Night) -> None:
    night.image[:] = night.grey(0.2).reshape(3, 1, 1)
    night.image *= 1 + 0.16 * night.noise(9, 0.9)
    turn = night.pick(-0.6, 0.6)
    along = night.x * math.cos(turn) + night.y * math.sin(turn)
    across = night.y * math.cos(turn) - night.x * math.sin(turn)
    lane, band = night.pick(-0.15, 0.15), night.pick(0.2, 0.3)
    bars = np.asarray((np.abs(along / 0.13 % 1 - 0.5) - 0.27) * 0.13, np.float32)
    stripes = night.inside(bars) * night.inside(np.asarray(np.abs(across - lane) - band, np.float32))
    night.lay(stripes * smooth(night.noise(14, 0.9), 1.8, 0.6), night.grey(0.75), 0.85)
    spot = (night.right * night.pick(-0.4, 0.4), night.bottom * night.pick(-0.4, 0.4))
    lamp = (spot[0] - night.pick(0.15, 0.3) * night.mirror, spot[1] - night.pick(-0.25, 0.25))
    pool = smooth(night.radius(lamp), night.pick(0.65, 0.9), 0.1)
    wet = smooth(night.noise(4, 0.5), 0.4, 0.8) * pool
    night.image *= 0.22 + 1.15 * pool
    night.light(wet, night.grey(0.7), 0.4)
    away, size = np.array(spot) - lamp, night.pick(0.1, 0.15)
    tail = np.array(spot) + away / np.hypot(*away) * 0.8
    side = np.array([-away[1], away[0]]) / np.hypot(*away) * size
    shadow = night.polygons([np.array([spot - side, spot + side, tail + 1.5 * side, tail - 1.5 * side])])
    night.stain(night.blur(shadow, 0.015) * smooth(night.radius(spot), 0.75, 0.0), night.grey(0.0), 0.95)
    start = night.pick(0, 1)
    canopy = [arc(spot, size, start + k / 8, start + (k + 1) / 8)[[0, 95]] for k in range(8)]
    shade = [night.accent * (0.62 + 0.38 * math.cos(k / 8 * math.tau)) for k in range(8)]
    night.light(night.blur(night.disc(spot, size), 0.05), night.accent, 0.35)
    night.facets(
        [(np.concatenate([edge, [spot]]), tone.astype(np.float32)) for edge, tone in zip(canopy, shade, strict=True)]
    )
    night.lay(night.disc(spot, size * 0.07), night.grey(0.0))
    night.rain(260, 0.035, 0.5)


_PLATES = {
    "wide shot": _alley,
    "medium shot": _office,
    "close-up": _profile,
    "extreme close-up": _eye,
    "low angle": _from_below,
    "aerial view": _square,
}


def paint(scene: Scene) -> npt.NDArray[np.uint8]:
    """Paint the scene: RGB [height_px, width_px, 3]."""
    night = Night(scene)
    _PLATES[scene.plate](night)
    night.bloom(0.7, 0.35)
    return night.finish(vignette=0.4, grain=0.012)
