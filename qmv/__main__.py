"""The small commands: `python -m qmv COMMAND`. Videos are made by run.py."""

from __future__ import annotations

import argparse
import sys

from qmv import __version__
from qmv.commands import beats, plugins, tap
from qmv.errors import QmvError

__all__ = ["main"]

_COMMANDS = (beats, plugins, tap)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; 1 for a user's mistake."""
    parser = argparse.ArgumentParser(prog="qmv", description="Quick Music Video. Videos are made by run.py.")
    parser.add_argument("--version", action="version", version=f"qmv {__version__}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return 0
    try:
        given.command(given)
    except QmvError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cancelled", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
