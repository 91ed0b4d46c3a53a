"""Whatever workers, users and time do in any order: nobody shares a job, none is lost, and all of it can be seen."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qmv.live.progress import Live
from qmv.service.queue.board import Board, Limits, Refused, Word
from qmv.service.queue.jobs import CLOSED, Claim, Order, Session
from qmv.service.queue.redis_board import RedisBoard
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.queue.steps import longest_lease_s, spared_s
from tests.fakes.redis_server import redis_server

LIMITS = Limits(running=3, session_running=2, open=5, attempts=3, losses=3, lease_s=15, keep_s=900)
SESSIONS = ("a", "b", "c")

Job = tuple[str, int]
Opens = Callable[[Callable[[], float]], Board]


class Machine(RuleBasedStateMachine):
    """Keeps book of who holds what, by the words that were said alone."""

    opens: Opens

    @initialize()
    def begin(self) -> None:
        self.now = 1_800_000_000.0
        self.board = self.opens(lambda: self.now)
        self.claims: list[Claim] = []
        self.holders: dict[Job, tuple[str, float]] = {}
        self.calling_off: set[Job] = set()
        self.robbed: set[str] = set()
        self.seen: dict[str, Session] = {}
        self.newest = 0

    # -- what happens ------------------------------------------------------------------------------------------------

    @rule(
        session=st.sampled_from(SESSIONS), count=st.integers(1, 3), digest=st.sampled_from("xy"),
        key=st.sampled_from(["", "", "k", "l"]), priority=st.integers(0, 9),
    )  # fmt: skip
    def submit(self, session: str, count: int, digest: str, key: str, priority: int) -> None:
        orders = [Order(song=f"/{digest}{n}.wav", title=f"{n}", style="s") for n in range(count)]
        before, queued = self.board.session(session), self.board.counts()
        try:
            told, new = self.board.submit(session, orders, digest=digest, key=key, priority=priority)
        except Refused:
            assert self.board.session(session) == before
            assert self.board.counts() == queued
            return
        assert told == self.board.session(session)
        if not new:
            assert told == before
        else:
            assert before is None or before.status in ("failed", "cancelled")
            assert len(told.videos) == count

    @rule()
    def claim(self) -> None:
        self._late(self.now)
        claim = self.board.claim("w")
        if claim is None:
            assert self.board.due() == 0
            return
        job = (claim.session, claim.n)
        assert job not in self.holders
        self.claims.append(claim)
        self.holders[job] = (claim.token, self.now + LIMITS.lease_s)

    @rule()
    def take_back(self) -> None:
        self._late(self.now - spared_s(LIMITS))
        self.board.take_back()

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), percent=st.sampled_from([1.0, 50.0]))
    def tell(self, data: Any, percent: float) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        job = (claim.session, claim.n)
        word = self.board.tell(claim, Live(percent=percent))
        if not self._holds(claim):
            assert word is Word.LOST
            return
        assert word is (Word.CANCEL if job in self.calling_off else Word.GO_ON)
        self.holders[job] = (claim.token, self.now + LIMITS.lease_s)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), end=st.sampled_from(["finish", "again", "fail", "give_back", "lapse", "cancelled"]))
    def end(self, data: Any, end: str) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        before = self.board.session(claim.session)
        said = {
            "finish": lambda: self.board.finish(claim, {"url": claim.token}),
            "again": lambda: self.board.fail(claim, "again", again=True),
            "fail": lambda: self.board.fail(claim, "never", again=False),
            "give_back": lambda: self.board.give_back(claim),
            "lapse": lambda: self.board.give_back(claim, lapsed=True),
            "cancelled": lambda: self.board.cancelled(claim),
        }[end]()
        if self._holds(claim):
            assert said
            if (claim.session, claim.n) in self.calling_off:
                told = self.board.session(claim.session)
                assert told is not None
                assert told.videos[claim.n - 1].status in CLOSED
            self._ended((claim.session, claim.n))
        else:
            assert self.board.session(claim.session) == before  # an echo, or too late
            assert not (said and claim.token in self.robbed)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), index=st.integers(0, 2))
    def picture(self, data: Any, index: int) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        before = self.board.session(claim.session)
        self.board.add_picture(claim, index, claim.token.encode())
        if self._holds(claim):
            assert self.board.picture(claim.session, claim.n, index) == claim.token.encode()
        else:
            assert self.board.session(claim.session) == before

    @rule(session=st.sampled_from(SESSIONS))
    def cancel(self, session: str) -> None:
        still = {job for job in self.calling_off if self.holders[job][1] > self.now}
        told, count = self.board.cancel(session) or (None, 0)
        before = self.seen.get(session)
        openly = {(session, video.n) for video in (before.videos if before else ()) if video.status not in CLOSED}
        assert count == len(openly - still)
        for job, (_, until) in [*self.holders.items()]:
            if job[0] == session:
                self._robbed(job) if until <= self.now else self.calling_off.add(job)
        assert told == self.board.session(session)
        running = {(session, video.n) for video in (told.videos if told else ()) if video.status not in CLOSED}
        assert running == {job for job in self.holders if job[0] == session}

    @rule(seconds=st.sampled_from([1.0, 6.0, 16.0, 90.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.sampled_from([3.0, 5000.0]))
    def set_the_clock_back(self, seconds: float) -> None:
        self.now -= seconds

    @rule()
    def forget(self) -> None:
        for session in self.board.forget():
            assert self.seen.pop(session).status in CLOSED
            assert self.board.session(session) is None

    # -- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def nobody_shares_and_nothing_is_lost(self) -> None:
        sessions = self.board.sessions(99)
        states = {(session.id, video.n): video.status for session in sessions for video in session.videos}
        assert {job for job, state in states.items() if state == "running"} == {*self.holders}
        held = Counter(job[0] for job, (_, until) in self.holders.items() if until > self.now)
        assert held.total() <= LIMITS.running
        assert max(held.values(), default=0) <= LIMITS.session_running
        counts = self.board.counts()
        openly = sum(state not in CLOSED for state in states.values())
        assert counts.queued + counts.running == openly <= LIMITS.open
        assert counts.running == held.total()
        totals = Counter(counts.totals)
        assert totals["submitted"] == openly + sum(totals[state] for state in CLOSED)
        too_long = self.now + longest_lease_s(LIMITS)  # the clock was set back: a claim is wanted that ends it earlier
        surely = sum(self.now < until <= too_long for _, until in self.holders.values())
        assert self.board.due() <= openly - surely

    @invariant()
    def what_changes_has_a_higher_version(self) -> None:
        newest, changed = self.board.changes(self.newest)
        assert newest >= self.newest
        for session in self.board.sessions(99):
            before = self.seen.get(session.id)
            if before is None or before != dataclasses.replace(session, version=before.version):
                assert session.id in changed
                assert session.version > (before.version if before else 0)
            assert session.version <= newest
            self.seen[session.id] = session
        self.newest = newest

    def teardown(self) -> None:
        """Workers that do their work bring everything to an end."""
        if not hasattr(self, "board"):
            return
        for _ in range(4 * LIMITS.open):
            self.now += 1000
            while claim := self.board.claim("last"):
                assert self.board.tell(claim, Live()) is not Word.LOST
                assert self.board.finish(claim, {})
        assert (self.board.counts().queued, self.board.counts().running) == (0, 0)
        assert all(session.status in CLOSED for session in self.board.sessions(99))
        self.board.close()

    def _holds(self, claim: Claim) -> bool:
        token, _ = self.holders.get((claim.session, claim.n), ("", 0.0))
        return token == claim.token

    def _late(self, ended_at: float) -> None:
        """Who held a job until then has it no more, and no lease ends too far ahead."""
        for job, (token, until) in [*self.holders.items()]:
            if until <= ended_at:
                self._robbed(job)
            elif until > self.now + longest_lease_s(LIMITS):
                self.holders[job] = (token, self.now + LIMITS.lease_s)

    def _robbed(self, job: Job) -> None:
        self.robbed.add(self.holders[job][0])
        self._ended(job)

    def _ended(self, job: Job) -> None:
        del self.holders[job]
        self.calling_off.discard(job)


def hold(opens: Opens, examples: int) -> None:
    class Here(Machine):
        pass

    Here.opens = staticmethod(opens)  # type: ignore[assignment]
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples, stateful_step_count=40, deadline=None, derandomize=True,
            suppress_health_check=[*HealthCheck],
        ),
    )  # fmt: skip


def test_the_queue_in_a_file_keeps_its_word(tmp_path: Path) -> None:
    hold(lambda clock: SqliteBoard(Path(tempfile.mkdtemp(dir=tmp_path)) / "state.sqlite", LIMITS, clock), 40)


def test_the_queue_in_redis_keeps_its_word(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server, server.client as client:

        def opens(clock: Callable[[], float]) -> Board:
            client.flushall()
            return RedisBoard(server.url, LIMITS, clock)

        hold(opens, 20)
