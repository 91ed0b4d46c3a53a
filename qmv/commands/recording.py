"""Records taps while a song plays: keys of a terminal, or lines of a pipe."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from qmv.errors import InputError

__all__ = ["from_keys", "from_lines"]

_END = b"qQ\x03\x04\x1b"  # q, Ctrl-C, Ctrl-D, Escape; arrow keys begin with Escape too, but have more bytes
_WAIT_S = 0.02
_SECONDS = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)


def from_keys(stream: TextIO, playing: Callable[[], bool], heard: Callable[[int], None]) -> list[float]:
    """The moments of `time.monotonic` at which a key was hit, until the song, q or Ctrl-C ends it.

    `heard` is told how many there are, and 0 when keys are listened to.
    """
    taps: list[float] = []
    with contextlib.suppress(KeyboardInterrupt), _single_keys(stream) as key:
        heard(0)
        while playing():
            hit = key()
            if hit is None:
                continue
            if hit in (b"", *(bytes([sign]) for sign in _END)):
                break
            taps.append(time.monotonic())
            heard(len(taps))
    return taps


def from_lines(stream: TextIO, playing: Callable[[], bool], started: float) -> list[float]:
    """The seconds of the song that a pipe tells: a number a line, or an empty line for 'now'.

    Ends with the pipe, with Ctrl-C, and with the song where the pipe taps along. Raises InputError for other lines.
    """
    lines: queue.SimpleQueue[tuple[float, str | None]] = queue.SimpleQueue()

    def listen() -> None:
        for line in stream:
            lines.put((time.monotonic(), line))
        lines.put((time.monotonic(), None))

    threading.Thread(target=listen, daemon=True).start()
    taps: list[float] = []
    number, along = 0, False
    with contextlib.suppress(KeyboardInterrupt):
        while playing() or not along:
            try:
                at, line = lines.get(timeout=_WAIT_S)
            except queue.Empty:
                continue
            if line is None:
                break
            number += 1
            along = along or not line.strip()
            taps.append(_tap_s(line.strip(), number, at - started))
    return taps


def _tap_s(text: str, number: int, now_s: float) -> float:
    if not text:
        return now_s
    if not _SECONDS.fullmatch(text):
        raise InputError(
            f"tap: line {number} is '{text:.40}'; pipe one time in seconds a line, or an empty line for a tap now."
        )
    return float(text)


@contextlib.contextmanager
def _single_keys(stream: TextIO) -> Iterator[Callable[[], bytes | None]]:
    """A function that gives the bytes of the next key, None where none comes for a moment, b'' at the end."""
    if sys.platform == "win32":
        import msvcrt

        def pressed() -> bytes | None:
            if not msvcrt.kbhit():
                time.sleep(_WAIT_S / 4)
                return None
            hit = msvcrt.getch()
            return hit + msvcrt.getch() if hit in (b"\0", b"\xe0") else hit  # arrows and the like come as two

        yield pressed
        return

    import select
    import termios
    import tty

    number = stream.fileno()
    before = termios.tcgetattr(number)

    def key() -> bytes | None:
        ready, _, _ = select.select([number], [], [], _WAIT_S)
        try:
            return os.read(number, 64) if ready else None
        except OSError:  # the terminal was closed
            return b""

    tty.setcbreak(number)
    try:
        yield key
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(number, termios.TCSADRAIN, before)
