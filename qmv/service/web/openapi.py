"""The OpenAPI 3.1 document: the table of routes, and the schemas of what goes over them."""

from __future__ import annotations

from typing import Any

from qmv import __version__
from qmv.service.intake.offer import Offer
from qmv.service.settings import ServiceSettings
from qmv.service.web import schemas
from qmv.service.web.problems import TYPE
from qmv.service.web.routes import ROUTES, Route

__all__ = ["document"]

_ALWAYS = (429, 500)
_TITLES = {
    200: "Here it is", 202: "Queued", 206: "A part of it", 304: "Not changed", 400: "Something is not allowed",
    401: "The token is missing or wrong", 403: "From another site, or under another host's name",
    404: "Not known here", 408: "Sent too slowly", 409: "The session has other videos", 413: "Too large",
    415: "A kind of body that is not read here", 416: "No such part", 422: "The key stands for another request",
    429: "Too often", 500: "A fault of the service", 503: "Cannot be done now",
}  # fmt: skip


def document(offer: Offer, settings: ServiceSettings) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "QMV", "version": __version__,
            "description": "Music videos from songs. Every refusal is one sentence, which says what to do.",
        },
        "tags": [{"name": name} for name in ("sessions", "service", "files", "page")],
        "paths": paths,
        "components": {
            "schemas": schemas.schemas(offer, settings),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "qmv_login"},
            },
            "responses": {"Problem": {"description": "One sentence", "content": {TYPE: {"schema": _ref("Problem")}}}},
        },
    }  # fmt: skip


def _operation(route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": schemas.operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "security": [{"bearer": []}, {"cookie": []}, {}] if route.needs_token else [{}],
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.body:
        content = {kind: _content(name) for kind, name in route.body.items()}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _parameters(route: Route) -> list[dict[str, Any]]:
    return [
        *({"name": name, "in": "path", "required": True, **schemas.PARAMETERS[name]} for name in route.parameters),
        *({"name": name, "in": "query", **schemas.PARAMETERS[name]} for name in route.query),
        *({"name": name, "in": "header", **schemas.PARAMETERS[name]} for name in route.headers),
    ]


def _responses(route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for status, (kind, name) in route.answers.items():
        content = {"content": {kind: _content(name)}} if kind else {}
        if status != 304 and not kind:
            content = {"content": {"*/*": {}}}
        told[str(status)] = {"description": _TITLES[status], **content}
    problems = {*route.problems, *_ALWAYS, 403, *((401,) if route.needs_token else ())}
    for status in sorted(problems):
        told[str(status)] = {"description": _TITLES[status], "content": {TYPE: {"schema": _ref("Problem")}}}
    return told


def _content(name: str) -> dict[str, Any]:
    if not name:
        return {}
    example = schemas.EXAMPLES.get(name)
    return {"schema": _ref(name), **({"example": example} if example is not None else {})}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
