"""One maker of an entry however many processes ask, and locks that end with their process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qmv.engine.cache import Cache, digest
from tests.engine.entries import KEY

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
