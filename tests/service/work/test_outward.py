"""What outsiders may read of a render's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.service.queue.jobs import Order
from qmv.service.settings import ServiceSettings
from qmv.service.work.outward import Outward

SETTINGS = ServiceSettings(outputs="/srv/my videos/out")
ORDER = Order(song="/srv/my videos/out/service/uploads/s/ab12.mp3", title="A Song", style="neon")
SAID = Outward.of(ORDER, SETTINGS, Path("/srv/my videos/out/service/runs/s/1/1-ab"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("song (/srv/my videos/out/service/uploads/s/ab12.mp3): is no song.", "song (A Song): is no song."),
        ("the details are in /srv/my videos/out/service/runs/s/1/1-ab/run.log.", "the details are in the run/run.log."),
        ("outputs (/srv/my videos/out): the disk is full", "outputs (outputs): the disk is full"),
        ("plugin /opt/site/plugins/mine.py: broken", "plugin mine.py: broken"),
        ("plugin ~/plugins/mine.py: broken", "plugin mine.py: broken"),
        (r"file C:\Users\me\a.wav: is gone", "file a.wav: is gone"),
        ("song (https://host.example/a/b.mp3): answered 404", "song (https://host.example/a/b.mp3): answered 404"),
        ("fps must be 24 and/or 30, got 1/2", "fps must be 24 and/or 30, got 1/2"),
        ("audio/mpeg; text/html", "audio/mpeg; text/html"),
    ],
)
def test_paths_of_the_machine_are_left_out(said: str, told: str) -> None:
    assert SAID(said) == told


def test_secrets_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "sesame-open")
    assert "sesame" not in SAID("image: 401, key sesame-open is wrong")


def test_home_is_left_out() -> None:
    assert str(Path.home()) not in SAID(f"read {Path.home()}/a b/c.wav") or len(str(Path.home())) == 1


def test_long_words_are_cut() -> None:
    assert len(SAID("word " * 999)) == 1003
