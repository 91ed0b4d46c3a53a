"""Mapping over worker processes: every result once, with its index, for any number of workers."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from qmv.engine.parallel import Mapper, cores, end_workers
from qmv.engine.plugin_files import load_file
from qmv.errors import InputError, QmvError, UnknownName

SQUARES = """
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from qmv.errors import InputError, UnknownName


@dataclass(frozen=True)
class Number:
    value: int


def square(number):
    return Number(number.value ** 2)


def where(item):
    return os.getpid()


def fails(item):
    raise InputError(f"picture {item}: cannot be read.")


def fails_by_name(item):
    raise UnknownName("style", "nion", ["neon"])


def ends_its_worker(item):
    "(place of a file, how often): so many workers end over it."
    place, times = item
    ended = Path(place).stat().st_size if Path(place).exists() else 0
    if ended < times:
        with Path(place).open("ab") as file:
            file.write(b".")
        os.kill(os.getpid(), signal.SIGKILL)
    return times


def blocked(item):
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
"""


@pytest.fixture
def squares(tmp_path: Path) -> Any:
    """The module of a plugin file whose functions and values go to the workers."""
    path = tmp_path / "squares.py"
    path.write_text(SQUARES, encoding="utf-8")
    module = load_file(str(path))
    module.path = str(path)
    yield module
    sys.modules.pop(module.__name__)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_map_gives_every_result_once_with_its_index(workers: int) -> None:
    found = list(Mapper(())(partial(operator.mul, 2), [3, 1, 2], workers))
    assert sorted(found) == [(0, 6), (1, 2), (2, 4)]


def test_map_of_nothing_gives_nothing() -> None:
    assert list(Mapper(())(partial(operator.mul, 2), [], 2)) == []


def test_map_with_one_worker_stays_in_this_process(squares: Any) -> None:
    assert list(Mapper(())(squares.where, [0, 1], 1)) == [(0, os.getpid()), (1, os.getpid())]


def test_map_with_two_workers_leaves_this_process(squares: Any) -> None:
    assert os.getpid() not in {pid for _, pid in Mapper([squares.path])(squares.where, [0, 1], 2)}


def test_map_loads_plugin_files_in_each_worker(squares: Any) -> None:
    found = dict(Mapper([squares.path])(squares.square, [squares.Number(2), squares.Number(3)], 2))
    assert found == {0: squares.Number(4), 1: squares.Number(9)}


@pytest.mark.parametrize("workers", [1, 2])
def test_map_hands_up_an_error_with_its_words(squares: Any, workers: int) -> None:
    with pytest.raises(InputError, match=r"picture \d: cannot be read\."):
        list(Mapper([squares.path])(squares.fails, [1, 2], workers))


def test_map_hands_up_an_unknown_name_from_a_worker(squares: Any) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'neon'"):
        list(Mapper([squares.path])(squares.fails_by_name, [1, 2], 2))


@pytest.mark.parametrize("times", [1, 3])
def test_map_does_the_work_of_lost_workers_again_and_says_so(squares: Any, tmp_path: Path, times: int) -> None:
    told: list[str] = []
    items = [(str(tmp_path / "0"), 0), (str(tmp_path / "1"), times), (str(tmp_path / "2"), 0)]
    found = dict(Mapper([squares.path], told.append)(squares.ends_its_worker, items, 2))
    assert found == {0: 0, 1: times, 2: 0}
    assert told == ["the system ended a worker process, most often for want of memory; its work is done again"] * times


def test_map_gives_up_an_item_that_ends_every_worker(squares: Any, tmp_path: Path) -> None:
    items = [(str(tmp_path / str(number)), 0 if number else 99) for number in range(4)]
    results = Mapper([squares.path])(squares.ends_its_worker, items, 2)
    with pytest.raises(QmvError, match="a piece of the work ended its worker process 4 times, also with nothing"):
        list(results)
    assert (tmp_path / "0").stat().st_size == 4


def test_workers_are_deaf_to_ctrl_c_and_this_process_is_not(squares: Any) -> None:
    end_workers()
    assert dict(Mapper([squares.path])(squares.blocked, [0, 1], 2)) == {0: True, 1: True}
    assert not squares.blocked(None)


def test_ended_workers_leave_no_process_and_the_next_map_starts_anew(squares: Any) -> None:
    first = {pid for _, pid in Mapper([squares.path])(squares.where, [0, 1], 2)}
    end_workers()
    assert not any(psutil.pid_exists(pid) for pid in first)
    assert first.isdisjoint(pid for _, pid in Mapper([squares.path])(squares.where, [0, 1], 2))


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    may_use: Callable[[int], set[int]] = lambda _: {0, 2, 5}  # noqa: E731
    monkeypatch.setattr(os, "sched_getaffinity", may_use, raising=False)
    assert cores() == 3
