"""One rendering of the benchmark's video in this process: what `benchmarks.render` starts and measures.

The job: canvas pictures, 2 s each, and a song of a tenth of a second, so that its AAC costs nothing. Variants:
`qmv` (AssembleVideo.run as the engine calls it), `moviepy` (AssembleMoviepy.run), `moviepy_docs`
(benchmarks.moviepy_docs), `raw` (QMV's frames into one raw
YUV file), `pyav` (that file through one x264 stream) and `start` (imports only).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import wave
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import moviepy_docs
from benchmarks.render_cases import ALL, CASES, SHOT_S, THREE_EFFECTS, Size, assemble, x264_options
from qmv.api import Cache, Context, ImageRequest
from qmv.artifacts import Beats, File, Picture, Pictures, Shot, Song, Storyboard
from qmv.engine.parallel import Mapper
from qmv.media.chunk import chunk_frames
from qmv.media.picture import PICTURE_SUFFIXES

__all__ = ["CASES", "VARIANTS", "finish", "frames_of", "inputs", "paint"]

VARIANTS = ("qmv", "moviepy", "moviepy_docs", "raw", "pyav", "start")
_BEAT_S = 0.5
_LOOKS = ("neon", "noir", "watercolor", "papercut", "cosmos")
_PALETTE = ("#07031a", "#1c0b4a", "#5a1899", "#ff7847", "#ff2d95", "#1fe0ff")


def paint(folder: Path, count: int, width_px: int, height_px: int | None = None) -> None:
    """The pictures as `paint_pictures` leaves them, PNG and planes, painted where they are missing; square where no
    height is given.
    """
    from qmv.media.chunk import load_picture, planes_beside
    from qmv.plugins.image.canvas import Canvas

    height_px = height_px or width_px
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        file = folder / f"{index:03}.png"
        if file.exists():
            continue
        request = ImageRequest(
            index=index, prompt="", negative_prompt="", seed=index, framing="wide shot", subject="a road at night",
            look=_LOOKS[index % len(_LOOKS)], palette=_PALETTE, width_px=width_px, height_px=height_px,
        )  # fmt: skip
        part = file.with_suffix(".part")
        part.write_bytes(Canvas().render(request))
        load_picture(part, width_px, height_px).save(planes_beside(file))
        part.replace(file)


def inputs(
    folder: Path, seconds: int, width_px: int, fps: int, *, height_px: int | None = None, beats: bool = False
) -> dict[str, Any]:
    """What the stage reads: song, beats (none, or two a second), storyboard and pictures, used again in turn where
    the folder has too few.
    """
    count, height_px = seconds // SHOT_S, height_px or width_px
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
    files = [File.of(file) for file in found[:count]]
    pictures = tuple(
        Picture(file=file, width_px=width_px, height_px=height_px, provider="folder", seed=0, prompt="")
        for file in islice(cycle(files), count)
    )
    frames = SHOT_S * fps
    words = dict.fromkeys(("section", "framing", "subject", "prompt", "negative_prompt"), "")
    shots = tuple(
        Shot(index=index, start=index * frames, end=(index + 1) * frames, beat=None, seed=index, **words)
        for index in range(count)
    )
    return {
        "song": Song(file=File.of(_song()), title="benchmark"),
        "beats": _beats(count * SHOT_S, beats),
        "storyboard": Storyboard(fps=Fraction(fps), frames=count * frames, shots=shots),
        "pictures": Pictures(width_px=width_px, height_px=height_px, pictures=pictures),
    }


def _beats(seconds: int, heard: bool) -> Beats:
    count = round(seconds / _BEAT_S) if heard else 0
    return Beats(
        times_s=tuple(number * _BEAT_S for number in range(count)),
        bar_position=tuple(number % 4 + 1 for number in range(count)),
        tempo_bpm=60 / _BEAT_S if heard else 0.0,
        confidence=float(heard),
        duration_s=Fraction(seconds),
    )


def _song() -> Path:
    """A tenth of a second of nothing, as a WAV file."""
    path = Path(tempfile.gettempdir()) / "qmv-benchmark-song.wav"
    if not path.exists():
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 44100, 4410, "NONE", ""))
            file.writeframes(bytes(2 * 4410))
    return path


def run(variant: str, options: argparse.Namespace) -> dict[str, Any]:
    """Does the work, whose finished file is `options.out`, and tells what the stage counted."""
    size, case = options.size, options.case
    if variant == "start":
        import av  # noqa: F401
        import cv2  # noqa: F401
        import PIL.Image  # noqa: F401
    elif variant == "pyav":
        _pyav(options)
    else:
        heard = case == THREE_EFFECTS
        given = inputs(options.pictures, options.seconds, size.width, size.fps, height_px=size.height, beats=heard)
        if variant == "moviepy_docs":
            files = [picture.file.path for picture in given["pictures"].pictures]
            moviepy_docs.write(options.out, files, size, *_quality(options))
            return {}
        stage = assemble("assemble_moviepy" if variant == "moviepy" else "assemble_video", case, *_quality(options))
        if variant != "raw":
            return finish(stage, given, options.out, options.workers)
        _raw(options.raw, stage, given)
    return {}


def _quality(options: argparse.Namespace) -> tuple[str, float]:
    return options.preset, options.crf


def finish(stage: Any, given: dict[str, Any], out: Path, workers: int) -> dict[str, Any]:
    """Runs the stage with a context like the engine's and a new cache; tells what it counted."""
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        folder = Path(name)
        (folder / "made").mkdir()
        ctx = Context(
            node="video", folder=folder / "made", cache=Cache(folder / "cache"), run_folder=folder,
            workers=workers, publish=lambda _: None, parallel=Mapper(()),
        )  # fmt: skip
        wanted = {name: given[name] for name in stage.inputs() if name in given}
        stage.run(ctx, **wanted).file.path.replace(out)
        return ctx.counts


def frames_of(stage: Any, given: dict[str, Any]) -> Iterator[Any]:
    """What assemble_video would encode, frame by frame."""
    _, chunks = stage._plan(given["storyboard"], given["pictures"], given["beats"])
    for chunk in chunks:
        yield from chunk_frames(chunk)


def _raw(path: Path, stage: Any, given: dict[str, Any]) -> None:
    with path.open("wb") as file:
        for frame in frames_of(stage, given):
            for plane in (frame.y, frame.u, frame.v):
                file.write(plane.tobytes())


def _pyav(options: argparse.Namespace) -> None:
    """One long stream with QMV's own options of x264."""
    import av
    import numpy as np

    size, fps = options.size, Fraction(options.size.fps)
    with av.open(str(options.out), "w", format="mp4") as container, options.raw.open("rb") as film:
        stream = container.add_stream("libx264", rate=fps, options=x264_options(*_quality(options)))
        stream.width, stream.height, stream.pix_fmt, stream.time_base = size.width, size.height, "yuv420p", 1 / fps
        stream.codec_context.thread_count = 1
        number = 0
        while (planes := np.fromfile(film, np.uint8, size.width * size.height * 3 // 2)).size:
            frame = av.VideoFrame.from_numpy_buffer(planes.reshape(-1, size.width), format="yuv420p")
            frame.pts, frame.time_base = number, 1 / fps
            container.mux(stream.encode(frame))
            number += 1
        container.mux(stream.encode(None))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("variant", choices=VARIANTS)
    made.add_argument("--case", choices=ALL, required=True)
    made.add_argument("--pictures", type=Path, required=True, help="a folder of pictures, as `paint` fills it")
    made.add_argument("--size", type=Size.of, required=True, help="WIDTHxHEIGHT/FPS")
    made.add_argument("--out", type=Path, help="the finished file, temporary ones beside it")
    made.add_argument("--raw", type=Path, help="the raw YUV file")
    made.add_argument("--seconds", type=int, default=32)
    made.add_argument("--workers", type=int, default=1)
    made.add_argument("--preset", default="veryfast")
    made.add_argument("--crf", type=float, default=18.0)
    return made


if __name__ == "__main__":
    chosen = parser().parse_args()
    print(json.dumps(run(chosen.variant, chosen)))
