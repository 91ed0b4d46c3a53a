"""What is said of a session whose videos several runs make."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmv.live.session_videos import summed_up, tell
from tests.fakes.redis_server import redis_server


def video(status: str, percent: float = 0.0, **values: Any) -> dict[str, Any]:
    return {"status": status, "percent": percent, "error": "", "result": None} | values


@pytest.mark.parametrize(
    ("states", "count", "status", "percent"),
    [
        (["running"], 0, "running", 50.0),
        (["finished"], 0, "finished", 100.0),
        (["finished", "running"], 0, "running", 75.0),
        (["finished", "failed"], 0, "failed", 75.0),
        (["finished", "cancelled"], 0, "cancelled", 75.0),
        (["failed", "running"], 0, "running", 50.0),
        (["finished"], 2, "running", 50.0),
        (["finished", "finished"], 2, "finished", 100.0),
        (["finished", "finished", "finished"], 2, "finished", 100.0),
        ([], 2, "queued", 0.0),
    ],
)
def test_session_is_what_its_videos_are(states: list[str], count: int, status: str, percent: float) -> None:
    found = summed_up({n: video(state, 50.0) for n, state in enumerate(states, 1)}, count)
    assert (found["status"], found["percent"]) == (status, pytest.approx(percent))


def test_session_has_the_results_in_the_order_of_its_videos() -> None:
    videos = {n: video("finished", result={"n": n}) for n in (10, 2, 1)}
    assert [result["n"] for result in summed_up(videos)["results"]] == [1, 2, 10]


def test_session_numbers_the_errors_of_several_videos() -> None:
    videos = {
        1: video("failed", error="boom."),
        2: video("finished", error="an old one."),
        3: video("failed", error="x."),
    }
    assert summed_up(videos)["error"] == "video 1: boom. video 3: x."
    assert summed_up({1: videos[1]})["error"] == "boom."


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server, server.client as client:
        yield client


def test_telling_of_a_video_keeps_the_others(client: Any) -> None:
    tell(client, "a", 1, video("finished", 100, result={"url": "/1.mp4"}), count=0, keep_s=60)
    tell(client, "a", 2, video("running", 30), count=0, keep_s=60)
    assert (client.get("session:a:phase3_status"), client.get("session:a:phase3_progress")) == ("running", "65")
    assert json.loads(client.get("session:a:phase3_results")) == [{"url": "/1.mp4"}]


def test_telling_passes_over_what_it_cannot_read(client: Any) -> None:
    client.hset("session:b:phase3_videos", mapping={"1": "{half", "x": "{}", "3": "[]"})
    tell(client, "b", 2, video("running", 30), count=0, keep_s=60)
    assert client.get("session:b:phase3_progress") == "30"


def test_telling_is_done_again_where_another_was_quicker(client: Any, tmp_path: Path) -> None:
    """Somebody writes between each look and the transaction, three times."""

    class Disturbed:
        def __init__(self) -> None:
            self.left = 3

        def pipeline(self) -> Any:
            pipe = client.pipeline()
            watched = pipe.multi

            def multi() -> None:
                if self.left:
                    self.left -= 1
                    client.hset("session:c:phase3_videos", str(10 + self.left), json.dumps(video("finished")))
                watched()

            pipe.multi = multi
            return pipe

    tell(Disturbed(), "c", 1, video("finished"), count=0, keep_s=60)
    assert sorted(client.hkeys("session:c:phase3_videos")) == ["1", "10", "11", "12"]
    assert client.get("session:c:phase3_status") == "finished"
