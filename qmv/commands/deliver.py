"""`python -m qmv deliver RUN_FOLDER` delivers a run's video once more, or goes on where that was stopped."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from qmv.commands.watching import watched

__all__ = ["add"]

_ABOUT = """\
Delivers what a run has made, without making anything: with the settings of the run, or with others.

    qmv deliver outputs/runs/2026-01-31/12-00-00-000000
    qmv deliver outputs/sweeps/2026-01-31_12-00-00-000000/3 storage=gcs storage.bucket=my-films session=spring n=4
    qmv deliver RUN_FOLDER storage=object_store storage.url=s3://my-films/2026 storage.overwrite=true

An upload that was stopped goes on where it was; what is there already with the same bytes is not sent again.
"""


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "deliver", help="deliver the video of a run again, or elsewhere", description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="the folder of a run, with its manifest.json")
    parser.add_argument(
        "settings", nargs="*", metavar="KEY=VALUE", help="storage=NAME, storage.x=y, session=ID, n=3, licence=TEXT"
    )
    parser.set_defaults(command=_deliver)


def _deliver(given: argparse.Namespace) -> None:
    from qmv.engine.hiding import hide_addresses
    from qmv.engine.in_work import check_at_rest
    from qmv.engine.recorded import Recorded
    from qmv.engine.redelivery import redeliver
    from qmv.engine.secrets import read_env_file

    read_env_file(Path.cwd())
    hide_addresses(given.settings)
    check_at_rest(given.run)
    recorded = Recorded.read(given.run)
    registry = recorded.registry()
    with watched(registry, recorded.folder):
        delivery = redeliver(recorded, given.settings, registry)
    print(delivery.url)
