"""A folder as a place that keeps files: hard links, names that are taken, what killed senders leave."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qmv.artifacts import File
from qmv.errors import OutputError
from qmv.objects.delivery import Stored, deliver
from qmv.objects.folder import FolderStore, _begin_of_parts
from qmv.objects.store import Taken, Upload


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"a film")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "films"


def put(folder: Path, film: Path, key: str = "film.mp4", *, overwrite: bool = False) -> Stored:
    told: list[int] = []
    store = FolderStore(where="storage (folder)", folder=folder)
    return deliver(store, Upload(file=File.of(film), key=key), overwrite=overwrite, progress=told.append)


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def a_process_that_ended() -> int:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return int(ended.stdout)


def test_a_file_is_linked_where_the_file_system_allows(film: Path, folder: Path) -> None:
    assert Path(put(folder, film).url).samefile(film)


def test_a_file_is_copied_where_it_cannot_be_linked(film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    address = Path(put(folder, film).url)
    assert not address.samefile(film)
    assert address.read_bytes() == b"a film"
    assert left_over(folder) == ["film.mp4"]


def test_a_name_that_is_taken_meanwhile_is_left_alone(film: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"came first")
    store, told = FolderStore(where="storage (folder)", folder=folder), [0]
    with pytest.raises(Taken):  # it had looked when nothing was there
        store.send(Upload(file=File.of(film), key="film.mp4"), None, told.append)
    assert (folder / "film.mp4").read_bytes() == b"came first"
    assert left_over(folder) == ["film.mp4"]


def test_a_file_that_was_changed_meanwhile_is_left_alone(film: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"what was looked at")
    store, told = FolderStore(where="storage (folder)", folder=folder), [0]
    looked_at = store.look("film.mp4")
    (folder / "film.mp4").write_bytes(b"what somebody else put there since")
    with pytest.raises(Taken):
        store.send(Upload(file=File.of(film), key="film.mp4"), looked_at, told.append)
    assert (folder / "film.mp4").read_bytes() == b"what somebody else put there since"


def test_other_content_is_refused_in_one_sentence(film: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"another film")
    with pytest.raises(OutputError, match=r"stands already with other content; set storage\.overwrite=true"):
        put(folder, film)


@pytest.mark.parametrize("key", ["../film.mp4", "a/../../film.mp4", "/etc/film.mp4"])
def test_a_key_that_leads_out_is_refused(film: Path, folder: Path, key: str) -> None:
    with pytest.raises(OutputError, match="leads out of"):
        put(folder, film, key)


def test_a_link_that_leads_out_is_refused(film: Path, folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / "away").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(OutputError, match="leads out of"):
        put(folder, film, "away/film.mp4")


@pytest.mark.parametrize("key", ["taken", "."])
def test_a_key_that_is_a_folder_is_refused(film: Path, folder: Path, key: str) -> None:
    (folder / "taken").mkdir(parents=True)
    with pytest.raises(OutputError, match="is a folder"):
        put(folder, film, key)


def test_a_file_in_the_way_of_the_folder_is_named(film: Path, folder: Path) -> None:
    folder.write_bytes(b"a file where the folder should be")
    with pytest.raises(OutputError, match=r"a file of this name stands|is a file, not a folder"):
        put(folder, film)


def test_nothing_is_left_when_the_last_step_fails(film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match=r"storage\.path \(.*film\.mp4\): the disk is full.*storage\.path=FOLDER"):
        put(folder, film)
    assert left_over(folder) == []


def test_what_a_killed_sender_left_is_taken_away(film: Path, folder: Path) -> None:
    folder.mkdir()
    begin = _begin_of_parts(folder / "film.mp4")
    killed, at_work = (folder / f"{begin}{pid}-7.part" for pid in (a_process_that_ended(), os.getppid()))
    other = folder / f"{_begin_of_parts(folder / 'other.mp4')}{a_process_that_ended()}-7.part"
    for part in (killed, at_work, other):
        part.write_bytes(b"half")
    put(folder, film)
    assert left_over(folder) == sorted([at_work.name, other.name, "film.mp4"])


def test_another_machine_at_work_in_the_folder_is_left_alone(
    film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    part = folder / f"{_begin_of_parts(folder / 'film.mp4')}{a_process_that_ended()}-7.part"
    part.write_bytes(b"half")
    monkeypatch.setattr("socket.gethostname", lambda: "the-other-machine")
    put(folder, film)
    assert part.exists()


def test_the_longest_name_that_the_file_system_takes_is_taken(film: Path, folder: Path) -> None:
    name = "字" * 83 + ".mp4"  # 253 bytes of 255
    assert Path(put(folder, film, name).url).name == name


def test_a_file_that_changed_since_it_was_made_is_not_stored(film: Path, folder: Path) -> None:
    upload = Upload(file=File.of(film), key="film.mp4")
    film.write_bytes(b"a FILM")
    told: list[int] = []
    with pytest.raises(OutputError, match="has changed since it was made"):
        deliver(FolderStore(where="storage (folder)", folder=folder), upload, overwrite=False, progress=told.append)
    assert left_over(folder) == []


def test_the_address_is_absolute(film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert put(Path("films"), film).url == str(folder / "film.mp4")
