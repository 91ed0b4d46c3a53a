"""Songs of this machine, opened by the path that a user wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qmv.engine.cache import Cache
from qmv.engine.config.schema import SongSettings
from qmv.engine.inputs import open_song
from qmv.errors import InputError


@pytest.mark.parametrize("written", ["a.wav", "inner/../a.wav"])
def test_a_song_has_an_absolute_path_however_it_was_written(
    tmp_path: Path, click_track: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.chdir(tmp_path)
    click_track(tmp_path / "a.wav")
    (tmp_path / "inner").mkdir()
    assert open_song(SongSettings(path=written), Cache(tmp_path / "cache")).file.path == tmp_path / written


def test_a_song_that_is_missing_is_told_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        open_song(SongSettings(path="./a/../b.mp3"), Cache(tmp_path / "cache"))
    assert str(raised.value).startswith(f"song (a/../b.mp3): there is no such file at {tmp_path.resolve()}/b.mp3; ")


def test_a_file_address_is_a_path(song: Path, tmp_path: Path) -> None:
    assert open_song(SongSettings(path=f"file://{song}"), Cache(tmp_path)).file.path == song
