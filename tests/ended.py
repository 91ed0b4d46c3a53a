"""What an ended command has left, and what it told of a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def manifests(ended: Any) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in ended.found("manifest.json")]


def finished_videos(ended: Any) -> list[Path]:
    """The videos in run folders; those in the cache are nobody's result, and those in a hand-off are the same again."""
    return [
        path for path in ended.found("*.mp4") if not {"cache", "handoff"} & {*path.relative_to(ended.outputs).parts}
    ]


def refused(ended: Any, rc: int = 1) -> str:
    """The sentence of a refused command, after checking that it is one, and that nothing looks like a result."""
    assert ended.rc == rc
    assert "Traceback" not in ended.stdout + ended.stderr
    assert len(ended.errors) == 1
    assert ended.stdout == ""
    assert finished_videos(ended) == []
    return str(ended.errors[0])
