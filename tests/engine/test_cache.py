"""The cache: canonical keys, entries that are whole or absent, and one maker however many processes ask."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.engine.cache import Cache, digest
from qmv.errors import TRY_AGAIN, BudgetError, InputError, OutputError, exit_code

KEY = digest("a key")

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def writes(text: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "value.txt").write_text(text, encoding="utf-8")

    return make


def fails_half_way(folder: Path) -> None:
    writes("half")(folder)
    raise RuntimeError("half way")


def interrupted(folder: Path) -> None:
    writes("half")(folder)
    raise KeyboardInterrupt


def leftovers(cache: Cache) -> list[str]:
    """What stands in the area beside locks and the folders that entries are sorted into."""
    return [path.name for path in (cache.root / "area").glob("??/*") if path.suffix != ".lock"]


# -- keys ------------------------------------------------------------------------------------------------------------


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_digest_depends_on_the_order_of_a_sequence() -> None:
    assert digest([1, 2]) != digest([2, 1])


def test_digest_takes_tuples_and_lists_for_the_same() -> None:
    assert digest((1, (2, 3))) == digest([1, [2, 3]])


def test_digest_tells_a_number_from_its_text() -> None:
    assert digest(1) != digest("1")


@pytest.mark.parametrize("value", [Fraction(30000, 1001), Decimal("0.10"), Path("/a/b")])
def test_digest_takes_exact_numbers_and_paths_as_text(value: object) -> None:
    assert digest({"x": value}) == digest({"x": str(value)})


def test_digest_refuses_what_has_no_canonical_form() -> None:
    with pytest.raises(TypeError, match="set has no canonical form"):
        digest({"x": {1, 2}})


@given(PLAIN)
def test_digest_is_the_same_after_json(value: Any) -> None:
    assert digest(value) == digest(json.loads(json.dumps(value)))


def test_digest_is_the_same_in_another_process() -> None:
    value = {"b": [1, 2.5, None, True], "a": {"ü": "é"}}
    code = f"from qmv.engine.cache import digest; print(digest({value!r}))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert there.stdout.strip() == digest(value)


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


# Both processes say that they are there before either may go on, so that they really ask at the same time. The one
# that makes the entry holds the lock until the other one has had its chance: it waits for a line that the test sends.
ASKER = """
import sys
from pathlib import Path
from qmv.engine.cache import Cache

cache, diary = Cache(Path(sys.argv[1])), Path(sys.argv[2])

def make(folder):
    with diary.open("a") as file:
        file.write("made\\n")
    print("making", flush=True)
    sys.stdin.readline()
    (folder / "value.txt").write_text("a")

print("ready", flush=True)
sys.stdin.readline()
folder, found = cache.once("area", sys.argv[3], make)
print((folder / "value.txt").read_text(), found, flush=True)
"""


def test_once_by_two_processes_makes_the_entry_once(cache: Cache, tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    command = [sys.executable, "-c", ASKER, str(cache.root), str(diary), KEY]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    askers = [subprocess.Popen(command, **pipes) for _ in range(2)]
    try:
        for asker in askers:
            assert asker.stdout.readline() == "ready\n"  # type: ignore[union-attr]
        for asker in askers:
            asker.stdin.write("go\nfinish\n")  # type: ignore[union-attr]
            asker.stdin.flush()  # type: ignore[union-attr]
        answers = sorted(asker.communicate(timeout=60)[0].splitlines()[-1] for asker in askers)
    finally:
        for asker in askers:
            asker.kill()
            asker.communicate()
    assert (answers, diary.read_text()) == (["a False", "a True"], "made\n")


# -- locks -----------------------------------------------------------------------------------------------------------

HOLDER = """
import sys
from pathlib import Path
from qmv.engine.cache import Cache

with Cache(Path(sys.argv[1])).lock("area", sys.argv[2]):
    print("mine", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(cache: Cache) -> Any:
    """Another process that holds the lock of KEY."""
    command = [sys.executable, "-c", HOLDER, str(cache.root), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def test_lock_without_waiting_says_that_another_process_has_it(cache: Cache, holder: Any) -> None:
    with cache.lock("area", KEY, wait=False) as mine:
        assert mine is False


def test_lock_of_another_key_is_free(cache: Cache, holder: Any) -> None:
    with cache.lock("area", digest("another"), wait=False) as mine:
        assert mine is True


def test_lock_ends_with_the_process_that_held_it(cache: Cache, holder: Any) -> None:
    holder.kill()
    holder.wait(timeout=60)
    with cache.lock("area", KEY, wait=False) as mine:
        assert mine is True


def test_lock_is_free_after_its_block(cache: Cache) -> None:
    with cache.lock("area", KEY):
        pass
    with cache.lock("area", KEY, wait=False) as mine:
        assert mine is True


def test_lock_is_free_after_an_error_in_its_block(cache: Cache) -> None:
    with pytest.raises(RuntimeError), cache.lock("area", KEY):
        raise RuntimeError("inside")
    with cache.lock("area", KEY, wait=False) as mine:
        assert mine is True
