"""A folder of this machine as a storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.errors import OutputError
from qmv.plugins.storage.folder import Folder
from qmv.testing import StorageContract


class TestFolder(StorageContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> Folder:
        return Folder(path=str(tmp_path / "films"))


def test_a_folder_that_cannot_be_made_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "films").write_bytes(b"a file in the way")
    with pytest.raises(OutputError, match=r"storage\.path \(.*a file.*storage\.path=FOLDER"):
        Folder(path=str(tmp_path / "films" / "2026")).ready()


def test_trying_out_leaves_nothing(tmp_path: Path) -> None:
    Folder(path=str(tmp_path / "films")).ready()
    assert list((tmp_path / "films").iterdir()) == []
