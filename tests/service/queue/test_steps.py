"""What becomes of a job, step by step."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from qmv.live.progress import Live
from qmv.service.queue import steps
from qmv.service.queue.board import Limits, Word
from qmv.service.queue.jobs import Job
from qmv.service.queue.kept_jobs import packed, unpacked
from tests.service.queue.made_jobs import NOW, job_of, running


def test_each_claim_is_an_attempt_of_its_own() -> None:
    job = steps.claimed(steps.given_back(running(), NOW), "other", Limits(lease_s=7), NOW)
    assert (job.video.attempt, job.failures, job.due, job.token) == (2, 0, NOW + 7, "other")


def test_telling_renews_the_lease() -> None:
    job, word = steps.told(running(), Live(percent=30), Limits(lease_s=7), NOW + 5)
    assert (job.due, job.video.live.percent, word) == (NOW + 12, 30, Word.GO_ON)


def test_back_off_grows_fourfold_up_to_ten_minutes() -> None:
    assert [steps.back_off_s(failures) for failures in (1, 2, 3, 4, 5, 99)] == [5, 20, 80, 320, 600, 600]


def test_a_failure_waits_for_its_next_try() -> None:
    job = steps.failed(running(failures=1), "no answer.", Limits(), NOW, again=True)
    assert (job.video.status, job.video.retry_at, job.due) == ("queued", NOW + 20, NOW + 20)
    assert (job.video.error, job.video.live) == ("no answer.", Live())


def test_too_many_tries_park_a_job() -> None:
    job = steps.failed(running(failures=3), "no answer.", Limits(attempts=4), NOW, again=True)
    assert (job.video.status, job.video.parked, job.video.retry_at) == ("failed", True, None)


def test_what_is_not_worth_another_try_fails_and_is_not_parked() -> None:
    job = steps.failed(running(), "no such song.", Limits(), NOW, again=False)
    assert (job.video.status, job.video.parked, job.video.ended_at) == ("failed", False, NOW)


def test_a_lost_job_is_queued_at_once_and_its_token_is_void() -> None:
    job = steps.lost(running(), Limits(losses=4), NOW)
    assert (job.video.status, job.due, job.token, job.losses, job.failures) == ("queued", 0.0, "", 1, 0)


def test_an_error_is_of_the_try_before_once_another_begins() -> None:
    waits = steps.failed(running(), "no answer.", Limits(), NOW, again=True)
    assert (waits.video.error, waits.video.last_try) == ("no answer.", "")
    again = steps.claimed(waits, "other", Limits(), NOW + 5)
    assert (again.video.error, again.video.last_try, again.last_error) == ("", "no answer.", "no answer.")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda job: steps.lost(job, Limits(), NOW), "worker was lost; the video is taken up again"),
        (lambda job: steps.given_back(job, NOW), "worker was stopped"),
        (lambda job: steps.lapsed(job, Limits(), NOW), "could not reach the queue in time"),
    ],
)
def test_what_became_of_a_try_is_told_beside_the_next_one(step: Any, words: str) -> None:
    waits = step(running(last_error="the disk is full."))
    again = steps.claimed(waits, "other", Limits(), NOW)
    assert words in waits.video.last_try
    assert (again.video.last_try, again.video.error) == (waits.video.last_try, "")
    assert again.last_error == "the disk is full."
    assert steps.finished(again, {}, NOW).video.last_try == ""


@pytest.mark.parametrize(
    "step",
    [
        lambda job: steps.lost(job, Limits(), NOW), lambda job: steps.given_back(job, NOW),
        lambda job: steps.failed(job, "e", Limits(), NOW, again=True),
    ],
)  # fmt: skip
def test_the_percent_of_a_video_stays_where_its_next_try_begins_anew(step: Any) -> None:
    job, _ = steps.told(running(), Live(percent=41, stage="pictures", left_s=9), Limits(), NOW)
    assert step(job).video.live == Live(percent=41)
    job, _ = steps.told(steps.claimed(step(job), "other", Limits(), NOW), Live(percent=3), Limits(), NOW)
    assert job.video.live.percent == 41
    assert steps.told(job, Live(percent=42), Limits(), NOW)[0].video.live.percent == 42


def test_what_a_video_has_cost_does_not_fall_when_its_next_try_begins() -> None:
    job, _ = steps.told(running(), Live(cost_usd="9.50"), Limits(), NOW)
    for step in (steps.given_back, lambda job, now: steps.lost(job, Limits(), now)):
        job = steps.claimed(step(job, NOW), "other", Limits(), NOW)
        assert job.video.live.cost_usd == "9.50"
    job, _ = steps.told(job, Live(), Limits(), NOW)
    assert job.video.live.cost_usd == "9.50"
    assert steps.told(job, Live(cost_usd="10.25"), Limits(), NOW)[0].video.live.cost_usd == "10.25"


def test_who_is_late_is_spared_for_less_than_another_lease() -> None:
    assert steps.spared_s(Limits(lease_s=15)) == 5


def test_a_job_that_loses_its_workers_is_parked_with_the_last_error() -> None:
    before = running(losses=1, last_error="the disk is full.")
    job = steps.lost(before, Limits(losses=2), NOW)
    assert (job.video.status, job.video.parked) == ("failed", True)
    assert "2 of them ended" in job.video.error
    assert "the disk is full" in job.video.error


def test_a_lapse_is_no_failure_up_to_as_many_as_there_are_tries() -> None:
    job = steps.lapsed(running(lapses=3, failures=1), Limits(attempts=4), NOW)
    assert (job.video.status, job.due, job.lapses, job.failures, job.losses) == ("queued", 0.0, 4, 1, 0)


def test_a_job_whose_leases_lapse_is_parked_with_the_last_error() -> None:
    before = running(lapses=4, last_error="the disk is full.")
    job = steps.lapsed(before, Limits(attempts=4), NOW)
    assert (job.video.status, job.video.parked, job.video.ended_at) == ("failed", True, NOW)
    assert "5 times for this video, after the error: the disk is full; look" in job.video.error


def of_the_version_before() -> Job:
    """A running one whose first try failed, as a version kept it that knew no last try."""
    plain = json.loads(packed(running(losses=1, lapses=4, failures=1)))
    del plain["last_error"], plain["video"]["last_try"]
    plain["video"]["error"] = "the disk is full."
    return unpacked(json.dumps(plain))


def test_a_job_of_the_version_before_is_parked_with_its_last_error() -> None:
    for job in (
        steps.lost(of_the_version_before(), Limits(losses=2), NOW),
        steps.lapsed(of_the_version_before(), Limits(attempts=4), NOW),
    ):
        assert (job.video.status, job.video.parked) == ("failed", True)
        assert ", after the error: the disk is full; look" in job.video.error


def test_a_job_of_the_version_before_waits_without_the_error_of_an_earlier_try() -> None:
    waits = steps.given_back(of_the_version_before(), NOW)
    assert (waits.video.status, waits.video.error, waits.last_error) == ("queued", "", "the disk is full.")
    assert waits.video.last_try.startswith("its worker was stopped")
    again = steps.claimed(waits, "other", Limits(), NOW)
    assert (again.video.last_try, again.last_error) == (waits.video.last_try, "the disk is full.")


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (lambda job: steps.lost(job, Limits(), NOW), "cancelled"),
        (lambda job: steps.given_back(job, NOW), "cancelled"),
        (lambda job: steps.lapsed(replace(job, lapses=9), Limits(), NOW), "cancelled"),
        (lambda job: steps.failed(job, "e", Limits(), NOW, again=True), "cancelled"),
        (lambda job: steps.failed(job, "e", Limits(), NOW, again=False), "cancelled"),
        (lambda job: steps.withdrawn(job, NOW), "cancelled"),
        (lambda job: steps.finished(job, {}, NOW), "finished"),
    ],
)
def test_what_was_called_off_ends_whatever_its_worker_says(step: Any, status: str) -> None:
    job = steps.called_off(running(), NOW)
    assert job.running
    assert step(job).video.status == status


def test_a_job_whose_worker_is_lost_is_called_off_at_once() -> None:
    job = steps.called_off(running(), NOW + 16)
    assert (job.video.status, job.token) == ("cancelled", "")


@pytest.mark.parametrize("status", ["finished", "failed", "cancelled"])
def test_calling_off_what_is_closed_changes_nothing(status: str) -> None:
    job = job_of(video=replace(job_of().video, status=status))
    assert steps.called_off(job, NOW) == job


def test_a_finished_video_is_whole_and_has_no_error() -> None:
    before = running()
    job = steps.finished(replace(before, video=replace(before.video, error="once")), {"url": "u"}, NOW + 3)
    assert (job.video.live.percent, job.video.error, job.video.result) == (100, "", {"url": "u"})
    assert job.video.ended_at == NOW + 3


def test_totals_count_each_step_once() -> None:
    parked = steps.failed(running(failures=3), "e", Limits(attempts=4), NOW, again=True)
    assert steps.counted(None, job_of()) == ["submitted"]
    assert steps.counted(parked, job_of()) == ["submitted"]
    assert steps.counted(job_of(), running()) == []
    assert steps.counted(running(failures=3), parked) == ["failed", "parked"]
    assert steps.counted(running(), steps.failed(running(), "e", Limits(), NOW, again=True)) == ["retried"]
    assert steps.counted(running(), steps.lost(running(), Limits(), NOW)) == ["lost"]
    assert steps.counted(running(), steps.given_back(running(), NOW)) == []


@pytest.mark.parametrize(("places", "count"), [([], 0), ([0], 1), ([1, 2], 0), ([2, 0, 1, 4], 3)])
def test_pictures_count_up_to_the_first_gap(places: list[int], count: int) -> None:
    assert steps.unbroken(places) == count
