"""What a request does to the queue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qmv.service.queue import admission, steps
from qmv.service.queue.board import Limits, Refused
from qmv.service.queue.jobs import Session, Video
from tests.service.queue.made_jobs import NOW, ORDER, running


def standing(*states: str) -> tuple[Session, str]:
    videos = tuple(Video(n=n, title="t", style="s", status=state) for n, state in enumerate(states, start=1))
    return Session(id="s", created_at=NOW, videos=videos), "digest"


@pytest.mark.parametrize("states", [["queued"], ["running"], ["finished"], ["finished", "queued"]])
def test_the_same_request_changes_nothing(states: list[str]) -> None:
    assert admission.stands("s", "digest", standing(*states), None) is not None


@pytest.mark.parametrize("states", [["failed"], ["cancelled"], ["finished", "failed"]])
def test_what_failed_can_be_asked_for_again(states: list[str]) -> None:
    assert admission.stands("s", "digest", standing(*states), None) is None
    assert admission.stands("s", "other", standing(*states), None) is None
    assert admission.stands("s", "digest", standing(*states), ("s", "digest")) is not None  # the same key: an echo


@pytest.mark.parametrize(
    ("states", "known", "reason"),
    [
        (["queued"], None, "open"),
        (["failed", "running"], None, "open"),
        (["finished"], None, "done"),
        (["finished"], ("s", "digest"), "key"),
        (["failed"], ("other", "other digest"), "key"),
    ],
)
def test_other_videos_are_refused(states: list[str], known: tuple[str, str] | None, reason: str) -> None:
    with pytest.raises(Refused, match=r"; .*\.$") as refused:
        admission.stands("s", "other digest", standing(*states), known)
    assert refused.value.reason == reason


def test_asking_again_keeps_what_is_finished_and_counts_attempts_on() -> None:
    done = steps.finished(running(), {"url": "u"}, NOW)
    broken = steps.failed(running(), "e", Limits(), NOW, again=False)
    broken = replace(broken, video=replace(broken.video, n=2))
    jobs = admission.queued([ORDER, ORDER], {1: done, 2: broken}, 7, NOW + 9)
    assert jobs[1] == done
    assert (jobs[2].video.status, jobs[2].video.attempt, jobs[2].failures, jobs[2].video.error) == ("queued", 1, 0, "")
    assert admission.queued([replace(ORDER, style="other")], {1: done}, 7, NOW)[1].video.status == "queued"


def test_a_full_queue_refuses() -> None:
    admission.room(8, 2, Limits(open=10))
    with pytest.raises(Refused, match="8 of at most 10") as refused:
        admission.room(8, 3, Limits(open=10))
    assert refused.value.reason == "full"
