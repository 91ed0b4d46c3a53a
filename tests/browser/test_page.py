"""The page beside a delivered video, in a real browser and from the disk, as people open it first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.companions.page import page
from tests.finished import Film

_CAPTIONS = "WEBVTT\n\n00:00:00.500 --> 00:00:02.500\nGröße &lt;3\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, finished_film: Callable[[str], Film]) -> Path:
    """A video with its companions, under a name that needs quoting."""
    film, folder = finished_film("stills"), tmp_path_factory.mktemp("films")
    shutil.copyfile(film.path, folder / "a & b #1.mp4")
    about = json.loads(film.path.with_suffix(".json").read_text(encoding="utf-8"))
    (folder / "a & b #1.html").write_text(page(about, "a & b #1", captions=_CAPTIONS), encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser: Any, folder: Path) -> Any:
    tab = browser.new_page()
    tab.set_default_timeout(120_000)  # ms, for a busy machine
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto((folder / "a & b #1.html").as_uri() + "#t=1.500")
    tab.wait_for_function("document.querySelector('video').readyState >= 2")
    yield tab
    tab.close()
    assert errors == []


def test_the_page_opens_at_the_moment_of_its_address(opened: Any) -> None:
    assert abs(opened.evaluate("document.querySelector('video').currentTime") - 1.5) < 0.05
    assert opened.evaluate("document.querySelector('video').videoWidth") > 0


def test_the_page_shows_its_captions_from_the_disk(opened: Any) -> None:
    opened.wait_for_function("document.querySelector('video').textTracks[0].activeCues?.length === 1")
    assert opened.evaluate(
        "document.querySelector('video').textTracks[0].activeCues[0].getCueAsHTML().textContent"
    ) == ("Größe <3")


def test_a_shot_is_a_link_to_its_moment(opened: Any) -> None:
    links = opened.locator(".shots a")
    assert links.count() > 2
    links.nth(1).click()
    start_s = float(links.nth(1).get_attribute("href").removeprefix("#t="))
    opened.wait_for_function(f"document.querySelector('video').currentTime >= {start_s}")
    assert opened.evaluate("(video => !video.paused || video.ended)(document.querySelector('video'))")
    assert opened.evaluate("location.hash") == f"#t={start_s:.3f}"
