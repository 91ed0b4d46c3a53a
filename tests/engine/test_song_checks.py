"""What contradicts itself in a song's settings is told in a sentence, before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.artifacts import Song
from qmv.engine.cache import Cache
from qmv.engine.config.schema import SongSettings
from qmv.engine.inputs import open_song, root_keys
from qmv.engine.song_checks import check
from qmv.errors import ConfigError, InputError
from qmv.testing.things import style

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start_s": -1.0}, "start_s must be at least 0, got -1"),
        ({"start_s": NAN}, "start_s must be at least 0, got nan"),
        ({"start_s": 5.0, "end_s": 5.0}, "end_s must come after start_s (5), got 5"),
        ({"end_s": INFINITE}, "end_s must come after start_s (0), got inf"),
        ({"window": "30"}, "window '30' is none; write window='best 30'"),
        ({"window": "best 30", "start_s": 3.0}, "window 'best 30' and start_s=3 both choose a part"),
        ({"window": "best 30", "end_s": 9.0}, "window 'best 30' and end_s=9 both choose a part"),
        ({"bpm": 19.0}, "bpm must be 20 to 400 beats a minute, got 19"),
        ({"bpm": 401.0}, "got 401"),
        ({"bpm": NAN}, "got nan"),
        ({"tempo_range": [90.0]}, "tempo_range has two numbers, the lowest and the highest tempo, got [90]"),
        ({"tempo_range": [140.0, 90.0]}, "goes from the lower to the higher tempo, got [140,90]"),
        ({"tempo_range": [90.0, NAN]}, "got [90,nan]"),
        ({"tempo_range": [10.0, 90.0]}, "must lie in 20 to 400 beats a minute, got [10,90]"),
        ({"tempo_range": [90.0, INFINITE]}, "must lie in 20 to 400"),
        ({"tempo_range": [90.0, 110.0], "bpm": 120.0}, "bpm=120 lies outside of tempo_range=[90,110]"),
        ({"offset_s": 61.0}, "offset_s must be -60 to 60 seconds, got 61"),
        ({"offset_s": NAN}, "got nan"),
        ({"meter": "4/5"}, "meter '4/5' is none"),
        ({"meter": "17/8"}, "meter '17/8' is none"),
        ({"meter": ""}, "meter '' is none"),
        ({"downbeat_s": -0.1}, "downbeat_s must be a second of the song, at least 0, got -0.1"),
        ({"downbeat_s": INFINITE}, "got inf"),
        ({"beats_file": "a.beats", "bpm": 120.0}, "beats_file and bpm both tell the tempo"),
        ({"beats_file": "a.beats", "tempo_range": [90.0, 99.0]}, "beats_file and tempo_range both tell the tempo"),
        ({"beats_file": " "}, "beats_file is empty"),
        ({"lyrics": " "}, "lyrics is empty; name an LRC file, or write lyrics=none"),
    ],
)
def test_check_refuses_what_contradicts_itself(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(SongSettings(path="a.wav", **settings))
    assert str(caught.value).startswith("song: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"window": "best 30"},
        {"bpm": 118.0, "tempo_range": [100.0, 130.0]},
        {"meter": "7/8", "downbeat_s": 0.0, "offset_s": -60.0},
        {"beats_file": "a.beats", "meter": "4/4", "downbeat_s": 3.0, "start_s": 1.0, "end_s": 2.0},
    ],
)
def test_check_lets_pass_what_goes_together(settings: dict[str, Any]) -> None:
    check(SongSettings(path="a.wav", **settings))


@pytest.fixture
def opened(tmp_path: Path, click_track: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Song]:
    """Opens a song of three seconds, in a working directory with a `mine.beats` of the given text."""
    path = click_track(tmp_path / "song.wav")
    monkeypatch.chdir(tmp_path)

    def open_it(beats: str = "", **settings: Any) -> Song:
        if beats:
            (tmp_path / "mine.beats").write_text(beats, encoding="utf-8")
            settings["beats_file"] = "mine.beats"
        return open_song(SongSettings(path=str(path), **settings), Cache(tmp_path / "cache"))

    return open_it


BARS = "0.5\t1\n1.0\t2\n1.5\t3\n2.0\t1\n2.5\t2\n"


@pytest.mark.parametrize(
    ("beats", "settings", "words"),
    [
        ("", {"start_s": 3.0}, "has no sound after start_s=3, it is 3.000 s long"),
        ("", {"window": "best 4"}, "window 'best 4' is longer than the song, which is 3.000 s"),
        ("", {"downbeat_s": 3.0}, "downbeat_s=3 is past the end of the song, which is 3.000 s long"),
        ("", {"beats_file": "nothing.beats"}, "nothing.beats): there is no such file"),
        ("0.5\n\n3.5\n", {}, "mine.beats), line 3: 3.5 s is past the end of the song (3.000 s)"),
        ("0.5\n0.1\n", {}, "mine.beats), line 2: 0.1 s does not come after the 0.5 s"),
        (BARS, {"meter": "4/4"}, "its bars have 3 beats, those of meter=4/4 have 4"),
        (BARS, {"meter": "6/8"}, "its bars have 3 beats, those of meter=6/8 have 2 or 6"),
        (BARS, {"downbeat_s": 1.1}, "line 2: the beat next to downbeat_s=1.1 is number 2 of its bar"),
    ],
)
def test_open_song_refuses_what_the_files_contradict(
    opened: Callable[..., Song], beats: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        opened(beats, **settings)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("beats", "settings"),
    [
        ("", {"window": "best 3"}),
        ("0.5\n3.0\n", {"downbeat_s": 2.9, "meter": "4/4"}),
        (BARS, {"meter": "3/4", "downbeat_s": 2.1}),
        (BARS, {"meter": "9/8", "offset_s": 0.5, "downbeat_s": 1.0}),
    ],
)
def test_open_song_takes_what_fits(opened: Callable[..., Song], beats: str, settings: dict[str, Any]) -> None:
    assert opened(beats, **settings).hints.downbeat_s == settings.get("downbeat_s")


def test_open_song_hands_on_what_the_user_knows(opened: Callable[..., Song]) -> None:
    hints = opened(bpm=118.0, tempo_range=[100.0, 130.0], meter="3/4", offset_s=-0.02).hints
    assert (hints.bpm, hints.tempo_range_bpm, hints.meter, hints.offset_s) == (118.0, (100.0, 130.0), "3/4", -0.02)


def test_song_has_another_key_with_other_beats_but_not_elsewhere(opened: Callable[..., Song], tmp_path: Path) -> None:
    def key(song: Song) -> str:
        return root_keys(song, style())["song"][1]

    first = key(opened("0.5\n"))
    (tmp_path / "mine.beats").rename(tmp_path / "moved.beats")
    assert key(opened(beats_file="moved.beats")) == first
    assert key(opened("0.6\n")) != first
    assert key(opened()) != first


def test_open_song_reads_the_lyrics_beside_the_song(opened: Callable[..., Song], tmp_path: Path) -> None:
    assert opened().lyrics == ()
    (tmp_path / "song.lrc").write_text("[00:01.00]beside", encoding="utf-8")
    (tmp_path / "other.lrc").write_text("[00:01.00]other", encoding="utf-8")
    assert [line.text for line in opened().lyrics] == ["beside"]
    assert [line.text for line in opened(lyrics="other.lrc").lyrics] == ["other"]
    assert opened(lyrics="none").lyrics == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plain words", "has words but no times"),
        ("[00:03.00]late", "its first line is at 3 s, past the end of the song"),
    ],
)
def test_open_song_refuses_lyrics_that_cannot_be_the_songs(
    opened: Callable[..., Song], tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "other.lrc").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        opened(lyrics="other.lrc")
    assert str(caught.value).startswith("song.lyrics")
    assert words in str(caught.value)


def test_song_has_another_key_with_other_lyrics_but_not_elsewhere(opened: Callable[..., Song], tmp_path: Path) -> None:
    keys = []
    for text in ("[00:01.00]a", "[00:01.00]b", "[00:01.10]b"):
        (tmp_path / "song.lrc").write_text(text, encoding="utf-8")
        keys.append(root_keys(opened(), style())["song"][1])
    (tmp_path / "song.lrc").rename(tmp_path / "moved.lrc")
    assert root_keys(opened(lyrics="moved.lrc"), style())["song"][1] == keys[-1]
    assert len({*keys, root_keys(opened(), style())["song"][1]}) == 4


def test_docs_name_every_setting_of_a_song() -> None:
    text = (Path(__file__).parents[2] / "docs" / "song.md").read_text(encoding="utf-8")
    assert [
        name for name in SongSettings.__dataclass_fields__ if f"{name}:" not in text and f"`{name}`" not in text
    ] == []
