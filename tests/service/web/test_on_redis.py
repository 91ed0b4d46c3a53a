"""The web where the queue lies in Redis, and where Redis goes away."""

from __future__ import annotations

import json
import time
from pathlib import Path

from qmv.live.session_keys import key
from tests.fakes.redis_server import redis_server
from tests.service.web.running import PATIENCE_S, Web, running
from tests.service.web.test_events import Stream


def until_status(web: Web, path: str, status: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while web.get(path).status != status:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_web_outlives_its_redis(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path / "redis") as redis,
        running(tmp_path, quick=True, redis=redis.url, lease_s=2) as web,
    ):
        started = web.ask("POST", "/api/phase3/start/far", {"songs": ["https://example.com/a.mp3"]})
        assert started.status == 202
        stream = Stream(web, "far")
        stream.until("status")
        redis.kill()
        until_status(web, "/healthz", 503)
        away = web.get("/api/phase3/status/far")
        assert int(away.headers["retry-after"]) > 0
        assert away.detail.startswith("The queue cannot be reached")
        assert redis.password not in web.get("/api/sessions").body.decode() + web.logged()
        redis.start()
        until_status(web, "/healthz", 200)
        assert web.get("/api/phase3/status/far").json["status"] == "queued"
        web.ask("POST", "/api/phase3/cancel/far")
        assert [event for event, _, _ in stream if event != "heartbeat"] == ["status", "end"]


def test_phases_of_other_systems_are_told(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as redis, running(tmp_path, quick=True, redis=redis.url) as web:
        client = redis.client
        client.set(key("theirs", "status", 1), "finished")
        client.set(key("theirs", "progress", 1), "100")
        client.set(key("theirs", "results", 1), json.dumps(["a"]))
        told = web.get("/api/session/theirs/complete-status").json
        client.close()
        assert told["phases"][0] == {"phase": 1, "status": "finished", "progress": 100, "error": None, "results": ["a"]}
        assert [phase["status"] for phase in told["phases"]] == ["finished", None, None]
        assert told["status"] == "finished"
