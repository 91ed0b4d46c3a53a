"""What the provider `folder` says of a path that it cannot take pictures from."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.errors import InputError
from qmv.plugins.image.folder import Folder


@pytest.mark.parametrize("path", ["", " "])
def test_empty_path_is_not_taken_for_the_folder_that_one_is_in(path: str) -> None:
    with pytest.raises(InputError, match=r"image \(folder\): path is empty; name one with image.path=FOLDER"):
        Folder(path=path).ready()


def test_path_of_a_file_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "cover.png"
    file.write_bytes(b"")
    with pytest.raises(InputError, match=r"cover.png is a file and no folder; name one with image.path=FOLDER"):
        Folder(path=str(file)).ready()
