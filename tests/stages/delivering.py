"""A song whose video is delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qmv.artifacts import File, Song


def a_song(tmp_path: Path, title: str = "Night Train", **changes: Any) -> Song:
    (tmp_path / "song").write_bytes(b"a song")
    return Song(file=File.of(tmp_path / "song"), title=title, **{"artist": "The Pier", **changes})
