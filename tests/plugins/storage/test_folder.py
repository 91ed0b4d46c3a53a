"""A folder of this machine as a storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.plugins.storage.folder import Folder
from qmv.testing import StorageContract


class TestFolder(StorageContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> Folder:
        return Folder(path=str(tmp_path / "films"))
