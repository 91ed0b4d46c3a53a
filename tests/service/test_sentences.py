"""What the web and the workers leave out of sentences for outsiders."""

from __future__ import annotations

import pytest

from qmv.service.sentences import told


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("song (/srv/qmv/service/uploads/x/a.mp3): cannot be read.", "song (a.mp3): cannot be read."),
        ("plugin ~/plugins/mine.py: broken", "plugin mine.py: broken"),
        ("plugin ~me/plugins/mine.py: broken", "plugin mine.py: broken"),
        ("see file:///srv/songs/a.mp3.", "see a.mp3."),
        ("see file://localhost/srv/songs/a.mp3.", "see a.mp3."),
        ("see file:///C:/songs/a.mp3.", "see a.mp3."),
        ("file C:/Users/me/a.wav: is gone", "file a.wav: is gone"),
        (r"file C:\Users\me\a.wav: is gone", "file a.wav: is gone"),
        (r"file C:\a.wav: is gone", "file a.wav: is gone"),
        ("outputs=/srv/qmv/out: is full", "outputs=out: is full"),
        ("see https://example.com/a/b.mp3, or s3://bucket/a/b.mp3", "see https://example.com/a/b.mp3, or s3://bucket/a/b.mp3"),
        ("24 and/or 30, got 1/2 of audio/mpeg", "24 and/or 30, got 1/2 of audio/mpeg"),
        ("", ""),
    ],
)  # fmt: skip
def test_files_are_told_by_their_names_only(said: str, left: str) -> None:
    assert told(said) == left


def test_secrets_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "s3cr3t-value")
    assert told("key s3cr3t-value: refused.") == "key [secret]: refused."
