"""A worker without Redis: `python -m qmv.service.work.embedded` asks the queue for one job after the other.

`qmv serve` starts it by `following`, so that it ends with it, also where that is killed: the job in work is then given
back, or found by its lease.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from qmv.errors import QmvError
from qmv.service.logs import log_to_stderr
from qmv.service.queue.board import Board, Unavailable
from qmv.service.settings import ServiceSettings, open_board
from qmv.service.work.attempt import perform
from qmv.service.work.presence import name, show

__all__ = ["main", "work"]

log = logging.getLogger("qmv.service")

_LOOKS_EVERY_S, _LONGEST_PAUSE_S = 0.25, 5.0


def main() -> int:
    """Works until it is told to end; 1 where it cannot begin."""
    from qmv.engine.secrets import read_env_file

    try:
        read_env_file(Path.cwd())
        settings = ServiceSettings.read()
        log_to_stderr(f"worker {os.getpid()}")
        leaving = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: leaving.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: `serve` gets it too, and says when to end
        work(open_board(settings), settings, leaving)
    except QmvError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def work(board: Board, settings: ServiceSettings, leaving: threading.Event) -> None:
    """Renders what is due until `leaving`; a queue that cannot be reached is asked again."""
    show(lambda: open_board(settings), settings, leaving)  # connections are no good to two threads
    me, pause_s = name(), _LOOKS_EVERY_S
    while not leaving.is_set():
        try:
            claim = board.claim(me) if board.due() else None
        except Unavailable as error:
            if pause_s == _LOOKS_EVERY_S:  # one line for each time that it is away
                log.warning("%s", error)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            leaving.wait(pause_s)
            continue
        pause_s = _LOOKS_EVERY_S
        if claim is None:
            leaving.wait(pause_s)
            continue
        log.info("video %d of %s: try %d", claim.n, claim.session, claim.attempt)
        perform(claim, board, settings, leaving)


if __name__ == "__main__":
    sys.exit(main())
