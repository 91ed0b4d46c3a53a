"""A song's samples as an array that lies in a file: an hour of music takes 600 MB, and few are looked at at a time.

The array is a plain one, so whoever takes samples works with it as it is. Whoever reads it from start to end calls
`let_go` after each piece, and needs the memory of that piece only.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.artifacts import Song
from qmv.media.audio import blocks, inspect, no_sound

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = ["let_go", "mapped", "to_read"]

_BUFFER = 1 << 20  # bytes written at a time


@contextmanager
def mapped(song: Song, folder: Path) -> Iterator[tuple[Samples, int]]:
    """The song's window as one mono signal [n] and its rate, as `audio.mono` has it, in a file without a name.

    The file lies in `folder` and is gone after the block, whatever ends it. What is written into the array stays in
    memory and changes no file. Raises InputError where the window holds no sample.
    """
    import numpy as np

    with tempfile.TemporaryFile(dir=folder, buffering=_BUFFER) as file:
        for block in blocks(song):
            file.write(block.mean(axis=0, dtype=np.float32).data)
        if not file.tell():
            raise no_sound(song)
        file.flush()
        # not a np.memmap to the outside: what is calculated from one would be one too
        yield np.asarray(np.memmap(file, np.float32, mode="c")), inspect(song.file.path).rate_hz


def to_read(samples: Samples) -> Samples:
    """The same samples, not to be written to: those that `let_go` may take out of memory."""
    seen = samples.view()
    seen.flags.writeable = False
    return seen


def let_go(samples: Samples) -> None:
    """Takes what was read of a mapped song out of memory; it is read again where it is wanted again.

    Does nothing for samples that are in memory only, nor for those that may have been written to, which would be lost.
    """
    if samples.flags.writeable or not hasattr(mmap, "MADV_DONTNEED"):
        return
    base: Any = samples
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    if base is not None:
        base.madvise(mmap.MADV_DONTNEED)
