"""Storyboards, numbered pictures and providers that count, for the tests of the stages."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qmv.api import ImageProvider, ImageRequest, plugin, setting
from qmv.artifacts import Beats, File, Picture, Pictures, Storyboard
from qmv.errors import QmvError
from qmv.media.picture import png
from qmv.testing import song_shot

WIDTH, HEIGHT = 64, 36


def board(lengths: Sequence[int], fps: Fraction = Fraction(24)) -> Storyboard:
    starts = [0, *itertools.accumulate(lengths)]
    shots = tuple(
        song_shot(length, start=start, index=index, prompt=f"picture {index}")
        for index, (length, start) in enumerate(zip(lengths, starts))
    )
    return Storyboard(fps=fps, frames=sum(lengths), shots=shots)


def no_beats(duration_s: float = 1.0) -> Beats:
    exact = Fraction(duration_s).limit_denominator(999)
    return Beats(times_s=(), bar_position=(), tempo_bpm=0.0, confidence=0.0, duration_s=exact)


def grey_of(index: int) -> int:
    """A grey of its own for each picture, far from its neighbours'."""
    return 20 + 71 * index % 200


def luma_of(grey: float) -> float:
    """What BT.709 limited range makes of a grey."""
    return 16 + grey * 219 / 255


def picture_file(path: Path, rgb: npt.NDArray[np.uint8]) -> Picture:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(rgb))
    return Picture(
        file=File.of(path), width_px=rgb.shape[1], height_px=rgb.shape[0], provider="trial", seed=0, prompt=path.stem
    )


def grey_pictures(folder: Path, greys: Sequence[int], width: int = WIDTH, height: int = HEIGHT) -> Pictures:
    made = tuple(
        picture_file(folder / f"{index}-{grey}.png", np.full((height, width, 3), grey, np.uint8))
        for index, grey in enumerate(greys)
    )
    return Pictures(width_px=width, height_px=height, pictures=made)


def photo(seed: int, width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint8]:
    """Soft coloured noise: something to see at every scale, and nothing that 4:2:0 cannot hold."""
    import cv2

    noise = np.random.default_rng(seed).integers(0, 256, (height // 6 + 2, width // 6 + 2, 3)).astype(np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def photo_pictures(folder: Path, count: int, width: int, height: int) -> Pictures:
    made = tuple(picture_file(folder / f"{seed}.png", photo(seed, width, height)) for seed in range(count))
    return Pictures(width_px=width, height_px=height, pictures=made)


@plugin
class Tally(ImageProvider):
    """Flat pictures whose grey is the seed; notes each call in a file, so that calls of all processes are seen."""

    name = "tally"
    threads = 1
    ledger: str = setting("the file that notes the calls", default="", keyed=False)
    failing: tuple[int, ...] = setting("which pictures fail", default=(), keyed=False)

    def render(self, request: ImageRequest) -> bytes:
        with Path(self.ledger).open("a", encoding="utf-8") as file:
            file.write(f"{request.index}\n")
        if request.index in self.failing:
            raise QmvError(f"image (tally): picture {request.index} fails on purpose.")
        return png(np.full((HEIGHT, WIDTH, 3), request.seed % 256, np.uint8))


def calls(ledger: Path) -> list[int]:
    """The numbers of the pictures that were asked for, in all processes."""
    return sorted(int(line) for line in ledger.read_text().split()) if ledger.exists() else []
