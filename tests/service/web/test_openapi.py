from __future__ import annotations

import os
from pathlib import Path

import pytest

from qmv.service.queue.sqlite_board import SqliteBoard
from qmv.service.settings import ServiceSettings
from qmv.service.web.app import create_app
from qmv.service.web.routes import ROUTES
from tests.service.web.running import Web

EXAMPLES = 25


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
    assert served == told == {(route.method, route.path) for route in ROUTES}


def test_the_document_tells_every_status_and_the_settings_that_are_checked(web: Web) -> None:
    document = web.get("/openapi.json").json
    for methods in document["paths"].values():
        for operation in methods.values():
            assert {"429", "500", "403"} <= {*operation["responses"]}
    assert {"202", "200", "400", "401", "408", "409", "413", "415", "422", "429", "503"} <= {
        *document["paths"]["/api/phase3/start/{session_id}"]["post"]["responses"]
    }
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
