"""Fetched pieces of a video that is none: made here by the next run, and put over the shared ones."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest

from qmv.api import Context, Stage, plugin
from qmv.artifacts import File, Song, Video
from qmv.errors import AccessError, OutputError, ProofError
from qmv.objects.folder import FolderStore
from qmv.objects.store import Standing
from tests.engine.desk import Desk, Prove, manifest_of
from tests.engine.machines import KEYS, Machine, Start, anything, make

WRONG = ProofError("stages.proof (prove_sync): the finished video is not what was planned")
RESULT = ("assemble", KEYS[30])


@plugin
class OnePicture(Stage):
    """A video whose file is a picture of the cache, which may be another machine's."""

    name = "one_picture"

    def run(self, ctx: Context, song: Song) -> Video:
        folder, _ = ctx.cache.once("pictures", KEYS[0], make("a picture"), shared=anything)
        file = File.of(folder / "value.txt")
        return Video(file=file, width_px=64, height_px=36, fps=Fraction(24), frames=1, title="song")


@dataclass
class Runs:
    """Runs of one machine that put a result together from pieces; `machine` starts them."""

    machine: Callable[..., contextlib.AbstractContextManager[Machine]]
    told: list[str] = field(default_factory=list)

    def once(self, error: BaseException | None = None, area: str = "chunks", pieces: int = 2) -> list[str]:
        """The values of the pieces in the result, which is made where it is not there; `error` ends the run."""
        with contextlib.suppress(type(error) if error else ()), self.machine("b", results=[RESULT]) as found:
            self.told = found.told

            def put_together(folder: Path) -> None:
                values = []
                for key in KEYS[:pieces]:
                    entry, _ = found.cache.once(area, key, make("made on b"), shared=anything)
                    values.append((entry / "value.txt").read_text(encoding="utf-8"))
                (folder / "video").write_text("\n".join(values), encoding="utf-8")

            folder, _ = found.cache.once(*RESULT, put_together)
            self.result = folder / "video"
            if error is not None:
                raise error
        return self.result.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def runs(machine: Start) -> Runs:
    with machine("a") as a:
        for area in ("chunks", "originals"):
            for key in KEYS[:2]:
                a.cache.once(area, key, make("made on a"), shared=anything)
    return Runs(machine)


@pytest.mark.parametrize("error", [WRONG, ValueError("a chunk that no decoder knows")], ids=repr)
def test_fetched_pieces_of_a_video_that_is_none_are_made_here_and_put_over_the_shared_ones(
    runs: Runs, place: Path, machine: Start, error: Exception
) -> None:
    assert runs.once(error) == ["made on a"] * 2  # and the result still lies where the error says
    assert runs.told == [
        "2 pieces of the video came from the shared cache and may be wrong; the same command makes them here"
    ]
    assert runs.once() == ["made on b"] * 2
    assert runs.told == []
    assert [b"made on b" in path.read_bytes() for path in sorted((place / "chunks").rglob("*.qmv1"))] == [True] * 2
    with machine("c") as c:
        folder, found = c.cache.once("chunks", KEYS[0], make("made on c"), shared=anything)
        assert (found, (folder / "value.txt").read_text(encoding="utf-8")) == (True, "made on b")


def test_run_that_forgets_fetched_pieces_tells_what_was_wrong_and_not_that_they_are_gone(
    tmp_path: Path, song: Path
) -> None:
    place = str(tmp_path / "shared")
    for name in ("a", "b"):
        desk = Desk(tmp_path / name, song, place)
        run, error = desk.refused({"video": OnePicture(), "proof": Prove(diary=str(desk.diary))})
        assert (type(error), "a cut is late" in str(error)) == (ProofError, True)
        assert manifest_of(run)["error_kind"] == "ProofError"
    assert [note for note in manifest_of(run)["notes"] if "shared cache" in note] == [
        "a piece of the video came from the shared cache and may be wrong; the same command makes them here"
    ]


def test_pieces_that_were_fetched_by_an_earlier_run_are_found_too(runs: Runs) -> None:
    assert runs.once() == ["made on a"] * 2
    runs.once(WRONG)  # the result was there: which pieces are in it, the next run knows
    assert runs.told == ["pieces of the video came from the shared cache; the same command puts it together anew"]
    assert runs.once(WRONG) == ["made on a"] * 2
    assert runs.once() == ["made on b"] * 2


def test_doubt_that_comes_while_the_entry_is_looked_for_stays(machine: Start, runs: Runs, place: Path) -> None:
    class Late(FolderStore):
        def look(self, key: str) -> Standing | None:
            end = time.monotonic() + 60
            while not list(place.parent.glob("b/doubted/*/chunks/*")) and time.monotonic() < end:
                time.sleep(0.01)
            return super().look(key)

    runs.once(area="chunks")
    with contextlib.suppress(ProofError), machine("b", Late(where="w", folder=place, link=False)) as b:
        for key in KEYS[:2]:
            b.cache.once("chunks", key, make("made on b"), shared=anything)
        raise WRONG
    assert sorted(path.name for path in b.cache.root.glob("doubted/*/chunks/*")) == sorted(KEYS[:2])


def test_video_that_is_none_without_a_fetched_piece_is_left_alone(runs: Runs, machine: Start) -> None:
    with machine("b", sends=False) as b:
        for key in KEYS[:2]:
            b.cache.put("chunks", key, make("made on b"))
    assert runs.once(WRONG) == runs.once(WRONG) == ["made on b"] * 2
    assert runs.told == []


@pytest.mark.parametrize(
    "error",
    [OutputError("the disk is full"), AccessError("no permission"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()],
    ids=repr,
)
def test_failure_that_pieces_have_no_part_in_leaves_them(runs: Runs, error: BaseException) -> None:
    runs.once(error)
    assert runs.once() == ["made on a"] * 2


def test_paid_originals_are_never_bought_again_for_a_video_that_is_none(runs: Runs) -> None:
    runs.once(WRONG, area="originals")
    assert runs.once(area="originals") == ["made on a"] * 2
