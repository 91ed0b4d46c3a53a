"""A real browser, and a page whose player has a finished video in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.server import serving
from tests.finished import Film
from tests.machine import program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PLAYER = Path(__file__).with_name("player.html")


@dataclass(frozen=True, kw_only=True)
class Player:
    """The page with the film, loaded to where it can play; `loaded` is what the page said then."""

    page: Page
    film: Film
    loaded: dict[str, Any]

    def seek(self, frames: float) -> dict[str, Any]:
        """Goes to a time that is counted in frames."""
        return dict(self.page.evaluate("seek", frames / float(self.film.fps)))

    def play(self) -> dict[str, Any]:
        return dict(self.page.evaluate("play()"))

    def hear(self, level: float) -> dict[str, Any]:
        return dict(self.page.evaluate(f"hear(video.src, {level})"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium: Playwright's own comes without H.264 and AAC."""
    from playwright.sync_api import sync_playwright

    path = program("chromium", "chromium")
    with sync_playwright() as playwright:
        without_a_click = ["--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=path, args=without_a_click)
        yield browser
        browser.close()


@pytest.fixture
def player(request: pytest.FixtureRequest, browser: Browser, finished_film: Callable[[str], Film]) -> Iterator[Player]:
    """A player of the film that the test is parametrized with."""
    made = finished_film(request.param)
    with serving({"player.html": PLAYER, "film.mp4": made.path}) as address:
        page = browser.new_page()
        page.set_default_timeout(120_000)  # ms, for a busy machine
        page.goto(f"{address}player.html")
        yield Player(page=page, film=made, loaded=page.evaluate("load('film.mp4')"))
        page.close()
