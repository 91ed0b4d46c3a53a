"""Caches of two machines with a shared one between them: what one makes, the other gets."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

from qmv.engine.cache import Cache
from tests.engine.machines import KEYS, Start, anything, make, objects


def test_entry_of_one_machine_comes_to_another(machine: Start, place: Path) -> None:
    with machine("a") as a:
        assert a.made(KEYS[0])
    with machine("b") as b:
        assert not b.made(KEYS[0], "made there")
        assert b.value(KEYS[0]) == "made here"
    assert (a.told, b.told) == ([], [])


def test_many_entries_come_side_by_side_and_absent_ones_stay_absent(machine: Start, place: Path) -> None:
    with machine("a") as a:
        for key in KEYS[::2]:
            a.made(key, key)
    with machine("b") as b:
        b.cache.bring("area", KEYS, anything)
        assert [b.value(key) for key in KEYS] == [key if n % 2 == 0 else None for n, key in enumerate(KEYS)]
    assert len(objects(place)) == 20
    assert not list(b.cache.root.rglob("*.part"))


def test_entries_that_were_here_before_there_was_a_shared_cache_are_sent(
    machine: Start, place: Path, tmp_path: Path
) -> None:
    Cache(tmp_path / "a").once("area", KEYS[0], make("old"))
    with machine("a") as a:
        assert not a.made(KEYS[0])
    assert list(objects(place)) == [KEYS[0]]


def test_machines_that_make_the_same_at_the_same_time_send_it_once(machine: Start, place: Path) -> None:
    with machine("a") as a, machine("b") as b:
        threads = [threading.Thread(target=each.made, args=(key, key)) for key in KEYS for each in (a, b)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (a.told, b.told) == ([], [])
    with machine("c") as c:
        c.cache.bring("area", KEYS, anything)
        assert [c.value(key) for key in KEYS] == KEYS
    assert len(objects(place)) == len(KEYS)


def test_entry_that_another_process_makes_is_not_waited_for(machine: Start, tmp_path: Path) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    with machine("b") as b, Cache(tmp_path / "b").lock("area", KEYS[0]):
        b.cache.bring("area", KEYS[:1], anything)
        assert b.value(KEYS[0]) is None


def test_worker_processes_have_the_local_cache_only(machine: Start) -> None:
    with machine("a") as a:
        there = pickle.loads(pickle.dumps(a.cache))
    assert (there, there.shared) == (a.cache, None)


def test_dry_run_takes_and_sends_nothing(machine: Start, place: Path) -> None:
    with machine("a") as a:
        a.made(KEYS[0])
    with machine("b", sends=False) as b:
        assert (b.made(KEYS[0]), b.made(KEYS[1])) == (False, True)
    assert list(objects(place)) == [KEYS[0]]


def test_nothing_is_fetched_or_sent_outside_of_a_run(machine: Start, place: Path) -> None:
    with machine("a") as a:
        pass
    assert a.made(KEYS[0])
    assert objects(place) == {}
