"""The fake itself: POST /v1beta/models/MODEL:generateContent, as far as a writer of storyboards sees of it."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.fakes.gemini.script import ANSWERS, CONNECTIONS, ERRORS, REASONS, Script, error
from tests.fakes.gemini.storyboard import text_of
from tests.fakes.serving import Answering, append

__all__ = ["handler"]

_PATH = re.compile(r"/v1(?:beta)?/models/([\w.-]+):generateContent")
_BODY = {"contents", "systemInstruction", "generationConfig", "safetySettings", "tools", "toolConfig", "store"}
_CONFIG = {
    "candidateCount", "maxOutputTokens", "responseJsonSchema", "responseMimeType", "responseSchema", "seed",
    "temperature", "thinkingConfig", "topK", "topP",
}  # fmt: skip
_MOST_TOKENS = 65_536


def handler(folder: Path, script: dict[str, Any]) -> type[Answering]:
    """The connections of one fake."""

    class Handler(_Handler):
        received = folder / "received.jsonl"
        told = Script(**script)
        calls = itertools.count()

    return Handler


class _Handler(Answering):
    received: ClassVar[Path]
    told: ClassVar[Script]
    calls: ClassVar[itertools.count[int]]

    def do_POST(self) -> None:
        raw, address = self.sent(), urlsplit(self.path)
        with self.lock:
            fault = self.told.fault(next(self.calls))
            by_query = parse_qs(address.query).get("key", [""])[0]
            key = self.headers.get("x-goog-api-key", "") or by_query
            body = _read(raw)
            how = "query" if by_query else "header" if key else ""
            append(self.received, {"path": address.path, "key_by": how, "fault": fault, "body": body})
        model = match[1] if (match := _PATH.fullmatch(address.path)) else ""
        if refused := self._refused(key, model, body):
            self.json(refused[1], refused[0])
        elif fault in CONNECTIONS:
            self._break(fault, body)
        elif fault in ERRORS:
            code, found = error(fault, self.told, model)
            self.json(found, code)
        else:
            self.json(_answer(body, model, fault))

    def _refused(self, key: str, model: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        if not key:
            message = "Method doesn't allow unregistered callers."
            return 403, {"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}}
        if key != self.told.key:
            return error("bad_key", self.told, model)
        known = model in self.told.models if self.told.models else model.startswith("gemini-")
        if not known:
            return error("no_model", self.told, model)
        if wrong := _wrong(body):
            return 400, {"error": {"code": 400, "message": wrong, "status": "INVALID_ARGUMENT"}}
        return None

    def _break(self, fault: str, body: dict[str, Any]) -> None:
        page = b"<!doctype html><html><title>Error 502 (Server Error)!!1</title></html>"
        if fault == "hang":
            self.hang()
        elif fault == "reset":
            self.reset()
        elif fault == "reset_mid":
            self.reply(json.dumps(_answer(body, "", "")).encode(), kind="application/json", cut=True)
        else:
            self.reply(page, 502 if fault == "html_502" else 200)


def _read(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _wrong(body: dict[str, Any]) -> str:
    """What the service has against a request; '' for nothing."""
    config, turns = body.get("generationConfig", {}), body.get("contents", [])
    if unknown := [*(set(body) - _BODY), *(set(config) - _CONFIG)]:
        return f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
    if not turns:
        return "* GenerateContentRequest.contents: contents is not specified"
    if turns[-1].get("role", "user") == "model":
        return "Requests ending with a model turn are not supported."
    if "responseJsonSchema" in config and config.get("responseMimeType") != "application/json":
        return "Forced function calling or JSON schema is only supported with response_mime_type application/json."
    if "maxItems" in json.dumps(config.get("responseJsonSchema", {})):
        return "Request contains an invalid argument."  # what it says of a bound on a list of objects
    if {"temperature", "topP", "topK"} & set(config) and not 0 <= config.get("temperature", 1) <= 2:
        return "temperature must be in the range [0.0, 2.0]."
    if not 1 <= config.get("maxOutputTokens", 1) <= _MOST_TOKENS:
        return f"The maximum output tokens must be from 1 to {_MOST_TOKENS}."
    return ""


def _answer(body: dict[str, Any], model: str, fault: str) -> dict[str, Any]:
    usage = {"promptTokenCount": 900, "candidatesTokenCount": 800, "totalTokenCount": 1700}
    whole: dict[str, Any] = {"usageMetadata": usage, "modelVersion": model, "responseId": "fake"}
    if fault == "blocked":
        return whole | {"promptFeedback": {"blockReason": REASONS[fault]}}
    if fault == "no_candidates":
        return whole
    candidate: dict[str, Any] = {"finishReason": REASONS.get(fault, "STOP"), "index": 0}
    if fault not in {"safety", "recitation"}:
        text = text_of(body, fault if fault in (*ANSWERS, "max_tokens") else "")
        candidate["content"] = {"parts": [{"text": text}], "role": "model"}
    return whole | {"candidates": [candidate]}
