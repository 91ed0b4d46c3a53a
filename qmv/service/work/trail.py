"""What a render tells while it works, read from its run folder: events, and the pictures that they name."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

__all__ = ["Trail", "thumbnail"]

_MOST_BYTES = 1 << 20  # of one look; the rest is read by the next
_PIXELS = 240
_QUALITY = 70


class Trail:
    """The events of a run folder, each once, in their order."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "events.jsonl"
        self._read = 0

    def news(self) -> list[dict[str, Any]]:
        """What was added since the last call; a line that is still being written comes with the next."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._read)
                data = stream.read(_MOST_BYTES)
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return [event for line in whole.splitlines() if (event := _event(line))]


def thumbnail(path: Path) -> bytes | None:
    """A picture as a small JPEG without anything besides its pixels; None for a file that shows none."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (2 * _PIXELS, 2 * _PIXELS))
            small = picture.convert("RGB")
            small.thumbnail((_PIXELS, _PIXELS), reducing_gap=2.0)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # SyntaxError: a PNG with a broken chunk
        return None
    out = io.BytesIO()
    small.info.clear()
    small.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
