"""Uploads and reads at a service that does what emulators leave out: preconditions, sessions that end, lost answers."""

from __future__ import annotations

import dataclasses
import json
import pickle
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.artifacts import File
from qmv.errors import OutputError, ServiceError
from qmv.objects.delivery import Stored, deliver
from qmv.objects.gcs import GcsStore
from qmv.objects.gcs_session import GRAIN_BYTES
from qmv.objects.store import Absent, Taken, TooLarge, Upload
from tests.fakes.gcs.process import FakeGcs

SIZE_BYTES = 3 * GRAIN_BYTES + 1000
STORE = GcsStore(where="storage (gcs)", bucket="films", chunk_bytes=GRAIN_BYTES, patience_s=5, first_wait_s=0.01)


def upload(folder: Path, *, seed: int = 0, key: str = "film.mp4", size_bytes: int = SIZE_BYTES) -> Upload:
    path = folder / f"film-{seed}.mp4"
    path.write_bytes((bytes([seed]) + bytes(range(255))) * (size_bytes // 256) + bytes(size_bytes % 256))
    return Upload(file=File.of(path), key=key, content_type="video/mp4", memory=folder / f"upload-{seed}.json")


def ignored(done: int) -> None:
    pass


def put(given: Upload, *, overwrite: bool = False, store: GcsStore = STORE) -> Stored:
    return deliver(store, given, overwrite=overwrite, progress=ignored)


def stands(folder: Path, key: str = "film.mp4") -> bytes:
    STORE.fetch(key, folder / "back", 1 << 30)
    return (folder / "back").read_bytes()


def chunks(fake: FakeGcs) -> list[int]:
    """What came in each request that carried a part of the film."""
    return [line["body_bytes"] for line in fake.requests("PUT") if line["body_bytes"]]


# -- sending ---------------------------------------------------------------------------------------------------------


def test_a_film_goes_in_chunks_and_progress_tells_what_arrived(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    running, told = fake(), []
    deliver(STORE, upload(tmp_path), overwrite=False, progress=told.append)
    assert chunks(running) == [GRAIN_BYTES] * 3 + [1000]
    assert told == [GRAIN_BYTES, 2 * GRAIN_BYTES, 3 * GRAIN_BYTES, SIZE_BYTES, SIZE_BYTES]  # sent, and verified


@pytest.mark.parametrize("size_bytes", [0, 1, GRAIN_BYTES, GRAIN_BYTES + 1])
def test_any_size_arrives(fake: Callable[..., FakeGcs], tmp_path: Path, size_bytes: int) -> None:
    fake()
    given = upload(tmp_path, size_bytes=size_bytes)
    put(given)
    assert stands(tmp_path) == given.file.path.read_bytes()


def test_the_store_crosses_processes() -> None:
    assert pickle.loads(pickle.dumps(STORE)) == STORE


def test_one_of_two_senders_wins_and_the_other_is_told(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake()
    mine, other = upload(tmp_path), upload(tmp_path, seed=1)

    def meanwhile(done: int) -> None:
        if STORE.look(other.key) is None:
            put(other)

    with pytest.raises(Taken):
        STORE.send(mine, None, meanwhile)
    assert stands(tmp_path) == other.file.path.read_bytes()
    assert not mine.memory.exists()  # type: ignore[union-attr]
    with pytest.raises(OutputError, match=r"stands already with other content; set storage\.overwrite=true"):
        put(mine)


def test_many_senders_of_different_films_have_one_winner(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake()
    given = [upload(tmp_path, seed=seed) for seed in range(4)]
    won, lost = together(given)
    assert len(won) == 1
    assert len(lost) == 3
    assert stands(tmp_path) == won[0].file.path.read_bytes()


def test_many_senders_of_the_same_film_are_all_fine(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake()
    same = upload(tmp_path)
    given = [dataclasses.replace(same, memory=tmp_path / f"memory-{number}") for number in range(4)]
    won, lost = together(given)
    assert (len(won), lost) == (4, [])
    assert stands(tmp_path) == same.file.path.read_bytes()


def together(given: list[Upload]) -> tuple[list[Upload], list[Exception]]:
    won: list[Upload] = []
    lost: list[Exception] = []

    def one(each: Upload) -> None:
        try:
            put(each)
            won.append(each)
        except OutputError as error:
            lost.append(error)

    threads = [threading.Thread(target=one, args=(each,)) for each in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won, lost


def test_a_replaced_film_is_the_one_that_was_looked_at(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake()
    put(upload(tmp_path))
    before = STORE.look("film.mp4")
    put(upload(tmp_path, seed=1), overwrite=True)
    with pytest.raises(Taken):
        STORE.send(upload(tmp_path, seed=2), before, ignored)
    assert stands(tmp_path)[0] == 1


def test_an_ended_session_begins_anew(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    running = fake(expire=1)
    given = upload(tmp_path)
    put(given)
    assert stands(tmp_path) == given.file.path.read_bytes()
    assert len(running.requests("POST")) == 1 + 2  # a token, and two sessions


def test_a_lost_last_answer_is_asked_for(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    running = fake(lose_last=1)
    put(upload(tmp_path))
    assert sum(chunks(running)) == SIZE_BYTES
    assert running.requests("PUT")[-1]["body_bytes"] == 0


def test_damage_on_the_way_is_found_by_the_service_and_sent_again(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    running = fake(damage=1)
    given = upload(tmp_path)
    put(given)
    assert stands(tmp_path) == given.file.path.read_bytes()
    assert sum(chunks(running)) == 2 * SIZE_BYTES


def test_damage_each_time_is_told(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake(damage=100)
    with pytest.raises(ServiceError, match=r"was not what was sent, 3 times; check the network"):
        put(upload(tmp_path))
    assert STORE.look("film.mp4") is None


def test_a_busy_service_is_given_the_time_that_it_wants(
    fake: Callable[..., FakeGcs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(busy=2)
    waits: list[float] = []
    monkeypatch.setattr("qmv.objects.gcs_patience.time.sleep", waits.append)
    put(upload(tmp_path))
    assert waits == [1.0, 1.0]


def test_a_token_that_ends_in_the_middle_is_renewed(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake(unauthorized=1)
    given = upload(tmp_path)
    put(given)
    assert stands(tmp_path) == given.file.path.read_bytes()


def test_a_film_that_changed_since_it_was_made_is_not_sent(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake()
    given = upload(tmp_path)
    given.file.path.write_bytes(bytes(SIZE_BYTES))
    with pytest.raises(OutputError, match="has changed since it was made"):
        put(given)
    assert STORE.look(given.key) is None


@pytest.mark.parametrize("key", ["", "..", "a\nb", "x" * 1025])
def test_a_name_that_the_service_does_not_take_is_told(key: str) -> None:
    with pytest.raises(OutputError, match="is no name of an object; use 1 to 1024 bytes"):
        STORE.name_of(key)


# -- the memory of an upload -----------------------------------------------------------------------------------------


class _Killed(BaseException):
    """The end of a process, as far as one can have it within a test."""


def cut_off(given: Upload, after_bytes: int) -> None:
    def end(done: int) -> None:
        if done >= after_bytes:
            raise _Killed

    with pytest.raises(_Killed):
        STORE.send(given, None, end)


def test_an_upload_that_was_cut_off_goes_on(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    running, given, told = fake(), upload(tmp_path), []
    cut_off(given, 2 * GRAIN_BYTES)
    deliver(STORE, given, overwrite=False, progress=told.append)
    assert sum(chunks(running)) == SIZE_BYTES
    assert told == [2 * GRAIN_BYTES, 3 * GRAIN_BYTES, SIZE_BYTES, SIZE_BYTES]  # sent, and verified
    assert stands(tmp_path) == given.file.path.read_bytes()


def test_the_memory_is_the_owners_alone_and_gone_in_the_end(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake()
    given = upload(tmp_path)
    assert given.memory is not None
    cut_off(given, GRAIN_BYTES)
    assert stat.S_IMODE(given.memory.stat().st_mode) == 0o600
    put(given)
    assert [path for path in tmp_path.iterdir() if "upload-0" in path.name] == []


@pytest.mark.parametrize("change", [{"key": "other.mp4"}, {"content_type": "video/webm"}, {"metadata": {"a": "b"}}])
def test_an_upload_of_something_else_does_not_go_on(
    fake: Callable[..., FakeGcs], tmp_path: Path, change: dict[str, Any]
) -> None:
    running, given = fake(), upload(tmp_path)
    cut_off(given, 2 * GRAIN_BYTES)
    put(dataclasses.replace(given, **change))
    assert sum(chunks(running)) == 2 * GRAIN_BYTES + SIZE_BYTES


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"uri": 1}', "\x00"])
def test_a_broken_memory_is_no_harm(fake: Callable[..., FakeGcs], tmp_path: Path, text: str) -> None:
    fake()
    given = upload(tmp_path)
    assert given.memory is not None
    given.memory.write_text(text)
    put(given)


def test_a_memory_that_leads_elsewhere_gets_no_token(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    running, given = fake(), upload(tmp_path)
    assert given.memory is not None
    cut_off(given, GRAIN_BYTES)
    kept = json.loads(given.memory.read_text())
    given.memory.write_text(json.dumps(kept | {"uri": "http://127.0.0.1:9/upload?upload_id=1"}))
    put(given)
    assert sum(chunks(running)) == GRAIN_BYTES + SIZE_BYTES


def test_the_sessions_address_and_the_token_are_told_nowhere(
    fake: Callable[..., FakeGcs], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake(lose_last=1)
    with caplog.at_level("DEBUG"):
        put(upload(tmp_path))
    assert "upload_id=..." in caplog.text
    assert "secret-session" not in caplog.text
    assert "made-up-token" not in caplog.text


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_film_is_read_in_pieces_of_one_version(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    running, given = fake(replaced_while_read=2), upload(tmp_path)
    put(given)
    assert stands(tmp_path) == given.file.path.read_bytes()
    assert len([line for line in running.requests("GET") if line["path"].startswith("/download")]) > 4


def test_a_film_that_changes_all_the_time_is_told(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake(replaced_while_read=1000)
    put(upload(tmp_path))
    with pytest.raises(ServiceError, match="changed while it was read, or arrived damaged, 3 times"):
        stands(tmp_path)


def test_what_is_too_large_or_absent_is_not_read(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    running = fake()
    put(upload(tmp_path))
    with pytest.raises(TooLarge) as told:
        STORE.fetch("film.mp4", tmp_path / "back", SIZE_BYTES - 1)
    assert told.value.size_bytes == SIZE_BYTES
    with pytest.raises(Absent):
        STORE.fetch("none.mp4", tmp_path / "back", SIZE_BYTES)
    assert not any(line["path"].startswith("/download") for line in running.requests("GET"))
