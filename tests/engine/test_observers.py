"""Who watches a run: plain lines, bars on a terminal, and the event log."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.engine import observers
from qmv.engine.observers import Bars, EventLog, Lines, terminal
from qmv.events import Event, Notice, Progress, RunFinished, RunStarted, StageFailed, StageFinished, StageStarted

STARTED = RunStarted(folder="/runs/1", title="Song [live] / neon", nodes=("beats", "video"))
BEATS = (
    StageStarted(node="beats", stage="track_beats"),
    Progress(node="beats", done=6, total=6, unit="beats"),
    StageFinished(node="beats", stage="track_beats", cached=False, seconds=1.25),
)
FAILED = (
    StageStarted(node="video", stage="assemble_video"),
    StageFailed(node="video", stage="assemble_video", error="boom"),
    RunFinished(status="failed", seconds=2.0, error="boom"),
)


class FakeTerminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def told() -> Callable[..., list[str]]:
    """The lines that plain output has for events."""

    def lines(*events: Event, prefix: str = "") -> list[str]:
        stream = io.StringIO()
        watcher = Lines(stream, prefix)
        for event in events:
            watcher.qmv_event(event)
        watcher.close()
        return stream.getvalue().splitlines()

    return lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the observers read, in a list of one."""
    now = [100.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

    monkeypatch.setattr(observers, "time", Clock)
    return now


# -- which one -------------------------------------------------------------------------------------------------------


def test_terminal_draws_bars_on_a_terminal() -> None:
    watcher = terminal(stream=FakeTerminal())
    watcher.close()
    assert isinstance(watcher, Bars)


def test_terminal_writes_lines_into_a_pipe() -> None:
    assert isinstance(terminal(stream=io.StringIO()), Lines)


def test_terminal_writes_lines_for_a_job_of_a_sweep() -> None:
    assert isinstance(terminal(prefix="[1] ", stream=FakeTerminal()), Lines)


# -- lines -----------------------------------------------------------------------------------------------------------


def test_lines_begin_with_the_title(told: Callable[..., list[str]]) -> None:
    assert told(STARTED) == ["Song [live] / neon"]


def test_lines_number_the_stages(told: Callable[..., list[str]]) -> None:
    assert told(STARTED, *BEATS)[-1] == "[1/2] beats: 6 beats, 1.2 s"


def test_lines_tell_what_was_reused(told: Callable[..., list[str]]) -> None:
    progress = Progress(node="beats", done=6, total=6, unit="beats", reused=4)
    assert told(STARTED, BEATS[0], progress, BEATS[2])[-1] == "[1/2] beats: 6 beats (4 reused), 1.2 s"


def test_lines_tell_that_a_stage_was_cached(told: Callable[..., list[str]]) -> None:
    finished = StageFinished(node="beats", stage="track_beats", cached=True, seconds=0.0)
    assert told(STARTED, BEATS[0], finished)[-1] == "[1/2] beats: cached"


def test_lines_tell_of_a_stage_without_pieces(told: Callable[..., list[str]]) -> None:
    assert told(STARTED, BEATS[0], BEATS[2])[-1] == "[1/2] beats: done, 1.2 s"


def test_lines_tell_of_a_failure_and_leave_the_reason_to_the_error(told: Callable[..., list[str]]) -> None:
    assert told(STARTED, *FAILED)[1:] == ["[2/2] video: failed"]


def test_lines_end_with_the_time_that_it_took(told: Callable[..., list[str]]) -> None:
    assert told(STARTED, RunFinished(status="finished", seconds=2.0))[-1] == "finished in 2.0 s"


def test_lines_end_with_what_was_measured(told: Callable[..., list[str]]) -> None:
    finished = RunFinished(status="finished", seconds=2.0, summary="32 cuts, worst 0 frames off")
    assert told(STARTED, finished)[-1] == "finished in 2.0 s: 32 cuts, worst 0 frames off"


def test_lines_pass_on_a_notice(told: Callable[..., list[str]]) -> None:
    assert told(STARTED, Notice(node="beats", message="no beat was heard"))[-1] == "beats: no beat was heard"


def test_lines_begin_with_the_number_of_the_job(told: Callable[..., list[str]]) -> None:
    assert all(line.startswith("[3] ") for line in told(STARTED, *BEATS, *FAILED, prefix="[3] "))


def test_lines_do_not_tell_of_every_piece(told: Callable[..., list[str]], clock: list[float]) -> None:
    pieces = [Progress(node="video", done=done, total=9, unit="chunks") for done in range(1, 9)]
    assert len(told(STARTED, FAILED[0], *pieces)) == 1


def test_lines_tell_how_long_it_takes_after_some_seconds(clock: list[float]) -> None:
    stream = io.StringIO()
    watcher = Lines(stream)
    for event in (STARTED, FAILED[0]):
        watcher.qmv_event(event)
    clock[0] += 30
    watcher.qmv_event(Progress(node="video", done=4, total=10, unit="chunks", reused=1))
    assert stream.getvalue().splitlines()[-1] == "[2/2] video: 4/10 chunks, 1:00 left"  # 3 fresh in 30 s, 6 to come


# -- bars ------------------------------------------------------------------------------------------------------------


def drawn(*events: Event) -> str:
    stream = FakeTerminal()
    watcher = Bars(stream)
    for event in events:
        watcher.qmv_event(event)
    watcher.close()
    return stream.getvalue()


def test_bars_show_the_title_as_it_is() -> None:
    assert "Song [live] / neon" in drawn(STARTED)


def test_bars_show_a_stage_with_its_pieces() -> None:
    text = drawn(STARTED, *BEATS, RunFinished(status="finished", seconds=2.0))
    assert ("beats" in text, "6/6" in text) == (True, True)


def test_bars_show_what_was_reused() -> None:
    assert "4 reused" in drawn(STARTED, BEATS[0], Progress(node="beats", done=5, total=6, unit="beats", reused=4))


def test_bars_show_a_notice_as_it_is() -> None:
    assert "beats: [bold]no beat[/bold]" in drawn(STARTED, Notice(node="beats", message="[bold]no beat[/bold]"))


def test_bars_show_a_failure() -> None:
    assert "failed" in drawn(STARTED, *FAILED)


def test_bars_take_the_end_of_a_run_that_never_began() -> None:
    assert "Traceback" not in drawn(RunFinished(status="failed", seconds=0.0, error="no such file"))


# -- the event log ---------------------------------------------------------------------------------------------------


def logged(path: Path, *events: Event) -> list[dict[str, Any]]:
    log = EventLog(path)
    for event in events:
        log.qmv_event(event)
    log.close()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_event_log_has_a_line_an_event(tmp_path: Path) -> None:
    lines = logged(tmp_path / "events.jsonl", STARTED, *BEATS)
    assert [line["event"] for line in lines] == ["RunStarted", "StageStarted", "Progress", "StageFinished"]


def test_event_log_keeps_every_field(tmp_path: Path) -> None:
    [line] = logged(tmp_path / "events.jsonl", BEATS[1])
    assert line == {
        "event": "Progress", "at": BEATS[1].at, "node": "beats", "done": 6, "total": 6, "unit": "beats", "reused": 0,
        "detail": "",
    }  # fmt: skip


def test_event_log_keeps_a_line_break_inside_its_line(tmp_path: Path) -> None:
    assert logged(tmp_path / "events.jsonl", Notice(node="n", message="a\nb"))[0]["message"] == "a\nb"


def test_event_log_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.qmv_event(STARTED)
    text = (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    log.close()
    assert json.loads(text)["event"] == "RunStarted"
