"""Who watches a run: the event log, and the terminal with bars or with plain lines."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from qmv.engine.secrets import redacted
from qmv.events import (
    Event,
    Notice,
    Progress,
    RunFinished,
    RunStarted,
    StageFailed,
    StageFinished,
    StageStarted,
    as_mapping,
)
from qmv.hookspecs import hookimpl

__all__ = ["Bars", "EventLog", "Lines", "terminal"]

_LINE_EVERY_S = 5.0


class EventLog:
    """Writes each event as one line of JSON."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace")

    @hookimpl
    def qmv_event(self, event: Event) -> None:
        self._file.write(redacted(json.dumps(as_mapping(event), ensure_ascii=False)) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def terminal(prefix: str = "", stream: TextIO | None = None) -> Bars | Lines:
    """Bars on a terminal, plain lines elsewhere and for jobs of a sweep (`prefix` tells which)."""
    stream = stream or sys.stderr
    return Bars(stream) if stream.isatty() and not prefix else Lines(stream, prefix)


class Lines:
    """Plain lines, for logs and pipes: each stage's start and end, and how far it is every few seconds."""

    def __init__(self, stream: TextIO, prefix: str = "") -> None:
        self._stream, self._prefix = stream, prefix
        self._nodes: tuple[str, ...] = ()
        self._began = self._spoke = 0.0
        self._last: Progress | None = None

    @hookimpl
    def qmv_event(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._nodes = event.nodes
                self._say(event.title)
            case StageStarted():
                self._began = self._spoke = time.monotonic()
                self._last = None
            case Progress():
                self._last = event
                if event.done < event.total and time.monotonic() - self._spoke > _LINE_EVERY_S:
                    self._spoke = time.monotonic()
                    self._say(f"{self._place(event.node)} {_so_far(event)}{self._left(event)}")
            case Notice():
                self._say(f"{event.node}: {event.message}")
            case StageFinished():
                self._say(f"{self._place(event.node)} {_done(event, self._last)}")
            case StageFailed():
                self._say(f"{self._place(event.node)} {_ending(event)}")
            case RunFinished(status="finished"):
                self._say(_farewell(event))

    def close(self) -> None:
        self._stream.flush()

    def _place(self, node: str) -> str:
        return f"[{self._nodes.index(node) + 1}/{len(self._nodes)}] {node}:"

    def _left(self, event: Progress) -> str:
        fresh = event.done - event.reused
        if fresh <= 0:
            return ""
        left_s = (time.monotonic() - self._began) / fresh * (event.total - event.done)
        return f", {int(left_s // 60)}:{int(left_s % 60):02d} left"

    def _say(self, text: str) -> None:
        self._stream.write(f"{self._prefix}{redacted(text)}\n")  # in one piece: the jobs of a sweep write side by side
        self._stream.flush()


class Bars:
    """A bar a stage, with k/n and the time left."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bars = RichProgress(
            TextColumn("{task.fields[node]:<11}"),
            BarColumn(bar_width=32),
            TextColumn("{task.fields[count]:<18}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(file=stream),
        )
        self._tasks: dict[str, Any] = {}
        self._last: Progress | None = None

    @hookimpl
    def qmv_event(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._bars.start()
                self._bars.console.print(event.title, style="bold", highlight=False, markup=False)
            case StageStarted():
                self._last = None
                self._tasks[event.node] = self._bars.add_task("", total=None, node=event.node, count="", note="")
            case Progress():
                self._last = event
                note = f"{event.reused} reused" if event.reused else ""
                self._bars.update(
                    self._tasks[event.node], completed=event.done, total=event.total, count=_so_far(event), note=note
                )
            case Notice():
                self._bars.console.print(
                    redacted(f"{event.node}: {event.message}"), style="yellow", highlight=False, markup=False
                )
            case StageFinished():
                task = self._tasks[event.node]
                total = self._last.total if self._last else 1
                self._bars.update(task, completed=total, total=total, note="cached" if event.cached else "")
            case StageFailed():
                self._bars.update(self._tasks[event.node], note=_ending(event))
            case RunFinished():
                self._bars.stop()
                if event.status == "finished":
                    self._bars.console.print(_farewell(event), highlight=False, markup=False)

    def close(self) -> None:
        self._bars.stop()


def _ending(event: StageFailed) -> str:
    return "cancelled" if event.error == "cancelled" else "failed"


def _farewell(event: RunFinished) -> str:
    return f"finished in {event.seconds:.1f} s{': ' if event.summary else ''}{event.summary}"


def _done(event: StageFinished, last: Progress | None) -> str:
    if event.cached:
        return "cached"
    count = _amount(last.total, last.unit) if last else "done"
    reused = f" ({last.reused} reused)" if last and last.reused and last.unit != "bytes" else ""
    detail = f", {last.detail}" if last and last.detail else ""
    return f"{count}{detail}{reused}, {event.seconds:.1f} s"


def _so_far(event: Progress) -> str:
    """'3/12 pictures', '4.2/19.6 MB'."""
    if event.unit == "bytes":
        return f"{event.done / 1e6:.1f}/{event.total / 1e6:.1f} MB"
    return f"{event.done}/{event.total} {event.unit}"


def _amount(count: int, unit: str) -> str:
    return f"{count / 1e6:.1f} MB" if unit == "bytes" else f"{count} {unit}"
