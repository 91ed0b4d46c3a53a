"""The fake itself: POST /v1/images/generations, and GET of the addresses that it answers with."""

from __future__ import annotations

import base64
import itertools
import json
import re
import time
from pathlib import Path
from typing import Any, ClassVar

from tests.fakes.openai_images.account import Account
from tests.fakes.openai_images.script import AFTER, ERRORS, PIXELS, Script, error
from tests.fakes.runware.pictures import MIME, Picture
from tests.fakes.serving import Answering

__all__ = ["handler"]

_PATH = "/v1/images/generations"
_FORMATS = {"png": "PNG", "jpeg": "JPG", "webp": "WEBP"}
_HTML = b"<!doctype html><html><head><title>Welcome</title></head><body>Please log in.</body></html>"


def handler(folder: Path, script: dict[str, Any]) -> type[Answering]:
    """The connections of one fake."""

    class Handler(_Handler):
        told = Script(**script)
        account = Account(folder, told)
        files: ClassVar[dict[str, Picture]] = {}
        numbers = itertools.count()

    return Handler


class _Handler(Answering):
    told: ClassVar[Script]
    account: ClassVar[Account]
    files: ClassVar[dict[str, Picture]]
    numbers: ClassVar[itertools.count[int]]

    def do_GET(self) -> None:
        picture = self.files.get(self.path.rpartition("/")[2])
        if picture is None or picture.fault == "url_404":
            self.reply(b"<Error><Code>BlobNotFound</Code></Error>", 404, "application/xml")
        else:
            self.reply(picture.data(), kind=MIME[picture.format])

    def do_POST(self) -> None:
        body, key = _read(self.sent()), self.headers.get("Idempotency-Key", "")
        authorized = self.headers.get("Authorization", "") == f"Bearer {self.told.key}"
        self.account.receive(
            {"path": self.path, "authorized": authorized, "idempotency_key": key, "body": body}
        )  # fmt: skip
        if self.path != _PATH:
            self.json(error(f"Invalid URL (POST {self.path})", None), 404)
        elif not authorized:
            self._refuse("bad_key", body)
        elif self.told.models and body.get("model") not in self.told.models:
            self._refuse("model_not_found", body)
        elif wrong := _wrong(body, self.told):
            self.json(error(wrong[1], wrong[2], wrong[0]), 400)
        elif not self.account.enter():
            self._refuse("rate_limit", body)
        else:
            try:
                with self.account.turn(key):
                    self._work(body, key)
            finally:
                self.account.leave()

    def _refuse(self, name: str, body: dict[str, Any]) -> None:
        code, kind, word, message = ERRORS[name]
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        text = message.format(key=given, model=body.get("model", ""))
        more = {"Retry_After": self.told.retry_after_s} if name == "rate_limit" else {}
        self.json(error(text, word, kind=kind), code, **more)

    def _work(self, body: dict[str, Any], key: str) -> None:
        fault = self.account.fault(body["prompt"])
        if fault in ERRORS:
            self._refuse(fault, body)
        elif fault == "drop":
            self.reset()
        elif fault == "html":
            self.reply(_HTML)
        elif fault == "empty":
            self.json({"created": int(time.time()), "data": []})
        else:
            time.sleep(self.told.service_s)
            self._deliver(body, self.account.charge(body, key), fault)

    def _deliver(self, body: dict[str, Any], seed: int, fault: str) -> None:
        if fault == "hang":
            self.hang()
        wanted = body.get("response_format", self.told.response_format)
        pictures = [self._picture(body, seed + place, fault) for place in range(body.get("n", 1))]
        if wanted == "url":
            self.files.update((picture.name, picture) for picture in pictures)
            data = [{"url": f"http://{self.headers['Host']}/files/{picture.name}"} for picture in pictures]
        else:
            data = [{"b64_json": base64.b64encode(picture.data()).decode()} for picture in pictures]
        usage = {"input_tokens": 20, "output_tokens": 1000 * len(pictures), "total_tokens": 20 + 1000 * len(pictures)}
        answer = json.dumps({"created": int(time.time()), "data": data, "usage": usage}).encode()
        self.reply(answer, kind="application/json", cut=fault in AFTER)

    def _picture(self, body: dict[str, Any], seed: int, fault: str) -> Picture:
        width_px, height_px = _size(body.get("size", "auto")) or (1024, 1024)
        return Picture(
            uuid=f"img-{next(self.numbers)}",
            prompt=body["prompt"],
            seed=seed,
            width_px=width_px,
            height_px=height_px,
            format=_FORMATS[body.get("output_format", "png")],
            fault=fault if fault in PIXELS else "",
        )


def _read(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _size(size: str) -> tuple[int, int] | None:
    """Width and height in pixels; None where the service chooses."""
    match = re.fullmatch(r"(\d+)x(\d+)", size)
    return (int(match[1]), int(match[2])) if match else None


def _wrong(body: dict[str, Any], told: Script) -> tuple[str, str, str] | None:
    """(field, message, code) of what the service has against a request."""
    for name in told.refuses:
        if name in body:
            return name, f"Unknown parameter: '{name}'.", "unknown_parameter"
    prompt, count, size = body.get("prompt"), body.get("n", 1), body.get("size", "auto")
    if not isinstance(body.get("model"), str):
        return "model", "you must provide a model parameter", "missing_required_parameter"
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= 32_000:
        return "prompt", "Invalid 'prompt': it must have 1 to 32000 characters.", "invalid_value"
    if not isinstance(count, int) or not 1 <= count <= 10:
        return "n", "Invalid 'n': it must be from 1 to 10.", "integer_out_of_range"
    sides = _size(size) if isinstance(size, str) else None
    if size != "auto" and (sides is None or not all(16 <= side <= 4096 for side in sides)):
        return "size", f"Invalid size '{size}'.", "invalid_value"
    if body.get("response_format", "url") not in {"url", "b64_json"}:
        return "response_format", "Invalid value: 'response_format' must be url or b64_json.", "invalid_value"
    if body.get("output_format", "png") not in _FORMATS:
        return "output_format", f"Invalid value: 'output_format' must be of {', '.join(_FORMATS)}.", "invalid_value"
    return None
