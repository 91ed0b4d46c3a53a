"""The user's own pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmv.errors import InputError
from qmv.media.picture import png, read
from qmv.plugins.image.folder import Folder
from qmv.testing import ImageProviderContract, image_request, trial_purchases


def fill(folder: Path, **levels: int) -> Path:
    """A grey picture a name."""
    folder.mkdir(exist_ok=True)
    for name, level in levels.items():
        (folder / f"{name}.png").write_bytes(png(np.full((36, 64, 3), level, np.uint8)))
    return folder


def shown(folder: Path, count: int) -> list[int]:
    """The grey levels of the pictures that the first shots get."""
    provider = Folder(path=str(folder))
    return [int(read(provider.render(image_request(index=index)))[0, 0, 0]) for index in range(count)]


class TestFolder(ImageProviderContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> Folder:
        return Folder(path=str(fill(tmp_path / "pictures", a=10, b=20, c=30, d=40, e=50)))


def test_folder_counts_as_people_do(tmp_path: Path) -> None:
    assert shown(fill(tmp_path, img10=100, img2=20, img1=10), 3) == [10, 20, 100]


def test_folder_does_not_look_at_the_case_of_names(tmp_path: Path) -> None:
    assert shown(fill(tmp_path, B=20, a=10, c=30), 3) == [10, 20, 30]


def test_folder_starts_again_where_there_are_more_shots_than_pictures(tmp_path: Path) -> None:
    assert shown(fill(tmp_path, a=10, b=20), 5) == [10, 20, 10, 20, 10]


def test_folder_leaves_out_what_is_no_picture(tmp_path: Path) -> None:
    (fill(tmp_path, b=20) / "a.txt").write_text("no picture")
    (tmp_path / "0.png").mkdir()
    assert shown(tmp_path, 1) == [20]


def test_folder_says_which_files_it_leaves_out(tmp_path: Path) -> None:
    fill(tmp_path, b=20)
    for name in ("d.heic", "c.HEIC", "e.avif", "f.cr2", ".hidden.heic", "a.txt", "b.xmp", "Thumbs.db", "README"):
        (tmp_path / name).write_bytes(b"not read")
    (tmp_path / "g.heic").mkdir()
    [note] = Folder(path=str(tmp_path)).notes()
    assert note == (
        f"image (folder): {tmp_path} holds 4 files that cannot be used (c.HEIC, d.heic, e.avif and 1 more); png, jpg, "
        "jpeg, webp, bmp, tif, tiff, gif can: save them as one of these"
    )


def test_folder_of_pictures_and_texts_has_nothing_to_say(tmp_path: Path) -> None:
    (fill(tmp_path, a=10, b=20) / "a.txt").write_text("of a.png", encoding="utf-8")
    assert Folder(path=str(tmp_path)).notes() == []


@pytest.mark.parametrize("run", ["first", "again"])
def test_folder_that_leaves_a_file_out_tells_it_once_a_run(
    run_cli: Callable[..., Any], song: Path, clicks_plugin: Path, tmp_path: Path, run: str
) -> None:
    folder = fill(tmp_path / "pictures", a=10, b=20)
    given = (f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=pictures", "image=folder")
    if run == "again":
        assert run_cli(*given, f"image.path={folder}").rc == 0
    (folder / "c.heic").write_bytes(b"not read")
    ended = run_cli(*given, f"image.path={folder}")
    assert (ended.rc, ended.stderr.count("1 file that cannot be used (c.heic)")) == (0, 1), ended.stderr


def test_folder_hands_on_the_very_bytes_of_the_file(tmp_path: Path) -> None:
    fill(tmp_path, a=10)
    assert Folder(path=str(tmp_path)).render(image_request()) == (tmp_path / "a.png").read_bytes()


def test_folder_that_is_missing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"image \(folder\): there is no folder .*nowhere; name one with image.path=FOLDER, or"
    ):
        Folder(path=str(tmp_path / "nowhere")).identity()


def test_folder_without_pictures_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no pictures; put some in \(png, jpg, jpeg, webp"):
        Folder(path=str(tmp_path)).render(image_request())
    (tmp_path / "c.heic").write_bytes(b"not read")
    with pytest.raises(InputError, match=r"holds no pictures, but 1 file that cannot be used \(c.heic\); put some in"):
        Folder(path=str(tmp_path)).ready()


def test_folder_names_a_broken_picture(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(png(np.zeros((36, 64, 3), np.uint8))[:60])
    with pytest.raises(InputError, match=r"image \(folder\): .*torn.png: cannot be read as a picture"):
        Folder(path=str(tmp_path)).render(image_request())


def test_folder_turns_a_broken_picture_into_an_outcome_that_loses_no_other(tmp_path: Path) -> None:
    (fill(tmp_path, a=10, c=30) / "b.png").write_bytes(b"no picture")
    folder, requests = Folder(path=str(tmp_path)), [image_request(index=index) for index in range(3)]
    outcomes = folder.render_all(requests, trial_purchases(tmp_path / "money", folder, requests))
    assert {outcome.request.index: outcome.error is None for outcome in outcomes} == {0: True, 1: False, 2: True}


def test_folder_is_known_by_its_pictures_not_by_its_place(tmp_path: Path) -> None:
    one, two = fill(tmp_path / "one", a=10, b=20), fill(tmp_path / "two", a=10, b=20)
    assert Folder(path=str(one)).identity() == Folder(path=str(two)).identity()


def test_folder_has_another_identity_after_a_picture_changes(tmp_path: Path) -> None:
    before = Folder(path=str(fill(tmp_path, a=10))).identity()
    assert Folder(path=str(fill(tmp_path, a=11))).identity() != before


def test_folder_gives_shots_of_one_picture_one_identity(tmp_path: Path) -> None:
    provider = Folder(path=str(fill(tmp_path, a=10, b=20)))
    identities = [provider.request_identity(image_request(index=index, seed=index)) for index in (0, 1, 2)]
    assert identities[0] == identities[2] != identities[1]


def test_folder_takes_names_with_raised_digits(tmp_path: Path) -> None:
    assert shown(fill(tmp_path, **{"5\u00b22": 20, "1\u00b22": 10}), 2) == [10, 20]
