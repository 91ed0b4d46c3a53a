"""A song, shots and pictures to hand to a video editor, and the folder that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from qmv.artifacts import Artifact, Beats, File, HandOff, LyricLine, Song, Video
from qmv.events import Event
from qmv.plugins.transition.cut import Cut
from qmv.stages.hand_off import HandOffEdit
from qmv.testing import stage_context
from tests.stages.helpers import board, grey_pictures

Inputs = dict[str, Artifact]
LYRICS = (LyricLine(start_s=1.0, text="Rails & rain"), LyricLine(start_s=2.0, text="lights"))


def to_hand_on(tmp_path: Path, click_track: Callable[..., Path]) -> Inputs:
    """A song of three seconds with a click each half second, three shots, and a file that stands for the video."""
    song = click_track(tmp_path / "my song.WAV", seconds=3.0)
    (tmp_path / "made.mp4").write_bytes(b"a video")
    times = tuple(0.25 + 0.5 * number for number in range(6))
    storyboard = board([24, 12, 36])
    return {
        "song": Song(file=File.of(song), title="Night / Train", lyrics=LYRICS),
        "beats": Beats(
            times_s=times, bar_position=(1, 2, 3, 4, 1, 2), tempo_bpm=120.0, confidence=1.0, duration_s=Fraction(3)
        ),
        "storyboard": storyboard,
        "pictures": grey_pictures(tmp_path / "cached", [20, 90, 160]),
        "video": Video(
            file=File.of(tmp_path / "made.mp4"), width_px=64, height_px=36, fps=Fraction(24), frames=72, title="x"
        ),
    }


def handed(
    tmp_path: Path, inputs: Inputs, stage: HandOffEdit | None = None, heard: list[Event] | None = None
) -> HandOff:
    ctx = stage_context(tmp_path, publish=None if heard is None else heard.append)
    made: HandOff = (stage or HandOffEdit(transition=Cut())).run(ctx, **inputs)  # type: ignore[arg-type]
    return made


def there(made: HandOff) -> list[str]:
    files = (path for path in made.folder.rglob("*") if path.is_file() and path.name != ".written.json")
    return sorted(str(path.relative_to(made.folder)) for path in files)
