"""How much a finished file looks like the frames that it was made of: VMAF, by the ffmpeg program's libvmaf."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.render_cases import Size

__all__ = ["Vmaf", "vmaf"]

# frame n goes with frame n whatever the time stamps say, and both say that they are BT.709, so nothing is converted
_SAME = (
    "settb=1/25,setpts=N,format=yuv420p,"
    "setparams=range=limited:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Vmaf:
    """`mean` over the frames looked at and the `least` of them, 0..100; `frames` is how many those were."""

    mean: float
    least: float
    frames: int


def vmaf(video: Path, reference: Path, size: Size, *, every: int = 5) -> Vmaf:
    """Of a video against raw YUV 4:2:0 frames, looking at one frame in so many; raises RuntimeError where it fails.

    The default model (vmaf_v0.6.1), luma only.
    """
    import imageio_ffmpeg

    with tempfile.TemporaryDirectory(prefix="qmv-vmaf-") as folder:
        graph = f"[0:v]{_SAME}[a];[1:v]{_SAME}[b];[a][b]libvmaf=n_threads=2:n_subsample={every}:log_fmt=json"
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-i", str(video.absolute()),
            "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{size.width}x{size.height}", "-r", str(size.fps),
            "-i", str(reference.absolute()), "-lavfi", f"{graph}:log_path=vmaf.json",
            "-fps_mode", "passthrough", "-f", "null", "-",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"VMAF of {video.name} failed:\n{done.stderr[-2000:]}")
        log = json.loads((Path(folder) / "vmaf.json").read_text(encoding="utf-8"))
    pooled = log["pooled_metrics"]["vmaf"]
    return Vmaf(mean=pooled["mean"], least=pooled["min"], frames=len(log["frames"]))
