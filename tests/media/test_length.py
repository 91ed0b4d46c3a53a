"""How long files sound, without decoding them, and what FFmpeg is kept from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qmv.errors import InputError
from qmv.media.audio import inspect
from qmv.media.length import sounding_s
from tests.fakes.songs import FORMATS, tagged, with_cover, written


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_length_is_counted_in_each_format(tmp_path: Path, suffix: str) -> None:
    """Encoders add up to three frames: 0.08 s."""
    assert sounding_s(written(tmp_path / f"song{suffix}"), 100) == pytest.approx(3.0, abs=0.08)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_longer_song_is_not_read_to_its_end(tmp_path: Path, suffix: str) -> None:
    """The longest packet here has 0.1 s."""
    assert 1.0 < sounding_s(written(tmp_path / f"song{suffix}", seconds=20), 1.0) < 1.2


def test_lossless_packets_count_as_their_codec_has_them(tmp_path: Path) -> None:
    song = written(tmp_path / "song.m4a", codec="alac")
    data = song.read_bytes()
    place = data.index(b"stts") + 4 + 4 + 4  # what follows is how many samples there are, and how long each is
    (tmp_path / "lies.m4a").write_bytes(data[: place + 4] + b"\0\0\0\1" + data[place + 8 :])
    assert sounding_s(tmp_path / "lies.m4a", 100) == pytest.approx(3.0, abs=0.1)


def test_a_list_of_files_is_no_song(tmp_path: Path) -> None:
    """FFmpeg would go on to the file that is named."""
    written(tmp_path / "inside.mp3")
    (tmp_path / "song.mp3").write_text("ffconcat version 1.0\nfile inside.mp3\n")
    with pytest.raises(InputError, match="has no sound in it"):
        inspect(tmp_path / "song.mp3")


def test_a_description_of_a_broadcast_is_no_song(tmp_path: Path) -> None:
    """FFmpeg would listen to the network."""
    (tmp_path / "song.mp3").write_bytes(b"\x01\nv=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n")
    with pytest.raises(InputError, match="has no sound in it"):
        inspect(tmp_path / "song.mp3")


def test_a_cover_is_not_decoded(tmp_path: Path) -> None:
    """It would be 243 MB; at most 60 are taken beyond what the library itself needs."""
    plain, bomb = written(tmp_path / "plain.mp3"), tmp_path / "bomb.mp3"
    bomb.write_bytes(with_cover(plain.read_bytes(), 9000))
    code = (
        "import resource, sys; from pathlib import Path; from qmv.media.audio import inspect;"
        "inspect(Path(sys.argv[1])); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    kilobytes = [
        int(subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True).stdout)
        for file in (plain, bomb)
    ]
    assert kilobytes[1] - kilobytes[0] < 60_000


def test_a_tag_is_as_long_as_a_title(tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(tagged(written(tmp_path / "plain.mp3").read_bytes(), TIT2="a" * 1_000_000, TPE1="b"))
    assert (len(inspect(song).title), inspect(song).artist) == (500, "b")
