"""The way of a file into a store: what is looked at, refused, sent again and verified, whatever the store does."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qmv.artifacts import File
from qmv.errors import OutputError
from qmv.objects.delivery import Stored, content_type, deliver
from qmv.objects.store import Absent, ObjectStore, Standing, Taken, TooLarge, Upload


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shelf(ObjectStore):
    """A folder with versions, on which `mishaps` happen, one a send; it has no checksums of its own."""

    where: str = "storage (shelf)"
    folder: Path
    mishaps: list[Callable[[Shelf, Upload], None]] = dataclasses.field(default_factory=list)
    sent: list[str] = dataclasses.field(default_factory=list)

    def look(self, key: str) -> Standing | None:
        path = self.folder / key
        if not path.exists():
            return None
        return Standing(key=key, size_bytes=path.stat().st_size, version=File.of(path).sha256)

    def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        if self.mishaps:
            self.mishaps.pop(0)(self, upload)
        if self.look(upload.key) != replaces:
            raise Taken(upload.key)
        self.sent.append(upload.key)
        shutil.copyfile(upload.file.path, self.folder / upload.key)
        progress(upload.file.size_bytes)

    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        standing = self.look(key)
        if standing is None:
            raise Absent(key)
        if standing.size_bytes > most_bytes:
            raise TooLarge(standing.size_bytes)
        shutil.copyfile(self.folder / key, target)
        return standing

    def withdraw(self, standing: Standing) -> None:
        (self.folder / standing.key).unlink()

    def address(self, key: str) -> str:
        return f"shelf://{key}"


def answer_lost(shelf: Shelf, upload: Upload) -> None:
    """It arrives, and the sender hears that something stands there."""
    shutil.copyfile(upload.file.path, shelf.folder / upload.key)
    raise Taken(upload.key)


def somebody_was_quicker(shelf: Shelf, upload: Upload) -> None:
    (shelf.folder / upload.key).write_bytes(b"somebody else's film")


def damaged(shelf: Shelf, upload: Upload) -> None:
    upload.file.path.write_bytes(upload.file.path.read_bytes()[::-1])


def mended(shelf: Shelf, upload: Upload) -> None:
    upload.file.path.write_bytes(b"a film, and a good one")


@pytest.fixture
def film(tmp_path: Path) -> File:
    (tmp_path / "film").write_bytes(b"a film, and a good one")
    return File.of(tmp_path / "film")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    (tmp_path / "shelf").mkdir()
    return Shelf(folder=tmp_path / "shelf")


def put(shelf: Shelf, film: File, *, overwrite: bool = False) -> Stored:
    told = [0]
    stored = deliver(shelf, Upload(file=film, key="film.mp4"), overwrite=overwrite, progress=told.append)
    assert told[-1] in (0, film.size_bytes)
    return stored


def test_a_file_is_sent_and_found_again(shelf: Shelf, film: File) -> None:
    assert put(shelf, film) == Stored(url="shelf://film.mp4", unchanged=False)
    assert put(shelf, film) == Stored(url="shelf://film.mp4", unchanged=True)
    assert shelf.sent == ["film.mp4"]


def test_an_upload_whose_answer_was_lost_is_known_for_its_own(shelf: Shelf, film: File) -> None:
    shelf.mishaps.append(answer_lost)
    assert put(shelf, film).url == "shelf://film.mp4"
    assert shelf.sent == []


def test_a_quicker_one_is_not_written_over(shelf: Shelf, film: File) -> None:
    shelf.mishaps.append(somebody_was_quicker)
    with pytest.raises(OutputError, match=r"stands already with other content; set storage\.overwrite=true"):
        put(shelf, film)
    assert (shelf.folder / "film.mp4").read_bytes() == b"somebody else's film"


def test_a_quicker_one_is_looked_at_before_it_is_replaced(shelf: Shelf, film: File) -> None:
    shelf.mishaps.append(somebody_was_quicker)
    assert put(shelf, film, overwrite=True) == Stored(url="shelf://film.mp4", unchanged=False)
    assert (shelf.folder / "film.mp4").read_bytes() == b"a film, and a good one"


def test_damage_on_the_way_is_seen_and_sent_again_where_that_is_allowed(shelf: Shelf, film: File) -> None:
    shelf.mishaps.extend([damaged, mended])
    assert put(shelf, film, overwrite=True) == Stored(url="shelf://film.mp4", unchanged=False)
    assert shelf.sent == ["film.mp4"] * 2
    assert (shelf.folder / "film.mp4").read_bytes() == b"a film, and a good one"


@pytest.mark.parametrize("overwrite", [False, True])
def test_damage_that_stays_is_told(shelf: Shelf, film: File, overwrite: bool) -> None:
    shelf.mishaps.append(damaged)
    with pytest.raises(OutputError, match=r"film\.mp4 does not hold what was sent \(another writer, or damage"):
        put(shelf, film, overwrite=overwrite)


def test_what_came_after_the_own_film_is_left_alone(shelf: Shelf, film: File, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Shelf.send

    def overtaken(self: Shelf, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        send(self, upload, replaces, progress)
        (self.folder / upload.key).write_bytes(b"somebody else's film")

    monkeypatch.setattr(Shelf, "send", overtaken)
    with pytest.raises(OutputError, match="does not hold what was sent"):
        put(shelf, film)
    assert (shelf.folder / "film.mp4").read_bytes() == b"somebody else's film"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mp4", "video/mp4"), ("a.JPG", "image/jpeg"), ("a.json", "application/json"), ("a.html", "text/html"),
        ("a.vtt", "text/vtt"), ("a.srt", "application/x-subrip"), ("a", "application/octet-stream"),
    ],
)  # fmt: skip
def test_media_types(name: str, kind: str) -> None:
    assert content_type(name) == kind
