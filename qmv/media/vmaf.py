"""VMAF of encoded frames against the frames themselves, by libvmaf in the program ffmpeg (extra `qmv[ffmpeg]`)."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from qmv.errors import PluginError
from qmv.media.coding import AS_BT709, ffmpeg_program
from qmv.media.probe import probe

if TYPE_CHECKING:
    from qmv.media.frame import Frame

__all__ = ["Vmaf", "vmaf"]

# frame n goes with frame n whatever the time stamps say, and both say that they are BT.709, so nothing is converted
_SAME = f"settb=1/25,setpts=N,format=yuv420p,{AS_BT709}"


@dataclass(frozen=True, kw_only=True)
class Vmaf:
    """`mean` over the frames looked at and the `least` of them, 0..100; `frames` is how many those were."""

    mean: float
    least: float
    frames: int


def vmaf(video: Path, frames: Iterable[Frame], size_px: tuple[int, int], fps: Fraction, *, every: int = 1) -> Vmaf:
    """By the model vmaf_v0.6.1, luma only; Li and others, Toward a Practical Perceptual Video Quality Metric, Netflix
    2016. `frames` are all that the video was encoded from; one in `every` of them is looked at.
    """
    import numpy as np

    width, height = size_px
    graph = f"[0:v]{_SAME}[a];[1:v]{_SAME}[b];[a][b]libvmaf=n_subsample={every}:log_fmt=json:log_path=vmaf.json"
    command = [
        ffmpeg_program(), "-hide_banner", "-loglevel", "error", "-i", str(video.absolute()),
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-",
        "-lavfi", graph, "-fps_mode", "passthrough", "-f", "null", "-",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(dir=video.parent) as folder, tempfile.TemporaryFile() as words:
        program = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words,
            start_new_session=True,  # Ctrl-C is for the run, which ends this with its worker
        )  # fmt: skip
        assert program.stdin is not None
        count = 0
        try:
            for frame in frames:
                count += 1
                for plane in (frame.y, frame.u, frame.v):
                    program.stdin.write(np.ascontiguousarray(plane).data)
        except BrokenPipeError:
            pass  # the program says why
        finally:
            program.communicate()
        if program.returncode:
            words.seek(0)
            told = words.read().decode(errors="replace").split("\n")[0]
            told = told or f"it ended with {program.returncode}, as it does where pictures are very small"
            raise PluginError(
                f"quality.vmaf: ffmpeg cannot measure VMAF at {width} x {height} px ({told}); set quality.crf instead."
            )
        if count != (held := probe(video).frames):  # libvmaf would repeat the last one
            raise PluginError(
                f"quality.vmaf: the file holds {held} frames, and {count} were encoded; choose another encoder."
            )
        log = json.loads(Path(folder, "vmaf.json").read_text(encoding="utf-8"))
    pooled = log["pooled_metrics"]["vmaf"]
    return Vmaf(mean=pooled["mean"], least=pooled["min"], frames=len(log["frames"]))
