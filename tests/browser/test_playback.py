"""Finished videos in a real browser: it knows their size, plays them to the end, and shows the picture asked for."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from tests.browser.conftest import Player
from tests.finished import COLOURS, FIRST_BEAT_S, SECONDS

pytestmark = pytest.mark.slow

MICROSECONDS_2 = 2e-6  # the browser's own clock counts microseconds
SHADES = 10  # of 255; the file is within 2, but for blue Chromium takes U twice where BT.709 says 2.11 times
HALF = 0.5

flat = pytest.mark.parametrize("player", ["stills", "dissolve", "upright", "av1"], indirect=True)
hard_cuts = pytest.mark.parametrize("player", ["stills"], indirect=True)
dissolves = pytest.mark.parametrize("player", ["dissolve"], indirect=True)


@flat
def test_browser_knows_size_and_length(player: Player) -> None:
    """A browser that cannot decode the pictures plays the sound, with a size of 0 x 0."""
    half_a_frame_s = 1 / player.film.fps / 2
    assert (player.loaded["width"], player.loaded["height"]) == player.film.recipe.size
    assert player.loaded["duration_s"] == pytest.approx(
        float(player.film.frames / player.film.fps), abs=float(half_a_frame_s)
    )


@flat
def test_browser_shows_the_first_picture_before_it_plays(player: Player) -> None:
    assert player.loaded["colour"] == pytest.approx(COLOURS[0], abs=SHADES)


@flat
def test_browser_finds_the_last_frame_before_and_the_first_after_each_cut(player: Player) -> None:
    wanted = [frame for cut in player.film.cuts for frame in (cut - 1, cut)]
    found_s = [player.seek(frame + HALF)["picture_s"] for frame in wanted]
    assert found_s == pytest.approx([float(frame / player.film.fps) for frame in wanted], abs=MICROSECONDS_2)


@flat
def test_browser_shows_each_shots_picture_in_its_middle(player: Player) -> None:
    for colour, shot in zip(COLOURS, player.film.shots):
        assert player.seek(shot[len(shot) // 2] + HALF)["colour"] == pytest.approx(colour, abs=SHADES)


@hard_cuts
def test_browser_changes_the_picture_at_the_cut(player: Player) -> None:
    """Half a frame before a cut the old picture is seen, half a frame after it the new one."""
    for number, cut in enumerate(player.film.cuts):
        assert player.seek(cut - HALF)["colour"] == pytest.approx(COLOURS[number], abs=SHADES)
        assert player.seek(cut + HALF)["colour"] == pytest.approx(COLOURS[number + 1], abs=SHADES)


@dissolves
def test_browser_shows_half_of_both_pictures_at_the_cut_of_a_dissolve(player: Player) -> None:
    for (old, new), cut in zip(pairwise(COLOURS), player.film.cuts):
        before, after = player.seek(cut - HALF)["colour"], player.seek(cut + HALF)["colour"]
        mixed = [(a + b) / 2 for a, b in zip(before, after)]
        assert mixed == pytest.approx([(a + b) / 2 for a, b in zip(old, new)], abs=SHADES)


@flat
def test_browser_plays_to_the_end(player: Player) -> None:
    for _ in range(3):  # a browser that stands still for a second shows few pictures, but not each time
        seen = player.play()
        if len(seen["pictures_s"]) >= 10 and seen["clock_s"][0] < 1 < SECONDS - 1 < seen["clock_s"][-1]:
            break
    frames = [Fraction(time_s) * player.film.fps for time_s in seen["pictures_s"]]
    assert (seen["error"], seen["ended"]) == (None, True)
    assert seen["at_s"] == player.loaded["duration_s"]
    assert seen["colour"] == pytest.approx(COLOURS[len(player.film.shots) - 1], abs=SHADES)
    assert len(frames) >= 10  # how many of them a busy machine shows is its own affair
    assert all(abs(frame - round(frame)) < MICROSECONDS_2 * player.film.fps for frame in frames)
    assert all(a < b for a, b in pairwise(seen["pictures_s"]))
    assert all(a <= b for a, b in pairwise(seen["clock_s"]))
    assert seen["clock_s"][0] < 1 < SECONDS - 1 < seen["clock_s"][-1]
    assert seen["audio_bytes"] > 0


@flat
def test_browser_hears_the_first_click_on_time(player: Player) -> None:
    """To a millisecond, through the encoder's delay, which is 21 ms and more where nobody skips it."""
    heard = player.hear(0.3)
    assert heard["first_s"] == pytest.approx(FIRST_BEAT_S, abs=0.001)
    assert SECONDS <= heard["duration_s"] < SECONDS + 0.025
