"""The library obstore, loaded when it is wanted, and its clients: one for each way of asking."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from qmv.errors import PluginError
from qmv.objects.cloud_names import Place

if TYPE_CHECKING:
    from types import ModuleType

    from obstore.store import AzureConfig, AzureStore, S3Config, S3Store

__all__ = ["CONDITIONLESS", "client", "interruptible", "library"]

T = TypeVar("T")
CONDITIONLESS: set[str] = set()  # addresses of buckets whose service was found to know no writes on a condition


@functools.cache
def library(where: str) -> ModuleType:
    """The module `obstore`; raises PluginError where it is not installed."""
    try:
        import obstore
        import obstore.exceptions
    except ImportError as error:
        raise PluginError(
            f"{where}: needs the package obstore, which is not installed; "
            "install it with: python -m pip install 'qmv[object-store]'"
        ) from error
    return obstore


@functools.lru_cache(maxsize=32)
def client(
    place: Place, config: tuple[tuple[str, Any], ...], around: Any, *, timeout_s: float, retries_s: float, copy_if: str
) -> S3Store | AzureStore:
    """A client for requests that take at most `timeout_s`, sent again for `retries_s`; `copy_if` is the condition of
    its copies. `around` is the environment, which the library reads as well: another one is another client."""
    from obstore.store import AzureStore, S3Store

    told: dict[str, Any] = dict(config) | ({"copy_if_not_exists": copy_if} if copy_if else {})
    pauses = {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=15), "base": 2}
    common: dict[str, Any] = {
        "client_options": {
            "allow_http": told["endpoint"].startswith("http://"),
            "connect_timeout": timedelta(seconds=10),
            "timeout": timedelta(seconds=timeout_s),
        },
        "retry_config": {"max_retries": 1000, "retry_timeout": timedelta(seconds=retries_s), "backoff": pauses},
    }
    if place.scheme == "s3":
        return S3Store(place.bucket, config=cast("S3Config", told), **common)
    return AzureStore(place.bucket, config=cast("AzureConfig", told), **common)


def interruptible(ask: Callable[[], T]) -> T:
    """The answer to a question; Ctrl-C ends the wait for it, as it could not inside of the library."""
    if threading.current_thread() is not threading.main_thread():
        return ask()
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((ask(), None))
        except BaseException as error:  # its own thread is no place to end in
            answers.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    answer, error = answers.get()
    if error is not None:
        raise error
    return cast("T", answer)
