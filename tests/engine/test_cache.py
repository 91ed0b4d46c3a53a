"""The cache: entries that are whole or absent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qmv.engine.cache import Cache
from qmv.errors import TRY_AGAIN, BudgetError, InputError, OutputError, exit_code
from tests.engine.entries import KEY, writes


def fails_half_way(folder: Path) -> None:
    writes("half")(folder)
    raise RuntimeError("half way")


def interrupted(folder: Path) -> None:
    writes("half")(folder)
    raise KeyboardInterrupt


def leftovers(cache: Cache) -> list[str]:
    """What stands in the area beside locks and the folders that entries are sorted into."""
    return [path.name for path in (cache.root / "area").glob("??/*") if path.suffix != ".lock"]


# -- put -------------------------------------------------------------------------------------------------------------


def test_get_finds_nothing_in_an_empty_cache(cache: Cache) -> None:
    assert cache.get("area", KEY) is None


def test_put_makes_the_entry(cache: Cache) -> None:
    folder = cache.put("area", KEY, writes("a"))
    assert (folder / "value.txt").read_text(encoding="utf-8") == "a"


def test_put_entry_is_found_by_get(cache: Cache) -> None:
    assert cache.put("area", KEY, writes("a")) == cache.get("area", KEY)


def test_put_keeps_areas_apart(cache: Cache) -> None:
    cache.put("area", KEY, writes("a"))
    assert cache.get("other", KEY) is None


def test_put_replaces_a_broken_entry(cache: Cache) -> None:
    (cache.put("area", KEY, writes("a")) / "more.txt").write_text("x", encoding="utf-8")
    folder = cache.put("area", KEY, writes("b"))
    assert sorted(file.name for file in folder.iterdir()) == ["sums.json", "value.txt"]


@pytest.mark.parametrize(("make", "error"), [(fails_half_way, RuntimeError), (interrupted, KeyboardInterrupt)])
def test_put_leaves_nothing_of_what_failed(
    cache: Cache, make: Callable[[Path], None], error: type[BaseException]
) -> None:
    with pytest.raises(error):
        cache.put("area", KEY, make)
    assert leftovers(cache) == []


def test_put_keeps_the_old_entry_where_its_replacement_fails(cache: Cache) -> None:
    folder = cache.put("area", KEY, writes("a"))
    with pytest.raises(RuntimeError):
        cache.put("area", KEY, fails_half_way)
    assert (folder / "value.txt").read_text(encoding="utf-8") == "a"


def test_put_says_that_its_folder_was_deleted_whatever_failed_by_that(cache: Cache) -> None:
    def make(part: Path) -> None:
        shutil.rmtree(cache.root)
        raise ValueError("half way")

    with pytest.raises(OutputError, match="were deleted while the run went on") as caught:
        cache.put("area", KEY, make)
    assert (exit_code(caught.value), str(cache.root) in str(caught.value)) == (TRY_AGAIN, True)


def test_put_says_that_its_folder_was_deleted_where_a_sentence_was_raised_from_that(cache: Cache) -> None:
    def make(part: Path) -> None:
        shutil.rmtree(part)
        try:
            (part / "picture.png").read_bytes()
        except FileNotFoundError as error:
            raise InputError("pictures: cannot be read.") from error

    with pytest.raises(OutputError, match="were deleted while the run went on"):
        cache.put("area", KEY, make)


@pytest.mark.parametrize(
    ("gone", "error"),
    [("part", BudgetError("pictures: too dear.")), ("all", BudgetError("pictures: too dear.")), ("part", ValueError())],
    ids=str,
)
def test_put_passes_on_what_is_no_matter_of_its_folder(cache: Cache, gone: str, error: Exception) -> None:
    def make(part: Path) -> None:
        shutil.rmtree(part if gone == "part" else cache.root)
        raise error

    with pytest.raises(type(error)) as caught:
        cache.put("area", KEY, make)
    assert caught.value is error


def test_put_clears_what_a_killed_process_left(cache: Cache) -> None:
    part = cache.folder("area", KEY).with_suffix(".part")
    part.mkdir(parents=True)
    (part / "half.bin").write_bytes(b"half")
    folder = cache.put("area", KEY, writes("a"))
    assert sorted(file.name for file in folder.iterdir()) == ["sums.json", "value.txt"]


def test_drop_forgets_the_entry(cache: Cache) -> None:
    cache.put("area", KEY, writes("a"))
    cache.drop("area", KEY)
    assert cache.get("area", KEY) is None


def test_drop_of_nothing_is_no_error(cache: Cache) -> None:
    cache.drop("area", KEY)


# -- once ------------------------------------------------------------------------------------------------------------


def test_once_says_that_it_made_the_entry(cache: Cache) -> None:
    assert cache.once("area", KEY, writes("a")) == (cache.folder("area", KEY), False)


def test_once_makes_nothing_where_the_entry_stands(cache: Cache) -> None:
    cache.once("area", KEY, writes("a"))
    folder, found = cache.once("area", KEY, writes("b"))
    assert (found, (folder / "value.txt").read_text(encoding="utf-8")) == (True, "a")


def test_once_leaves_nothing_of_what_failed(cache: Cache) -> None:
    with pytest.raises(RuntimeError):
        cache.once("area", KEY, fails_half_way)
    assert leftovers(cache) == []


def test_once_makes_the_entry_after_a_failure(cache: Cache) -> None:
    with pytest.raises(RuntimeError):
        cache.once("area", KEY, fails_half_way)
    assert cache.once("area", KEY, writes("a"))[1] is False
