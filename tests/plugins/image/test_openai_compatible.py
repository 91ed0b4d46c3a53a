"""Pictures bought from a server of OpenAI's images form, over real HTTP."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.errors import AccessError, PluginError, ServiceError
from qmv.media.picture import png, read
from qmv.plugins.image.openai_compatible import OpenAICompatible
from qmv.testing import image_request
from qmv.testing.base import PluginContract
from tests.fakes.openai_images.process import FakeOpenAI, fake_openai_images
from tests.fakes.openai_images.script import FAULTS
from tests.plugins.image.buying import Bought, bought, wanted

PRICE = Decimal("0.04")

Script = Callable[..., FakeOpenAI]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """Starts the server with a script."""
    monkeypatch.setenv("OPENAI_API_KEY", "test-openai-key")
    with contextlib.ExitStack() as running:
        yield lambda **script: running.enter_context(fake_openai_images(tmp_path / "fake", **script))


def shop(fake: FakeOpenAI, folder: Path, count: int = 4, **settings: Any) -> Bought:
    """What the same user gets in one run, for a price unless the settings say otherwise."""
    settings = {"url": fake.url, "price_usd": float(PRICE)} | settings
    return bought(OpenAICompatible(**settings), wanted(count, side_px=64), folder / "money")


def twice(fake: FakeOpenAI) -> list[str]:
    return [prompt for prompt, times in Counter(charge.prompt for charge in fake.charges()).items() if times > 1]


class TestOpenAICompatible(PluginContract):
    plugin = OpenAICompatible(sizes=("1024x1024", "1536x1024"), extra={"background": "opaque"})


# -- what is posted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({}, {}),
        ({"model": "sd-xl"}, {"model": "sd-xl"}),
        ({"quality": "low"}, {"quality": "low"}),
        ({"response_format": "url"}, {"response_format": "url"}),
        ({"response_format": ""}, {"response_format": None}),
        ({"seed": False}, {"seed": None}),
        ({"negative_prompt": True}, {"negative_prompt": "text"}),
        ({"extra": {"output_format": "webp"}}, {"output_format": "webp"}),
        ({"sizes": ("512x512", "96x54")}, {"size": "96x54"}),
    ],
)
def test_body_follows_the_settings(settings: dict[str, Any], changes: dict[str, Any]) -> None:
    plain = {
        "model": "gpt-image-1", "prompt": "a lighthouse", "n": 1, "size": "64x36", "response_format": "b64_json",
        "seed": 7,
    }  # fmt: skip
    expected = {name: value for name, value in (plain | changes).items() if value is not None}
    assert OpenAICompatible(**settings).body(image_request(prompt="a lighthouse")) == expected


def test_the_server_receives_the_body_the_key_and_an_order(server: Script, tmp_path: Path) -> None:
    fake = server()
    found = shop(fake, tmp_path, 1)
    [got] = fake.received()
    assert (got["path"], got["authorized"]) == ("/v1/images/generations", True)
    assert got["idempotency_key"] == found.outcomes[0].order
    assert got["body"]["prompt"] == "picture 0"
    assert read(found.outcomes[0].image or b"").shape == (64, 64, 3)


@pytest.mark.parametrize("form", ["b64_json", "url"])
def test_pictures_come_in_the_answer_or_under_an_address(server: Script, tmp_path: Path, form: str) -> None:
    found = shop(server(), tmp_path, response_format=form)
    assert found.had == [0, 1, 2, 3]
    assert {read(outcome.image or b"").shape for outcome in found.outcomes} == {(64, 64, 3)}


def test_the_servers_own_form_is_taken_where_it_refuses_to_be_told(server: Script, tmp_path: Path) -> None:
    fake = server(refuses=("response_format", "seed"), response_format="url")
    assert shop(fake, tmp_path, response_format="", seed=False).had == [0, 1, 2, 3]
    assert "Unknown parameter: 'response_format'" in shop(fake, tmp_path / "other", 1).sentences.pop()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"response_format": "png"}, "must be b64_json, url or empty"),
        ({"sizes": ("big",)}, "sizes look like 1024x1536"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        OpenAICompatible(**settings)


# -- size, price and identity ----------------------------------------------------------------------------------------

SIDE = st.integers(16, 4096)


@given(SIDE, SIDE, st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=5))
def test_the_size_is_one_of_the_servers_and_none_has_a_nearer_shape(
    width_px: int, height_px: int, sizes: list[tuple[int, int]]
) -> None:
    provider = OpenAICompatible(sizes=tuple(f"{width}x{height}" for width, height in sizes))
    found = provider.size(image_request(width_px=width_px, height_px=height_px))
    assert found in sizes

    def off(size: tuple[int, int]) -> float:
        shape = (size[0] * height_px) / (size[1] * width_px)
        return max(shape, 1 / shape)

    assert off(found) <= min(map(off, sizes)) * (1 + 1e-12)


@given(SIDE, SIDE)
def test_without_sizes_the_format_is_asked_for_as_it_is(width_px: int, height_px: int) -> None:
    assert OpenAICompatible().size(image_request(width_px=width_px, height_px=height_px)) == (width_px, height_px)


def test_of_two_sizes_of_one_shape_the_larger_is_taken() -> None:
    provider = OpenAICompatible(sizes=("512x512", "1024x1024", "256x256"))
    assert provider.size(image_request(width_px=64, height_px=64)) == (1024, 1024)


@pytest.mark.parametrize(
    ("url", "price"),
    [
        ("http://127.0.0.1:8080/v1", 0),
        ("http://LOCALHOST/v1", 0),
        ("http://[::1]:8080/v1", 0),
        ("https://api.openai.com/v1", None),
        ("http://localhost.example.com/v1", None),
    ],
)
def test_a_server_on_this_machine_costs_nothing_and_another_what_nobody_knows(url: str, price: int | None) -> None:
    assert OpenAICompatible(url=url).price(image_request()) == price


def test_the_users_price_goes_before_the_list_and_both_before_nothing() -> None:
    prices = {"gpt-image-1": {"usd": 0.04, "width": 64, "height": 36}}
    assert OpenAICompatible(prices=prices).price(image_request()) == PRICE
    assert OpenAICompatible(prices=prices).price(image_request(width_px=128)) == 2 * PRICE
    assert OpenAICompatible(prices=prices, price_usd=0.01).price(image_request()) == Decimal("0.01")
    assert OpenAICompatible(url="http://localhost/v1", price_usd=0.01).price(image_request()) == Decimal("0.01")


def test_a_product_is_what_costs_the_same() -> None:
    assert OpenAICompatible(quality="low").product(image_request()) == "openai_compatible gpt-image-1 64x36 low"


def test_identity_is_what_changes_a_pixel() -> None:
    quick = OpenAICompatible(
        idempotent=True, concurrency=9, deadline_s=9, answer_s=9, tries=9, url="http://localhost/v1", key_env="MINE",
        price_usd=1,
    )  # fmt: skip
    assert quick.identity() == OpenAICompatible().identity()
    changes: list[dict[str, Any]] = [
        {}, {"model": "x"}, {"quality": "low"}, {"seed": False}, {"negative_prompt": True}, {"extra": {"style": "x"}},
    ]  # fmt: skip
    assert len({str(OpenAICompatible(**change).identity()) for change in changes}) == len(changes)


def test_a_negative_prompt_that_is_not_sent_tells_no_two_pictures_apart() -> None:
    one, other = image_request(negative_prompt="a"), image_request(negative_prompt="b")
    assert OpenAICompatible().request_identity(one) == OpenAICompatible().request_identity(other)
    sent = OpenAICompatible(negative_prompt=True)
    assert sent.request_identity(one) != sent.request_identity(other)


# -- ready -----------------------------------------------------------------------------------------------------------


def test_ready_wants_a_key_for_a_server_elsewhere_and_none_for_one_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    OpenAICompatible(url="http://127.0.0.1:1/v1", key_env="MY_KEY").ready()
    with pytest.raises(AccessError, match=r"^image \(openai_compatible\): MY_KEY is not set; put MY_KEY=KEY into a"):
        OpenAICompatible(key_env="MY_KEY").ready()
    monkeypatch.setenv("MY_KEY", "key")
    OpenAICompatible(key_env="MY_KEY").ready()


def test_a_single_picture_cannot_slip_past_the_books() -> None:
    with pytest.raises(PluginError, match="bought through render_all"):
        OpenAICompatible().render(image_request())


# -- each fault ------------------------------------------------------------------------------------------------------

STOPS = {
    "bad_key": "the key is refused (HTTP 401 invalid_api_key); put a valid one into OPENAI_API_KEY.",
    "insufficient_quota": "the account has no money left (HTTP 429 insufficient_quota); top it up, then run the same",
    "model_not_found": "has no model 'gpt-image-1', or no images at all (HTTP 404 model_not_found); set image.model",
}
PASSES = ("rate_limit", "http_500", "http_503")
DOUBTS = ("drop", "html", "reset", "hang")
BROKEN = ("empty", "corrupt", "truncated", "wrong_size", "blank", "url_404")


def test_every_fault_of_the_fake_is_met_here() -> None:
    assert {*STOPS, *PASSES, *DOUBTS, *BROKEN, "content_policy_violation"} == {*FAULTS}


@pytest.mark.parametrize("fault", STOPS)
def test_what_cannot_succeed_stops_everything_with_one_sentence(server: Script, tmp_path: Path, fault: str) -> None:
    fake = server(at={"2": fault})
    found = shop(fake, tmp_path, 8, concurrency=1)
    assert len(found.had) == 2
    [sentence] = found.sentences
    assert sentence.startswith("image (openai_compatible): ")
    assert STOPS[fault] in sentence
    assert "test-openai-key" not in sentence
    assert all(isinstance(error, AccessError) for error in found.errors)
    assert len(fake.received()) == 3
    assert (found.sums.spent, found.sums.orders, found.sums.open) == (2 * PRICE, 2, 0)


def test_what_certainly_failed_is_ordered_again(server: Script, tmp_path: Path, hurry: None) -> None:
    fake = server(by_prompt={f"picture {index}": [fault] for index, fault in enumerate(PASSES)}, retry_after_s="0.1")
    found = shop(fake, tmp_path)
    assert found.had == [0, 1, 2, 3]
    assert (len(fake.charges()), len(fake.received())) == (4, 7)
    assert (found.sums.spent, found.sums.open) == (4 * PRICE, 0)


def test_a_pause_that_the_server_asks_for_is_kept_by_all(server: Script, tmp_path: Path, hurry: None) -> None:
    fake = server(at={"0": "rate_limit"}, retry_after_s="1.5", service_s=0.2)
    begun = time.time()
    assert shop(fake, tmp_path, concurrency=2).had == [0, 1, 2, 3]
    _, *later = sorted(charge.at - begun for charge in fake.charges())  # one was on its way already
    assert min(later) >= 1.5


def test_a_picture_that_the_server_will_not_draw_loses_no_other(server: Script, tmp_path: Path) -> None:
    fake = server(by_prompt={"picture 1": "content_policy_violation"})
    found = shop(fake, tmp_path)
    assert found.had == [0, 2, 3]
    assert str(*found.errors) == (
        "image (openai_compatible): picture 2: the server refuses the request (HTTP 400 content_policy_violation: "
        "Your request was rejected by our safety system.)."
    )
    assert (found.sums.spent, found.sums.open) == (3 * PRICE, 0)


@pytest.mark.parametrize("fault", DOUBTS)
def test_a_dear_order_in_doubt_is_not_sent_again_in_this_run(server: Script, tmp_path: Path, fault: str) -> None:
    fake = server(by_prompt={"picture 1": [fault]})
    found = shop(fake, tmp_path, answer_s=2)
    assert found.had == [0, 2, 3]
    [sentence] = found.sentences
    assert "so it may have been paid for, and the service cannot tell; run the same command again to buy it" in sentence
    assert len(fake.received()) == 4
    assert (found.sums.spent, found.sums.open) == (4 * PRICE, 0)
    requests = wanted(2, side_px=64)[1:]
    again = bought(OpenAICompatible(url=fake.url, price_usd=0.04), requests, tmp_path / "money")
    assert again.had == [1]
    assert again.sums.spent == 5 * PRICE


@pytest.mark.parametrize("fault", DOUBTS)
def test_a_free_order_in_doubt_is_sent_again(server: Script, tmp_path: Path, hurry: None, fault: str) -> None:
    fake = server(at={"1": fault})
    found = shop(fake, tmp_path, price_usd=None, answer_s=2)
    assert found.had == [0, 1, 2, 3]
    assert len(fake.received()) == 5
    assert found.sums.spent == 0


@pytest.mark.parametrize("fault", ["reset", "drop", "html"])
def test_an_order_in_doubt_is_sent_again_where_the_server_knows_it_by_its_key(
    server: Script, tmp_path: Path, hurry: None, fault: str
) -> None:
    fake = server(at={"1": fault}, idempotency="honoured")
    found = shop(fake, tmp_path, idempotent=True, answer_s=2)
    assert found.had == [0, 1, 2, 3]
    assert len({got["idempotency_key"] for got in fake.received()}) == 4
    assert (len(fake.charges()), twice(fake)) == (4, [])
    assert (found.sums.spent, found.sums.open) == (4 * PRICE, 0)


def test_what_an_earlier_run_ordered_is_had_again_by_its_key(server: Script, tmp_path: Path) -> None:
    fake = server(idempotency="honoured")
    first, again = (shop(fake, tmp_path, idempotent=True) for _ in range(2))
    assert [o.image for o in again.outcomes] == [o.image for o in first.outcomes]
    assert len(fake.charges()) == 4
    assert again.sums.spent == 4 * PRICE


def test_a_broken_picture_is_bought_anew_and_both_are_booked(server: Script, tmp_path: Path, hurry: None) -> None:
    fake = server(by_prompt={f"picture {index}": [fault] for index, fault in enumerate(BROKEN)})
    found = shop(fake, tmp_path, len(BROKEN), response_format="url")
    assert found.had == [*range(len(BROKEN))]
    assert len(fake.received()) == 2 * len(BROKEN)
    assert (found.sums.spent, found.sums.orders, found.sums.open) == (12 * PRICE, 12, 0)


def test_the_key_is_in_no_log_and_in_no_sentence(
    server: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake = server(key="the-secret-itself")
    for key, had in (("the-secret-itself", [0, 1, 2, 3]), ("a-wrong-secret", [])):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        found = shop(fake, tmp_path)
        assert found.had == had
        assert not [text for text in found.sentences if "secret" in text]
    assert "httpcore" in caplog.text  # which is asked to tell all
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "url",
    ["ftp://localhost/v1", "localhost:8080/v1", "nonsense", "http://a b/v1", "http://h:99999/v1", "http://[::1/v1",
     "https://user:word@h/v1"],
)  # fmt: skip
def test_an_address_of_another_form_is_one_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url must be an address such as https://HOST/v1, got "):
        OpenAICompatible(url=url)


@pytest.mark.parametrize("name", ["n", "size", "prompt", "seed"])
def test_extra_parameters_leave_alone_what_the_books_stand_on(name: str) -> None:
    with pytest.raises(ValueError, match=f"^extra must leave {name} to QMV"):
        OpenAICompatible(extra={name: 3})


def test_a_key_that_no_header_can_carry_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key\nkey")
    with pytest.raises(AccessError, match="OPENAI_API_KEY holds a blank or a sign that no key has"):
        OpenAICompatible().ready()


# -- servers that answer in other ways -------------------------------------------------------------------------------


@pytest.fixture
def answering() -> Iterator[Callable[[int, Any], str]]:
    """A server whose every answer is this status with this JSON."""
    running: list[tuple[http.server.ThreadingHTTPServer, threading.Thread]] = []

    def start(status: int, body: Any) -> str:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/v1"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def one(url: str, folder: Path, **settings: Any) -> Bought:
    settings = {"price_usd": 0.04, "tries": 1, "deadline_s": 20} | settings
    return bought(OpenAICompatible(url=url, **settings), wanted(1, side_px=64), folder)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, {"error": "no such size"}, "(HTTP 400: no such size)"),
        (422, {"detail": "prompt\n  is too long"}, "(HTTP 422: prompt is too long)"),
        (422, {"detail": [{"msg": "field required"}]}, "field required"),
        (400, {"error": {"message": "no", "type": "bad", "code": None}}, "(HTTP 400 bad: no)"),
        (400, ["no"], "(HTTP 400)"),
        (400, None, "(HTTP 400)"),
    ],
)
def test_a_refusal_says_what_the_server_says(
    answering: Callable[[int, Any], str], tmp_path: Path, status: int, body: Any, told: str
) -> None:
    found = one(answering(status, body), tmp_path)
    assert told in found.sentences.pop()
    assert (found.sums.orders, found.sums.open) == (0, 0)


@pytest.mark.parametrize("status", [408, 502, 504, 524])
def test_a_gateway_that_cannot_tell_leaves_a_dear_order_booked(
    answering: Callable[[int, Any], str], tmp_path: Path, status: int
) -> None:
    found = one(answering(status, {}), tmp_path)
    assert f"the server gave up waiting (HTTP {status}), so it may have been paid for" in found.sentences.pop()
    assert found.sums.spent == PRICE


def test_a_picture_as_a_data_uri_is_a_picture(answering: Callable[[int, Any], str], tmp_path: Path) -> None:
    data = png(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))
    coded = "data:image/png;base64," + base64.b64encode(data).decode()
    assert one(answering(200, {"data": [{"b64_json": coded}]}), tmp_path).outcomes[0].image == data


@pytest.mark.parametrize(
    "body", [None, [], {"images": []}, {"data": {"b64_json": ""}}, {"data": ["picture"]}, {"data": 5}]
)
def test_an_answer_of_another_form_is_doubt_and_not_a_crash(
    answering: Callable[[int, Any], str], tmp_path: Path, body: Any
) -> None:
    [error] = one(answering(200, body), tmp_path).errors
    assert isinstance(error, ServiceError)
    assert "the server's answer cannot be read, so it may have been paid for" in str(error)


@pytest.mark.parametrize("item", [{}, {"b64_json": "no base64!"}, {"b64_json": "\u00e4"}, {"url": "nonsense"}])
def test_an_answer_without_a_picture_is_paid_in_vain(
    answering: Callable[[int, Any], str], tmp_path: Path, item: dict[str, str]
) -> None:
    found = one(answering(200, {"data": [item]}), tmp_path)
    assert "times, and each was paid for" in found.sentences.pop()
    assert found.sums.spent == PRICE


# -- a whole run -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_buys_its_pictures_and_writes_the_key_nowhere(
    server: Script, song: Path, run_cli: Callable[..., Any], clicks_plugin: Path
) -> None:
    fake = server(key="the-secret-itself")
    line = [f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=pictures", "hydra.verbose=true"]
    image = ["image=openai_compatible", f"image.url={fake.url}", "image.price_usd=0.04", "height=64"]
    env = {"OPENAI_API_KEY": "the-secret-itself"}
    ended = run_cli(*line, *image, env=env)
    assert ended.errors == []
    assert ended.rc == 0
    charged = len(fake.charges())
    assert charged > 0
    assert {charge.size for charge in fake.charges()} == {"64x64"}
    assert run_cli(*line, *image, env=env).rc == 0
    assert len(fake.charges()) == charged  # the second run has them already
    texts = [ended.stdout.encode(), ended.stderr.encode(), *(p.read_bytes() for p in ended.found("*") if p.is_file())]
    assert not [text for text in texts if b"the-secret-itself" in text]
