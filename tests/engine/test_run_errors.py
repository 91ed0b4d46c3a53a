"""What ends a run, in one sentence."""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from qmv.artifacts import File, Video
from qmv.engine.cache import Cache
from qmv.engine.run_errors import cache_error, run_error
from qmv.errors import InputError, OutputError


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def raised(outer: Exception, inner: Exception) -> Exception:
    try:
        raise outer from inner
    except Exception as error:
        return error


def missing(path: Path) -> FileNotFoundError:
    try:
        path.read_bytes()
    except FileNotFoundError as error:
        return error
    raise AssertionError(f"{path} is there")


def video(path: Path) -> Video:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"video")
    return Video(file=File.of(path), width_px=64, height_px=36, fps=Fraction(24), frames=1, title="")


def test_file_of_the_cache_that_is_gone_is_told_as_that_behind_any_sentence(cache: Cache) -> None:
    gone = missing(cache.root / "pictures" / "aa" / "aaaa" / "picture.png")
    found = cache_error(raised(InputError("cannot be read as a picture"), gone), cache, ())
    assert isinstance(found, OutputError)


def test_result_of_a_stage_that_is_gone_is_told_whatever_failed_by_that(cache: Cache) -> None:
    path = cache.root / "assemble_video" / "aa" / "video.mp4"
    made = video(path)
    cause = ValueError("no frames")
    assert cache_error(cause, cache, [made]) is cause
    path.unlink()
    assert isinstance(cache_error(cause, cache, [made]), OutputError)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE], ids=errno.errorcode.get)
def test_result_that_cannot_be_looked_at_hides_nothing(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    made = video(cache.root / "assemble_video" / "aa" / "video.mp4")
    looked = os.stat

    def stat(path: Any, *more: Any, **named: Any) -> os.stat_result:
        if Path(path) == made.file.path:
            raise OSError(number, os.strerror(number), str(path))
        return looked(path, *more, **named)

    cause = ValueError("no frames")
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", stat)
        found = cache_error(cause, cache, [made])
    assert found is cause


def test_file_that_is_missing_elsewhere_is_no_matter_of_the_cache(cache: Cache, tmp_path: Path) -> None:
    made = video(tmp_path / "mine.mp4")
    made.file.path.unlink()
    cause = missing(made.file.path)
    assert cache_error(cause, cache, [made]) is cause


def test_plugin_that_looks_for_a_file_which_it_never_wrote_is_no_matter_of_the_cache(cache: Cache) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        cache.put("mine", "aaaa", lambda part: (part / "frames" / "0.png").write_bytes(b""))
    cause = caught.value
    assert cache_error(cause, cache, ()) is cause


def test_what_nobody_foresaw_points_at_the_log(tmp_path: Path) -> None:
    found = run_error(ValueError("no frames"), tmp_path, "stages.video (assemble)")
    assert str(found) == (
        f"stages.video (assemble): failed unexpectedly (ValueError: no frames); the details are in {tmp_path}/run.log."
    )
