"""What only the queue in Redis has to do: Redis goes away, and other systems read and write beside it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from qmv.engine.secrets import redacted
from qmv.errors import ConfigError
from qmv.live.progress import Live
from qmv.service.checks import check_all
from qmv.service.queue.board import Limits, Unavailable, Word
from qmv.service.queue.redis_board import RedisBoard
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings, open_board
from tests.fakes.redis_server import RedisServer, redis_server
from tests.service.queue.boards import FREE, Clock, asked, claimed

# -- when the place is away ------------------------------------------------------------------------------------------


def test_redis_that_is_killed_keeps_everything(redis: RedisServer, clock: Clock) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, FREE, clock)
    asked(board, count=2, key="k")
    claim = claimed(board)
    board.add_picture(claim, 0, b"jpeg")
    before = (board.session("s"), board.changes(0), board.counts())
    redis.kill()
    try:
        for call in (lambda: board.session("s"), lambda: board.claim("w"), lambda: board.tell(claim, Live())):
            with pytest.raises(Unavailable, match=rf"Redis at 127.0.0.1:{redis.port}") as away:
                call()
            assert redis.password not in str(away.value)
    finally:
        redis.start()
    assert (board.session("s"), board.changes(0), board.counts()) == before
    assert board.tell(claim, Live(percent=3)) is Word.GO_ON
    assert board.picture("s", 1, 0) == b"jpeg"
    board.close()


def test_redis_that_hangs_is_not_waited_for_long(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the patience of other tests
    board = RedisBoard(redis.url, FREE)
    board.changes(0)
    redis.freeze()
    try:
        took_s = []
        for _ in range(3):  # 2 s each; not all of them meet a moment in which the machine stands still
            began = time.monotonic()
            with pytest.raises(Unavailable, match="Timeout"):
                board.claim("w")
            took_s.append(time.monotonic() - began)
            if took_s[-1] < 10:
                break
        assert min(took_s) < 10
    finally:
        redis.thaw()
    board.changes(0)
    board.close()


def test_a_wrong_password_is_told_without_it(redis: RedisServer) -> None:
    board = RedisBoard(redis.url.replace(redis.password, "tops3cretword"), FREE)
    with pytest.raises(Unavailable, match="invalid username-password") as told:
        board.counts()
    assert "tops3cretword" not in str(told.value)
    assert "tops3cretword" not in redacted("an address with tops3cretword in it")
    board.close()


@pytest.mark.parametrize("url", ["http://x", "redis://:tops3cret@host:port/0", "nonsense", ""])
def test_an_address_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="REDIS_URL") as told:
        RedisBoard(url, FREE)
    assert "tops3cret" not in str(told.value)


def test_redis_that_forgets_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with redis_server(tmp_path, appendonly="no", maxmemory="50mb", **{"maxmemory-policy": "allkeys-lru"}) as server:
        board = RedisBoard(server.url, FREE)
        assert "appendonly yes" in board.warning()
        monkeypatch.setenv("REDIS_URL", server.url)
        check_all(ServiceSettings(outputs=str(tmp_path)))  # as the service does before it starts
        assert capsys.readouterr().err == f"warning: {board.warning()}\n"
        server.client.config_set("appendonly", "yes")
        assert "noeviction" in board.warning()
        server.client.config_set("maxmemory-policy", "noeviction")
        assert board.warning() == ""
        board.close()


# -- what others read and write --------------------------------------------------------------------------------------


def test_what_another_version_added_is_left_out(redis: RedisServer) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, FREE)
    before = asked(board)
    job = json.loads(redis.client.hget("qmv:session:s", "1"))
    job["video"]["live"]["mood"] = job["video"]["mood"] = job["mood"] = "new"
    redis.client.hset("qmv:session:s", "1", json.dumps(job))
    assert board.session("s") == before
    board.close()


def test_the_session_keys_follow_each_step(redis: RedisServer, clock: Clock) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, Limits(keep_s=500), clock)

    def keys() -> list[str | None]:
        whats = ("status", "progress", "results", "error")
        return [redis.client.get(f"session:s:phase3_{what}") for what in whats]

    assert keys() == [None] * 4
    asked(board, count=2)
    assert keys() == ["queued", "0", "[]", ""]
    first, second = claimed(board), claimed(board)
    board.tell(first, Live(percent=41.0))
    assert keys() == ["running", "20", "[]", ""]
    board.finish(first, {"url": "u"})
    board.fail(second, "no such song.", again=False)
    assert keys() == [
        "failed", "50", json.dumps([{"n": 1, "title": "Song 1 ä", "url": "u"}]), "video 2: no such song.",
    ]  # fmt: skip
    assert 0 < redis.client.ttl("session:s:phase3_status") <= 500
    board.close()


def test_the_session_keys_tell_of_a_lost_worker(redis: RedisServer, clock: Clock) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, FREE, clock)
    asked(board)
    board.tell(claimed(board), Live(percent=41.0))
    clock.now += 20
    board.take_back()
    assert redis.client.mget("session:s:phase3_status", "session:s:phase3_progress") == ["queued", "41"]
    board.close()


def test_the_error_key_holds_nothing_of_a_try_that_is_over(redis: RedisServer, clock: Clock) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, FREE, clock)
    asked(board)
    board.fail(claimed(board), "no answer.", again=True)
    assert redis.client.mget("session:s:phase3_status", "session:s:phase3_error") == ["queued", "no answer."]
    clock.now += 5
    claimed(board)
    assert redis.client.mget("session:s:phase3_status", "session:s:phase3_error") == ["running", ""]
    board.close()


def test_another_systems_phase_is_read_as_it_is(redis: RedisServer) -> None:
    redis.client.flushall()
    board = RedisBoard(redis.url, FREE)
    assert board.phases(["s", "t"]) == [{1: None, 2: None}] * 2
    redis.client.mset({
        "session:s:phase1_status": "done", "session:s:phase1_progress": "37.5",
        "session:s:phase1_results": '{"lyrics": ["ä"]}', "session:s:phase2_results": "not JSON",
        "session:s:phase2_progress": "[half]",
    })  # fmt: skip
    nothing, told = board.phases(["t", "s"])
    assert nothing == {1: None, 2: None}
    assert told[1] == {"status": "done", "progress": 37.5, "results": {"lyrics": ["ä"]}, "error": None}
    assert told[2] == {"status": None, "progress": "[half]", "results": "not JSON", "error": None}
    assert board.phases([]) == []
    board.close()


def test_the_settings_choose_the_place(tmp_path: Path, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServiceSettings(outputs=str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert isinstance(open_board(settings), SqliteBoard)
    monkeypatch.setenv("REDIS_URL", redis.url)
    assert isinstance(open_board(settings), RedisBoard)
