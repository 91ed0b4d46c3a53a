"""The fake of the OpenAI images form, asked by a plain HTTP client."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, UnidentifiedImageError

from tests.fakes.openai_images.process import FakeOpenAI, fake_openai_images
from tests.fakes.openai_images.script import ERRORS

KEY = "test-openai-key"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeOpenAI]:
    with fake_openai_images(tmp_path / "openai") as fake:
        yield fake


def asked(fake: FakeOpenAI, key: str = KEY, once: str = "", timeout_s: float = 60.0, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} | ({"Idempotency-Key": once} if once else {})
    whole = {"model": "gpt-image-1", "prompt": "a pier", "size": "64x32"} | body
    return httpx.post(f"{fake.url}/images/generations", json=whole, headers=headers, timeout=timeout_s)


def picture(answer: httpx.Response, place: int = 0) -> bytes:
    data = answer.json()["data"][place]
    return base64.b64decode(data["b64_json"]) if "b64_json" in data else httpx.get(data["url"]).content


@pytest.mark.parametrize("form", ["b64_json", "url"])
@pytest.mark.parametrize(("output", "kind"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_pictures_come_in_the_size_and_form_that_was_asked_for(
    fake: FakeOpenAI, form: str, output: str, kind: str
) -> None:
    answer = asked(fake, response_format=form, output_format=output)
    image = Image.open(io.BytesIO(picture(answer)))
    assert image.size == (64, 32)
    assert image.format == kind
    assert set(answer.json()) == {"created", "data", "usage"}


def test_a_picture_is_a_function_of_prompt_seed_and_size(fake: FakeOpenAI) -> None:
    first = picture(asked(fake, seed=1))
    assert picture(asked(fake, seed=1)) == first
    assert picture(asked(fake, seed=2)) != first
    assert picture(asked(fake, seed=1, prompt="a lake")) != first


def test_several_pictures_of_one_request_differ(fake: FakeOpenAI) -> None:
    answer = asked(fake, n=3)
    assert len({picture(answer, place) for place in range(3)}) == 3
    assert fake.charges()[0].cost == Decimal("0.12")


def test_charges_tell_what_was_ordered(fake: FakeOpenAI) -> None:
    asked(fake, seed=5, once="order-1", quality="high", negative_prompt="text")
    asked(fake, seed=5)
    first, second = fake.charges()
    assert (first.prompt, first.seed, first.size, first.model, first.n) == ("a pier", 5, "64x32", "gpt-image-1", 1)
    assert (first.idempotency_key, first.cost, first.number) == ("order-1", Decimal("0.04"), 0)
    assert (second.idempotency_key, second.number) == ("", 1)
    assert fake.received()[0]["body"]["negative_prompt"] == "text"


def test_the_key_is_in_no_file(fake: FakeOpenAI) -> None:
    asked(fake)
    assert asked(fake, key="wrong-key").status_code == 401
    texts = [path.read_text(encoding="utf-8") for path in fake.folder.iterdir()]
    assert not [text for text in texts if KEY in text or "wrong-key" in text]


def test_charges_outlive_the_process(tmp_path: Path) -> None:
    for number in range(2):
        with fake_openai_images(tmp_path / "openai") as fake:
            asked(fake, seed=1)
        assert [charge.number for charge in fake.charges()] == list(range(number + 1))


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ERRORS)
def test_errors_have_the_form_of_the_service_and_cost_nothing(tmp_path: Path, name: str) -> None:
    with fake_openai_images(tmp_path / "openai", at={"0": name}) as fake:
        answer = asked(fake)
        assert answer.status_code == ERRORS[name][0]
        assert set(answer.json()["error"]) == {"message", "type", "code", "param"}
        assert answer.json()["error"]["code"] == ERRORS[name][2]
        assert fake.charges() == []
        assert asked(fake).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"size": "64"}, "size"),
        ({"size": "9999x64"}, "size"),
        ({"prompt": ""}, "prompt"),
        ({"n": 11}, "n"),
        ({"response_format": "gif"}, "response_format"),
        ({"output_format": "gif"}, "output_format"),
        ({"style": "vivid"}, "style"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(tmp_path: Path, body: dict[str, Any], field: str) -> None:
    with fake_openai_images(tmp_path / "openai", refuses=("style",)) as fake:
        answer = asked(fake, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field


def test_an_unknown_model_is_not_found(tmp_path: Path) -> None:
    with fake_openai_images(tmp_path / "openai", models=("flux",)) as fake:
        assert asked(fake).json()["error"]["code"] == "model_not_found"
        assert asked(fake, model="flux").status_code == 200


def test_one_request_too_many_is_told_when_to_come_back(tmp_path: Path) -> None:
    with fake_openai_images(tmp_path / "openai", max_at_once=2, service_s=0.5, retry_after_s="7") as fake:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda number: asked(fake, seed=number), range(6)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert {answer.headers["Retry-After"] for answer in refused} == {"7"}
        assert len(fake.charges()) == 6 - len(refused)


# -- the same order twice --------------------------------------------------------------------------------------------


def test_an_idempotency_key_that_is_honoured_is_charged_once(tmp_path: Path) -> None:
    with fake_openai_images(tmp_path / "openai", idempotency="honoured", at={"0": "reset"}) as fake:
        with pytest.raises(httpx.TransportError):
            asked(fake, once="order-1")
        again = asked(fake, once="order-1")
        with ThreadPoolExecutor(4) as pool:
            others = list(pool.map(lambda _: picture(asked(fake, once="order-2")), range(4)))
        assert [charge.idempotency_key for charge in fake.charges()] == ["order-1", "order-2"]
        assert picture(asked(fake, once="order-1")) == picture(again)
        assert len(set(others)) == 1


def test_an_idempotency_key_is_honoured_by_the_next_process_too(tmp_path: Path) -> None:
    pictures = []
    for _ in range(2):
        with fake_openai_images(tmp_path / "openai", idempotency="honoured") as fake:
            pictures.append(picture(asked(fake, once="order-1")))
    assert pictures[0] == pictures[1]
    assert len(fake.charges()) == 1


def test_an_idempotency_key_that_is_ignored_is_charged_again(fake: FakeOpenAI) -> None:
    asked(fake, once="order-1")
    asked(fake, once="order-1")
    assert [charge.number for charge in fake.charges()] == [0, 1]


# -- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "charged"), [("reset", 1), ("hang", 1), ("drop", 0)])
def test_connections_break_before_or_after_the_charge(tmp_path: Path, fault: str, charged: int) -> None:
    """A hang is taken for one after half a second."""
    with fake_openai_images(tmp_path / "openai", at={"0": fault}) as fake:
        with pytest.raises(httpx.TransportError):
            asked(fake, timeout_s=0.5)
        assert len(fake.charges()) == charged


@pytest.mark.parametrize("fault", ["corrupt", "truncated"])
@pytest.mark.parametrize("form", ["b64_json", "url"])
def test_bad_bytes_are_charged_and_cannot_be_read(tmp_path: Path, fault: str, form: str) -> None:
    with fake_openai_images(tmp_path / "openai", at={"0": fault}) as fake:
        data = picture(asked(fake, response_format=form))
        assert len(fake.charges()) == 1
    with pytest.raises((UnidentifiedImageError, OSError, SyntaxError)):
        Image.open(io.BytesIO(data)).load()


def test_a_picture_can_have_the_wrong_size_or_nothing_on_it(tmp_path: Path) -> None:
    with fake_openai_images(tmp_path / "openai", at={"0": "wrong_size", "1": "blank"}) as fake:
        halved, blank = (Image.open(io.BytesIO(picture(asked(fake)))) for _ in range(2))
    assert halved.size == (32, 16)
    assert blank.getcolors() == [(64 * 32, (0, 0, 0))]


def test_an_address_can_lead_nowhere(tmp_path: Path) -> None:
    with fake_openai_images(tmp_path / "openai", at={"0": "url_404"}, response_format="url") as fake:
        assert httpx.get(asked(fake).json()["data"][0]["url"]).status_code == 404


def test_answers_without_a_picture_cost_nothing(tmp_path: Path) -> None:
    with fake_openai_images(tmp_path / "openai", at={"0": "empty", "1": "html"}) as fake:
        assert asked(fake).json()["data"] == []
        assert asked(fake).headers["Content-Type"] == "text/html"
        assert fake.charges() == []


def test_faults_come_by_prompt_in_the_order_that_is_given(tmp_path: Path) -> None:
    with fake_openai_images(tmp_path / "openai", by_prompt={"lake": ["http_503", ""]}) as fake:
        assert [asked(fake, prompt="a lake").status_code for _ in range(2)] == [503, 200]
        assert asked(fake).status_code == 200


def test_faults_by_chance_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    runs = []
    for name in "ab":
        with fake_openai_images(tmp_path / name, seed=3, faults={"http_500": 0.4}, service_s=0) as fake:
            runs.append([asked(fake, prompt=f"pier {number}").status_code for number in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_a_fault_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="snow"), fake_openai_images(tmp_path / "openai", at={"0": "snow"}):
        pass
