"""What a session is where its videos are known."""

from __future__ import annotations

import pytest

from qmv.live.states import State, error_of, percent_of, status_of


@pytest.mark.parametrize(
    ("states", "status", "percent"),
    [
        (["queued", "queued"], "queued", 20.0),
        (["queued", "running"], "running", 20.0),
        (["queued", "finished"], "running", 60.0),
        (["failed", "running"], "running", 20.0),
        (["failed", "cancelled", "finished"], "failed", 140 / 3),
        (["cancelled", "finished"], "cancelled", 60.0),
        (["finished"], "finished", 100.0),
        ([], "finished", 100.0),
    ],
)
def test_a_failed_video_decides_only_when_all_are_closed(states: list[str], status: str, percent: float) -> None:
    videos = [State(n, state, 20.0) for n, state in enumerate(states, 1)]
    assert (status_of(videos), percent_of(videos)) == (status, pytest.approx(percent))


def test_errors_are_those_of_the_videos_that_are_not_there() -> None:
    videos = [State(1, "finished", error="an old one."), State(2, "failed", error="boom."), State(3, "queued")]
    assert (error_of(videos), error_of(videos[1:2]), error_of([])) == ("video 2: boom.", "boom.", "")
