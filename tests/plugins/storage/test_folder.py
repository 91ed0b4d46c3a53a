"""A folder of this machine as a storage."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qmv.errors import OutputError
from qmv.plugins.storage.folder import Folder
from qmv.testing import StorageContract


class TestFolder(StorageContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> Folder:
        return Folder(path=str(tmp_path / "films"))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"a film")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "films"


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_folder_storage_links_where_the_file_system_allows(film: Path, folder: Path) -> None:
    assert Path(Folder(path=str(folder)).put(film, "film.mp4", {})).samefile(film)


def test_folder_storage_copies_where_it_cannot_link(film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    address = Path(Folder(path=str(folder)).put(film, "film.mp4", {}))
    assert not address.samefile(film)
    assert address.read_bytes() == b"a film"


def test_folder_storage_refuses_to_replace_other_content(film: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"another film")
    with pytest.raises(OutputError, match=r"stands already with other content; set storage.overwrite=true"):
        Folder(path=str(folder)).put(film, "film.mp4", {})
    assert (folder / "film.mp4").read_bytes() == b"another film"


def test_folder_storage_replaces_other_content_when_told_to(film: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"another film")
    Folder(path=str(folder), overwrite=True).put(film, "film.mp4", {})
    assert (folder / "film.mp4").read_bytes() == b"a film"


@pytest.mark.parametrize("key", ["../film.mp4", "a/../../film.mp4", "/etc/film.mp4"])
def test_folder_storage_refuses_a_key_that_leads_out(film: Path, folder: Path, key: str) -> None:
    with pytest.raises(OutputError, match="leads out of"):
        Folder(path=str(folder)).put(film, key, {})


def test_folder_storage_refuses_a_link_that_leads_out(film: Path, folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / "away").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(OutputError, match="leads out of"):
        Folder(path=str(folder)).put(film, "away/film.mp4", {})


def test_folder_storage_leaves_nothing_when_the_last_step_fails(
    film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="the disk is full"):
        Folder(path=str(folder)).put(film, "film.mp4", {})
    assert left_over(folder) == []


def test_folder_storage_leaves_no_part_after_the_same_file_twice(film: Path, folder: Path) -> None:
    for _ in range(2):
        Folder(path=str(folder)).put(film, "film.mp4", {})
    assert left_over(folder) == ["film.mp4"]


def test_folder_storage_tells_an_absolute_address(film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert Folder(path="films").put(film, "film.mp4", {}) == str(folder / "film.mp4")


def test_folder_storage_names_a_file_in_the_way(film: Path, folder: Path) -> None:
    folder.write_bytes(b"a file where the folder should be")
    with pytest.raises(OutputError, match=r"a file of this name stands|is a file, not a folder"):
        Folder(path=str(folder)).put(film, "film.mp4", {})


@pytest.mark.parametrize("key", ["taken", "."])
def test_folder_storage_refuses_a_key_that_is_a_folder(film: Path, folder: Path, key: str) -> None:
    (folder / "taken").mkdir(parents=True)
    with pytest.raises(OutputError):
        Folder(path=str(folder)).put(film, key, {})
