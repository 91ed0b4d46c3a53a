"""Pictures on their way into a chunk: from the planes beside them where these fit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from qmv.media.chunk import load_picture, planes_beside
from qmv.media.frame import Frame
from qmv.media.picture import png


@pytest.fixture
def photo() -> npt.NDArray[np.uint8]:
    """128 x 72, with detail of all sizes and strong colours."""
    random = np.random.default_rng(7)
    layers = [cv2.resize(random.normal(0, 1, (9 * n, 16 * n, 3)), (128, 72)) / n for n in (1, 2, 4, 8)]
    return np.rint(np.clip(128 + 45 * sum(layers), 0, 255)).astype(np.uint8)


def test_picture_comes_from_its_planes(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png(photo))
    Frame.from_rgb(photo[::-1]).save(planes_beside(path))
    assert np.array_equal(load_picture(path, 128, 72).y, Frame.from_rgb(photo[::-1]).y)


@pytest.mark.parametrize("size", [(64, 36), (96, 54), (32, 18)], ids=str)
def test_draft_from_planes_looks_like_one_from_the_picture(
    tmp_path: Path, photo: npt.NDArray[np.uint8], size: tuple[int, int]
) -> None:
    """On average within 1.5 of 255, in each plane; one made without the shift of chroma is farther off."""
    path = tmp_path / "picture.png"
    path.write_bytes(png(photo))
    slow = load_picture(path, *size)
    Frame.from_rgb(photo).save(planes_beside(path))
    quick = load_picture(path, *size)
    errors = [np.abs(a.astype(float) - b).mean() for a, b in zip((quick.y, quick.u, quick.v), (slow.y, slow.u, slow.v))]
    assert max(errors) < 1.5


def test_picture_of_another_shape_is_cropped_from_its_file(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png(photo))
    bare = load_picture(path, 36, 36)
    Frame.from_rgb(photo).save(planes_beside(path))
    assert np.array_equal(load_picture(path, 36, 36).y, bare.y)


def test_damaged_planes_do_not_matter(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png(photo))
    planes_beside(path).write_bytes(b"half")
    assert np.array_equal(load_picture(path, 128, 72).y, Frame.from_rgb(photo).y)
