"""What only the queue in a file has to do: others write in it, spoil it, or put another one there."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from qmv.live.progress import Live
from qmv.service.queue import sqlite_file
from qmv.service.queue.board import Unavailable, Word
from qmv.service.queue.sqlite_board import SqliteBoard
from tests.conftest import ROOT
from tests.service.queue.boards import FREE, Clock, asked, claimed


@pytest.mark.parametrize("spoil", ["text", "folder", "empty folder"])
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "state.sqlite"
    if spoil == "text":
        path.write_bytes(b"no database " * 1000)
    elif spoil == "folder":
        path.mkdir()
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "state.sqlite"
    board = SqliteBoard(path, FREE)
    for call in (board.counts, lambda: board.claim("w"), lambda: asked(board)):
        with pytest.raises(Unavailable, match=r"queue .*state\.sqlite\): cannot be used"):
            call()


def holds(path: Path) -> sqlite3.Connection:
    """Another process that writes, and doesn't end."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_others_that_write_are_not_waited_for_longer_than_is_told(tmp_path: Path) -> None:
    board = SqliteBoard(tmp_path / "state.sqlite", FREE, wait_s=0.2)
    before = asked(board)
    other = holds(board._file.path)
    for call in (lambda: asked(board, "t"), lambda: board.cancel("s"), lambda: board.claim("w")):
        with pytest.raises(Unavailable, match=r"others wrote for 0\.2 s; try again\.$"):
            call()
    assert board.session("s") == before  # who reads waits for nobody
    other.execute("ROLLBACK")
    other.close()
    assert asked(board, "t").status == "queued"
    board.close()


def test_waiting_for_others_that_write_stops_no_greenlet(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    SqliteBoard(path, FREE).counts()
    code = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import gevent, sys; from pathlib import Path\n"
        "from qmv.service.queue.board import Limits, Unavailable\n"
        "from qmv.service.queue.sqlite_board import SqliteBoard\n"
        "board, turns = SqliteBoard(Path(sys.argv[1]), Limits(), wait_s=1.0), []\n"
        "def turn():\n"
        "    while True:\n"
        "        turns.append(board.counts())\n"
        "        gevent.sleep(0.01)\n"
        "gevent.spawn(turn)\n"
        "waiting = [gevent.spawn(board.cancel, 's') for _ in range(3)]\n"
        "gevent.joinall(waiting)\n"
        "assert all(isinstance(one.exception, Unavailable) for one in waiting)\n"
        "print(len(turns))"
    )
    other = holds(path)
    for _ in range(3):  # a machine may stand still for the second that it waits, but not each time
        done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True)
        if int(done.stdout or 0) > 5:  # where SQLite waits, there are 1 to 3
            break
    other.close()
    assert int(done.stdout or 0) > 5, done.stderr


def test_lost_workers_are_looked_for_one_by_one_so_that_other_greenlets_have_their_turn(tmp_path: Path) -> None:
    """The first of them hears from the last worker, which was only late."""
    code = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import gevent, sys; from pathlib import Path\n"
        "from qmv.service.queue.board import Limits\n"
        "from qmv.service.queue.jobs import Order\n"
        "from qmv.service.queue.sqlite_board import SqliteBoard\n"
        "now, seen = [1.8e9], set()\n"
        "board = SqliteBoard(Path(sys.argv[1]), Limits(session_running=0), lambda: now[0])\n"
        "board.submit('s', [Order(song='a', title='t', style='n')] * 20, digest='d')\n"
        "claims = {claim.n: claim for claim in [board.claim('w') for _ in range(20)]}\n"
        "now[0] += 20\n"
        "def turn():\n"
        "    assert board.finish(claims[20], {})\n"
        "    while True:\n"
        "        seen.add(board.counts().totals.get('lost'))\n"
        "        gevent.sleep(0)\n"
        "gevent.spawn(turn)\n"
        "board.take_back()\n"
        "print(len(seen), board.counts().totals['lost'], board.session('s').videos[19].status)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "state.sqlite")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    turns, lost, last = done.stdout.split() or ("0", "", done.stderr)
    assert (lost, last) == ("19", "finished")
    assert int(turns) > 10  # of 19; in one transaction there is none


def test_what_another_version_lost_is_left_without_writing(tmp_path: Path) -> None:
    clock = Clock()
    board = SqliteBoard(tmp_path / "state.sqlite", FREE, clock, wait_s=0.2)
    asked(board)
    claimed(board)
    with sqlite3.connect(board._file.path) as db:
        db.execute("""UPDATE jobs SET job = '{"order": {"songs": []}, "video": {}}'""")
    db.close()
    clock.now += 20
    other = holds(board._file.path)
    board.take_back()
    other.execute("ROLLBACK")
    other.close()
    board.close()


@pytest.mark.parametrize("becomes", ["nothing", "another"])
def test_a_file_that_is_gone_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str) -> None:
    monkeypatch.setattr(sqlite_file, "_LOOK_S", 0.0)
    board, path = SqliteBoard(tmp_path / "state.sqlite", FREE), tmp_path / "state.sqlite"
    asked(board)
    claim = claimed(board)
    saved = SqliteBoard(tmp_path / "saved.sqlite", FREE)
    asked(saved, "saved")
    saved.close()
    for file in tmp_path.glob("state.sqlite*"):
        file.unlink()
    if becomes == "another":
        (tmp_path / "saved.sqlite").rename(path)
    assert [session.id for session in board.sessions(9)] == (["saved"] if becomes == "another" else [])
    assert board.tell(claim, Live()) is Word.LOST
    new = asked(board, "new")
    board.close()
    after = SqliteBoard(path, FREE)  # it is on the disk
    assert after.session("new") == new
    after.close()


def test_a_file_knows_nothing_of_other_systems(tmp_path: Path) -> None:
    board = SqliteBoard(tmp_path / "state.sqlite", FREE)
    assert (board.phases(["s"]), board.warning()) == ([{1: None, 2: None}], "")
