"""How much may arrive at once."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from qmv.service.web.problems import Problem
from qmv.service.web.receiving import Room, SongRequest


def request(room: Room) -> SongRequest:
    asked = SongRequest({"REQUEST_METHOD": "POST"})
    asked.room, asked.song_bytes = room, 60
    return asked


def test_all_requests_have_one_room_and_give_it_back(tmp_path: Path) -> None:
    room = Room(tmp_path / "arriving", 100)
    first, second = (request(room)._get_file_stream(None, None) for _ in range(2))
    first.write(b"x" * 60)
    with pytest.raises(Problem, match="Too many songs arrive at once") as refused:
        second.write(b"x" * 50)
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "60"})
    first.close()
    first.close()
    second.write(b"x" * 50)
    with pytest.raises(Problem, match="A song has more than") as refused:
        second.write(b"x" * 11)
    assert refused.value.status == 413
    third = request(room)._get_file_stream(None, None)
    third.write(b"x" * 60)
    del third  # as where a request breaks off
    fourth = request(room)._get_file_stream(None, None)
    fourth.write(b"x" * 60)
    fourth.seek(0)
    assert fourth.read() == b"x" * 60


def test_the_last_of_the_disk_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=999_999_999))
    stream = request(Room(tmp_path, 100))._get_file_stream(None, None)
    with pytest.raises(Problem, match="disk is full") as refused:
        stream.write(b"x")
    assert refused.value.status == 503
