"""Songs of strangers: what is kept and under which name, and that hostile files end in a sentence."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from qmv.errors import InputError, OutputError
from qmv.media.lyrics import beside
from qmv.service.intake import song_look
from qmv.service.intake.uploads import TooMuch, Upload, folder_of, received
from qmv.service.settings import ServiceSettings
from tests.fakes.songs import FORMATS, tagged, with_cover, written


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(outputs=str(tmp_path / "outputs"), upload_mb=2.0, song_minutes=0.2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Songs of 3 s by their suffix."""
    folder = tmp_path_factory.mktemp("songs")
    return {suffix: written(folder / f"song{suffix}").read_bytes() for suffix in FORMATS}


def send(data: bytes, settings: ServiceSettings, name: str = "song.mp3", session: str = "s") -> Upload:
    return received(io.BytesIO(data), name, session, settings)


def kept(settings: ServiceSettings, session: str = "s") -> list[str]:
    folder = folder_of(session, settings)
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


# -- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_song_is_kept_by_its_content(made: dict[str, bytes], settings: ServiceSettings, suffix: str) -> None:
    """Its suffix is the container's, whatever it is called."""
    song = send(made[suffix], settings, "any.lrc")
    assert song.path.read_bytes() == made[suffix]
    sha256 = hashlib.sha256(made[suffix]).hexdigest()
    assert song.path.name == f"{sha256}{'.ogg' if suffix == '.opus' else suffix}"
    assert kept(settings) == [song.path.name]
    assert beside(song.path) is None


def test_the_same_bytes_are_kept_once(made: dict[str, bytes], settings: ServiceSettings) -> None:
    """A worker may be reading them, so the file stays; it is young again, so that it is not cleared away."""
    first = send(made[".mp3"], settings)
    os.utime(first.path, (0, 0))
    file = first.path.stat().st_ino
    assert (send(made[".mp3"], settings).path, first.path.stat().st_ino) == (first.path, file)
    assert first.path.stat().st_mtime > 0
    assert len(kept(settings)) == 1


def test_sessions_are_apart(made: dict[str, bytes], settings: ServiceSettings) -> None:
    paths = [send(made[".wav"], settings, session=session).path for session in ("a", "b")]
    assert [path.parent for path in paths] == [folder_of("a", settings), folder_of("b", settings)]
    assert all(path.is_file() for path in paths)


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Blue Tide.mp3", "Blue Tide"), ("../../etc/cron.d/x.mp3", "x"), ("C:\\Users\\me\\Tide.flac", "Tide"),
        ("", "song"), (".mp3", ".mp3"), ("..", ".."), ("a\x00b\nc.mp3", "a b c"),
        ("evil\u202e3pm.exe.mp3", "evil3pm.exe"),
        ("${oc.env:HOME}.mp3", "$ {oc.env:HOME}"), ("x" * 5000 + ".mp3", "x" * 120), ("\ud800.mp3", "?"),
        ("v1.5", "v1"), ("???", "? ? ?"),
    ],
)  # fmt: skip
def test_a_name_is_a_title_and_no_path(
    made: dict[str, bytes], settings: ServiceSettings, name: str, title: str
) -> None:
    song = send(made[".wav"], settings, name)
    assert (song.title, song.path.parent) == (title, folder_of("s", settings))


def test_tags_come_before_the_name(made: dict[str, bytes], settings: ServiceSettings) -> None:
    song = send(tagged(made[".mp3"], TIT2="Ti\u202ede\n" + "e" * 300, TPE1=" The  Sea "), settings, "x.mp3")
    assert (song.title, song.artist) == ("Tide " + "e" * 115, "The Sea")


def test_huge_tags_and_covers_are_borne(made: dict[str, bytes], settings: ServiceSettings) -> None:
    assert send(tagged(made[".mp3"], TIT2="a" * 1_000_000), settings).title == "a" * 120
    assert send(with_cover(made[".mp3"], 9000), settings).title == "song"


# -- what is refused -------------------------------------------------------------------------------------------------


def zipped() -> bytes:
    with io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("a.mp3", "a")
        return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (zipped(), "is an archive"),
        (b"<!DOCTYPE html><html></html>", "is a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is a picture"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "is a picture"),
        (b"%PDF-1.7 \x00", "is a document"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/\n", "is a playlist"),
        (b"[playlist]\nFile1=http://127.0.0.1/\n", "is a playlist"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "is a playlist"),
        (b"<?xml version='1.0'?><MPD/>", "is a document"),
        (b"<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>" * 5, "is a text"),
        (b"\x01\nv=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n", "has no sound in it"),
        (bytes(100_000), "cannot be read as audio"),
    ],
)
def test_what_is_no_song_is_one_sentence(settings: ServiceSettings, data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=rf"^song \(My song\): .*{words}") as told:
        send(data, settings, "My song.mp3")
    assert "service" not in str(told.value)
    assert kept(settings) == []


def test_the_size_is_counted_while_it_is_read(settings: ServiceSettings) -> None:
    class Endless(io.RawIOBase):
        read_bytes = 0

        def read(self, size: int = -1) -> bytes:
            self.read_bytes += size
            return random.Random(self.read_bytes).randbytes(size)

    stream = Endless()
    with pytest.raises(TooMuch, match="has more than 2 MB; send a smaller file"):
        received(stream, "a.mp3", "s", settings)  # type: ignore[arg-type]
    assert (stream.read_bytes < 3_000_000, kept(settings)) == (True, [])
    assert TooMuch.status == 413


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".opus", ".m4a"])
def test_a_long_song_in_a_small_file_is_refused(tmp_path: Path, settings: ServiceSettings, suffix: str) -> None:
    song = written(tmp_path / f"song{suffix}", seconds=14)
    with pytest.raises(TooMuch, match=r"is longer than 0\.2 minutes; cut it, and send it again"):
        send(song.read_bytes(), settings)
    assert kept(settings) == []


@pytest.mark.parametrize(("rate_hz", "channels", "words"), [(1000, 1, "has 1000 samples"), (44100, 32, "32 channels")])
def test_odd_sound_is_refused(settings: ServiceSettings, rate_hz: int, channels: int, words: str) -> None:
    import numpy as np
    import soundfile

    with io.BytesIO() as stream:
        soundfile.write(stream, np.zeros((2000, channels), np.float32), rate_hz, format="WAV")
        with pytest.raises(InputError, match=words):
            send(stream.getvalue(), settings)


def test_a_folder_that_cannot_be_written_is_one_sentence(made: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file")
    with pytest.raises(OutputError, match="QMV_SERVICE_OUTPUTS"):
        send(made[".wav"], ServiceSettings(outputs=str(tmp_path / "outputs")))


@pytest.mark.parametrize("suffix", FORMATS)
def test_damaged_songs_are_taken_or_refused(made: dict[str, bytes], settings: ServiceSettings, suffix: str) -> None:
    """Cut and changed at places that are the same each time."""
    chance, data = random.Random(suffix), made[suffix]
    for _ in range(6):
        broken = bytearray(data[: chance.randrange(1, len(data))] if chance.random() < 0.5 else data)
        for _ in range(chance.choice((1, 20, 500))):
            broken[chance.randrange(min(len(broken), chance.choice((64, 4096, len(broken)))))] = chance.randrange(256)
        with contextlib.suppress(InputError):
            kept_song = send(bytes(broken), settings).path
            assert song_look.look(kept_song, 13.0, "song")["duration_s"] <= 13.0
    assert not [name for name in kept(settings) if name.endswith(".part")]


# -- the process that looks ------------------------------------------------------------------------------------------


def test_a_process_that_ends_without_a_word_is_a_damaged_song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(song_look.sys, "executable", "/bin/false")
    with pytest.raises(InputError, match=r"^song \(x\): cannot be read, it is damaged or no song"):
        song_look.look(tmp_path / "x", 1.0, "song (x)")


def test_it_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teller = tmp_path / "teller"
    teller.write_text(f"#!{sys.executable}\nimport json, os\nprint(json.dumps(dict(os.environ)))\n")
    teller.chmod(0o755)
    monkeypatch.setenv("QMV_SERVICE_TOKEN", "secret")
    monkeypatch.setenv("REDIS_URL", "secret")
    monkeypatch.setattr(song_look.sys, "executable", str(teller))
    assert "secret" not in song_look.look(tmp_path / "x", 1.0, "song (x)").values()


def test_it_works_in_a_thread_of_gevents(made: dict[str, bytes], tmp_path: Path) -> None:
    """There, processes cannot be waited for in the usual way."""
    (tmp_path / "song.mp3").write_bytes(made[".mp3"])
    code = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import sys; from gevent.threadpool import ThreadPool; from pathlib import Path\n"
        "from qmv.service.intake.song_look import look\n"
        "print([ThreadPool(2).apply(look, (Path(sys.argv[1]), 10.0, 'song'))['suffix'] for _ in range(3)])\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "song.mp3")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "['.mp3', '.mp3', '.mp3']"
