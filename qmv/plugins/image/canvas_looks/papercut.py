"""Papercut: a lit diorama of cut paper, sheet over sheet with a soft shadow between them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qmv.plugins.image.canvas_looks.brush import Shape, mix, smooth
from qmv.plugins.image.canvas_looks.papercut_stage import Stage, blossom, boat, leaf, pine, ship
from qmv.plugins.image.canvas_looks.scene import Scene

_WHITE = np.ones(3, dtype=np.float32)


def _valley(stage: Stage) -> None:
    stage.backdrop(stage.tone(0.04))
    horizon = stage.bottom * stage.pick(-0.2, 0.2)
    sun = (stage.right * stage.pick(-0.55, 0.55), horizon - stage.pick(0.05, 0.25))
    stage.halo(sun, stage.pick(0.08, 0.15), 3, stage.spark)
    for _ in range(2):
        stage.cloud((stage.right * stage.pick(-0.9, 0.9), horizon - stage.pick(0.18, 0.36)), stage.pick(0.07, 0.13))
    layers, peaked = int(stage.rng.integers(5, 7)), stage.chance(0.4)
    for k in range(layers):
        near = k / (layers - 1)
        line = stage.ridge(1.5 + 0.5 * near, 0.55 if peaked and k < 3 else 0.1)
        crest = horizon + (stage.bottom * 0.86 - horizon) * near + 0.055 * line
        trees: list[Shape] = []
        if k in (layers - 3, layers - 1):
            for x in (stage.pick(-0.9, 0.9) * stage.right + np.array([-0.07, 0.0, 0.06])).tolist():
                foot = float(np.interp(x, stage.x[0], crest[0])) + 0.01
                trees += pine((x, foot), (0.06 + 0.16 * near) * stage.pick(0.7, 1.1))
        mask = np.maximum(stage.inside(crest - stage.y), stage.polygons(trees))
        stage.sheet(mask, stage.tone(0.25 + 0.75 * near), 0.014 + 0.012 * near)
    stage.birds((-sun[0] * 0.6, horizon - 0.2), 0.026, 4)


def _sea(stage: Stage) -> None:
    stage.backdrop(stage.tone(0.1))
    horizon = stage.bottom * stage.pick(0.0, 0.3)
    spot = stage.right * stage.pick(-0.35, 0.35)
    stage.halo((-spot, horizon - stage.pick(0.1, 0.3)), stage.pick(0.13, 0.2), 2, stage.spark)
    stage.cloud((spot * 1.4, -stage.bottom * stage.pick(0.55, 0.75)), stage.pick(0.14, 0.2))
    rows, berth = 6, int(stage.rng.integers(1, 3))
    for k in range(rows):
        near = k / (rows - 1)
        pitch = 0.16 + 0.16 * near
        phase = (stage.x / pitch + stage.pick(0, 1)) % 1
        # A crest that leans over: steep on one side of its top.
        wave = np.where(phase < 0.62, phase / 0.62, (1 - phase) / 0.38) ** 1.7
        crest = horizon + (stage.bottom * 0.9 - horizon) * near - pitch * 0.42 * wave + 0.015 * stage.ridge(1, 0.2)
        stage.sheet(
            stage.inside((crest - stage.y).astype(np.float32)),
            stage.tone(0.3 + 0.68 * near),
            0.016 + 0.012 * near,
        )
        if k == berth - 1:
            ship(stage, (spot, horizon + (stage.bottom * 0.9 - horizon) * near), stage.pick(0.3, 0.4))
    stage.birds((spot, horizon - 0.42), 0.028, 3)


def _grotto(stage: Stage) -> None:
    heart = (stage.right * stage.pick(-0.25, 0.25), stage.bottom * stage.pick(-0.2, 0.2))
    stage.backdrop(mix(stage.pale, _WHITE, 0.2))
    size = stage.pick(0.2, 0.26)
    stage.halo(heart, size * 0.85, 1, stage.spark)
    lobes, turn = int(stage.rng.integers(5, 12)), stage.pick(0, 1)
    angle = np.arctan2(stage.y - heart[1], stage.x - heart[0]).astype(np.float32)
    away, wave = stage.radius(heart), 0.05 * stage.noise(1.6, 0.2)
    if stage.chance(0.5):
        sprig = [
            leaf(
                (heart[0], heart[1] + size * (0.62 - 0.3 * k)),
                -math.pi / 2 + side * 0.9,
                size * (0.62 - 0.1 * k),
                size * 0.19,
            )
            for k in range(4)
            for side in (-1, 1)
        ]
        stem = [
            (heart[0] - 0.007, heart[1] + 1.4 * size),
            (heart[0] + 0.007, heart[1] + 1.4 * size),
            (heart[0], heart[1] - size * 0.7),
        ]
        stage.sheet(stage.polygons([*sprig, np.array(stem)]), stage.deep, 0.016)
    else:
        blossom(stage, heart, size * 0.72, (stage.deep, mix(stage.pale, _WHITE, 0.4)))
    for k in range(6):
        scallop = (
            np.abs(np.sin((angle + turn + 0.22 * k) * lobes / 2))
            if lobes % 2 == 0
            else np.sin(angle * 3 + turn + k * 0.5)
        )
        hole = size * (1.05 + 0.42 * k) * (1 + 0.1 * scallop) + wave * (1 + 0.3 * k)
        stage.sheet(stage.inside((hole - away).astype(np.float32)), stage.tone(0.2 + 0.16 * k), 0.02 + 0.004 * k)
        wave = np.asarray(np.roll(wave, stage.width_px // 3, 1), np.float32)


def _foliage(stage: Stage) -> None:
    stage.backdrop(stage.tone(0.05))
    heart = (stage.right * stage.pick(-0.35, 0.35), stage.bottom * stage.pick(-0.3, 0.3))
    stage.sheet(stage.disc(heart, stage.pick(0.34, 0.42)), mix(stage.tone(0.3), stage.pale, 0.5), 0.02)
    start, count = stage.pick(0, 1), 8
    for k in range(count):
        turn = (start + (k * 3 % count) / count) * math.tau
        foot = np.asarray(heart) + 1.05 * np.array(
            [math.cos(turn) * 2 * stage.right, math.sin(turn) * 2 * stage.bottom]
        )
        length = float(np.hypot(*(foot - heart))) * stage.pick(0.82, 0.92)
        way = math.atan2(heart[1] - foot[1], heart[0] - foot[0]) + stage.pick(-0.25, 0.25)
        frond = stage.polygons(
            [leaf(foot, way, length, length * stage.pick(0.34, 0.5), int(stage.rng.integers(3)) * 3)]
        )
        colour = stage.tone(0.3 + 0.7 * k / (count - 1)) if k % 3 else mix(stage.second, stage.pale, 0.25)
        stage.sheet(frond, colour, 0.026)
        rib = stage.polygons([leaf(foot, way, length * 0.9, 0.018)])
        stage.stain(rib, stage.cast, 0.35)
    blossom(stage, heart, stage.pick(0.2, 0.26), (stage.spark, mix(stage.spark, stage.pale, 0.5)))


def _forest(stage: Stage) -> None:
    stage.backdrop(stage.tone(0.0))
    sun = (stage.right * stage.pick(-0.35, 0.35), -stage.bottom * stage.pick(0.1, 0.45))
    stage.halo(sun, stage.pick(0.1, 0.15), 3, stage.spark)
    peak = np.array([sun[0], -stage.bottom - 1.6])
    for k in range(5):
        near = k / 4
        trunks = []
        for side in (-1, 1):
            x = sun[0] * (1 - near) + side * stage.right * (0.3 + 0.72 * near) + stage.pick(-0.06, 0.06)
            wide, foot = 0.022 + 0.075 * near, np.array([x, stage.bottom * 1.1])
            top = foot + (peak - foot) * 0.95
            # The nearest trunks reach past the edges, so that no sky shows behind them.
            left, right = ((wide, wide + 0.6) if side > 0 else (wide + 0.6, wide)) if k == 4 else (wide, wide)
            ends = [foot - (left, 0), foot + (right, 0), top + (right * 0.3, 0), top - (left * 0.3, 0)]
            trunks.append(np.array(ends))
            branch = foot + (peak - foot) * stage.pick(0.12, 0.24)
            trunks.append(
                leaf(branch, -math.pi / 2 + -side * stage.pick(0.5, 0.9), 0.16 + 0.2 * near, 0.03 + 0.03 * near)
            )
        roof = -stage.bottom * (0.62 + 0.3 * near) + 0.4 * near * np.abs(stage.x - sun[0]) / stage.right
        roof = (
            roof + 0.035 * np.abs(np.sin(stage.x * (17 - 6 * near) + stage.pick(0, 6))) + 0.03 * stage.ridge(1.5, 0.2)
        )
        floor = stage.bottom * (0.72 + 0.2 * near) + 0.03 * stage.ridge(1.5, 0.2)
        canopy = stage.inside((stage.y - roof).astype(np.float32)) if k else np.float32(0)
        mask = np.maximum(np.maximum(stage.polygons(trunks), canopy), stage.inside(floor - stage.y))
        stage.sheet(np.asarray(mask, np.float32), stage.tone(0.25 + 0.75 * near), 0.02 + 0.01 * near)
        if k == 1:
            stage.birds((sun[0], sun[1] + 0.2), 0.03, 4)


def _islands(stage: Stage) -> None:
    heart = (stage.right * stage.pick(-0.4, 0.4), stage.bottom * stage.pick(-0.4, 0.4))
    height = 0.75 * stage.noise(1.5, 0.12) + 2.2 * np.exp(-((stage.radius(heart) / 0.3) ** 2))
    slope = 6.0
    stage.backdrop(stage.tone(0.05))
    levels = 7
    for k in range(levels):
        contour = (-0.9 + 0.5 * k - height) / slope
        colour = stage.tone(0.14 + 0.86 * k / (levels - 1)) if k < levels - 1 else stage.spark
        stage.sheet(stage.inside(contour.astype(np.float32)), colour, 0.02)
    boat(stage, heart, height)
    for _ in range(2):
        stage.cloud(
            (-heart[0] + stage.pick(-0.3, 0.3), -heart[1] + stage.pick(-0.2, 0.2)),
            stage.pick(0.1, 0.16),
            above=True,
        )


_PLATES = {
    "wide shot": _valley,
    "medium shot": _sea,
    "close-up": _grotto,
    "extreme close-up": _foliage,
    "low angle": _forest,
    "aerial view": _islands,
}


def paint(scene: Scene) -> npt.NDArray[np.uint8]:
    """Paint the scene: RGB [height_px, width_px, 3]."""
    stage = Stage(scene)
    _PLATES[scene.plate](stage)
    stage.light(smooth(stage.x * stage.sun_side - stage.y, -0.2, 1.2), stage.pale, 0.1)
    return stage.finish(vignette=0.22, grain=0.006)
