"""Watercolor: wet washes with pigment edges, hills, birds and loose botanicals on near-white paper."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qmv.plugins.image.canvas_looks.brush import Floats, Shape, mix, smooth
from qmv.plugins.image.canvas_looks.scene import Scene
from qmv.plugins.image.canvas_looks.watercolor_paper import Paper, oval, petal

_WHITE = np.ones(3, dtype=np.float32)


def _hills(paper: Paper) -> None:
    horizon = paper.bottom * paper.pick(-0.1, 0.35)
    place = (paper.right * paper.pick(-0.6, 0.6), horizon - paper.pick(0.12, 0.3))
    sky = smooth(paper.y + 0.07 * paper.noise(2, 0.6), horizon + 0.02, horizon - 0.5) * smooth(
        paper.noise(1.4), -1.4, 0.5
    )
    paper.wash(sky, mix(paper.lead, _WHITE, 0.45), mix(paper.spark, _WHITE, 0.35), 0.75, 0)
    paper.wash(paper.disc(place, paper.pick(0.07, 0.13)), paper.spark, paper.accents[0], 0.9, 0.5)
    layers = int(paper.rng.integers(3, 6))
    for k in range(layers):
        near = k / (layers - 1)
        crest = (
            horizon
            + (paper.bottom - horizon) * 0.72 * near**1.3
            + paper.pick(0.04, 0.065) * paper.ridge(0.8 + 0.6 * near, 0.25)
        )
        depth = paper.y - crest
        mist = 0.3 + 0.7 * np.exp(-np.maximum(depth, 0) / (0.12 + 0.3 * near))
        ink = mix(mix(paper.lead, _WHITE, 0.5 * (1 - near)), paper.deep, 0.5 * near**2)
        paper.wash(
            (paper.inside(-depth) * mist).astype(np.float32),
            ink,
            mix(paper.second, _WHITE, 0.3 * (1 - near)),
            0.85,
        )
        if k == layers - 1:
            _pines(paper, crest)
    paper.birds((paper.right * paper.pick(-0.4, 0.4), horizon - paper.pick(0.2, 0.35)), 0.09, 0.024, 7)
    paper.splatter((place[0], paper.bottom * 0.6), 0.2, paper.spark)


def _pines(paper: Paper, crest: Floats) -> None:
    trees, start = [], paper.right * paper.pick(-0.9, 0.2)
    for _ in range(int(paper.rng.integers(4, 9))):
        x = start + paper.pick(0, 0.5)
        foot = float(np.interp(x, paper.x[0], crest[0])) + 0.03
        trees.append(petal((x, foot), -math.pi / 2 + paper.pick(-0.06, 0.06), paper.pick(0.12, 0.24), 0.055, 1.3))
    paper.wash(paper.polygons(trees), paper.deep, paper.lead, 0.9, 0.9)


def _bough(paper: Paper) -> None:
    side, lean = paper.side(), paper.pick(-0.5, 0.35)
    paper.wash(
        paper.blot((paper.right * 0.3 * -side, paper.bottom * paper.pick(-0.4, 0.1)), paper.pick(0.3, 0.42)),
        mix(paper.spark, _WHITE, 0.35),
        mix(paper.second, _WHITE, 0.4),
        0.75,
    )
    t = np.linspace(0, 1, 60)
    spine = np.stack(
        [
            side * paper.right * (1.1 - 1.75 * t),
            paper.bottom * (0.55 + lean * 0.5 - 0.9 * t + 0.5 * t**2 * lean),
        ],
        1,
    )
    leaves: tuple[list[Shape], list[Shape]] = ([], [])
    wood, buds = [], []
    for k in range(4, 60, 2):
        out = spine[k] - spine[k - 1]
        way = math.atan2(out[1], out[0]) + paper.side() * paper.pick(0.4, 1.2)
        size = paper.pick(0.17, 0.29) * (1.15 - 0.5 * t[k])
        leaves[k // 2 % 2].append(petal(spine[k], way, size, size * paper.pick(0.3, 0.42), 0.95))
        if paper.chance(0.35):
            buds.append(spine[k] + size * 0.7 * np.array([math.cos(way + 1), math.sin(way + 1)]))
    wood.append(
        np.concatenate([spine + (0, 0.011) * (1 - t[:, None]), (spine - (0, 0.011) * (1.05 - t[:, None]))[::-1]])
    )
    paper.wash(paper.polygons(leaves[0]), mix(paper.lead, _WHITE, 0.15), paper.second, 0.75)
    paper.wash(paper.polygons(wood), paper.deep, paper.second, 0.85, 0.6)
    paper.wash(paper.polygons(leaves[1]), paper.lead, paper.deep, 0.85)
    petals = [petal(bud, turn * math.tau / 5, 0.065, 0.055) for bud in buds for turn in range(5)]
    paper.wash(paper.polygons(petals), paper.spark, mix(paper.accents[0], _WHITE, 0.2), 0.9, 0.5)
    paper.stain(paper.polygons(oval(bud, 0.009) for bud in buds), paper.deep, 0.8)
    paper.birds((side * -paper.right * 0.4, -paper.bottom * 0.65), 0.08, 0.04, 3)
    paper.splatter((0, 0), 0.3, paper.lead)


def _flower(paper: Paper) -> None:
    heart = (paper.right * paper.pick(-0.3, 0.3), paper.bottom * paper.pick(-0.35, 0.05))
    paper.wash(
        paper.blot((-heart[0], heart[1] + 0.1), 0.5),
        mix(paper.second, _WHITE, 0.55),
        mix(paper.lead, _WHITE, 0.5),
        0.6,
    )
    bend = paper.pick(-0.25, 0.25)
    t = np.linspace(0, 1, 30)[:, None]
    stem = np.asarray(heart) + np.concatenate([bend * t**2, t * (paper.bottom * 1.05 - heart[1])], 1)
    leaf = [
        petal(stem[k], -math.pi / 2 + side * paper.pick(0.5, 1.0), 0.34, 0.11, 1.1) for k, side in ((18, 1), (23, -1))
    ]
    green = paper.second if paper.second is not paper.lead else paper.deep
    paper.wash(paper.polygons([np.concatenate([stem, stem[::-1] + (0.016, 0)]), *leaf]), green, paper.deep, 0.85)
    count, start, size = int(paper.rng.integers(5, 9)), paper.pick(0, 1), paper.pick(0.36, 0.46)
    for ring, scale in ((0, 1.0), (1, 0.98), (2, 0.62)):
        turns = [(start + (k + 0.25 * ring) / count) * math.tau for k in range(ring % 2, count, 2 - ring // 2)]
        petals = [
            petal(heart, turn, size * scale * paper.pick(0.85, 1.1), size * scale * 3.3 / count, 0.55) for turn in turns
        ]
        paper.wash(
            paper.polygons(petals),
            paper.lead,
            (paper.spark, paper.second, paper.spark)[ring],
            0.7 + 0.1 * ring,
        )
    stamens = [oval(paper.rng.normal(0, 0.032, 2) + heart, paper.pick(0.005, 0.012)) for _ in range(30)]
    paper.wash(paper.disc(heart, 0.06), paper.deep, paper.spark, 0.8, 1.6)
    paper.stain(paper.polygons(stamens), paper.deep, 0.9)
    paper.splatter(heart, 0.28, paper.lead)


def _petals(paper: Paper) -> None:
    heart = (
        paper.right * paper.side() * paper.pick(0.55, 0.95),
        paper.bottom * paper.side() * paper.pick(0.5, 0.9),
    )
    inward = math.atan2(-heart[1], -heart[0])
    length = math.hypot(paper.right, paper.bottom) * paper.pick(1.5, 1.8)
    veins, tips = [], []
    order = (-1.25, 1.15, -0.62, 0.55, 0.0)
    for k, offset in enumerate(order):
        turn, size = (
            inward + offset + paper.pick(-0.1, 0.1),
            length * paper.pick(0.72, 0.85) * (1 - 0.12 * abs(offset)),
        )
        blade = petal(heart, turn, size, size * paper.pick(0.5, 0.62), 0.6)
        mask = paper.polygons([blade])
        paper.lay(mask, mix(paper.spark, _WHITE, 0.85), 0.6)
        ink = (paper.lead, paper.spark)[k % 2]
        paper.wash(
            (mask * smooth(paper.radius(heart), -0.1, size * 0.7) + 0.25 * mask).clip(0, 1),
            ink,
            paper.second,
            0.85,
        )
        veins += [petal(heart, turn + 0.1 * s, size * paper.pick(0.55, 0.8), 0.006) for s in (-2, -1, 0, 1, 2)]
    for _ in range(26):
        way, far = inward + paper.pick(-1.2, 1.2), paper.pick(0.12, 0.36)
        tip = np.asarray(heart) + far * np.array([math.cos(way), math.sin(way)])
        veins.append(petal(heart, way, far, 0.008))
        tips.append(oval(tip, paper.pick(0.012, 0.022)))
    paper.stain(paper.warp(paper.polygons(veins), paper.sway, paper.heave), paper.deep, 0.45)
    paper.wash(paper.disc(heart, 0.16), paper.deep, paper.lead, 0.85, 2.0)
    paper.wash(paper.polygons(tips), paper.deep, paper.spark, 0.95, 0.4)
    paper.splatter((-heart[0], -heart[1]), 0.15, paper.deep)


def _trunks(paper: Paper) -> None:
    peak = (paper.right * paper.pick(-0.4, 0.4), -paper.bottom - paper.pick(0.1, 0.5))
    glow = (peak[0] * 0.6, paper.bottom * paper.pick(-0.35, 0.1))
    paper.wash(
        paper.blot(glow, paper.pick(0.4, 0.55)),
        mix(paper.spark, _WHITE, 0.4),
        mix(paper.second, _WHITE, 0.55),
        0.7,
    )
    far: list[Shape] = []
    near: list[Shape] = []
    marks = []
    for k in range(int(paper.rng.integers(7, 11))):
        x, wide = (
            paper.right * paper.pick(-1.25, 1.25),
            paper.pick(0.03, 0.05) if k < 4 else paper.pick(0.07, 0.14),
        )
        foot = np.array([x, paper.bottom * 1.05])
        top = foot + (np.asarray(peak) - foot) * 0.93
        trunk = [foot - (wide / 2, 0), foot + (wide / 2, 0), top + (wide / 6, 0), top - (wide / 6, 0)]
        (far if k < 4 else near).append(np.array(trunk))
        for place in paper.rng.uniform(0.02, 0.75, 9 if k >= 4 else 0).tolist():
            bark = foot + (top - foot) * place
            marks.append(
                petal(
                    bark - (wide * 0.4 * (1 - 0.6 * place), 0),
                    paper.pick(-0.2, 0.2),
                    wide * paper.pick(0.3, 0.6),
                    0.012,
                )
            )
    paper.wash(paper.polygons(far), mix(paper.lead, _WHITE, 0.4), mix(paper.second, _WHITE, 0.4), 0.7, 0.5)
    paper.wash(paper.polygons(near), paper.lead, paper.deep, 0.85, 0.5)
    paper.stain(paper.polygons(marks), paper.deep, 0.8)
    for ink, other, amount in (
        (mix(paper.second, _WHITE, 0.2), paper.spark, 60),
        (paper.spark, paper.accents[-1], 70),
    ):
        leaves = []
        for _ in range(amount):
            turn, far_out = paper.pick(0, math.tau), paper.pick(0.25, 0.75)
            spot = np.array([math.cos(turn) * far_out * 1.5, math.sin(turn) * far_out]) + (
                peak[0],
                -paper.bottom * 0.95,
            )
            leaves.append(petal(spot, paper.pick(0, math.tau), paper.pick(0.04, 0.085), 0.035, 0.8))
        paper.wash(paper.polygons(leaves), ink, other, 0.85, 1.3)
    paper.birds((glow[0], glow[1]), 0.07, 0.03, 5)
    paper.splatter((0, 0), 0.3, paper.spark)


def _fields(paper: Paper) -> None:
    turn = paper.pick(0, math.tau)
    cos, sin = math.cos(turn), math.sin(turn)
    bend, swing = paper.pick(2.5, 4.5), paper.pick(0.08, 0.16)
    along, across = paper.x * cos + paper.y * sin, paper.y * cos - paper.x * sin
    river = np.abs(across - swing * np.sin(bend * along + 1) - 0.04 * paper.ridge(1)) - paper.pick(0.05, 0.085)
    dry = smooth(river.astype(np.float32), 0.012, 0.03)
    pitch = paper.pick(0.2, 0.3)
    patches: list[list[Shape]] = [[], [], [], []]
    knots = {}
    for cell in np.ndindex(18, 18):
        jitter = paper.rng.uniform(-0.24, 0.24, 2)
        spot = (np.array(cell) - 9 + jitter) * pitch
        knots[cell] = np.array([spot[0] * cos - spot[1] * sin, spot[0] * sin + spot[1] * cos])
    for i, j in np.ndindex(17, 17):
        quad = np.array([knots[i, j], knots[i + 1, j], knots[i + 1, j + 1], knots[i, j + 1]])
        patches[int(paper.rng.integers(4))].append(quad.mean(axis=0) + (quad - quad.mean(axis=0)) * 0.94)
    inks = (
        (paper.lead, paper.second),
        (paper.second, paper.lead),
        (mix(paper.spark, _WHITE, 0.2), paper.lead),
    )
    for (ink, other), quads, strength in zip(inks, patches, (0.85, 0.65, 0.6), strict=False):
        paper.wash(paper.polygons(quads) * dry, ink, other, strength)
    water = smooth(river.astype(np.float32), 0.0, -0.012)
    paper.wash(water, mix(paper.deep, paper.second, 0.35), mix(paper.lead, _WHITE, 0.2), 0.8)
    trees = [
        oval((paper.right * paper.pick(-1, 1), paper.bottom * paper.pick(-1, 1)), paper.pick(0.012, 0.032))
        for _ in range(46)
    ]
    paper.wash(paper.polygons(trees) * dry, paper.deep, paper.lead, 0.85, 1.2)
    paper.birds((paper.right * paper.pick(-0.4, 0.4), paper.bottom * paper.pick(-0.4, 0.4)), 0.1, 0.035, 6)


_PLATES = {
    "wide shot": _hills,
    "medium shot": _bough,
    "close-up": _flower,
    "extreme close-up": _petals,
    "low angle": _trunks,
    "aerial view": _fields,
}


def paint(scene: Scene) -> npt.NDArray[np.uint8]:
    """Paint the scene: RGB [height_px, width_px, 3]."""
    paper = Paper(scene)
    _PLATES[scene.plate](paper)
    return paper.finish()
