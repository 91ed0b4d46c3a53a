"""The service's page beyond the straight way: the token, refusals, lost connections, and whether all can read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qmv.live.progress import Live
from qmv.service.intake.offer import Offer
from qmv.service.queue.board import Limits
from qmv.service.queue.jobs import Order
from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings
from qmv.service.web.previews import preview
from tests.browser.served import PHONE, WIDE, Service, Tab, opened, service, until
from tests.conftest import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

LEASE_S = 600  # the longest that may be; the tests take a minute or two
TOKEN = "open sesame, says the page"
TEXT, LARGE_TEXT, CONTROL = 4.5, 3.0, 3.0  # contrast that WCAG 2.2 AA asks for (1.4.3, 1.4.11)
ERROR = "song (static.mp3): holds no sound that can be decoded; convert it to WAV, FLAC or MP3 and send it again."


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Service]:
    """A service behind a token, whose only session stands as `seed` left it: the one that may run does."""
    folder = tmp_path_factory.mktemp("waiting")
    seed(folder / "outputs" / "service" / "state.sqlite")
    environ = environment | {"QMV_SERVICE_TOKEN": TOKEN, "QMV_SERVICE_RUNNING": "1"}
    with service(folder, environ, lease_s=str(LEASE_S)) as it:  # one that is longer than its own is nobody's to it
        yield it


def seed(state: Path) -> None:
    """One session with a video in work, a failed one, one that is tried again, and one that waits."""
    state.parent.mkdir(parents=True)
    board = SqliteBoard(state, Limits(running=9, session_running=9, lease_s=LEASE_S))
    titles = ["Glass Harbour", "Static", "Night Bus " * 20, "<b>&amp;</b>"]
    board.submit("mix", [Order(song="a.wav", title=title, style="noir") for title in titles], digest="mix")
    claims = [board.claim("test") for _ in titles[:3]]
    assert claims[0] is not None
    assert claims[1] is not None
    assert claims[2] is not None
    stages = ("beats", "storyboard", "pictures", "video")
    board.tell(claims[0], Live(stages=stages, stage="pictures", done=3, total=8, unit="pictures", percent=40.0,
        left_s=200.0, notice="pictures: two of them were painted before.", cost_usd="0.5"))  # fmt: skip
    noir = Offer.read(ServiceSettings(program=str(ROOT / "run.py"))).styles["noir"]
    for index in range(3):
        board.add_picture(claims[0], index, preview(noir, state.parent / "previews"))
    board.fail(claims[1], ERROR, again=False)
    board.fail(claims[2], ERROR, again=True)
    board.close()


@pytest.fixture(scope="module")
def cookies(browser: Browser, waiting: Service) -> Any:
    """What a browser keeps that has signed in."""
    page = opened(browser, waiting.address).page
    page.fill("#token", TOKEN)
    page.press("#token", "Enter")
    page.wait_for_selector("#logout:not([hidden])")
    kept = page.context.storage_state()
    page.context.close()
    return kept


@pytest.fixture
def tab(browser: Browser, waiting: Service, cookies: Any) -> Iterator[Tab]:
    tab = opened(browser, waiting.address, storage_state=cookies)
    tab.page.wait_for_selector(".session .video")
    yield tab
    tab.page.context.close()


@pytest.fixture
def small_song(tmp_path: Path, click_track: Callable[..., Path]) -> Path:
    return click_track(tmp_path / "small.wav", seconds=2.0)


# -- the token -------------------------------------------------------------------------------------------------------


def test_without_the_token_there_is_nothing_but_the_question_for_it(browser: Browser, waiting: Service) -> None:
    page = opened(browser, waiting.address).page
    page.fill("#token", "wrong")
    page.press("#token", "Enter")
    page.wait_for_selector("#token-error:not([hidden])")
    assert page.is_hidden("#new")
    assert page.is_hidden("#sessions")
    page.context.close()


def test_the_cookie_stands_for_the_token_until_somebody_signs_out(tab: Tab) -> None:
    page = tab.page
    page.reload()
    page.wait_for_selector(".style img")
    assert page.is_hidden("#login")
    until(page, "[...document.querySelectorAll('.style img')].every(image => image.naturalWidth === 320)")
    page.click("#logout")
    page.wait_for_selector("#login:not([hidden])")


# -- sessions --------------------------------------------------------------------------------------------------------


def test_phases_that_nobody_tells_of_are_not_shown(tab: Tab) -> None:
    assert tab.page.locator(".phases:visible").count() == 0
    assert tab.page.locator(".session summary .state").first.inner_text() == "In progress 10 %"
    told = """summary => import('/static/session.js').then(it => {
      const part = it.sessionPart('s', () => {});
      it.showSummary(part, summary);
      return [part.phases.hidden, ...[...part.phases.children].map(item => item.textContent)];
    })"""
    own = {"phase": 3, "status": "queued", "progress": 0, "error": ""}
    phases = [{"phase": 1, "status": "finished", "progress": 100, "error": None}, {"phase": 2, "status": None}, own]
    summary = {"session_id": "s", "status": "queued", "created_at": "2026-01-01T00:00:00Z", "videos": 1}
    shown = tab.page.evaluate(told, {**summary, "phases": phases})
    assert shown == [False, "Phase 1Finished", "Phase 2No news", "Phase 3, videosWaiting"]


def test_a_refusal_stands_beside_what_it_is_about(tab: Tab, small_song: Path) -> None:
    page = tab.page
    page.set_input_files("#files", small_song)
    page.fill("#session", "mix")
    page.click("#go")
    page.wait_for_selector("#session-error:not([hidden])")
    assert "other videos of it are in work" in page.inner_text("#session-error")
    assert page.get_attribute("#session", "aria-invalid") == "true"
    refusal = {"status": 400, "detail": "Words that tell nothing of their place."}
    page.route("**/api/phase3/start/*", lambda route: route.fulfill(status=400, json=refusal))
    places = {"style": "style", "settings.seed": "set-seed", "settings.nothing": "settings",
              "priority": "set-priority", "songs": "songs"}  # fmt: skip
    for field, place in places.items():
        refusal["field"] = field
        page.click("#go")
        page.wait_for_selector(f"#{place}-error:not([hidden])")
        assert page.locator(".error:visible", has_text="Words that tell").count() == 1
    del refusal["field"]
    page.click("#go")
    page.wait_for_selector("#start-error:not([hidden])")


def test_each_state_of_a_video_is_told_in_words(tab: Tab) -> None:
    page = tab.page
    running, failed, again, queued = (page.locator(".video").nth(place) for place in range(4))
    assert "Step 3 of 4: Painting the pictures, 3 of 8 pictures" in running.inner_text()
    assert "40 % \u00b7 about 3 min left \u00b7 pictures for $0.50" in running.inner_text()
    assert "two of them were painted before" in running.inner_text()
    assert running.locator("progress").get_attribute("aria-label") == "Glass Harbour: done"
    assert [picture.get_attribute("alt") for picture in running.locator("img").all()] == [
        f"Picture {number} of Glass Harbour" for number in (1, 2, 3)
    ]
    assert ERROR in failed.inner_text()
    assert "Waits for another try" in again.inner_text()
    assert "Tried again" in again.inner_text()
    assert "Waits for its turn" in queued.inner_text()
    assert queued.locator("h4").inner_text() == "<b>&amp;</b>"
    assert [place.locator("progress").is_visible() for place in (running, again, queued)] == [True, False, False]


@pytest.mark.parametrize("size", [PHONE, WIDE])
def test_a_long_title_takes_two_lines_and_leaves_the_state_beside_it(tab: Tab, size: Any) -> None:
    tab.page.set_viewport_size(size)
    long = tab.page.locator(".video").nth(2)
    title, state = (long.locator(part).bounding_box() for part in ("h4", ".state"))
    assert title is not None
    assert state is not None
    assert title["height"] < 60  # px; all of it would be 100 and more
    assert state["y"] < title["y"] + 20
    assert long.locator("h4").get_attribute("title") == "Night Bus " * 20


def test_a_phone_shows_a_name_of_the_pages_making_in_one_line(tab: Tab) -> None:
    tab.page.set_viewport_size(PHONE)
    tab.page.evaluate("""() => {
      document.querySelector('.session h3').textContent = '2026-11-23-wwwww';
      document.querySelector('.session summary .state').textContent = 'In progress 100 %';
    }""")
    name = tab.page.locator(".session h3").first.bounding_box()
    assert name is not None
    assert name["height"] < 30  # px; a line has 22


@pytest.mark.parametrize(
    ("progress", "stages", "words"),
    [(0, [], "Getting ready"), (99.9, ["beats"], "Nearly there"), (99.9, [], "Getting ready")],
)
def test_a_run_before_its_first_stage_and_after_its_last(
    tab: Tab, progress: float, stages: list[str], words: str
) -> None:
    """Another try begins where the one before had come to."""
    told = """([progress, stages]) => import('/static/video.js').then(it => {
      const made = it.videoCard();
      made.update({n: 1, title: 't', style: 's', status: 'running', progress, attempt: 1, stage: '', stages,
        done: 0, total: 0, unit: '', time_left_s: null, cost_usd: 0, notice: '', error: '', parked: false,
        retry_at: null, pictures: []});
      return made.card.querySelector('.stage').textContent;
    })"""
    assert tab.page.evaluate(told, [progress, stages]) == words


@pytest.mark.parametrize(("status", "words"), [("running", "Last try: its worker was lost."), ("finished", "")])
def test_what_became_of_the_last_try_is_told_and_is_no_error(tab: Tab, status: str, words: str) -> None:
    told = """status => import('/static/video.js').then(it => {
      const made = it.videoCard();
      made.update({n: 1, title: 't', style: 's', status, progress: 40, attempt: 2, stage: '', stages: [],
        done: 0, total: 0, unit: '', time_left_s: null, cost_usd: 0, notice: '', error: '', parked: false,
        last_try: 'its worker was lost.', retry_at: null, pictures: []});
      const shown = name => [...made.card.querySelectorAll(name)].filter(it => !it.hidden).map(it => it.textContent);
      return [shown('.notice').join(), shown('.error').join()];
    })"""
    assert tab.page.evaluate(told, status) == [words, ""]


def test_pictures_move_nothing_when_they_come(tab: Tab) -> None:
    """The strip is as high without its pictures as with them."""
    heights = tab.page.evaluate("""() => {
      const strip = document.querySelector('.film'), before = strip.offsetHeight;
      strip.replaceChildren();
      return [before, strip.offsetHeight];
    }""")
    assert heights[0] == heights[1] > 50


def test_a_session_is_cancelled_after_a_question_and_tried_again(tab: Tab, small_song: Path) -> None:
    page = tab.page
    page.set_input_files("#files", small_song)
    page.click("#go")
    page.wait_for_selector(".session >> nth=1")
    session = page.locator(".session").first
    session.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Let it go on").click()
    assert session.locator("summary .state").inner_text() == "Waiting"
    session.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the videos").click()
    session.locator("summary .state[data-status=cancelled]").wait_for()
    page.reload()  # the service has the songs, whoever asks
    session.get_by_role("button", name="Try again").click()
    session.locator("summary .state[data-status=queued]").wait_for()


def test_a_video_that_failed_can_be_tried_again_while_others_go_on(tab: Tab) -> None:
    page, asked = tab.page, []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        refusal = {"status": 503, "detail": "The queue is away; ask again later."}
        route.fulfill(status=400, json=refusal)  # so that the session stays as it is for the other tests

    page.route("**/api/phase3/retry/*", answer)
    session = page.locator("#session-mix")
    session.get_by_role("button", name="Try 1 failed video again").click()
    session.locator(".error", has_text="The queue is away").wait_for()
    assert asked[0].endswith("/retry/mix")
    assert session.get_by_role("button", name="Try 1 failed video again").is_enabled()


def test_a_button_says_that_what_is_in_work_still_has_to_stop(tab: Tab) -> None:
    """A render ends some seconds after it was cancelled."""
    page = tab.page
    shown = page.evaluate("""() => import('/static/session.js').then(async it => {
      const video = status => ({n: 1, title: 't', style: 's', status, progress: 0, attempt: 1, stage: '', stages: [],
        done: 0, total: 0, unit: '', time_left_s: null, cost_usd: 0, notice: '', error: '', parked: false,
        retry_at: null, pictures: []});
      const status = status => ({session_id: 's', status, progress: 0, created_at: '2026-01-01T00:00:00Z', error: '',
        videos: [video(status)]});
      const part = it.sessionPart('s', heard => it.showStatus(part, heard));
      document.body.append(part.more);
      it.showStatus(part, status('running'));
      window.fetch = async () => new Response(JSON.stringify(status('running')));
      part.cancel.click();
      document.querySelector('#confirm button[value=yes]').click();
      await new Promise(resolve => setTimeout(resolve));
      for (let left = 3000; left && part.pressed !== 'cancel'; left -= 1) await new Promise(it => setTimeout(it, 10));
      const stopping = [part.cancel.textContent, part.cancel.disabled];
      it.showStatus(part, status('cancelled'));
      const stopped = [part.cancel.hidden, part.again.textContent, part.again.disabled];
      part.more.remove();
      return [stopping, stopped];
    })""")
    assert shown == [["Cancelling \u2026", True], [True, "Try again", False]]


@pytest.mark.parametrize(
    ("button", "status", "answer", "words"),
    [
        ("cancel", "running", {"status": "finished", "cancelled": 0}, "Nothing was left to cancel."),
        ("cancel", "running", {"status": "cancelled", "cancelled": 2}, "Cancelled: 2 videos."),
        ("cancel", "running", {"status": "running", "cancelled": 2}, "Cancelling 2 videos."),
        ("again", "failed", {"status": "failed", "retried": 0}, "Nothing was left to try again."),
        ("again", "failed", {"status": "queued", "retried": 1}, "Tried again: 1 video."),
    ],
)
def test_a_button_says_what_it_did(tab: Tab, button: str, status: str, answer: dict[str, Any], words: str) -> None:
    """A session may end while somebody is asked whether it shall be cancelled. It is said aloud, too."""
    told = tab.page.evaluate(
        """([button, status, answer]) => import('/static/session.js').then(async it => {
          const told = status => ({session_id: 's', status, progress: 0, created_at: '2026-01-01T00:00:00Z', error: '',
            videos: []});
          const part = it.sessionPart('s', heard => it.showStatus(part, heard));
          document.body.append(part.more);
          it.showStatus(part, told(status));
          const fetched = window.fetch;
          window.fetch = async () => new Response(JSON.stringify({...told(''), ...answer}));
          part[button].click();
          if (button === 'cancel') document.querySelector('#confirm button[value=yes]').click();
          const until = async done => {
            for (let left = 3000; left && !done(); left -= 1) await new Promise(it => setTimeout(it, 10));
          };
          await until(() => !part.done.hidden);
          window.fetch = fetched;
          const shown = part.done.textContent, aloud = () => document.getElementById('said').textContent;
          await until(() => aloud().includes(shown));
          part.more.remove();
          return [shown, aloud().includes(shown)];
        })""",
        [button, status, answer],
    )
    assert told == [words, True]


def test_what_a_button_did_stands_until_the_session_closes_or_a_button_is_pressed(tab: Tab) -> None:
    shown = tab.page.evaluate("""() => import('/static/session.js').then(async it => {
      const told = status => ({session_id: 's', status, progress: 0, created_at: '2026-01-01T00:00:00Z', error: '',
        videos: []});
      const part = it.sessionPart('s', heard => it.showStatus(part, heard));
      document.body.append(part.more);
      it.showStatus(part, told('failed'));
      const fetched = window.fetch, seen = [];
      const see = () => seen.push([part.done.textContent, part.error.textContent]);
      const until = async done => {
        for (let left = 3000; left && !done(); left -= 1) await new Promise(it => setTimeout(it, 10));
      };
      const press = async response => {
        let answer;
        window.fetch = () => new Promise(resolve => { answer = resolve; });
        part.again.click();
        await until(() => answer);
        see();  // what was there before is gone
        answer(response);
        await until(() => !part.done.hidden || !part.error.hidden);
        see();
      };
      await press(new Response(JSON.stringify({...told('queued'), retried: 1})));
      it.showStatus(part, told('running'));
      see();
      await press(new Response('{"detail": "The queue is away."}', {status: 400}));
      await press(new Response(JSON.stringify({...told('running'), retried: 2})));
      it.showStatus(part, told('finished'));
      see();
      window.fetch = fetched;
      part.more.remove();
      return seen;
    })""")
    one, two = "Tried again: 1 video.", "Tried again: 2 videos."
    refused = "The queue is away."
    assert shown == [
        ["", ""], [one, ""], [one, ""],
        ["", ""], ["", refused],
        ["", ""], [two, ""], ["", ""],
    ]  # fmt: skip


def test_a_start_whose_answer_is_lost_is_sent_again_under_the_same_key(tab: Tab, small_song: Path) -> None:
    page, keys = tab.page, []

    def lose(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()  # it arrives, but nobody hears of it
            route.abort()
        else:
            route.continue_()

    page.route("**/api/phase3/start/*", lose)
    name = page.input_value("#session")
    page.set_input_files("#files", small_song)
    page.click("#go")
    until(page, "document.getElementById('songs').children.length === 0")
    assert len(keys) == 2
    assert len({*keys}) == 1
    assert page.locator(".session h3", has_text=name).count() == 1
    assert page.is_hidden("#start-error")


def test_a_lost_connection_is_told_and_comes_back(tab: Tab) -> None:
    tab.page.context.set_offline(True)
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # asks at once
    tab.page.wait_for_selector("#lost:not([hidden])")
    tab.page.context.set_offline(False)
    tab.page.wait_for_selector("#lost", state="hidden")


@pytest.mark.parametrize("size", [PHONE, {"width": 320, "height": 640}, WIDE])
def test_nothing_is_wider_than_the_window(tab: Tab, size: Any) -> None:
    tab.page.set_viewport_size(size)
    tab.page.locator("#more summary").click()
    tab.page.click("#go")  # with an error
    assert tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_everything_that_is_used_has_a_name(tab: Tab) -> None:
    nameless = tab.page.evaluate("""() => [...document.querySelectorAll('input, select, button, progress, a, img')]
      .filter(it => !it.closest('[hidden]') && it.getAttribute('alt') !== '')
      .filter(it => !(it.labels?.length || it.getAttribute('aria-label') || it.textContent.trim() || it.alt))
      .map(it => it.outerHTML)""")
    assert nameless == []


# -- colours ---------------------------------------------------------------------------------------------------------

PAIRS = [(ink, ground, TEXT) for ink in ("ink", "quiet", "mark", "good", "bad") for ground in ("ground", "card")]
PAIRS += [("on-mark", "mark", TEXT), ("bad", "bad-ground", TEXT), ("ink", "sunk", TEXT), ("ink", "tint", TEXT)]
PAIRS += [(edge, ground, CONTROL) for edge in ("edge", "mark") for ground in ("ground", "card")]
PAIRS += [("mark", "sunk", CONTROL), ("quiet", "sunk", TEXT)]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG's ratio of two sRGB colours, each channel 0 to 255."""

    def luminance(colour: tuple[float, ...]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour[:3])]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_apart(tab: Tab, scheme: Any) -> None:
    tab.page.emulate_media(color_scheme=scheme)
    names = {name for one, other, _ in PAIRS for name in (one, other)}
    hexes = tab.page.evaluate(
        "names => names.map(n => [n, getComputedStyle(document.documentElement).getPropertyValue(`--${n}`).trim()])",
        [*names],
    )
    colours = {name: tuple(bytes.fromhex(text.lstrip("#"))) for name, text in hexes}
    low = [(a, b) for a, b, least in PAIRS if contrast(colours[a], colours[b]) < least]
    assert low == []
    assert (colours["ground"] < colours["ink"]) == (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_that_is_written_can_be_read(tab: Tab, scheme: Any) -> None:
    """Each text as it is painted, on whatever lies behind it."""
    tab.page.emulate_media(color_scheme=scheme)
    tab.page.locator("#more summary").click()
    tab.page.click("#go")
    texts = tab.page.evaluate("""() => [...document.querySelectorAll('body *')]
      .filter(it => it.checkVisibility() && !it.closest('.unseen, .skip')
        && [...it.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
      .map(it => {
        let behind = it;
        const clear = place => /rgba\\(.*, 0\\)/.test(getComputedStyle(place).backgroundColor);
        while (behind && clear(behind)) behind = behind.parentElement;
        const number = colour => colour.match(/[\\d.]+/g).map(Number);
        const style = getComputedStyle(it);
        return [it.textContent.trim().slice(0, 40), number(style.color),
          number(getComputedStyle(behind ?? document.body).backgroundColor), parseFloat(style.fontSize)];
      })""")
    assert len(texts) > 40
    assert [text for text, ink, behind, px in texts
            if contrast(tuple(ink), tuple(behind)) < (LARGE_TEXT if px >= 24 else TEXT)] == []  # fmt: skip
