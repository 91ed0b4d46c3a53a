"""Entries that come from a shared folder: broken and foreign ones are not used, and cost themselves only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.machines import KEYS, Start, anything, object_of, objects


def damage(kind: str, place: Path) -> None:
    """Breaks the object of KEYS[0]; that of KEYS[1] stays whole."""
    path, other = object_of(place, KEYS[0]), object_of(place, KEYS[1])
    data = path.read_bytes()
    line, _, rest = data.partition(b"\n")
    match kind:
        case "cut":
            path.write_bytes(data[:-3])
        case "flipped":
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "empty":
            path.write_bytes(b"")
        case "another entry's":
            path.write_bytes(other.read_bytes())
        case "sums edited":
            path.write_bytes(line.replace(b'"sha256":"', b'"sha256":"0', 1) + b"\n" + rest)
        case "traversal":
            path.write_bytes(line.replace(b'"value.txt"', b'"../../../../evil"') + b"\n" + rest)
        case "a link":
            path.unlink()
            path.symlink_to(other)
        case "10 GB":
            with path.open("wb") as stream:
                stream.truncate(10 * 2**30)
        case "10 GB, it says":
            path.write_bytes(line.replace(b'"size_bytes":9', b'"size_bytes":10737418240') + b"\n" + rest)


KINDS = ["cut", "flipped", "empty", "another entry's", "sums edited", "traversal", "10 GB", "10 GB, it says"]


@pytest.mark.parametrize("kind", KINDS)
def test_broken_entry_is_not_used_and_told_and_whole_again_afterwards(
    machine: Start, place: Path, tmp_path: Path, kind: str
) -> None:
    with machine("a") as a:
        for key in KEYS[:2]:
            a.made(key)
    whole = objects(place)
    damage(kind, place)
    with machine("b") as b:
        b.cache.bring("area", KEYS[:2], anything)
        assert [b.value(key) for key in KEYS[:2]] == [None, "made here"]
        assert b.made(KEYS[0])
    [words] = b.told
    assert "an entry is broken in the shared cache (area: " in words
    assert objects(place) == whole
    assert not list(tmp_path.rglob("evil"))
    with machine("c") as c:
        assert not c.made(KEYS[0])


def test_object_that_is_a_link_to_another_entry_is_not_used(machine: Start, place: Path) -> None:
    with machine("a") as a:
        for key in KEYS[:2]:
            a.made(key, key)
    damage("a link", place)
    with machine("b") as b:
        assert b.made(KEYS[0], "anew")
        assert b.value(KEYS[0]) == "anew"


def test_entry_of_another_form_is_not_used(machine: Start, place: Path) -> None:
    """Whole, and still nothing that the stage could read."""

    def other(folder: Path) -> None:
        (folder / "other.txt").write_text("other", encoding="utf-8")

    with machine("a") as a:
        a.cache.put("area", KEYS[0], other)
        a.cache.share("area", KEYS[:1])
    with machine("b") as b:
        assert b.made(KEYS[0])
    assert len(b.told) == 1
    assert b"value.txt" in object_of(place, KEYS[0]).read_bytes()


def test_entry_that_was_damaged_here_comes_from_there(machine: Start) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    (a.cache.folder("area", KEYS[0]) / "value.txt").write_text("damaged", encoding="utf-8")
    with machine("a") as a:
        assert not a.made(KEYS[0], "made anew")
        assert a.value(KEYS[0]) == "made here"


def test_entry_that_was_damaged_before_it_was_sent_does_not_go_there(machine: Start, place: Path) -> None:
    with machine("a", sends=False) as a:
        a.made(KEYS[0])
    (a.cache.folder("area", KEYS[0]) / "value.txt").write_text("damaged", encoding="utf-8")
    with machine("a") as a:
        a.cache.share("area", KEYS[:1])
    assert objects(place) == {}


def stand_in(kind: str, path: Path) -> None:
    path.unlink()
    match kind:
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "a loop":
            path.symlink_to(path.name)
        case "outside":
            path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a loop", "outside"])
def test_what_is_no_file_costs_its_own_entry_only(machine: Start, place: Path, kind: str) -> None:
    """Also where nothing can take its place."""
    with machine("a") as a:
        for key in KEYS[:3]:
            a.made(key)
    stand_in(kind, object_of(place, KEYS[0]))
    with machine("b") as b:
        b.cache.bring("area", KEYS[:3], anything)
        assert [b.value(key) for key in KEYS[:3]] == [None, "made here", "made here"]
        assert (b.made(KEYS[0]), b.made(KEYS[3])) == (True, True)
    assert b.told == ["an entry is broken in the shared cache (area: it cannot be read), not used and made anew"]
    assert object_of(place, KEYS[3]).is_file()
    with machine("b") as b:
        assert not b.made(KEYS[0])
    assert b.told == []


def test_check_that_raises_anything_finds_the_entry_broken(machine: Start) -> None:
    def deep(folder: Path) -> None:
        raise RecursionError

    with machine("a") as a:
        for key in KEYS[:2]:
            a.made(key)
    with machine("b") as b:
        b.cache.bring("area", KEYS[:1], deep)
        assert not b.made(KEYS[1])
    [words] = b.told
    assert "an entry is broken in the shared cache (area: it holds something else (RecursionError))" in words


ANOTHER_KEY = "the key of nobody, but long"


def test_with_a_key_only_entries_of_its_holders_are_used(
    machine: Start, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's is whole in itself, and says something else."""
    with machine("stranger") as stranger:
        stranger.made(KEYS[0], "poison")
    monkeypatch.setenv("QMV_CACHE_KEY", "a key of thirty letters, or so")
    with machine("a") as a:
        assert a.made(KEYS[0], "good")
    assert "not signed with this QMV_CACHE_KEY" in a.told[0]
    with machine("b") as b:
        assert not b.made(KEYS[0])
        assert b.value(KEYS[0]) == "good"
    monkeypatch.setenv("QMV_CACHE_KEY", ANOTHER_KEY)
    with machine("c") as c:
        assert c.made(KEYS[0])
