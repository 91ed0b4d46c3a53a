"""How Celery is set up: the address of Redis in its words, and no promise of its own that the queue's leases keep."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qmv.errors import QmvError
from qmv.service.logs import log_level
from qmv.service.settings import ServiceSettings, open_board, redis_url

__all__ = ["QUEUE", "configuration", "has_flag"]

QUEUE = "qmv"
_ANSWER_S = 5.0  # of Redis, and longer than Celery's reads of it wait (1 s); a lost connection may never be told as one
_VISIBLE_S = 3600  # after it the broker gives a task to another worker, who finds no job for it, which is no harm


def configuration() -> dict[str, Any]:
    """Celery's settings, read when Celery first asks for it, so that importing this module needs no Redis."""
    from qmv.engine.secrets import read_env_file

    try:
        read_env_file(Path.cwd())
        settings = ServiceSettings.read()
        log_level()
        if url := redis_url():
            open_board(settings).close()  # reads the address, and asks nobody
    except QmvError as error:
        sys.exit(f"error: {error}")
    if not url:
        sys.exit("error: REDIS_URL: is not set; put REDIS_URL=redis://HOST:6379/0 into a file .env here, or export it "
            "(without Redis, `qmv serve` brings workers of its own).")  # fmt: skip
    return {
        **_broker(url),
        "broker_transport_options": {
            "visibility_timeout": _VISIBLE_S, "unacked_restore_interval": 1, "unacked_restore_throttle": 1,
            "socket_keepalive": True, "health_check_interval": 10,
            "socket_timeout": _ANSWER_S, "socket_connect_timeout": _ANSWER_S,
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_default_queue": QUEUE,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_prefetch_multiplier": 1,
        # a render is a process of its own; Celery prefers this even to -P prefork
        **({} if has_flag(sys.argv, "-P", "--pool") else {"worker_pool": "threads"}),
        "worker_concurrency": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": True,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
        "enable_utc": True,
    }  # fmt: skip


def has_flag(arguments: Sequence[str], short: str, long: str) -> bool:
    """Whether a command line has a flag."""
    return any(word.startswith(short) or word.partition("=")[0] == long for word in arguments)


def _broker(url: str) -> dict[str, Any]:
    """An address of Redis as Celery writes it."""
    scheme, _, rest = url.partition("://")
    if scheme == "unix":  # unix://:PASSWORD@/PATH?db=1
        place, _, query = rest.partition("?")
        return {"broker_url": f"redis+socket://{place}?{query.replace('db=', 'virtual_host=')}".rstrip("?")}
    if scheme == "rediss" and "ssl_" not in rest:
        return {"broker_url": url, "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED}}
    return {"broker_url": url}
