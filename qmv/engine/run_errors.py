"""Puts whatever ends a run into one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qmv import errors
from qmv.artifacts import Artifact
from qmv.engine.cache import Cache, deleted, is_gone
from qmv.errors import QmvError, output_error
from qmv.plain import files

__all__ = ["cache_error", "error_kind", "looks_at_cache", "run_error"]


@contextmanager
def looks_at_cache(cache: Cache, values: Callable[[], Iterable[Artifact]]) -> Iterator[None]:
    """Raises `cache_error` for what ends the block, while the cache is as that left it: a shared cache forgets pieces
    of a run that failed, and so stands around this block."""
    try:
        yield
    except (Exception, SystemExit) as cause:
        error = cache_error(cause, cache, values())
        if error is cause:
            raise
        raise error from cause


def cache_error(cause: BaseException, cache: Cache, values: Iterable[Artifact]) -> BaseException:
    """The cause itself, or what is behind it where files of the cache went away that the run stood on: a sentence of a
    picture that cannot be read would send its reader to the wrong place.

    `values` are what the run has made or loaded so far.
    """
    root = cache.root
    used = (file.path for file in files(tuple(values)))
    missing = (path for path in (*used, *_not_found(cause)) if path.is_relative_to(root) and is_gone(path))
    return deleted(root) if any(missing) else cause


def _not_found(cause: BaseException | None) -> Iterable[Path]:
    """The files that an error and those that it was raised from miss; not in an entry that was being made, which is
    gone by now in any case."""
    while cause is not None:
        if isinstance(cause, FileNotFoundError) and isinstance(cause.filename, (str, bytes)):
            path = Path(os.fsdecode(cause.filename))
            if not any(parent.suffix == ".part" for parent in path.parents):
                yield path
        cause = cause.__cause__


def run_error(cause: BaseException, folder: Path, where: str) -> QmvError:
    """The cause itself where it is a sentence already; what nobody foresaw points at the log in the run's folder."""
    if isinstance(cause, QmvError):
        return cause
    number = getattr(cause, "errno", None)
    if number is not None and (error := output_error(OSError(number, str(cause), getattr(cause, "filename", None)))):
        return error
    words = f"{type(cause).__name__}: {' '.join(str(cause).split())}".rstrip(": ")
    return QmvError(f"{where}: failed unexpectedly ({words}); the details are in {folder / 'run.log'}.")


def error_kind(error: QmvError) -> str:
    """The class of qmv.errors that an error is of; a plugin may raise a kind of its own below one of them."""
    return next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == errors.__name__)
