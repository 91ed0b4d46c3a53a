"""Everything that QMV raises on purpose; each message is one sentence that a user can act on.

    QmvError            any of these: printed without a traceback; `exit_code` has a run's exit code
    ├── ConfigError     a setting or the graph is wrong
    │   └── UnknownName a name that nothing answers to
    ├── InputError      a file of the user's cannot be used
    ├── PluginError     a plugin could not be loaded, clashes with another, or broke its contract
    ├── OutputError     a result cannot be written
    ├── ServiceError    a service on the network did not do what was asked
    │   ├── AccessError it refuses the key, the account or the model, so that asking again is in vain
    │   └── BudgetError what it would cost is more than the user allows
    └── ProofError      the finished video is not what was planned

May be imported from everywhere and imports nothing of QMV.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

__all__ = [
    "AccessError", "BudgetError", "ConfigError", "InputError", "OutputError", "PluginError", "ProofError", "QmvError",
    "ServiceError", "TRY_AGAIN", "UnknownName", "exit_code", "output_error",
]  # fmt: skip


class QmvError(Exception):
    """One sentence: where, what is wrong, got what; what is allowed; what to do."""


class ConfigError(QmvError):
    """A setting or the stage graph is wrong."""


class UnknownName(ConfigError):
    """A name that nothing answers to; offers the closest known one and lists the rest."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        super().__init__(f"{what}: '{name}' is not known.{hint} Known: {', '.join(names) or 'none'}.")
        self.name = name

    def __reduce__(self) -> tuple[object, ...]:  # crosses process borders, where __init__ would want three arguments
        return (_rebuild_unknown_name, (str(self), self.name))


def _rebuild_unknown_name(message: str, name: str) -> UnknownName:
    error = UnknownName.__new__(UnknownName)
    Exception.__init__(error, message)
    error.name = name
    return error


class InputError(QmvError):
    """A file of the user's cannot be used."""


class PluginError(QmvError):
    """A plugin could not be loaded, clashes with another, or broke its contract."""


class OutputError(QmvError):
    """A result cannot be written; `passing` where that may be otherwise later, as on a full disk."""

    passing = False


class ServiceError(QmvError):
    """A service on the network did not do what was asked; another try may help."""


class AccessError(ServiceError):
    """A service refuses the key, the account or the model: nothing else that is asked of it can succeed."""


class BudgetError(ServiceError):
    """What is still to be made would cost more than the user allows."""


class ProofError(QmvError):
    """The finished video is not what was planned."""


TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h


def exit_code(error: QmvError) -> int:
    """What a run that ends with the error says to who started it: TRY_AGAIN where the same run may succeed later, as
    after a full disk or a service that did not answer; else 1."""
    if isinstance(error, OutputError):
        return TRY_AGAIN if error.passing else 1
    passing = isinstance(error, ServiceError) and not isinstance(error, (AccessError, BudgetError))
    return TRY_AGAIN if passing else 1


_CURES = {
    errno.ENOSPC: "the disk is full; free some space, or name another folder with {option}=FOLDER",
    errno.EDQUOT: "the disk quota is used up; free some space, or name another folder with {option}=FOLDER",
    errno.EACCES: "no permission to write there; name another folder with {option}=FOLDER",
    errno.EPERM: "no permission to write there; name another folder with {option}=FOLDER",
    errno.EROFS: "the file system is read-only; name another folder with {option}=FOLDER",
    errno.ENOTDIR: "a part of this path is a file, not a folder; name another folder with {option}=FOLDER",
    errno.EEXIST: "a file of this name stands where a folder is wanted; name another folder with {option}=FOLDER",
    errno.ENAMETOOLONG: "a name in this path is too long; choose a shorter one",
    errno.EFBIG: "a file grew past the size that this system allows; name another folder with {option}=FOLDER",
}


def output_error(error: OSError, option: str = "outputs") -> OutputError | None:
    """The sentence for an operating system's refusal to write; None when it is about something else. `option` is the
    setting that names the folder."""
    if error.errno not in _CURES:
        return None
    where = f" ({error.filename})" if error.filename else ""
    told = OutputError(f"{option}{where}: {_CURES[error.errno].format(option=option)}.")
    told.passing = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return told
