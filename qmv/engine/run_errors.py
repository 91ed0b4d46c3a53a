"""Puts whatever ends a run into one sentence."""

from __future__ import annotations

from pathlib import Path

from qmv import errors
from qmv.errors import QmvError, output_error

__all__ = ["error_kind", "run_error"]


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
