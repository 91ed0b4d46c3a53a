"""The small commands: `python -m qmv COMMAND`. Videos are made by run.py."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from qmv import __version__, ending
from qmv.commands import beats, deliver, plugins, replay, serve, spent, tap
from qmv.errors import QmvError

__all__ = ["main"]

_COMMANDS = (beats, deliver, plugins, replay, serve, spent, tap)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; 1 for a user's mistake."""
    _open_streams()
    parser = argparse.ArgumentParser(prog="qmv", description="Quick Music Video. Videos are made by run.py.")
    parser.add_argument("--version", action="version", version=f"qmv {__version__}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    given, given_rest = parser.parse_known_args(arguments)
    if given_rest and not hasattr(given, "rest"):
        parser.error(f"unrecognized arguments: {' '.join(given_rest)}")
    given.rest = given_rest
    if given.command is None:
        parser.print_help()
        return 0
    try:
        given.command(given)
    except QmvError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ImportError) as error:
        # numpy, interrupted while it loads, says that it is broken
        if isinstance(error, ImportError) and not ending.is_cancelled():
            raise
        print("cancelled", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
    except OSError as error:  # a full disk behind `> song.beats`, a name that is too long
        reason = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        print(f"error: {given.command.__module__.rpartition('.')[2]}: {reason}; name another file.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer is not tried again
        return 1
    return 0


def _open_streams() -> None:
    """A program that is started without stdin, stdout or stderr has None in their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


if __name__ == "__main__":
    ending.heed_signals()  # else folders in /tmp, and a player, would be left behind
    sys.exit(main())
