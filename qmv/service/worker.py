"""The Celery application: `celery -A qmv.service.worker worker`.

A task says only that there is work: it takes the best job that the board has, so a task that is lost or comes twice
does no harm, and a lost worker's job is found by its lease, whatever the broker believes. A thread in each worker rings
again for jobs that are due without a task.
"""

from __future__ import annotations

import functools
import logging
import mmap
import os
import sys
from typing import Any

from celery import Celery, signals

from qmv.errors import ConfigError, QmvError
from qmv.service.celery_settings import QUEUE, configuration, has_flag
from qmv.service.logs import log_level, quieten
from qmv.service.queue.board import Board, Unavailable
from qmv.service.settings import ServiceSettings, open_board

__all__ = ["app", "render", "ring"]

log = logging.getLogger("qmv.service")

_TASK = "qmv.service.worker.render"
_MOST_BELLS = 64


class _Leaving:
    """Whether this worker is to end; the processes of a prefork pool see it too, since they share the page."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 1)

    def set(self) -> None:
        self._page[0] = 1

    def is_set(self) -> bool:
        return bool(self._page[0])


app = Celery("qmv", set_as_current=False)
app.add_defaults(configuration)
_leaving = _Leaving()


def ring(count: int = 1) -> None:
    """Wakes workers for new jobs. Raises Unavailable where Redis cannot be reached; a worker then finds them soon."""
    from kombu.exceptions import OperationalError

    try:
        for _ in range(min(count, _MOST_BELLS)):
            app.send_task(_TASK, queue=QUEUE, ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        raise Unavailable(f"REDIS_URL: no worker could be called ({type(error).__name__}).") from error


def _render() -> None:
    """Renders the most urgent job, if there is one that may run now."""
    from qmv.service.work.attempt import perform
    from qmv.service.work.presence import name

    board, settings = _board(os.getpid()), _settings()
    if _leaving.is_set():
        return
    try:
        claim = board.claim(name())
        if claim is None:
            return
        log.info("video %d of %s: try %d", claim.n, claim.session, claim.attempt)
        perform(claim, board, settings, _leaving)
        if board.due():
            ring()
    except Unavailable as error:  # the sweep rings again
        log.warning("%s", error)


render = app.task(_render, name=_TASK)


@functools.cache
def _board(process: int) -> Board:
    """One for each process: connections do not cross a fork."""
    return open_board(_settings())


@functools.cache
def _settings() -> ServiceSettings:
    return ServiceSettings.read()


# -- in every worker -------------------------------------------------------------------------------------------------


def _check(**_: Any) -> None:
    """Ends a worker that could not render anything, before it takes a job; not for each process of a pool."""
    from qmv.service.checks import check_clouds, check_overrides

    settings = _settings()
    try:
        check_clouds(settings)
        check_overrides(settings)
        _check_door_of_redis(settings)
    except QmvError as error:
        sys.exit(f"error: {error}")


def _check_door_of_redis(settings: ServiceSettings) -> None:
    """Raises ConfigError where Redis does not let us in; one that is away may be on its way, as after a power cut."""
    from redis.exceptions import AuthenticationError, ResponseError

    board = open_board(settings)
    try:
        board.counts()
    except Unavailable as error:
        if isinstance(error.__cause__, (AuthenticationError, ResponseError)):
            raise ConfigError(str(error)) from error
    finally:
        board.close()


def _begin(**_: Any) -> None:
    from qmv.service.work.presence import name, show

    log.info("ready, as %s", name())
    show(lambda: _board(os.getpid()), _settings(), _leaving, _sweep)


def _end(**_: Any) -> None:
    _leaving.set()


def _log(logger: logging.Logger, **_: Any) -> None:
    """LOG_LEVEL counts, and no handler writes a secret."""
    from qmv.engine.secrets import Redacting

    if "LOG_LEVEL" in os.environ:
        logger.setLevel(log_level())
    elif not has_flag(sys.argv, "-l", "--loglevel"):
        log.setLevel(logging.INFO)  # what became of each job; Celery's own is WARNING
    quieten()
    for handler in logger.handlers:
        form = handler.formatter._fmt if handler.formatter is not None else None
        handler.setFormatter(Redacting(form))


def _sweep(board: Board) -> None:
    """Rings for jobs that are due and have no task: after a back-off, a lost lease, a lost task."""
    if due := board.due():
        ring(due - _waiting())


def _waiting() -> int:
    """How many tasks wait in the broker."""
    from kombu.exceptions import ChannelError, OperationalError

    try:
        with app.connection_for_read() as connection:
            return int(connection.default_channel.queue_declare(QUEUE, passive=True).message_count)
    except ChannelError:  # an empty queue is none to Redis
        return 0
    except (OperationalError, OSError) as error:
        raise Unavailable(f"REDIS_URL: cannot be reached ({type(error).__name__}).") from error


signals.celeryd_init.connect(_check)
signals.worker_ready.connect(_begin)
signals.worker_shutting_down.connect(_end)
signals.after_setup_logger.connect(_log)
signals.after_setup_task_logger.connect(_log)
