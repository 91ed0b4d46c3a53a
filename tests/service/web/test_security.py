from __future__ import annotations

from pathlib import Path

import pytest

from qmv.service.settings import ServiceSettings
from qmv.service.web.headers import Headers, media_of
from qmv.service.web.routes import ROUTES
from qmv.service.web.security import COOKIE
from tests.service.web.running import Web, running

TOKEN = "a long random text"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OPEN = ["/", "/test-phase3", "/static/nothing", "/openapi.json", "/healthz", "/api/options", "/api/login"]


def test_every_route_but_the_open_ones_wants_the_token(guarded: Web) -> None:
    for route in ROUTES:
        path = route.path.replace("{session_id}", "s").replace("{n}", "1").replace("{index}", "0.jpg")
        path = path.replace("{file}", "nothing")
        answer = guarded.ask(route.method, path)
        is_open = path in OPEN or path == "/api/logout"
        assert (answer.status != 401) == is_open or path == "/api/login", path
        if not is_open:
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert guarded.ask(route.method, path, **BEARER).status != 401
    assert guarded.get("/nothing").status == 401


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN])
def test_a_wrong_token_is_refused(guarded: Web, given: str) -> None:
    answer = guarded.get("/api/sessions", Authorization=given)
    assert answer.status == 401
    assert TOKEN not in answer.detail


def test_a_login_gives_a_cookie_that_is_not_the_token(guarded: Web) -> None:
    answer = guarded.ask("POST", "/api/login", {"token": TOKEN}, Sec_Fetch_Site="same-origin")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert TOKEN not in cookie
    value = cookie.partition(";")[0]
    assert guarded.get("/api/sessions", Cookie=value).status == 200
    assert guarded.get("/api/options").json["needs_token"] is True
    assert guarded.get("/api/options", Cookie=value).json["needs_token"] is False
    until, _, signature = value.removeprefix(f"{COOKIE}=").partition(".")
    for forged in (f"{int(until) + 1}.{signature}", f"1.{signature}", f"{until}.", "x", ".", f"{until}.\u00e9"):
        assert guarded.get("/api/sessions", Cookie=f"{COOKIE}={forged}").status == 401
    out = guarded.ask("POST", "/api/logout", Cookie=value)
    assert "Max-Age=0" in out.headers["set-cookie"]
    secure = guarded.ask("POST", "/api/login", {"token": TOKEN}, Origin=f"https://127.0.0.1:{guarded.port}")
    assert "Secure" in secure.headers["set-cookie"]


def test_tokens_cannot_be_guessed_quickly(tmp_path: Path) -> None:
    with running(tmp_path, token=TOKEN) as web:
        tried = [web.ask("POST", "/api/login", {"token": f"guess {n}"}) for n in range(12)]
        assert [answer.status for answer in tried] == [401] * 10 + [429] * 2
        assert int(tried[-1].headers["retry-after"]) > 0
        statuses = [web.get("/api/sessions", Authorization=f"Bearer {n}").status for n in range(12)]
        assert statuses == [401] * 10 + [429] * 2  # the guesses at the login count, too
        assert web.get("/api/sessions", **BEARER).status == 200  # others at this address go on
        assert TOKEN not in web.logged()


def test_a_login_of_another_form_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, token=TOKEN) as web:  # one whose logins no other test has used up
        for body in ({}, {"token": 1}, {"token": None}, {"token": TOKEN, "more": 1}):
            answer = web.ask("POST", "/api/login", body)
            assert (answer.status, answer.headers.get("set-cookie")) == (400, None)
            assert "token" in answer.detail


def test_starts_and_reads_are_limited_for_each_client(tmp_path: Path) -> None:
    with running(tmp_path, starts_per_minute=2, reads_per_minute=8) as web:
        starts = [web.ask("POST", "/api/phase3/start/x", {}).status for _ in range(3)]
        assert starts == [400, 400, 429]
        assert web.ask("POST", "/api/phase3/retry/x").status == 429  # which queues work, too
        reads = [web.get("/api/sessions", X_Forwarded_For=f"10.0.0.{n}") for n in range(6)]
        assert [answer.status for answer in reads] == [200] * 4 + [429] * 2
        assert 0 < int(reads[-1].headers["retry-after"]) <= 61
        assert "8 per 1 minute" in reads[-1].detail
        assert web.get("/healthz").status == 200


def test_behind_a_proxy_each_client_counts_for_itself(tmp_path: Path) -> None:
    with running(tmp_path, token=TOKEN, reads_per_minute=8, proxies=("127.0.0.0/8", "10.9.0.0/16")) as web:

        def statuses(forwarded: str, count: int = 6) -> list[int]:
            return [web.get("/api/sessions", X_Forwarded_For=forwarded, **BEARER).status for _ in range(count)]

        assert statuses("192.0.2.1", 9) == [200] * 8 + [429]
        assert statuses("192.0.2.2") == [200] * 6
        assert statuses("192.0.2.3, 192.0.2.1") == [429] * 6  # what it says itself is not believed
        assert statuses("192.0.2.1, 10.9.1.1") == [429] * 6  # the next one is a proxy, too
        secure = web.ask("POST", "/api/login", {"token": TOKEN}, X_Forwarded_For="192.0.2.4", X_Forwarded_Proto="https")
        assert "Secure" in secure.headers["set-cookie"]
    with running(tmp_path / "none", token=TOKEN) as web:
        plain = web.ask("POST", "/api/login", {"token": TOKEN}, X_Forwarded_Proto="https")
        assert "Secure" not in plain.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers",
    [{"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": "https://evil.example"},
     {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}],
    ids=str,
)  # fmt: skip
def test_pages_of_other_sites_cannot_send(web: Web, headers: dict[str, str]) -> None:
    web.queue("cross-site")
    for path in ("/api/phase3/start/cross-site", "/api/phase3/cancel/cross-site", "/api/login", "/api/logout"):
        assert web.ask("POST", path, **headers).status == 403
    assert web.get("/api/phase3/status/cross-site", **headers).json["status"] == "queued"
    assert "access-control-allow-origin" not in web.get("/api/sessions", **headers).headers


def test_the_own_page_can_send(web: Web) -> None:
    web.queue("own-site")
    for headers in ({"Sec_Fetch_Site": "same-origin", "Origin": "https://behind.a.proxy"}, {"Sec_Fetch_Site": "none"},
                    {"Origin": f"http://127.0.0.1:{web.port}"}, {}):  # fmt: skip
        assert web.ask("POST", "/api/phase3/cancel/own-site", **headers).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 403), ("evil.example:8000", 403), ("127.0.0.1.evil.example", 403), ("localhost.", 200),
     ("localhost:9", 200), ("[::1]:8000", 200), ("192.168.1.7", 200), ("studio.local", 200), ("qmv", 200)],
)  # fmt: skip
def test_without_a_token_names_of_strangers_are_refused(web: Web, host: str, status: int) -> None:
    assert web.get("/api/sessions", Host=host).status == status


def test_every_answer_has_the_headers_that_browsers_heed(web: Web) -> None:
    for path in ("/", "/api/sessions", "/nothing", "/healthz", "/static/nothing"):
        headers = web.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert headers["cache-control"] in ("no-store", "no-cache")
        assert "server" not in headers


S3 = ("storage=object_store", "storage.url=s3://b/f")
LAN = "storage.options.endpoint=http://192.168.1.7:9000"


@pytest.mark.parametrize(
    ("overrides", "origins"),
    [
        ((), ()),
        (("storage=folder", "storage.path=x"), ()),
        (("storage=gcs", "storage.bucket=b"), ("https://storage.googleapis.com",)),
        (("storage=gcs",), ("https://storage.googleapis.com",)),
        ((*S3, "storage.site=https://cdn.example/x"), ("https://cdn.example",)),
        ((*S3, "storage.options.endpoint=https://a.r2.example", "storage.options.region=auto"), ("https://a.r2.example",)),
        ((*S3, "storage.options={endpoint: https://a.r2.example}"), ("https://a.r2.example",)),
        ((*S3, LAN, "storage.options.allow_http=true"), ("http://192.168.1.7:9000",)),
        ((*S3, LAN, "storage.options.allow_http=true", "storage.site=https://cdn.example", "storage.link=signed"),
         ("http://192.168.1.7:9000",)),
        (("storage=nothing_known",), ()),
    ],
    ids=str,
)  # fmt: skip
def test_the_storage_that_videos_lie_at_may_be_played_from(
    overrides: tuple[str, ...], origins: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STORAGE_EMULATOR_HOST", "API_ENDPOINT_OVERRIDE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert media_of(ServiceSettings(overrides=overrides)) == origins


def test_the_policy_names_the_storage() -> None:
    found: list[tuple[str, str]] = []
    list(Headers(lambda environ, start: start("200 OK", found) or [], ["https://cdn.example"])({}, lambda *_: None))
    assert "media-src 'self' https://cdn.example blob:" in dict(found)["Content-Security-Policy"]
