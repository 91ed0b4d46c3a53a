from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings
from qmv.service.web.app import create_app
from tests.service.web.running import Web

EXAMPLES = 25
ROOT = Path(__file__).parents[3]


def test_every_route_is_in_the_document_and_the_other_way_round(tmp_path: Path, web: Web) -> None:
    settings = ServiceSettings(outputs=str(tmp_path))
    board = SqliteBoard(tmp_path / "state.sqlite", settings.limits)
    app = create_app(settings, board)
    board.close()
    served = {
        (method, rule.rule.replace("<path:", "{").replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    document = web.get("/openapi.json").json
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert served == told
    # what applications were promised stands in the guide, whose words nobody makes from a table
    guide = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    promised = set(re.findall(r"`(GET|POST) (/[^`]*)`", guide))
    assert len(promised) > 8
    assert {(method, path.replace("<", "{").replace(">", "}")) for method, path in promised} <= told


def test_answers_have_the_members_that_the_document_tells_and_no_others(web: Web) -> None:
    document = web.get("/openapi.json").json
    claim = web.claimed("members")
    web.board.finish(claim, {"url": "/members/video_1.mp4", "sha256": "ab", "seconds": None, "cost_usd": "0.1",
        "metadata": {"title": "a", "notes": ["b"], "pictures": {"made": 1}, "video": {"fps": "24"}}})  # fmt: skip
    start = "/api/phase3/start/{session_id}"
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("get", "/api/phase3/status/{session_id}", {}), ("get", "/api/phase3/results/{session_id}", {}),
        ("get", "/api/session/{session_id}/complete-status", {}), ("get", "/api/sessions", {}),
        ("get", "/api/options", {}), ("get", "/healthz", {}), ("post", "/api/phase3/cancel/{session_id}", {}),
        ("post", "/api/phase3/retry/{session_id}", {}), ("post", "/api/login", {"token": "x"}),
        ("post", "/api/logout", {}), ("post", start, {}), ("post", start, {"songs": ["x"]}),
        ("post", start, {"songs": ["https://example.com/a.mp3"], "style": "noir"}),
    ]  # fmt: skip
    seen = set()
    for method, path, body in asked:
        answer = web.ask(method.upper(), path.replace("{session_id}", "members"), body if method == "post" else None)
        told = document["paths"][path][method]["responses"][str(answer.status)]
        schema = told["content"][answer.headers["content-type"]]["schema"]
        validator = jsonschema_rs.Draft202012Validator({**closed(schema), "components": closed(document["components"])})
        validator.validate(answer.json)
        seen.add(answer.status)
    assert {200, 400, 409} <= seen


def closed(schema: Any) -> Any:
    """The same, where an object may hold no members but those that are told."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    return (
        {**inner, "additionalProperties": inner.get("additionalProperties", False)} if "properties" in inner else inner
    )


def test_the_settings_of_the_document_are_those_that_are_offered(web: Web) -> None:
    document = web.get("/openapi.json").json
    names = [knob["name"] for knob in web.get("/api/options").json["settings"]]
    assert [*document["components"]["schemas"]["Settings"]["properties"]] == names


@pytest.mark.slow
def test_whatever_is_asked_is_answered_as_the_document_says(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Schemathesis makes requests of the document, good and bad ones."""
    import hypothesis
    import schemathesis
    from schemathesis import GenerationMode, checks

    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    web.queue("spring", "song", "another")
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{web.port}/openapi.json")
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    looked_at = [
        checks.CHECKS.get_one(name)
        for name in ("not_a_server_error", "status_code_conformance", "content_type_conformance",
                     "response_schema_conformance")
    ]  # fmt: skip
    limits = hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/api/phase3/events/{session_id}":
            continue  # a stream has no end to wait for

        @limits
        @hypothesis.given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=looked_at, timeout=20)

        ask()
