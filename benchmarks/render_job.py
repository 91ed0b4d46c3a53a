"""One rendering of the benchmark's video in this process: what `benchmarks.render` starts and measures.

The job: canvas pictures, 2 s each, and a song of a tenth of a second, so that its AAC costs nothing. Variants:
`qmv` (AssembleVideo.run as the engine calls it), `moviepy` (AssembleMoviepy.run), `raw` (QMV's frames into one raw
YUV file), `pyav` (that file through one x264 stream) and `start` (imports only).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import wave
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from qmv.api import Cache, Context, ImageRequest, Motion, Transition
from qmv.artifacts import Beats, File, Picture, Pictures, Shot, Song, Storyboard
from qmv.engine.parallel import Mapper
from qmv.media.chunk import chunk_frames
from qmv.media.encode import X264
from qmv.media.picture import PICTURE_SUFFIXES
from qmv.plugins.motion.ken_burns import KenBurns
from qmv.plugins.motion.still import Still
from qmv.plugins.transition.crossfade import Crossfade
from qmv.plugins.transition.cut import Cut
from qmv.stages.assemble_video import AssembleVideo

CASES: dict[str, tuple[Motion, Transition]] = {
    "stills, cut": (Still(), Cut()),
    "motion, cut": (KenBurns(), Cut()),
    "motion, crossfade 0.5 s": (KenBurns(), Crossfade(duration_s=0.5)),
}
VARIANTS = ("qmv", "moviepy", "raw", "pyav", "start")
SHOT_S = 2
_LOOKS = ("neon", "noir", "watercolor", "papercut", "cosmos")
_PALETTE = ("#07031a", "#1c0b4a", "#5a1899", "#ff7847", "#ff2d95", "#1fe0ff")


def paint(folder: Path, count: int, size_px: int) -> None:
    """The pictures as `paint_pictures` leaves them, PNG and planes, painted where they are missing."""
    from qmv.media.chunk import load_picture, planes_beside
    from qmv.plugins.image.canvas import Canvas

    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        file = folder / f"{index:03}.png"
        if file.exists():
            continue
        request = ImageRequest(
            index=index, prompt="", negative_prompt="", seed=index, framing="wide shot", subject="a road at night",
            look=_LOOKS[index % len(_LOOKS)], palette=_PALETTE, width_px=size_px, height_px=size_px,
        )  # fmt: skip
        part = file.with_suffix(".part")
        part.write_bytes(Canvas().render(request))
        load_picture(part, size_px, size_px).save(planes_beside(file))
        part.replace(file)


def inputs(folder: Path, seconds: int, size_px: int, fps: int) -> dict[str, Any]:
    """What the stage reads: song, beats, storyboard and pictures."""
    count = seconds // SHOT_S
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
    pictures = tuple(
        Picture(file=File.of(file), width_px=size_px, height_px=size_px, provider="folder", seed=0, prompt="")
        for file in islice(cycle(found), count)
    )
    frames = SHOT_S * fps
    words = dict.fromkeys(("section", "framing", "subject", "prompt", "negative_prompt"), "")
    shots = tuple(
        Shot(index=index, start=index * frames, end=(index + 1) * frames, beat=None, seed=index, **words)
        for index in range(count)
    )
    beats = Beats(
        times_s=(), bar_position=(), tempo_bpm=0.0, confidence=0.0, duration_s=Fraction(count * SHOT_S)
    )  # fmt: skip
    return {
        "song": Song(file=File.of(_song()), title="benchmark"),
        "beats": beats,
        "storyboard": Storyboard(fps=Fraction(fps), frames=count * frames, shots=shots),
        "pictures": Pictures(width_px=size_px, height_px=size_px, pictures=pictures),
    }


def _song() -> Path:
    """A tenth of a second of nothing, as a WAV file."""
    path = Path(tempfile.gettempdir()) / "qmv-benchmark-song.wav"
    if not path.exists():
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 44100, 4410, "NONE", ""))
            file.writeframes(bytes(2 * 4410))
    return path


def run(variant: str, options: argparse.Namespace) -> int:
    """Does the work and tells how many bytes its file has."""
    motion, transition = CASES[options.case]
    given = inputs(options.pictures, options.seconds, options.size, options.fps)
    quality = {"preset": options.preset, "crf": options.crf}
    if variant == "start":
        import av  # noqa: F401
        import cv2  # noqa: F401
        import PIL.Image  # noqa: F401

        return 0
    if variant in ("qmv", "moviepy"):
        with tempfile.TemporaryDirectory(dir=options.work) as name:
            settings = quality | {"motion": motion, "transition": transition}
            return _stage(variant, Path(name), options.workers, given, settings)
    if variant == "raw":
        stage = AssembleVideo(motion=motion, transition=transition, **quality)
        return _raw(options.raw, stage, given)
    return _pyav(options, X264(**quality))


def _stage(variant: str, folder: Path, workers: int, given: dict[str, Any], settings: dict[str, Any]) -> int:
    """The stage into a new cache, with a context like the engine's."""
    (folder / "made").mkdir()
    ctx = Context(
        node="video", folder=folder / "made", cache=Cache(folder / "cache"), run_folder=folder, workers=workers,
        publish=lambda _: None, parallel=Mapper(()),
    )  # fmt: skip
    if variant == "qmv":
        return AssembleVideo(**settings).run(ctx, **given).file.size_bytes
    from qmv.stages.assemble_moviepy import AssembleMoviepy

    del given["beats"]
    return AssembleMoviepy(**settings).run(ctx, **given).file.size_bytes


def _raw(path: Path, stage: AssembleVideo, given: dict[str, Any]) -> int:
    _, chunks = stage._plan(given["storyboard"], given["pictures"], given["beats"])
    with path.open("wb") as file:
        for chunk in chunks:
            for frame in chunk_frames(chunk):
                for plane in (frame.y, frame.u, frame.v):
                    file.write(plane.tobytes())
    return path.stat().st_size


def _pyav(options: argparse.Namespace, x264: X264) -> int:
    """One long stream of QMV's own encoder settings; the frames lie in the mapped file and are not copied before."""
    import av
    import numpy as np

    from qmv.media.encode import _h264_stream

    size, fps = options.size, Fraction(options.fps)
    film = np.memmap(options.raw, np.uint8, "c").reshape(-1, size * 3 // 2, size)
    path = options.raw.with_suffix(".pyav.mp4")
    with av.open(str(path), "w", format="mp4") as container:
        stream = _h264_stream(container, (size, size), fps, x264)
        for number, planes in enumerate(film):
            frame = av.VideoFrame.from_numpy_buffer(planes, format="yuv420p")
            frame.pts, frame.time_base = number, 1 / fps
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.stat().st_size


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("variant", choices=VARIANTS)
    made.add_argument("--case", choices=CASES, required=True)
    made.add_argument("--pictures", type=Path, required=True, help="a folder of pictures, as `paint` fills it")
    made.add_argument("--work", type=Path, required=True, help="where temporary files go")
    made.add_argument("--raw", type=Path, help="the raw YUV file")
    for name, default in (("seconds", 32), ("size", 1024), ("fps", 24), ("workers", 1)):
        made.add_argument(f"--{name}", type=int, default=default)
    made.add_argument("--preset", default="veryfast")
    made.add_argument("--crf", type=float, default=18.0)
    return made


if __name__ == "__main__":
    chosen = parser().parse_args()
    print(json.dumps({"bytes": run(chosen.variant, chosen)}))
