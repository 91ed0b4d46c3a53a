"""The way to Redis for all who tell it how far a video is: short waits, and errors that hold no password."""

from __future__ import annotations

from typing import Any

from qmv.errors import ConfigError

__all__ = ["redis_client", "said"]

_PAUSE_S = 0.1


def redis_client(url: str, variable: str, *, answer_s: float, again: int = 0) -> Any:
    """redis-py's client, which connects to nothing yet, and tries so often again where a connection breaks.

    Raises ConfigError for what is no address; `variable` is where it comes from.
    """
    import redis
    from redis.backoff import ConstantBackoff
    from redis.retry import Retry

    retry = Retry(ConstantBackoff(_PAUSE_S), again, supported_errors=(redis.exceptions.ConnectionError,))
    try:
        return redis.Redis.from_url(url, socket_timeout=answer_s, socket_connect_timeout=answer_s, retry=retry)
    except (ValueError, TypeError):  # their texts may hold the password
        raise ConfigError(
            f"{variable} holds no address of Redis; write redis://HOST:PORT/0, rediss:// with TLS, or unix://PATH."
        ) from None


def said(error: Exception) -> str:
    """What went wrong, for the middle of a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
