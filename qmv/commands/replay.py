"""`python -m qmv replay MANIFEST` does a run again, and tells whether the same bytes came out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from qmv.commands.watching import watched
from qmv.errors import ProofError

__all__ = ["add"]

_ABOUT = """\
Does a run again by its manifest alone, in a new run folder of the same outputs, and compares the videos by hash.
Nothing is delivered anywhere else, and nothing is bought unless --pay allows it.

    qmv replay outputs/runs/2026-01-31/12-00-00-000000/manifest.json
"""


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "replay", help="make the video of a run again, to the byte", description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="a manifest.json, or the folder of a run")
    parser.add_argument("--song", type=Path, metavar="PATH", help="where the song lies now, if it was moved")
    parser.add_argument("--pay", action="store_true", help="buy pictures that are not in the cache any more")
    parser.set_defaults(command=_replay)


def _replay(given: argparse.Namespace) -> None:
    import sys

    from qmv.engine.recorded import Recorded
    from qmv.engine.replay import new_folder, replay
    from qmv.engine.secrets import read_env_file

    read_env_file(Path.cwd())
    before = Recorded.read(given.manifest.absolute())
    song = given.song.absolute() if given.song is not None else None
    registry = before.registry()
    folder = new_folder(before)
    with watched(registry, folder):
        found = replay(before, folder, registry, song=song, pay=given.pay)
    print(found.manifest.result)
    if not found.same:
        cause = f"; not as it was: {', '.join(found.differs)}" if found.differs else ""
        raise ProofError(f"replay: the video has other bytes than that of {before.folder}{cause}.")
    print("the same bytes", file=sys.stderr)
