"""Two runs that want the same pictures at the same time: each picture is made once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from qmv.api import ImageProvider, ImageRequest, plugin
from qmv.artifacts import Pictures
from qmv.events import Event
from qmv.media.picture import png
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, board, calls


@plugin
class Patient(ImageProvider):
    """Gives no picture before the other run has looked for it, too."""

    name = "patient"

    def render(self, request: ImageRequest) -> bytes:
        _made.append(request.index)
        assert _both_looked.wait(20), "the other run never came"
        return png(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))


_made: list[int] = []
_both_looked = threading.Event()


def test_paint_in_two_threads_makes_each_picture_once(tmp_path: Path) -> None:
    _made.clear()
    _both_looked.clear()
    barrier = threading.Barrier(2, action=_both_looked.set)

    def paint() -> Pictures:
        first = iter([True])

        def publish(event: Event) -> None:
            if next(first, False):  # the first progress tells what is cached: by then nothing is
                barrier.wait(20)

        stage = PaintPictures(image=Patient(), width=WIDTH, height=HEIGHT)
        return stage.run(stage_context(tmp_path, publish=publish), style=style(), storyboard=board([12, 12, 12]))

    with ThreadPoolExecutor(2) as pool:
        one, two = (future.result(60) for future in [pool.submit(paint) for _ in range(2)])
    assert sorted(_made) == [0, 1, 2]
    assert one == two


_PAINT = """
import sys
from pathlib import Path
from qmv.stages.paint_pictures import PaintPictures
from qmv.testing import stage_context, style
from tests.stages.helpers import HEIGHT, WIDTH, Tally, board
folder = Path(sys.argv[1])
stage = PaintPictures(image=Tally(ledger=str(folder / "ledger")), width=WIDTH, height=HEIGHT)
stage.run(stage_context(folder), style=style(), storyboard=board([12] * 12))
"""


def test_paint_in_two_processes_makes_each_picture_once(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    env = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-c", _PAINT, str(tmp_path)]
    running = [subprocess.Popen(command, env=env, cwd=root) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    assert calls(tmp_path / "ledger") == list(range(12))
