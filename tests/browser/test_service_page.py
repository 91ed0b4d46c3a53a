"""The service's page in a real browser, against the service as people start it: from songs to videos that play."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import soundfile

from tests.browser.served import Service, Tab, opened, service, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

SONGS_MB = 1
SPOKEN_EVERY_MS = 4900  # the page says 5 s; its clock counts whole milliseconds
TITLE = "<img src=x onerror=window.ran=1> Ä & B"

# What is shown while nobody looks: the bars' values, pictures, and when something is said aloud.
WATCH = """() => {
  window.seen = {values: [], pictures: 0, spoken: []};
  new MutationObserver(() => {
    const bar = document.querySelector('.video progress');
    if (bar && seen.values.at(-1) !== bar.value) seen.values.push(bar.value);
    seen.pictures = Math.max(seen.pictures, document.querySelectorAll('.film img').length);
  }).observe(document.getElementById('list'), {subtree: true, childList: true, attributes: true});
  new MutationObserver(() => seen.spoken.push(Date.now()))
    .observe(document.getElementById('said'), {childList: true});
}"""
SHOWN = 4  # pictures of the first video, of which it waits for the page
# So small a video is rendered in less time than the page needs to be told twice: its pictures take a while, and then it
# waits until some are shown, of which the test tells by a file. They come in any order, and are shown without gaps.
SLOW_PICTURES = """
import time
from pathlib import Path

from qmv.events import PictureReady, StageStarted
from qmv.hookspecs import hookimpl


@hookimpl
def qmv_event(event):
    if isinstance(event, PictureReady):
        time.sleep(0.4)
    while isinstance(event, StageStarted) and event.node == "video" and not Path(__file__).with_name("shown").exists():
        time.sleep(0.05)
"""
DROP = """([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), sign => sign.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  const drop = document.getElementById('drop');
  for (const type of ['dragenter', 'dragover', 'drop']) {
    drop.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: data}));
  }
}"""


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], clicks_plugin: Path
) -> Iterator[Service]:
    """One whose videos stay in work."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "slow_pictures.py").write_text(SLOW_PICTURES, encoding="utf-8")
    plugins = f"plugins=[{clicks_plugin},{folder / 'slow_pictures.py'}]"
    with service(folder, environment, plugins, "tracker=clicks", upload_mb=str(SONGS_MB)) as it:
        yield it


@pytest.fixture(scope="module")
def quiet(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], clicks_plugin: Path
) -> Iterator[Service]:
    """A service in which no other test starts sessions, and whose first video waits for the page."""
    folder = tmp_path_factory.mktemp("quiet")
    slow = folder / "slow_pictures.py"
    slow.write_text(SLOW_PICTURES, encoding="utf-8")
    with service(folder, environment, f"plugins=[{clicks_plugin},{slow}]", "tracker=clicks") as it:
        yield it


@pytest.fixture(scope="module")
def small_song(tmp_path_factory: pytest.TempPathFactory, click_track: Callable[..., Path]) -> Path:
    return click_track(tmp_path_factory.mktemp("songs") / "small.wav", seconds=6.0)


@pytest.fixture
def tab(browser: Browser, served: Service) -> Iterator[Tab]:
    tab = opened(browser, served.address)
    tab.page.wait_for_selector(".style input:checked", state="attached")
    yield tab
    tab.page.context.close()


@pytest.fixture(scope="module")
def finished(browser: Browser, quiet: Service, small_song: Path) -> Iterator[Tab]:
    """Two songs, one chosen and one dropped, that have become videos; the second one's title is HTML."""
    tab = opened(browser, quiet.address)
    page = tab.page
    page.wait_for_selector(".style input:checked", state="attached")
    page.evaluate(WATCH)
    titled = small_song.with_name("titled.flac")
    samples, rate_hz = soundfile.read(small_song)
    with soundfile.SoundFile(titled, "w", rate_hz, 1) as file:
        file.title = TITLE
        file.write(samples[: 3 * rate_hz])
    page.set_input_files("#files", small_song)
    page.evaluate(DROP, ["titled.flac", base64.b64encode(titled.read_bytes()).decode()])
    assert tab.songs() == ["small.wav", "titled.flac"]
    page.locator("#more summary").click()
    page.fill("#set-beats_per_image", "1")
    page.get_by_label("Noir").check(force=True)
    page.click("#go")
    until(page, f"seen.pictures >= {SHOWN}")
    (quiet.folder / "shown").touch()
    until(page, "document.querySelectorAll('.video video').length === 2")
    yield tab
    page.context.close()


# -- from a song to a video ------------------------------------------------------------------------------------------


def test_progress_moves_and_pictures_arrive(finished: Tab) -> None:
    seen = finished.page.evaluate("seen")
    assert len(seen["values"]) >= 3
    assert all(a < b for a, b in pairwise(seen["values"]))
    assert seen["pictures"] >= SHOWN  # of twelve; on a busy machine the video is there before the last ones are shown


def test_the_page_says_aloud_what_happens_but_not_each_percent(finished: Tab) -> None:
    page = finished.page
    until(page, "document.getElementById('said').textContent.includes('Finished')")
    assert all(b - a >= SPOKEN_EVERY_MS for a, b in pairwise(page.evaluate("seen.spoken")))


def test_the_finished_video_plays_and_seeks(finished: Tab) -> None:
    page = finished.page
    until(page, "document.querySelector('.video video').readyState >= 2")
    assert page.evaluate("document.querySelector('.video video').videoWidth") == 64
    page.evaluate("document.querySelector('.video video').play()")
    until(page, "document.querySelector('.video video').currentTime > 0.3")
    page.evaluate("{ const video = document.querySelector('.video video'); video.pause(); video.currentTime = 2.5; }")
    until(page, "!document.querySelector('.video video').seeking")
    assert page.evaluate("document.querySelector('.video video').currentTime") == pytest.approx(2.5, abs=0.1)


def test_the_download_is_the_file_that_the_results_tell_of(finished: Tab) -> None:
    page = finished.page
    session = page.locator(".session h3").first.inner_text()
    told = page.evaluate("session => fetch(`api/phase3/results/${session}`).then(it => it.json())", session)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    content = Path(download.value.path()).read_bytes()
    assert hashlib.sha256(content).hexdigest() == told["videos"][0]["metadata"]["sha256"]


def test_what_is_told_of_a_finished_video(finished: Tab) -> None:
    first = finished.page.locator(".video").first
    assert re.search(r"Length\s+0:06\b", first.inner_text())
    assert re.search("Picture\\s+64 \u00d7 36\\b", first.inner_text())
    assert "each on its frame" in first.inner_text()
    assert "Noir" in first.inner_text()


def test_html_in_a_title_is_shown_as_text(finished: Tab) -> None:
    titles = finished.page.locator(".video h4").all_inner_texts()
    assert titles == ["small", TITLE]
    assert finished.page.evaluate("window.ran") is None


def test_the_link_leads_to_the_videos_own_page(finished: Tab) -> None:
    page = finished.page
    address = page.get_by_role("link", name="Its own page").first.get_attribute("href")
    other = page.context.new_page()
    assert other.goto(page.url.rstrip("/") + address).status == 200
    assert "small" in other.title()
    other.close()


def test_nothing_goes_wrong_and_nobody_else_is_asked(finished: Tab, quiet: Service) -> None:
    assert finished.errors == []
    assert finished.hosts == {urlsplit(quiet.address).netloc}


# -- what is refused -------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_song_has_its_sentence_beside_the_songs(tab: Tab) -> None:
    tab.page.set_input_files("#files", {"name": "song.mp3", "mimeType": "audio/mpeg", "buffer": b"no song " * 50})
    tab.page.click("#go")
    tab.page.wait_for_selector("#songs-error:not([hidden])")
    assert "is a text, not a song" in tab.page.inner_text("#songs-error")
    assert tab.songs() == ["song.mp3"]


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(tab: Tab) -> None:
    large = {"name": "long.wav", "mimeType": "audio/wav", "buffer": bytes(SONGS_MB * 1_000_000 + 1)}
    tab.page.set_input_files("#files", [large, {"name": "empty.wav", "mimeType": "audio/wav", "buffer": b""}])
    assert "long.wav: has 1.0 MB, at most 1.0 MB are taken" in tab.page.inner_text("#songs-error")
    assert "empty.wav: is empty" in tab.page.inner_text("#songs-error")
    assert tab.songs() == []


def test_more_songs_than_a_session_takes_are_refused(tab: Tab) -> None:
    songs = [{"name": f"{n}.wav", "mimeType": "audio/wav", "buffer": b"RIFF"} for n in range(21)]
    tab.page.set_input_files("#files", songs)
    assert len(tab.songs()) == 20
    assert "20.wav: is one too many" in tab.page.inner_text("#songs-error")


def test_an_address_is_checked_here_and_there(tab: Tab) -> None:
    page = tab.page
    page.fill("#address", "song.mp3")
    page.press("#address", "Enter")
    assert "whole address" in page.inner_text("#address-error")
    page.fill("#address", "https://localhost/song.mp3")
    page.click("#go")
    page.wait_for_selector("#songs-error:not([hidden])")
    assert tab.songs() == ["https://localhost/song.mp3"]


@pytest.mark.parametrize("session", ["-a", "a b", "a" * 65, ""])
def test_a_session_id_is_checked(tab: Tab, small_song: Path, session: str) -> None:
    page = tab.page
    page.set_input_files("#files", small_song)
    page.evaluate("text => { document.getElementById('session').value = text; }", session)
    page.click("#go")
    assert "1 to 64" in page.inner_text("#session-error")
    assert page.evaluate("document.activeElement.id") == "session"


def test_a_setting_out_of_its_range_is_told_beside_it(tab: Tab, small_song: Path) -> None:
    page = tab.page
    page.set_input_files("#files", small_song)
    page.locator("#more summary").click()
    page.fill("#set-beats_per_image", "65")
    page.fill("#set-window", "the best")
    page.locator("#more summary").click()
    page.click("#go")
    assert page.inner_text("#set-beats_per_image-error") == "Must be 1 to 64 beats."
    page.fill("#set-beats_per_image", "4")
    page.click("#go")
    page.wait_for_selector("#set-window-error:not([hidden])")
    assert "best 30" in page.inner_text("#set-window-error")
    assert page.evaluate("document.activeElement.id") == "set-window"


# -- for everybody ---------------------------------------------------------------------------------------------------


def test_the_keyboard_leads_from_the_load_to_the_start(browser: Browser, served: Service, small_song: Path) -> None:
    tab = opened(browser, served.address)
    page = tab.page
    # from the beginning: a listener that comes with the key may come too late
    page.on("filechooser", lambda chooser: chooser.set_files(small_song))
    page.wait_for_selector(".style input:checked", state="attached")

    def go_to(wanted: str) -> None:
        for _ in range(40):
            if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{wanted} is never reached")

    go_to("#files")
    page.keyboard.press("Enter")
    until(page, "document.getElementById('songs').children.length === 1")
    go_to("input[name=style]")
    before = page.evaluate("document.activeElement.value")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.querySelector('input[name=style]:checked').value") != before
    go_to("#more summary")
    page.keyboard.press("Enter")
    go_to("#set-seed")
    page.keyboard.type("3")
    go_to("#go")
    page.keyboard.press("Enter")
    page.wait_for_selector(".session .video")
    assert page.locator(".session .video").first.locator("h4").inner_text() == "small"
    page.locator(".session").first.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the videos").click()
    page.context.close()
