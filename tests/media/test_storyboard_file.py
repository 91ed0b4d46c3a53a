"""A storyboard as a file: what is written is read back, and each mistake has its sentence and its line."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmv.artifacts import Beats, Shot, Storyboard
from qmv.errors import InputError
from qmv.media.edited import doubts, storyboard_of
from qmv.media.storyboard_file import parsed, read, written
from qmv.media.timebase import frame_at, frame_count, frame_rate
from qmv.testing import song_shot
from tests.stages.helpers import board

RATES = [frame_rate(text) for text in ("1", "12.5", "23.976", "24", "25", "29.97", "59.94", "60", "119.88", "240")]


def even_beats(count: int, step_s: float = 0.5, first_s: float = 0.0) -> Beats:
    return Beats(
        times_s=tuple(first_s + i * step_s for i in range(count)),
        bar_position=(0,) * count,
        tempo_bpm=120.0,
        confidence=1.0,
        duration_s=Fraction(first_s + count * step_s).limit_denominator(999),
    )


# -- what is written is read back ------------------------------------------------------------------------------------

SIGNS = st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(
    " \n'\":#,-{}[]&*!|>%@`\\~🌧雨é\t\u2028\x85\x7f\xa0"
)
WORDS = st.text(SIGNS, max_size=150) | st.sampled_from(
    ["null", "~", "yes", "- a", "a: b", "a #b", "...", "---", " a", "'"]
)
TIMES = st.lists(st.floats(0, 600), min_size=2, max_size=40, unique=True).map(sorted)


@st.composite
def boards(draw: st.DrawFn) -> tuple[Storyboard, Beats]:
    """A storyboard whose shots start on some of a song's beats, and on frames between them."""
    fps = draw(st.sampled_from(RATES) | st.fractions(1, 240, max_denominator=1).map(Fraction))
    times = draw(TIMES)
    duration_s = Fraction(times[-1]).limit_denominator(999) + 2
    frames = frame_count(duration_s, fps)
    starts: dict[int, int | None] = dict.fromkeys(draw(st.lists(st.integers(0, frames - 1), max_size=9)))
    starts |= {frame_at(times[beat], fps): beat for beat in draw(st.lists(st.integers(0, len(times) - 1), max_size=9))}
    starts.setdefault(0, None)
    edges = [*sorted(starts), frames]
    shots = tuple(
        Shot(
            index=index, start=start, end=end, beat=starts[start], seed=draw(st.integers(0, 2**31 - 1)),
            prompt=draw(WORDS.filter(str.strip)), paced_by=draw(st.sampled_from(["beats", "phrases", "even"])),
            **{name: draw(WORDS) for name in ("section", "framing", "subject", "negative_prompt", "lyric")},
        )
        for index, (start, end) in enumerate(itertools.pairwise(edges))
    )  # fmt: skip
    beats = Beats(
        times_s=tuple(times), bar_position=(0,) * len(times), tempo_bpm=1, confidence=1, duration_s=duration_s
    )
    return Storyboard(fps=fps, frames=frames, shots=shots), beats


@settings(max_examples=150)
@given(boards(), WORDS, WORDS)
def test_what_is_written_is_read_back(made: tuple[Storyboard, Beats], song: str, style: str) -> None:
    storyboard, beats = made
    sheet = parsed(written(storyboard, song, style), "x")
    assert (sheet.song, sheet.style, sheet.fps) == (song, style, storyboard.fps)
    assert storyboard_of(sheet, beats, storyboard.fps, "x") == storyboard
    assert doubts(sheet, song, beats) == []


def test_written_is_made_to_be_edited() -> None:
    shot = song_shot(
        48, start=48, index=1, beat=4, lyric="Don't go: stay", subject="a night train", seed=7, paced_by="beats",
        prompt="close-up of a night train, " + "rain on the window, " * 4 + "calm", negative_prompt="text",
    )  # fmt: skip
    plan = Storyboard(fps=Fraction(24), frames=96, shots=(song_shot(48, beat=0, paced_by="beats"), shot))
    text = written(plan, "Night Train", "neon")
    assert text.startswith("# A video's storyboard")
    assert "\nsong: Night Train\nstyle: neon\nfps: 24\nshots:\n  - at: 0:00.000\n    beat: 1\n" in text
    assert text.endswith('''
  - at: 0:02.000
    beat: 5
    section: A
    lyric: "Don't go: stay"
    framing: wide shot
    subject: a night train
    prompt: >-
      close-up of a night train, rain on the window, rain on the window, rain on the window, rain on the
      window, calm
    negative_prompt: >-
      text
    seed: 7
''')  # fmt: skip


def test_read_takes_what_people_write_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(
        b"\xef\xbb\xbf# mine\r\nshots:\r\n- {at: 0, prompt: a}\r\n- beat: 3\r\n  prompt: |\r\n    b: #2\r\n  seed:\r\n"
        b"- {at: 2.5, prompt: 'c'}\r\n- {at: '1:02,5', prompt: d}".replace(b",5", b".5")
    )
    sheet = read(path)
    assert [row.prompt for row in sheet.rows] == ["a", "b: #2", "c", "d"]
    assert [(row.at_s, row.beat) for row in sheet.rows] == [(0, None), (None, 2), (2.5, None), (62.5, None)]
    assert (sheet.song, sheet.fps, sheet.rows[1].seed, sheet.rows[1].negative_prompt) == ("", None, 0, "")


# -- mistakes --------------------------------------------------------------------------------------------------------

SHOT = "shots:\n- at: 0:00\n  prompt: a\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "x: is no storyboard, it has no shots; take the storyboard.yaml of a run's folder."),
        ("just words", "x: is no storyboard"),
        ("- a\n- b", "x: is no storyboard"),
        ("song: a", "x: is no storyboard"),
        ("shots:", "x, line 1: shots is no list of shots"),
        ("shots: []", "x, line 1: shots is no list of shots"),
        ("shots: {a: b}", "x, line 1: shots is no list of shots"),
        ("shots: [a]", "x, shot 1 (line 1): is no shot"),
        (SHOT + "frames: 3", "x (line 4): 'frames' is not known. Known: fps, shots, song, style."),
        (SHOT + "  promt: b", "x, shot 1 (line 4): 'promt' is not known. Did you mean 'prompt'? Known: at, beat,"),
        ("shots:\n- at: 0:00\n- at: 0:01\n  prompt: b", "x, shot 1 (line 2): has no prompt; say what is seen"),
        ("shots:\n- at: 0:00\n  prompt: ' '", "x, shot 1 (line 2): has no prompt"),
        (SHOT + "- prompt: b", "x, shot 2 (line 4): has neither a beat nor an `at`; give one"),
        (SHOT + "  prompt: b", "x, line 4: 'prompt' comes twice; keep one of them."),
        (SHOT + "  seed: many", "x, shot 1 (line 4): seed is a whole number from 0 to 2147483647, got 'many'."),
        (SHOT + "  seed: 2147483648", "seed is a whole number from 0 to 2147483647, got '2147483648'."),
        (SHOT + "  seed: -1", "seed is a whole number"),
        (SHOT + "  beat: 0", "x, shot 1 (line 4): beat is a whole number from 1 to 10000000, got '0'."),
        (SHOT + "  beat: 1.5", "beat is a whole number"),
        (SHOT + "  subject: [a, b]", "x, shot 1 (line 4): subject is a list; write text"),
        (SHOT + "  subject: {a: b}", "subject is a mapping"),
        (SHOT + "  paced_by: me", "paced_by is beats, phrases or even, got 'me'; drop it."),
        (SHOT + "- at: 1,5\n  prompt: b", "x, shot 2 (line 4): `at` is minutes:seconds, such as 1:02.500, got '1,5'."),
        (SHOT + "- at: 0:75\n  prompt: b", "got '0:75'."),
        (SHOT + "- at: soon\n  prompt: b", "got 'soon'."),
        (SHOT + "fps: fast", "x, line 4: fps must be a number such as 24, 29.97 or 30000/1001, got fast; or drop"),
        (SHOT + "  subject: a: b", "x, line 4: is no YAML (mapping values are not allowed "),
        (SHOT + "\t- at", "x, line 4: is no YAML"),
        (SHOT + "  subject: 'a", "is no YAML (found unexpected end of stream)"),
        (SHOT + "  subject: &a b", "x, line 4: has an anchor or alias (& or *)"),
        (SHOT + "  subject: *a", "has an anchor or alias"),
        (SHOT + "  ? [a]\n  : b", "x, line 4: a list or mapping stands where a name should"),
        (SHOT + "---\n" + SHOT, "x, line 5: a second document begins here"),
        ("shots: " + "[" * 100_000, "x, line 1: lists and mappings lie too deep in each other"),
        (SHOT + "  subject: \x01", "x: is no YAML"),
    ],
)  # fmt: skip
def test_parsed_refuses_what_cannot_be_meant(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parsed(text, "x")
    assert words in str(caught.value)
    assert str(caught.value).startswith("x")
    assert "\n" not in str(caught.value)


@settings(max_examples=200)
@given(st.text(st.sampled_from("shots: \n-atpromebn[]{},'\"|>&*#!%0123\t"), max_size=80))
def test_parsed_gives_shots_or_a_sentence(text: str) -> None:
    for whole in (text, SHOT + text):
        try:
            rows = parsed(whole, "x").rows
        except InputError as error:
            rows = (str(error),)  # type: ignore[assignment]
        assert rows


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"shots: \xff", "is no text in UTF-8"), (b" " * 16_000_001, "is 16 MB large, storyboards need less than 16")],
)
def test_read_refuses_what_is_no_text(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.yaml").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read(tmp_path / "a.yaml")


def test_read_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "gone.yaml")
    with pytest.raises(InputError, match="is no file but a folder"):
        read(tmp_path)


# -- with a song's beats ---------------------------------------------------------------------------------------------


def edited(shots: str, beats: Beats, fps: int = 24) -> Storyboard:
    """Shots such as '0:00 b4 0:07.5': at a time or on a beat, or 'b4/0:01.5' for both."""
    text = "song: Night Train\nshots:\n"
    for place in shots.split():
        beat, _, at = place.partition("/") if place.startswith("b") else ("", "", place)
        text += "- prompt: a\n" + (f"  beat: {beat[1:]}\n" if beat else "") + (f"  at: {at}\n" if at else "")
    return storyboard_of(parsed(text, "x"), beats, Fraction(fps), "x")


@pytest.mark.parametrize(
    ("shots", "starts", "on_beats"),
    [
        ("0:00 b5 0:04.5", [0, 48, 108], [None, 4, None]),
        ("b1 b3", [0, 24], [0, 2]),
        ("b1/0:00 b3/0:09", [0, 24], [0, 2]),
        ("b4/0:00 b5", [0, 48], [None, 4]),
    ],
)
def test_shots_start_on_their_beats_else_at_their_times(
    shots: str, starts: list[int], on_beats: list[int | None]
) -> None:
    made = edited(shots, even_beats(16))
    assert [shot.start for shot in made.shots] == starts
    assert [shot.beat for shot in made.shots] == on_beats
    assert [shot.end for shot in made.shots] == [*starts[1:], made.frames] == [*starts[1:], 192]


def test_shots_follow_their_beats_to_another_rate_and_another_offset() -> None:
    made = edited("0:00 b5/0:02 0:04.5", even_beats(16, first_s=0.25), fps=60)
    assert [shot.start for shot in made.shots] == [0, 135, 270]


@pytest.mark.parametrize(
    ("shots", "words"),
    [
        ("0:01 b5", "x, shot 1 (line 3): is the first one and starts at 0:01.000, but the video begins with it;"),
        ("b2", "is the first one and starts on beat 2"),
        ("0:00 b17", "x, shot 2 (line 5): beat 17 is none, the video's beats are 1 to 16; choose one of them,"),
        ("0:00 0:08", "x, shot 2 (line 5): starts at 0:08.000, the video ends at 0:08.000; delete the shot."),
        ("0:00 b5 b3", "x, shot 3 (line 7): starts at 0:01.000, not after the 0:02.000 of the shot before; give it a"),
        ("0:00 b5 b5", "not after the 0:02.000"),
        ("0:00 0:00.010", "not after the 0:00.000"),
    ],
)  # fmt: skip
def test_shots_that_cannot_be_are_refused(shots: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        edited(shots, even_beats(16))
    assert words in str(caught.value)


def test_shots_on_beats_are_refused_where_the_video_has_none() -> None:
    silent = Beats(times_s=(), bar_position=(), tempo_bpm=0, confidence=0, duration_s=Fraction(8))
    with pytest.raises(InputError, match="beat 2 is none, the video has no beats; choose"):
        edited("0:00 b2", silent)


def test_doubts_tell_of_another_song_and_of_other_beats() -> None:
    plan = storyboard_of(parsed("shots:\n" + "".join(f"- {{prompt: a, beat: {b}}}\n" for b in (1, 5, 9, 13)), "x"),
                         even_beats(16), Fraction(24), "x")  # fmt: skip
    sheet = parsed(written(plan, "Night Train", "neon"), "x")
    assert doubts(sheet, "Night Train", even_beats(16)) == []
    assert doubts(sheet, "Night Train", even_beats(16, first_s=0.015)) == []
    [song] = doubts(sheet, "Day Train", even_beats(16))
    assert song == "the storyboard was written for the song 'Night Train', this one is 'Day Train'"
    [beats] = doubts(sheet, "Night Train", even_beats(16, step_s=0.7))
    assert beats.startswith("the storyboard's beats are not these: beat 5 was at 0:02.000 and is at 0:02.800;")
    [first] = doubts(sheet, "Night Train", even_beats(16, first_s=3.0))
    assert first == "the storyboard's first shot begins with the video, not on its beat 1"


def test_a_storyboard_of_an_hour_is_read_back() -> None:
    plan = board([12] * 7200)
    beats = dataclasses.replace(even_beats(2), duration_s=Fraction(3600))
    assert storyboard_of(parsed(written(plan, "a", "b"), "x"), beats, plan.fps, "x") == plan
