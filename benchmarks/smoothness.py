"""How smoothly a slow zoom moves, measured on the finished file: QMV's camera against ffmpeg's zoompan.

A picture of soft dots far from the middle is zoomed by 12 % in 10 s (ken_burns, standard quality) by QMV, and along
the very same path by zoompan with the same preset and crf: as it is, and from the picture at four times the size, the
usual cure for its jumping by whole pixels. Each frame is decoded, each dot's middle is found in its luma to a fraction
of a pixel, and the second difference from frame to frame, less that of the planned path, is how much the motion jerks,
in px/frame^2. The limit is for the RMS: the most of thousands of differences is x264's noise on a single dot. Told
too are QMV's frames before x264, and two floors: the tracker's own, on ready frames in which each dot is drawn exactly
where it belongs, and that of the same frames through x264, which no camera can beat.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.dots import SIGMA_PX, Jitter, centres, jitter, painted, ring, seen_at
from benchmarks.ffmpeg_graph import zoompan
from benchmarks.measure import table, write_json
from benchmarks.render_cases import Size, assemble
from qmv.media.camera import Affine

if TYPE_CHECKING:
    from benchmarks.dots import Plane, Points
    from qmv.artifacts import Shot

LIMIT = 0.05
_CASE = "motion, cut"
_QMV, _QMV_RAW = "QMV", "QMV, before x264"
_ZOOMPAN = {1: "ffmpeg zoompan", 4: "ffmpeg zoompan, picture 4 times as large"}
_DRAWN, _DRAWN_X264 = "floor of the tracker: drawn dots", "floor of x264: drawn dots, encoded"


def shot_of(frames: int) -> Shot:
    """The only shot of the video; zooms in."""
    from qmv.artifacts import Shot

    words = dict.fromkeys(("section", "framing", "subject", "prompt", "negative_prompt"), "")
    return Shot(index=0, start=0, end=frames, beat=None, seed=0, **words)


def _given(picture: Path, o: argparse.Namespace) -> dict[str, Any]:
    from fractions import Fraction

    from benchmarks.render_job import inputs
    from qmv.artifacts import Storyboard

    given = inputs(picture.parent, 2, o.size.width, o.size.fps, height_px=o.size.height)
    frames = o.seconds * o.size.fps
    return given | {"storyboard": Storyboard(fps=Fraction(o.size.fps), frames=frames, shots=(shot_of(frames),))}


def render_qmv(folder: Path, picture: Path, o: argparse.Namespace, stage: Any) -> Path:
    """By the stage assemble_video."""
    from benchmarks.render_job import finish

    finish(stage, _given(picture, o), folder / "qmv.mp4", workers=1)
    return folder / "qmv.mp4"


def render_zoompan(folder: Path, picture: Path, o: argparse.Namespace, views: list[Affine], larger: int) -> Path:
    """By one ffmpeg command, along the same path."""
    enlarged = f"scale=iw*{larger}:ih*{larger}," if larger > 1 else ""
    graph = f"{enlarged}{zoompan(views[0], views[-1], len(views), o.size)},format=yuv420p"
    _ffmpeg(["-i", str(picture), "-vf", graph, *_encoder(o), str(folder / "zoompan.mp4")])
    return folder / "zoompan.mp4"


def encode_drawn(folder: Path, frames: Iterable[Plane], o: argparse.Namespace) -> Path:
    """Ready luma frames through x264, without colour."""
    import numpy as np

    raw, path = folder / "drawn.yuv", folder / "drawn.mp4"
    grey = np.full(o.size.width * o.size.height // 2, 128, np.uint8).tobytes()
    with raw.open("wb") as file:
        for luma in frames:
            file.write(luma.tobytes() + grey)
    shape = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{o.size.width}x{o.size.height}", "-r", str(o.size.fps)]
    _ffmpeg([*shape, "-i", str(raw), *_encoder(o), str(path)])
    raw.unlink()
    return path


def _encoder(o: argparse.Namespace) -> list[str]:
    return ["-c:v", "libx264", "-preset", o.preset, "-crf", f"{o.crf:g}"]


def _ffmpeg(arguments: list[str]) -> None:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-y", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ffmpeg failed:\n{done.stderr[-2000:]}")


def lumas(video: Path) -> Iterator[Plane]:
    """The luma of each frame of a file."""
    import av
    import numpy as np

    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)  # padded in memory
            yield lines[: frame.height, : frame.width]


def tracked(frames: Iterable[Plane], planned: list[Points]) -> Jitter:
    """The jitter of dots that should be at the planned places."""
    found = [centres(luma, places) for luma, places in zip(frames, planned, strict=True)]
    return jitter(found, planned)


def main() -> int:
    from benchmarks.render_job import frames_of

    o = _options()
    width, height, count = o.size.width, o.size.height, o.seconds * o.size.fps
    stage, places = assemble("assemble_video", _CASE, o.preset, o.crf), ring(width, height)
    views = [stage.motion.camera(shot_of(count), frame) for frame in range(count)]
    planned = [seen_at(places, view, width, height) for view in views]
    found: dict[str, Jitter] = {}
    with tempfile.TemporaryDirectory(prefix="qmv-smoothness-") as work:
        folder, picture = Path(work), _picture(Path(work), places, o)
        found[_QMV] = tracked(lumas(render_qmv(folder, picture, o, stage)), planned)
        found[_QMV_RAW] = tracked((frame.y for frame in frames_of(stage, _given(picture, o))), planned)
        for larger, name in _ZOOMPAN.items():
            found[name] = tracked(lumas(render_zoompan(folder, picture, o, views, larger)), planned)
        found[_DRAWN] = tracked(_drawn(planned, views, o.size), planned)
        found[_DRAWN_X264] = tracked(lumas(encode_drawn(folder, _drawn(planned, views, o.size), o)), planned)
    return _report(o, found)


def _picture(folder: Path, places: Points, o: argparse.Namespace) -> Path:
    import numpy as np

    from qmv.media.picture import png

    path = folder / "pictures" / "dots.png"
    path.parent.mkdir()
    path.write_bytes(png(np.dstack([painted(places, o.size.width, o.size.height)] * 3)))
    return path


def _drawn(planned: list[Points], views: list[Affine], size: Size) -> Iterator[Plane]:
    """Every dot exactly where and as large as it should be."""
    for places, view in zip(planned, views):
        yield painted(places, size.width, size.height, SIGMA_PX / view.xx)


def _report(o: argparse.Namespace, found: dict[str, Jitter]) -> int:
    title = f"{o.seconds} s of {o.size}, {o.preset} crf {o.crf:g}: unevenness of motion, px/frame^2"
    rows = [[by, f"{one.most:.4f}", f"{one.rms:.4f}"] for by, one in found.items()]
    table(title, ("by", "most", "RMS"), rows)
    print(f"the planned path itself bends by {found[_QMV].path:.6f} px/frame^2 at most, which is taken off")
    kept = found[_QMV].rms <= LIMIT
    print(f"QMV: RMS {found[_QMV].rms:.3f} px/frame^2, at most {LIMIT:.2f}: {'kept' if kept else 'MISSED'}")
    chosen = {name: str(value) for name, value in vars(o).items() if name != "json"}
    write_json(o.json, "smoothness", {"options": chosen, "jitter": {by: vars(one) for by, one in found.items()}})
    return 0 if kept or not o.strict else 1


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.smoothness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--size", type=Size.of, default=Size.of("1024x1024/24"), metavar="WxH/FPS")
    made.add_argument("--seconds", type=int, default=10)
    made.add_argument("--preset", default="veryfast", help="x264's preset (veryfast)")
    made.add_argument("--crf", type=float, default=18.0, help="x264's quality (18)")
    made.add_argument("--strict", action="store_true", help="exit 1 where the limit is missed")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    return made.parse_args()


if __name__ == "__main__":
    sys.exit(main())
