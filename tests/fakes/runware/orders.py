"""Orders to the fake, by the real SDK and over REST, and what comes of them."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
from PIL import Image

from tests.fakes.runware.process import FakeRunware
from tests.fakes.runware.sdk import connected

__all__ = ["ask", "by_sdk", "code", "get", "looked_up", "opened", "order", "post", "until"]


def order(prompt: str = "a lighthouse", **more: Any) -> dict[str, Any]:
    """An order in the SDK's words, and in the service's but for its taskType."""
    fixed = {"positivePrompt": prompt, "model": "runware:100@1", "width": 256, "height": 128, "seed": 7, "steps": 4}
    return fixed | {"taskUUID": str(uuid.uuid4()), "includeCost": True} | more


async def ask(client: Any, **given: Any) -> Any:
    """The SDK's answer to one order, within 6 s."""
    from runware import IImageInference

    return await asyncio.wait_for(client.imageInference(IImageInference(**given)), 6)


def by_sdk(fake: FakeRunware, *orders: dict[str, Any]) -> list[Any]:
    """The SDK's answers to orders at once on one client; an exception stands for itself."""

    async def run() -> list[Any]:
        async with connected(fake) as client:
            found = await asyncio.gather(*(ask(client, **given) for given in orders), return_exceptions=True)
            return [one if isinstance(one, BaseException) else one[0] for one in found]

    return asyncio.run(run())


def looked_up(fake: FakeRunware, task_uuid: str, within_s: float = 60) -> Any:
    """What getResponse gives a client that did not order the picture."""

    async def run() -> Any:
        async with connected(fake) as client:
            return (await asyncio.wait_for(client.getResponse(task_uuid), within_s))[0]

    return asyncio.run(run())


def post(fake: FakeRunware, *tasks: dict[str, Any], key: str = "test-key", timeout_s: float = 60) -> httpx.Response:
    body = [{"taskType": "imageInference"} | task for task in tasks]
    with httpx.Client(trust_env=False, timeout=timeout_s) as client:
        return client.post(fake.rest_url, json=body, headers={"Authorization": f"Bearer {key}"})


def get(url: str) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=60) as client:
        return client.get(url)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def until(holds: Callable[[], Any]) -> Any:
    """The first true answer, within 60 s."""
    end = time.monotonic() + 60
    while not (found := holds()):
        assert time.monotonic() < end
        threading.Event().wait(0.02)
    return found


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]
