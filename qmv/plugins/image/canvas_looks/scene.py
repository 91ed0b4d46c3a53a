"""What one picture of the canvas provider is made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

FRAMINGS = ("wide shot", "medium shot", "close-up", "extreme close-up", "low angle", "aerial view")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One picture to paint.

    `palette` is 2 to 8 hex colours, dark to light, the last two being the accents. `framing` is one
    of FRAMINGS; any other text is composed as a medium shot. `subject` only varies the composition.
    """

    seed: int
    width_px: int
    height_px: int
    palette: tuple[str, ...]
    framing: str
    subject: str

    @property
    def entropy(self) -> int:
        """The 64-bit number every random choice of the picture comes from; the size is not part of it."""
        text = f"{self.seed}\n{self.framing}\n{self.subject}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    @property
    def plate(self) -> str:
        """The framing the picture is composed with: always one of FRAMINGS."""
        return self.framing if self.framing in FRAMINGS else "medium shot"
