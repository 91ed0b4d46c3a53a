"""Runs the fake service as a process: python -m tests.fakes.runware --folder FOLDER [--script FILE.json]."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from tests.fakes.runware.script import Script
from tests.fakes.runware.server import Server


def main() -> None:
    """Says its addresses in one line of JSON, and serves until it is ended or its parent is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where ledger.jsonl and received.jsonl are kept")
    parser.add_argument("--script", default="", help="a JSON file with fields of Script; - is standard input")
    parser.add_argument("--port", type=int, default=0, help="of the WebSocket; 0 takes a free one")
    parser.add_argument("--http-port", type=int, default=0, help="of REST and pictures; 0 takes a free one")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="the process without which this one ends")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    text = "{}"
    if given.script:
        text = sys.stdin.read() if given.script == "-" else Path(given.script).read_text(encoding="utf-8")
    script = Script.of(json.loads(text))

    async def run() -> None:
        server = Server(given.folder, script, given.port, given.http_port)
        await server.run(lambda: os.getppid() == given.parent)

    asyncio.run(run())


if __name__ == "__main__":
    main()
