"""Pictures that are easily told apart, and which of them a finished file shows; used by the other benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = ["cut_frames", "pattern_pictures"]

_THUMB = 16  # pictures are told apart by this many squares a side


def pattern_pictures(folder: Path, count: int, width_px: int, height_px: int) -> None:
    """Pictures of 4 x 3 squares in strong colours, no two alike even through a moving camera; the same every time."""
    import cv2
    import numpy as np

    from qmv.media.picture import png

    rng = np.random.default_rng(48)
    folder.mkdir(parents=True)
    for index in range(count):
        squares = rng.choice(np.array([0, 128, 255], np.uint8), (3, 4, 3))
        picture = cv2.resize(squares, (width_px, height_px), interpolation=cv2.INTER_NEAREST)
        (folder / f"{index:03}.png").write_bytes(png(picture))


def cut_frames(video: Path, folder: Path) -> list[int]:
    """The frames at which another picture appears, each frame being taken for the picture that it is nearest to."""
    import av
    import numpy as np

    from qmv.media.picture import read

    known = np.stack([_thumb(read(file)) for file in sorted(folder.glob("*.png"))])
    pictures = []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            away = ((known - _thumb(frame.to_ndarray(format="rgb24"))) ** 2).mean(axis=(1, 2, 3))
            pictures.append(int(away.argmin()))
    return [number for number in range(1, len(pictures)) if pictures[number] != pictures[number - 1]]


def _thumb(rgb: npt.NDArray[np.uint8]) -> Samples:
    import cv2
    import numpy as np

    return cv2.resize(rgb, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA).astype(np.float32)
