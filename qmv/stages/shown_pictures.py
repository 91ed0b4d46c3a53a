"""Shows the pictures of a run while others are still made."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from qmv.api import Context
from qmv.stages.picture_store import PictureStore, Want

__all__ = ["Shown"]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Tells of each shot's picture once, as soon as there is one to look at."""

    ctx: Context
    told: set[int] = field(default_factory=set)

    def tell(self, index: int, file: Path) -> None:
        if index not in self.told:
            self.told.add(index)
            self.ctx.picture(index, file)

    def cached(self, store: PictureStore, wants: Sequence[Want], there: Set[str]) -> None:
        """Nothing is cropped for it: what is missing comes first."""
        for index, want in enumerate(wants):
            if want.source in there and store.file(want).is_file():
                self.tell(index, store.file(want))

    def came(self, store: PictureStore, wants: Sequence[Want], source: str) -> None:
        with contextlib.suppress(Exception):  # the stage ends with it later; now, other pictures are on their way
            for index, want in enumerate(wants):
                if want.source == source:
                    self.tell(index, store.cropped(want))
