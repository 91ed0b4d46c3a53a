"""The observer that writes into Redis: a real server, real small runs, and servers that are away or hang."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmv.api import About
from qmv.errors import ConfigError, ServiceError
from qmv.events import RunFinished
from qmv.plugins.observer.redis import Redis
from qmv.testing import ObserverContract
from tests.fakes.redis_server import RedisServer, redis_server

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def redis(server: RedisServer) -> RedisServer:
    """An empty one that answers."""
    if server._keeper is None:
        server.start()
    with server.client as client:
        client.flushall()
    return server


def told(redis: RedisServer, session: str) -> dict[str, Any]:
    """What the four keys say."""
    with redis.client as client:
        names = ("status", "progress", "results", "error")
        found = {name: client.get(f"session:{session}:phase3_{name}") for name in names}
    return found | {"results": json.loads(found["results"] or "null")}


def warnings(ended: Any) -> list[str]:
    """What the logs of its runs say of the observer."""
    lines = [line for path in ended.found("run.log") for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if "observer redis" in line and "WARNING" in line]


def about(folder: Path, session: str = "spring") -> About:
    return About(session=session, n=1, folder=folder, song="a.wav", style="neon")


class TestRedis(ObserverContract):
    @pytest.fixture
    def plugin(self, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        return Redis()


# -- before any work -------------------------------------------------------------------------------------------------


def test_a_session_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="session=ID"):
        Redis().ready(about(tmp_path, session=""))


@pytest.mark.parametrize("url", ["", "  "])
def test_an_address_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ConfigError, match="REDIS_URL is not set"):
        Redis().ready(about(tmp_path))


@pytest.mark.parametrize("url", ["http://:hushhush@localhost:1", "redis://:hushhush@localhost:many/0"])
def test_an_address_of_something_else_is_refused_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OTHER_URL", url)
    with pytest.raises(ConfigError, match="OTHER_URL holds no address of Redis") as caught:
        Redis(url_env="OTHER_URL").ready(about(tmp_path))
    assert "hushhush" not in str(caught.value)


def test_a_server_that_is_away_now_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    Redis().ready(about(tmp_path))
    with pytest.raises(ServiceError, match=r"cannot be reached or used .*mend REDIS_URL"):
        Redis().watch(about(tmp_path)).tell()


def test_keys_expire(redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis.url)
    watcher = Redis(keep_hours=2.0).watch(about(tmp_path))
    watcher.see(RunFinished(status="cancelled", seconds=1.0, error="cancelled"))
    watcher.tell()
    with redis.client as client:
        lives = {name: client.ttl(name) for name in client.keys("*")}
    assert len(lives) == 5
    assert all(7190 <= life_s <= 7200 for life_s in lives.values()), lives
    assert (told(redis, "spring")["status"], told(redis, "spring")["error"]) == ("cancelled", "")


# -- runs ------------------------------------------------------------------------------------------------------------


def test_a_run_tells_its_session(run_cli: Run, song: Path, quick: tuple[str, str], redis: RedisServer) -> None:
    env = {"REDIS_URL": redis.url}
    ended = run_cli(f"song={song}", *quick, "session=spring", "observers=[redis]", env=env)
    assert ended.rc == 0, ended.stderr
    found = told(redis, "spring")
    [delivery] = json.loads(ended.found("manifest.json")[0].read_text(encoding="utf-8"))["deliveries"]
    assert (found["status"], found["progress"], found["error"]) == ("finished", "100", "")
    assert found["results"] == [{"n": 1, "title": "song / neon", **delivery}]
    assert delivery["url"] == str(ended.video)
    assert delivery["key"] == "videos/spring/video_1.mp4"
    assert delivery["size_bytes"] == ended.video.stat().st_size
    assert warnings(ended) == []
    kept = [path for path in ended.outputs.rglob("*") if path.is_file()]
    assert [path for path in kept if redis.password.encode() in path.read_bytes()] == []
    assert redis.password not in ended.stdout + ended.stderr


def test_a_sweep_tells_of_all_its_videos(run_cli: Run, song: Path, quick: tuple[str, str], redis: RedisServer) -> None:
    observer = "observers=[{name: redis, keep_hours: 24, videos: 2}]"
    ended = run_cli("-m", f"song={song}", *quick, "session=spring", "seed=1,2", observer, env={"REDIS_URL": redis.url})
    assert ended.rc == 0, ended.stderr
    found = told(redis, "spring")
    assert (found["status"], found["progress"]) == ("finished", "100")
    assert [result["n"] for result in found["results"]] == [1, 2]
    assert all(Path(result["url"]).is_file() for result in found["results"])


def test_a_run_that_fails_tells_so(run_cli: Run, tmp_path: Path, redis: RedisServer) -> None:
    env = {"REDIS_URL": redis.url}
    ended = run_cli(f"song.path={tmp_path / 'missing.wav'}", "session=spring", "observers=redis", env=env)
    found = told(redis, "spring")
    assert (ended.rc, found["status"], found["results"]) == (1, "failed", [])
    assert [f"error: {found['error']}"] == ended.errors


def test_a_wrong_name_is_told_before_any_work(run_cli: Run, song: Path) -> None:
    ended = run_cli(f"song={song}", "observers=[rediss]")
    assert ended.errors == ["error: observer: 'rediss' is not known. Did you mean 'redis'? Known: redis."]


def test_no_session_is_told_before_any_work(run_cli: Run, song: Path) -> None:
    ended = run_cli(f"song={song}", "observers=[redis]", env={"REDIS_URL": "redis://localhost/0"})
    assert ended.errors == ["error: observers (redis): its keys have a session's name; give one with session=ID."]
    assert ended.found("*.mp4") == []


# -- servers that fail -----------------------------------------------------------------------------------------------


def test_a_server_that_is_away_costs_a_line(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    env = {"REDIS_URL": "redis://:hushhush@127.0.0.1:1/0"}
    ended = run_cli(f"song={song}", *quick, "session=spring", "observers=[redis]", env=env)
    assert (ended.rc, ended.video.is_file()) == (0, True), ended.stderr
    assert len(warnings(ended)) == 1
    assert "the run, which goes on (Redis cannot be reached or used" in warnings(ended)[0]
    assert [path for path in ended.outputs.rglob("*.*") if path.is_file() and b"hushhush" in path.read_bytes()] == []


def test_a_server_that_never_answers_costs_a_line(run_cli: Run, song: Path, quick: tuple[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as deaf:
        env = {"REDIS_URL": f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"}
        ended = run_cli(f"song={song}", *quick, "session=spring", "observers=[redis]", env=env)
    assert (ended.rc, ended.video.is_file()) == (0, True), ended.stderr
    assert len(warnings(ended)) == 1


_KILLER = """
import os, signal
from qmv.hookspecs import hookimpl

@hookimpl
def qmv_event(event):
    if type(event).__name__ == "StageFinished" and event.node == "pictures":
        os.kill(int(os.environ["REDIS_PID"]), signal.SIGKILL)
"""


def test_a_server_that_dies_in_the_middle_costs_a_line(
    run_cli: Run, song: Path, clicks_plugin: Path, tmp_path: Path, redis: RedisServer
) -> None:
    killer = tmp_path / "killer.py"
    killer.write_text(_KILLER, encoding="utf-8")
    env = {"REDIS_URL": redis.url, "REDIS_PID": str(redis.pid)}
    plugins = f"plugins=[{clicks_plugin},{killer}]"
    ended = run_cli(f"song={song}", plugins, "tracker=clicks", "session=spring", "observers=[redis]", env=env)
    redis.kill()
    assert (ended.rc, ended.video.is_file()) == (0, True), ended.stderr
    assert len(warnings(ended)) == 1
    redis.start()
    assert told(redis, "spring")["status"] == "running"  # the last that it was told


def test_many_runs_of_a_session_lose_nothing_of_each_other(
    redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis.url)
    observer = Redis(videos=8)

    def run(n: int) -> None:
        watcher = observer.watch(About(session="spring", n=n, folder=tmp_path, song="a.wav", style="neon"))
        watcher.tell()
        watcher.see(RunFinished(status="finished", seconds=1.0, result=f"/films/{n}.mp4"))
        watcher.tell()
        watcher.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = told(redis, "spring")
    assert (found["status"], found["progress"]) == ("finished", "100")
    assert [result["url"] for result in found["results"]] == [f"/films/{n}.mp4" for n in range(1, 9)]
