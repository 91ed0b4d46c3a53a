"""What the fake answers and refuses, asked by the real SDK and over REST."""

from __future__ import annotations

import asyncio
import base64
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.fakes.runware.orders import ask, by_sdk, code, get, looked_up, opened, order, post
from tests.fakes.runware.process import FakeRunware
from tests.fakes.runware.sdk import connected


def test_a_picture_comes_by_address_and_is_charged_once(sdk: Any, fake: FakeRunware) -> None:
    given = order()
    [image] = by_sdk(fake, given)
    picture = opened(get(image.imageURL).content)
    assert (picture.size, picture.format, image.seed) == ((256, 128), "JPEG", 7)
    assert np.std(np.asarray(picture)) > 20  # of 255; a plain picture has 0
    [charge] = fake.ledger()
    assert (charge.task_uuid, charge.cost, charge.number, charge.seed) == (given["taskUUID"], Decimal("0.0006"), 0, 7)
    assert (charge.width_px, charge.height_px, charge.steps) == (256, 128, 4)
    assert image.cost == pytest.approx(0.0006, abs=1e-9)
    [received] = fake.received()
    assert (received["taskUUID"], received["via"], received["socket"]) == (given["taskUUID"], "ws", 1)


def test_a_picture_comes_in_the_message_the_same_for_the_same_order(sdk: Any, fake: FakeRunware) -> None:
    inside: dict[str, Any] = {"outputType": "base64Data", "outputFormat": "PNG"}
    first, again, other = by_sdk(fake, order(**inside), order(**inside), order(**inside | {"seed": 8}))
    assert first.imageURL is None
    assert opened(base64.b64decode(first.imageBase64Data)).size == (256, 128)
    assert first.imageBase64Data == again.imageBase64Data != other.imageBase64Data


def test_rest_gives_every_form_and_several_results(fake: FakeRunware) -> None:
    forms = ["URL", "base64Data", "dataURI"]
    data = post(fake, order(numberResults=2, outputType=forms, outputFormat="WEBP")).json()["data"]
    assert [result["seed"] for result in data] == [7, 8]
    coded = data[0]["imageBase64Data"]
    assert data[0]["imageDataURI"] == f"data:image/webp;base64,{coded}"
    assert get(data[0]["imageURL"]).content == base64.b64decode(coded)
    assert [(charge.number, charge.result) for charge in fake.ledger()] == [(0, 0), (0, 1)]


def test_a_picture_is_uploaded_and_used(sdk: Any, fake: FakeRunware, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (9, 8, 7)).save(tmp_path / "seed.png")

    async def run() -> Any:
        async with connected(fake) as client:
            uploaded = await asyncio.wait_for(client.uploadImage(str(tmp_path / "seed.png")), 5)
            await ask(client, **order(seedImage=uploaded.imageUUID))
            return uploaded

    uploaded = asyncio.run(run())
    assert get(uploaded.imageURL).content == (tmp_path / "seed.png").read_bytes()
    assert fake.received()[-1]["request"]["seedImage"] == uploaded.imageUUID


def test_asynchronous_delivery_is_fetched_by_lookup(sdk: Any, fake: FakeRunware) -> None:
    given = order(deliveryMethod="async")
    assert post(fake, given).json() == {"data": [{"taskType": "imageInference", "taskUUID": given["taskUUID"]}]}
    assert looked_up(fake, given["taskUUID"]).seed == 7


def test_nsfw_is_told_when_asked_for(fake: FakeRunware) -> None:
    fake.tell(by_prompt={"bare": "nsfw"})
    asked: dict[str, Any] = {"safety": {"checkContent": True}}
    answers = [post(fake, given).json()["data"][0] for given in (order("bare", **asked), order(**asked), order("bare"))]
    assert [answer.get("NSFWContent") for answer in answers] == [True, False, None]


def test_a_wrong_key_is_refused_and_written_nowhere(sdk: Any, fake: FakeRunware) -> None:
    async def run() -> bool:
        async with connected(fake, key="wrong-secret") as client:
            return bool(client.isAuthenticated())

    assert asyncio.run(run()) is False
    assert code(post(fake, order(), key="wrong-secret")) == (401, "invalidApiKey")
    assert fake.stats()["auth_refused"] == 1
    written = b"".join(path.read_bytes() for path in fake.folder.iterdir())
    assert b"wrong-secret" not in written
    assert b"test-key" not in written


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"width": 250}, "invalidWidth"),
        ({"height": 64}, "invalidHeight"),
        ({"positivePrompt": "a"}, "invalidPositivePrompt"),
        ({"positivePrompt": "a" * 3001}, "invalidPositivePrompt"),
        ({"steps": 0}, "invalidSteps"),
        ({"CFGScale": 51}, "invalidCFGScale"),
        ({"seed": 0}, "invalidSeed"),
        ({"numberResults": 21}, "invalidNumberResults"),
        ({"model": "schnell"}, "invalidModel"),
        ({"taskUUID": "7"}, "invalidTaskUUID"),
        ({"outputFormat": "GIF"}, "invalidOutputFormat"),
        ({"outputType": "file"}, "invalidOutputType"),
    ],
)
def test_a_wrong_task_is_refused(fake: FakeRunware, wrong: dict[str, Any], expected: str) -> None:
    assert code(post(fake, order(**wrong))) == (400, expected)
    assert fake.ledger() == []


def test_an_unknown_model_and_an_unknown_task_are_not_found(fake: FakeRunware) -> None:
    fake.tell(models=["runware:101@1"])
    assert code(post(fake, order())) == (404, "modelNotFound")
    asked = {"taskType": "getResponse", "taskUUID": str(uuid.uuid4())}
    assert code(post(fake, asked)) == (404, "taskNotFound")


def test_credits_come_to_an_end(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(credits="0.0014")
    found = by_sdk(fake, *(order(f"house {number}") for number in range(4)))
    assert sorted(getattr(one, "code", "") for one in found) == ["", "", "insufficientCredits", "insufficientCredits"]
    assert len(fake.ledger()) == 2
    fake.tell(credits_error_has_task_uuid=False)
    assert "taskUUID" not in post(fake, order()).json()["errors"][0]


def test_too_many_at_once_are_refused(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(max_at_once=2, service_s=0.3)
    found = by_sdk(fake, *(order(f"house {number}") for number in range(5)))
    assert sum(getattr(one, "code", "") == "rateLimitExceeded" for one in found) == 3
    assert fake.stats()["most_at_once"] == 2


def test_a_task_sent_again_conflicts_or_is_charged_again(fake: FakeRunware) -> None:
    given = order()
    assert post(fake, given).status_code == 200
    assert code(post(fake, given)) == (400, "conflictTaskUUID")
    fake.tell(duplicates="rerun")
    assert post(fake, given).status_code == 200
    assert [charge.number for charge in fake.ledger()] == [0, 1]
