"""The rules of the queue, as functions of values: who is next, and what becomes of a job."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qmv.live.progress import Live
from qmv.service.queue import rules
from qmv.service.queue.board import Limits, Refused, Word
from qmv.service.queue.jobs import Order, Session, Video
from qmv.service.queue.rules import Job, Ticket

NOW = 1_800_000_000.0
FREE = Limits(running=0, session_running=0)
ORDER = Order(song="/songs/a.wav", title="A", style="neon")


def ticket(
    session: str = "s", n: int = 1, *, priority: int = 5, age: float = 10, due: float = -1, runs: bool = False
) -> Ticket:
    """Queued `age` seconds ago; `due` counts from now."""
    return Ticket(session, n, priority, NOW - age, NOW + due, runs)


def running(**changes: Any) -> Job:
    job = rules.claimed(job_of(), "token", Limits(), NOW)
    return replace(job, **changes)


def job_of(**changes: Any) -> Job:
    return replace(rules.queued([ORDER], {}, 5, NOW)[1], **changes)


# -- who is next -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tickets", "best"),
    [
        ([], None),
        ([ticket("a", due=1)], None),
        ([ticket("a", due=0)], "a1"),
        ([ticket("a", runs=True, due=9)], None),
        ([ticket("a", runs=True, due=-9)], None),  # it has to be taken as lost first
        ([ticket("a", priority=5, age=99), ticket("b", priority=6, age=1)], "b1"),
        ([ticket("a", priority=9, due=1), ticket("b", priority=0)], "b1"),
        ([ticket("a", age=1), ticket("b", age=2)], "b1"),
        ([ticket("a", 2), ticket("b", 3), ticket("a", 1)], "a1"),
    ],
)
def test_priority_decides_then_age_then_place(tickets: list[Ticket], best: str | None) -> None:
    found = rules.chosen(tickets, FREE, NOW)
    assert (found and f"{found.session}{found.n}") == best


def test_no_more_run_than_the_limit_of_all() -> None:
    held = [ticket("a", n, runs=True, due=9) for n in (1, 2)]
    assert rules.chosen([*held, ticket("b")], Limits(running=2, session_running=0), NOW) is None
    assert rules.chosen([*held, ticket("b")], Limits(running=3, session_running=0), NOW) is not None


def test_a_session_at_its_limit_lets_others_pass() -> None:
    tickets = [ticket("a", 1, runs=True, due=9), ticket("a", 2, priority=9), ticket("b", priority=1)]
    found = rules.chosen(tickets, Limits(session_running=1), NOW)
    assert found is not None
    assert found.session == "b"


def test_a_lease_that_ran_out_takes_nobodys_place() -> None:
    tickets = [ticket("a", 1, runs=True, due=-1), ticket("a", 2)]
    assert rules.chosen(tickets, Limits(running=1, session_running=1), NOW) == tickets[1]


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        (FREE, 6),
        (Limits(running=3, session_running=0), 2),
        (Limits(running=1, session_running=0), 0),
        (Limits(session_running=2), 3),
        (Limits(running=2, session_running=2), 1),
    ],
)
def test_ready_counts_what_could_be_running_now(limits: Limits, count: int) -> None:
    tickets = [
        ticket("a", 1, runs=True, due=9),
        *(ticket("a", n) for n in range(2, 6)),
        ticket("b", 1, runs=True, due=-1),  # lost
        ticket("b", 2),
        ticket("b", 3, due=5),
    ]
    assert rules.ready(tickets, limits, NOW) == count


def test_the_oldest_is_what_waits_longest_since_it_could_run() -> None:
    tickets = [ticket("a", age=500, due=-20), ticket("b", age=999, due=5), ticket("c", runs=True, due=7)]
    counts = rules.counts(tickets, NOW)
    assert (counts.queued, counts.running, counts.oldest_s) == (2, 1, 20)
    assert rules.counts([*tickets, ticket("d", age=30, due=-NOW)], NOW).oldest_s == 30


# -- what becomes of a job -------------------------------------------------------------------------------------------


def test_each_claim_is_an_attempt_of_its_own() -> None:
    job = rules.claimed(rules.given_back(running(), NOW), "other", Limits(lease_s=7), NOW)
    assert (job.video.attempt, job.failures, job.due, job.token) == (2, 0, NOW + 7, "other")


def test_telling_renews_the_lease() -> None:
    job, word = rules.told(running(), Live(percent=30), Limits(lease_s=7), NOW + 5)
    assert (job.due, job.video.live.percent, word) == (NOW + 12, 30, Word.GO_ON)


def test_back_off_grows_fourfold_up_to_ten_minutes() -> None:
    assert [rules.back_off_s(failures) for failures in (1, 2, 3, 4, 5, 99)] == [5, 20, 80, 320, 600, 600]


def test_a_failure_waits_for_its_next_try() -> None:
    job = rules.failed(running(failures=1), "no answer.", Limits(), NOW, again=True)
    assert (job.video.status, job.video.retry_at, job.due) == ("queued", NOW + 20, NOW + 20)
    assert (job.video.error, job.video.live) == ("no answer.", Live())


def test_too_many_tries_park_a_job() -> None:
    job = rules.failed(running(failures=3), "no answer.", Limits(attempts=4), NOW, again=True)
    assert (job.video.status, job.video.parked, job.video.retry_at) == ("failed", True, None)


def test_what_is_not_worth_another_try_fails_and_is_not_parked() -> None:
    job = rules.failed(running(), "no such song.", Limits(), NOW, again=False)
    assert (job.video.status, job.video.parked, job.video.ended_at) == ("failed", False, NOW)


def test_a_lost_job_is_queued_at_once_and_its_token_is_void() -> None:
    job = rules.lost(running(), Limits(losses=4), NOW)
    assert (job.video.status, job.due, job.token, job.losses, job.failures) == ("queued", 0.0, "", 1, 0)


def test_who_is_late_is_spared_for_less_than_another_lease() -> None:
    assert rules.spared_s(Limits(lease_s=15)) == 5


def test_a_job_that_loses_its_workers_is_parked_with_the_last_error() -> None:
    before = running(losses=1)
    before = replace(before, video=replace(before.video, error="the disk is full."))
    job = rules.lost(before, Limits(losses=2), NOW)
    assert (job.video.status, job.video.parked) == ("failed", True)
    assert "2 of them ended" in job.video.error
    assert "the disk is full" in job.video.error


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (lambda job: rules.lost(job, Limits(), NOW), "cancelled"),
        (lambda job: rules.given_back(job, NOW), "cancelled"),
        (lambda job: rules.failed(job, "e", Limits(), NOW, again=True), "cancelled"),
        (lambda job: rules.failed(job, "e", Limits(), NOW, again=False), "cancelled"),
        (lambda job: rules.withdrawn(job, NOW), "cancelled"),
        (lambda job: rules.finished(job, {}, NOW), "finished"),
    ],
)
def test_what_was_called_off_ends_whatever_its_worker_says(step: Any, status: str) -> None:
    job = rules.called_off(running(), NOW)
    assert job.running
    assert step(job).video.status == status


def test_a_job_whose_worker_is_lost_is_called_off_at_once() -> None:
    job = rules.called_off(running(), NOW + 16)
    assert (job.video.status, job.token) == ("cancelled", "")


@pytest.mark.parametrize("status", ["finished", "failed", "cancelled"])
def test_calling_off_what_is_closed_changes_nothing(status: str) -> None:
    job = job_of(video=replace(job_of().video, status=status))
    assert rules.called_off(job, NOW) == job


def test_a_finished_video_is_whole_and_has_no_error() -> None:
    before = running()
    job = rules.finished(replace(before, video=replace(before.video, error="once")), {"url": "u"}, NOW + 3)
    assert (job.video.live.percent, job.video.error, job.video.result) == (100, "", {"url": "u"})
    assert job.video.ended_at == NOW + 3


def test_totals_count_each_step_once() -> None:
    parked = rules.failed(running(failures=3), "e", Limits(attempts=4), NOW, again=True)
    assert rules.counted(None, job_of()) == ["submitted"]
    assert rules.counted(parked, job_of()) == ["submitted"]
    assert rules.counted(job_of(), running()) == []
    assert rules.counted(running(failures=3), parked) == ["failed", "parked"]
    assert rules.counted(running(), rules.failed(running(), "e", Limits(), NOW, again=True)) == ["retried"]
    assert rules.counted(running(), rules.lost(running(), Limits(), NOW)) == ["lost"]
    assert rules.counted(running(), rules.given_back(running(), NOW)) == []


@pytest.mark.parametrize(("places", "count"), [([], 0), ([0], 1), ([1, 2], 0), ([2, 0, 1, 4], 3)])
def test_pictures_count_up_to_the_first_gap(places: list[int], count: int) -> None:
    assert rules.unbroken(places) == count


# -- what is asked for -----------------------------------------------------------------------------------------------


def standing(*states: str) -> tuple[Session, str]:
    videos = tuple(Video(n=n, title="t", style="s", status=state) for n, state in enumerate(states, start=1))
    return Session(id="s", created_at=NOW, videos=videos), "digest"


@pytest.mark.parametrize("states", [["queued"], ["running"], ["finished"], ["finished", "queued"]])
def test_the_same_request_changes_nothing(states: list[str]) -> None:
    assert rules.stands("s", "digest", standing(*states), None) is not None


@pytest.mark.parametrize("states", [["failed"], ["cancelled"], ["finished", "failed"]])
def test_what_failed_can_be_asked_for_again(states: list[str]) -> None:
    assert rules.stands("s", "digest", standing(*states), None) is None
    assert rules.stands("s", "other", standing(*states), None) is None
    assert rules.stands("s", "digest", standing(*states), ("s", "digest")) is not None  # the same key: an echo


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
        rules.stands("s", "other digest", standing(*states), known)
    assert refused.value.reason == reason


def test_asking_again_keeps_what_is_finished_and_counts_attempts_on() -> None:
    done = rules.finished(running(), {"url": "u"}, NOW)
    broken = rules.failed(running(), "e", Limits(), NOW, again=False)
    broken = replace(broken, video=replace(broken.video, n=2))
    jobs = rules.queued([ORDER, ORDER], {1: done, 2: broken}, 7, NOW + 9)
    assert jobs[1] == done
    assert (jobs[2].video.status, jobs[2].video.attempt, jobs[2].failures, jobs[2].video.error) == ("queued", 1, 0, "")
    assert rules.queued([replace(ORDER, style="other")], {1: done}, 7, NOW)[1].video.status == "queued"


def test_a_full_queue_refuses() -> None:
    rules.room(8, 2, Limits(open=10))
    with pytest.raises(Refused, match="8 of at most 10") as refused:
        rules.room(8, 3, Limits(open=10))
    assert refused.value.reason == "full"
