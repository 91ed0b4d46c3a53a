"""How the fake breaks by script, what the real SDK makes of it, and what it costs."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import UnidentifiedImageError

from tests.fakes.runware.orders import ask, by_sdk, code, get, looked_up, opened, order, post, until
from tests.fakes.runware.process import FakeRunware
from tests.fakes.runware.script import FAULTS, Script
from tests.fakes.runware.sdk import connected


@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        ("rate_limit", 429, "rateLimitExceeded"),
        ("timeout_provider", 504, "timeoutProvider"),
        ("internal_error", 500, "internalServerError"),
        ("content", 400, "contentPolicyViolation"),
        ("unsupported", 400, "unsupportedParameter"),
    ],
)
def test_errors_come_by_script_and_cost_nothing(
    sdk: Any, fake: FakeRunware, fault: str, status: int, expected: str
) -> None:
    fake.tell(by_prompt={"house": [fault, fault]})
    [found] = by_sdk(fake, order())
    assert found.code == expected
    assert code(post(fake, order())) == (status, expected)
    assert fake.ledger() == []
    assert post(fake, order()).status_code == 200  # the third of this prompt


def test_an_error_without_a_uuid_reaches_no_caller(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(at={"0": "error_without_uuid"})
    [found] = by_sdk(fake, order())
    assert "Timeout waiting for image inference" in str(found)
    assert fake.ledger() == []


@pytest.mark.parametrize("fault", ["drop_abrupt", "drop_1012"])
def test_a_dropped_picture_is_charged_and_found_by_another_client(sdk: Any, fake: FakeRunware, fault: str) -> None:
    fake.tell(at={"0": fault})
    given = order()
    [lost] = by_sdk(fake, given)
    assert isinstance(lost, ConnectionError)
    until(fake.ledger)
    found = looked_up(fake, given["taskUUID"])
    assert opened(get(found.imageURL).content).size == (256, 128)
    assert [charge.task_uuid for charge in fake.ledger()] == [given["taskUUID"]]


def test_a_clean_close_is_charged_and_the_sdk_waits_in_vain(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(at={"0": "drop_clean"})
    given = order()
    [lost] = by_sdk(fake, given)
    assert "Timeout waiting for image inference" in str(lost)
    assert looked_up(fake, given["taskUUID"]).seed == 7
    assert len(fake.ledger()) == 1


@pytest.mark.parametrize("fault", ["drop_before", "silent_lost"])
def test_a_task_that_never_arrived_is_unknown_and_free(sdk: Any, fake: FakeRunware, fault: str) -> None:
    fake.tell(at={"0": fault})
    given = order()
    [lost] = by_sdk(fake, given)
    assert isinstance(lost, Exception)
    with pytest.raises(sdk.RunwareAPIError) as unknown:
        looked_up(fake, given["taskUUID"])
    assert unknown.value.code == "taskNotFound"
    assert fake.ledger() == []
    assert len(fake.received()) == 2


def test_a_silent_task_is_found_by_lookup_unless_that_fails_too(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(at={"0": "silent"})
    given = order()
    [lost] = by_sdk(fake, given)
    assert "Timeout waiting for image inference" in str(lost)
    assert looked_up(fake, given["taskUUID"]).taskUUID == given["taskUUID"]
    fake.tell(lookup="unknown")
    with pytest.raises(sdk.RunwareAPIError):
        looked_up(fake, given["taskUUID"])
    fake.tell(lookup="never")
    with pytest.raises(TimeoutError):
        looked_up(fake, given["taskUUID"], within_s=0.5)
    assert len(fake.ledger()) == 1


def test_a_frozen_link_stays_open_and_answers_nothing(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(by_prompt={"ice": "freeze"})

    async def run() -> tuple[list[Any], bool]:
        async with connected(fake) as client:
            orders = [ask(client, **order(prompt)) for prompt in ("ice", "fire")]
            lost = await asyncio.gather(*orders, return_exceptions=True)
            pings = client._ws.ping()  # of the WebSocket itself
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(await pings, 0.3)
            return lost, client.connected()

    lost, still_open = asyncio.run(run())
    assert all("Timeout" in str(one) for one in lost)
    assert still_open
    assert [charge.prompt for charge in fake.ledger()][:1] == ["ice"]


def test_a_result_comes_twice_and_is_charged_once(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(at={"0": "result_twice"})
    [image] = by_sdk(fake, order())
    assert image.seed == 7
    assert len(fake.ledger()) == 1
    assert len(post(fake, order()).json()["data"]) == 1


def delivered(result: dict[str, Any]) -> bytes | None:
    if result.get("imageURL"):
        return get(result["imageURL"]).content
    coded = result.get("imageBase64Data", result.get("imageDataURI"))
    return None if coded is None else base64.b64decode(coded.rpartition(",")[2])


def bad(fault: str, data: bytes | None) -> bool:
    """Whether the delivered file has the fault."""
    if fault == "missing" or data is None:
        return data is None and fault == "missing"
    if fault in ("corrupt", "html", "empty", "truncated"):
        with pytest.raises((UnidentifiedImageError, OSError)):
            opened(data)
        return True
    picture = opened(data)
    return picture.size == (128, 64) if fault == "wrong_size" else float(np.std(np.asarray(picture))) < 1


@pytest.mark.parametrize("fault", ["corrupt", "truncated", "html", "empty", "wrong_size", "blank", "missing"])
@pytest.mark.parametrize("form", ["URL", "base64Data", "dataURI"])
def test_a_bad_picture_is_charged_and_comes_as_a_success(fake: FakeRunware, fault: str, form: str) -> None:
    fake.tell(at={"0": fault})
    [result] = post(fake, order(outputType=form)).json()["data"]
    assert bad(fault, delivered(result))
    assert len(fake.ledger()) == 1


def test_addresses_fail_by_script(fake: FakeRunware) -> None:
    fake.tell(slow_s=0.2, by_prompt={fault: fault for fault in FAULTS if fault.startswith("http_")})
    url = {
        fault: post(fake, order(fault)).json()["data"][0]["imageURL"]
        for fault in ("http_404", "http_500", "http_500_once", "http_slow", "http_reset")
    }
    assert [get(url["http_404"]).status_code for _ in range(2)] == [404, 404]
    assert [get(url["http_500"]).status_code for _ in range(2)] == [500, 500]
    assert [get(url["http_500_once"]).status_code for _ in range(2)] == [500, 200]
    assert opened(get(url["http_slow"]).content).size == (256, 128)
    with pytest.raises(httpx.TransportError):
        get(url["http_reset"])
    assert fake.stats()["images_fetched"] == 8


@pytest.mark.parametrize("fault", ["drop_abrupt", "drop_clean", "drop_before", "silent", "silent_lost", "freeze"])
def test_rest_loses_answers_too(fake: FakeRunware, fault: str) -> None:
    fake.tell(at={"0": fault})
    given = order()
    with pytest.raises(httpx.TransportError):
        post(fake, given, timeout_s=0.5)
    if fault in ("drop_before", "silent_lost"):
        assert code(post(fake, {"taskType": "getResponse", "taskUUID": given["taskUUID"]})) == (404, "taskNotFound")
    else:
        until(fake.ledger)
        asked = {"taskType": "getResponse", "taskUUID": given["taskUUID"]}
        assert post(fake, asked).json()["data"][0]["status"] == "success"


def test_rest_is_unavailable_while_the_task_goes_on(fake: FakeRunware) -> None:
    fake.tell(at={"0": "drop_1012"})
    assert post(fake, order()).status_code == 503
    assert len(until(fake.ledger)) == 1


def test_a_task_in_work_is_processing(fake: FakeRunware) -> None:
    fake.tell(service_s=30)
    given = order(deliveryMethod="async")
    post(fake, given)
    asked = {"taskType": "getResponse", "taskUUID": given["taskUUID"]}
    assert post(fake, asked).json()["data"][0]["status"] == "processing"


def test_faults_by_chance_hang_on_prompt_and_seed_alone() -> None:
    script = Script(seed=3, faults={"silent": 0.25, "drop_abrupt": 0.25})
    drawn = [script.fault(0, f"prompt {number}", 0) for number in range(2000)]
    assert drawn == [script.fault(number, f"prompt {number}", 0) for number in range(2000)]
    for name, share in {"silent": 0.25, "drop_abrupt": 0.25, "": 0.5}.items():
        assert drawn.count(name) / 2000 == pytest.approx(share, abs=0.05)  # five standard deviations
    assert drawn != [script.fault(0, f"prompt {number}", 1) for number in range(2000)]


def test_a_script_with_an_unknown_name_is_refused(fake: FakeRunware) -> None:
    with pytest.raises(ValueError, match="no such fault: explode"):
        fake.tell(at={"0": "explode"})
    with pytest.raises(ValueError, match="no such field: colour"):
        fake.tell(colour="red")
