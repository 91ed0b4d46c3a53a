from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.service.web.running import Web, form, running

SONG = "https://example.com/songs/first.mp3"


def start(web: Web, session: str, key: str = "", **asked: Any) -> Any:
    headers = {"Idempotency_Key": key} if key else {}
    return web.ask("POST", f"/api/phase3/start/{session}", {"songs": [SONG], **asked}, **headers)


def test_a_start_is_queued_once_and_told_again(web: Web) -> None:
    first, again = start(web, "once"), start(web, "once")
    assert (first.status, again.status) == (202, 200)
    assert first.json == again.json
    assert first.json["status"] == "queued"
    assert first.headers["location"] == "/api/phase3/status/once"
    assert [video["title"] for video in first.json["videos"]] == ["first"]


def test_a_session_with_other_videos_is_refused(web: Web) -> None:
    start(web, "other")
    refused = start(web, "other", style="noir")
    assert refused.status == 409
    assert refused.detail


def test_a_key_stands_for_one_request(web: Web) -> None:
    assert start(web, "key-1", key="k1").status == 202
    assert start(web, "key-1", key="k1").status == 200
    assert start(web, "key-1", key="k1", style="noir").status == 422


def test_a_full_queue_says_when_to_come_again(tmp_path: Path) -> None:
    with running(tmp_path, open=1) as web:
        start(web, "fits")
        refused = start(web, "too-much")
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0


def test_an_uploaded_song_is_looked_at_and_queued(web: Web, song: Path) -> None:
    sent = form(("songs", "my song.wav", song.read_bytes()), ("style", None, b"noir"),
        ("settings", None, b'{"quality": "draft"}'), ("priority", None, b"7"))  # fmt: skip
    answer = web.ask("POST", "/api/phase3/start/upload", **sent)
    assert answer.status == 202, answer.body
    claim = web.board.session("upload")
    assert claim is not None
    assert [video.title for video in claim.videos] == ["my song"]
    assert claim.videos[0].style == "noir"


def test_a_file_that_is_no_song_is_refused_in_a_sentence(web: Web) -> None:
    answer = web.ask("POST", "/api/phase3/start/nosong", **form(("songs", "a.mp3", b"<html>no</html>" * 100)))
    assert answer.status == 400
    assert answer.detail.startswith("song (a): ")
    assert answer.json["field"] == "songs"
    assert str(web.outputs) not in answer.detail
    assert web.board.session("nosong") is None
    assert "Traceback" not in web.logged()


def test_a_song_that_is_too_large_is_refused(web: Web) -> None:
    answer = web.ask("POST", "/api/phase3/start/large", **form(("songs", "a.wav", bytes(1_100_000))))
    assert (answer.status, answer.json["field"]) == (413, "songs")
    assert "1 MB" in answer.detail


@pytest.mark.parametrize(
    "asked",
    [
        {"songs": []}, {"songs": 1}, {"songs": [None]}, {"songs": {"a": 1}}, {"songs": [SONG] * 4}, {"songs": "x"},
        {"songs": ["http://example.com/a.mp3"]}, {"songs": ["file:///etc/passwd"]}, {"songs": ["/etc/passwd"]},
        {"songs": ["https://127.0.0.1/a.mp3"]}, {"songs": [SONG], "style": "nostyle"}, {"songs": [SONG], "style": 1},
        {"songs": [SONG], "style": ["neon"]}, {"songs": [SONG], "settings": []}, {"songs": [SONG], "settings": "{}"},
        {"songs": [SONG], "settings": {"quality": "nope"}}, {"songs": [SONG], "settings": {"outputs": "/"}},
        {"songs": [SONG], "settings": {"seed": 1e400}}, {"songs": [SONG], "priority": 10},
        {"songs": [SONG], "priority": True}, {"songs": [SONG], "priority": {}}, {"songs": [SONG], "more": 1},
        {"songs": ["https://example.com/\ud800.mp3"]},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_allowed_is_refused_in_a_sentence(web: Web, asked: dict[str, Any]) -> None:
    answer = web.ask("POST", "/api/phase3/start/wrong", asked)
    assert answer.status == 400
    assert answer.detail.endswith(".")
    assert web.board.session("wrong") is None


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"songs": [SONG], "style": "nostyle"}, "style"),
        ({"songs": [SONG], "settings": {"seed": -1}}, "settings.seed"),
        ({"songs": [SONG], "settings": {"sead": 1}}, "settings"), ({"songs": [SONG], "settings": []}, "settings"),
        ({"songs": [SONG], "priority": 10}, "priority"), ({"songs": []}, "songs"), ({"songs": ["x"]}, "songs"),
        ({"songs": [SONG], "more": 1}, None),
    ],
    ids=repr,
)  # fmt: skip
def test_a_refusal_names_what_it_is_about(web: Web, asked: dict[str, Any], field: str | None) -> None:
    assert web.ask("POST", "/api/phase3/start/wrong", asked).json.get("field") == field
    assert web.ask("POST", "/api/phase3/start/-", asked).json["field"] == "session_id"


# -- the files of uploads --------------------------------------------------------------------------------------------


def upload(web: Web, session: str, *songs: bytes, style: str = "neon", **headers: str) -> Any:
    parts = [("songs", f"{n}.wav", song) for n, song in enumerate(songs)]
    return web.ask("POST", f"/api/phase3/start/{session}", **form(*parts, ("style", None, style.encode())), **headers)


def kept(web: Web, session: str) -> int:
    folder = web.outputs / "service" / "uploads" / session
    return len([*folder.iterdir()]) if folder.exists() else 0


def test_uploads_of_a_refused_start_are_removed_and_those_of_a_session_stay(web: Web, song: Path) -> None:
    first, other = song.read_bytes(), song.read_bytes() + b"\0\0"
    assert upload(web, "keeps", first).status == 202
    assert kept(web, "keeps") == 1
    assert upload(web, "keeps", other).status == 409  # in work
    assert upload(web, "keeps", first, other, Idempotency_Key="keeps").status == 409  # the same file is among them
    assert upload(web, "keeps", first).status == 200
    assert kept(web, "keeps") == 1
    assert upload(web, "has-none", first, b"no song").status == 400
    assert upload(web, "has-none", first, Idempotency_Key="has-none").status == 202
    assert upload(web, "has-none", first, other, Idempotency_Key="has-none").status == 422
    assert kept(web, "has-none") == 1


def test_uploads_of_videos_that_others_replace_are_removed(web: Web, song: Path) -> None:
    first, other = song.read_bytes(), song.read_bytes() + b"\0\0"
    for songs in ([first], [other], [first, other], [first]):
        assert upload(web, "replaced", *songs).status == 202
        assert kept(web, "replaced") == len(songs)
        assert web.ask("POST", "/api/phase3/cancel/replaced").status == 200
    assert upload(web, "replaced", other, b"no song").status == 400
    assert kept(web, "replaced") == 1
    assert start(web, "replaced").status == 202  # by an address
    assert kept(web, "replaced") == 0


def test_uploads_that_find_no_room_are_removed(tmp_path: Path, song: Path) -> None:
    with running(tmp_path, open=1) as web:
        assert start(web, "fits").status == 202
        assert upload(web, "no-room", song.read_bytes()).status == 503
        assert kept(web, "no-room") == 0


def test_a_start_that_must_be_refused_is_refused_before_its_songs_are_looked_at(web: Web, song: Path) -> None:
    web.queue("early")
    assert upload(web, "early", b"no song", style="noir").status == 409
    assert upload(web, "early", b"no song", b"no song").status == 409
    assert upload(web, "early", b"no song").status == 400  # it might be the same request again
    assert upload(web, "early", b"no song", style="noir", Idempotency_Key="early").status == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"1", b'"x"', b"{", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 100_000, b'{"songs": NaN}',
     b'{"songs": ' + b"9" * 10_000 + b"}"],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_json_that_is_none_is_refused(web: Web, body: bytes) -> None:
    answer = web.ask("POST", "/api/phase3/start/wrong", body, Content_Type="application/json")
    assert answer.status == 400
    assert answer.detail


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
def test_a_body_of_another_kind_is_refused(web: Web, kind: str) -> None:
    assert web.ask("POST", "/api/phase3/start/wrong", b"{}", Content_Type=kind).status == 415


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([("more", None, b"x")], 400),
        ([("style", None, b"neon")] * 2, 400),
        ([("other", "a.wav", b"x")], 400),
        ([("settings", None, b"[]"), ("song_url", None, SONG.encode())], 400),
        ([("priority", None, b"x"), ("song_url", None, SONG.encode())], 400),
        ([("songs", "", b"")], 400),
        ([("x", None, b"")] * 10_000, 413),
        ([("songs", "a.wav", b"RIFF")] * 5, 400),
        ([("settings", None, b"x" * 900_000)], 413),
    ],
)
def test_a_form_is_read_within_bounds(web: Web, parts: list[tuple[str, str | None, bytes]], status: int) -> None:
    assert web.ask("POST", "/api/phase3/start/wrong", **form(*parts)).status == status


def test_parts_without_a_name_are_refused(web: Web) -> None:
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"
    answer = web.ask("POST", "/api/phase3/start/wrong", body, Content_Type="multipart/form-data; boundary=x")
    assert answer.status == 400
    for kind in ("multipart/form-data", "multipart/form-data; boundary="):
        assert web.ask("POST", "/api/phase3/start/wrong", body, Content_Type=kind).status == 400


def test_a_key_of_odd_signs_is_refused(web: Web) -> None:
    assert start(web, "odd-key", key="x" * 256).status == 400
    assert start(web, "odd-key", key="\u00e9").status == 400


# -- reading ---------------------------------------------------------------------------------------------------------


def test_the_status_follows_the_queue(web: Web) -> None:
    claim = web.claimed("follow")
    assert web.get("/api/phase3/status/follow").json["videos"][0]["status"] == "running"
    web.tell(claim, 40.0)
    told = web.get("/api/phase3/status/follow").json
    assert (told["status"], told["progress"]) == ("running", 40.0)
    assert told["videos"][0]["stages"] == ["beats", "pictures"]
    web.board.add_picture(claim, 0, b"\xff\xd8jpeg")
    assert web.get("/api/phase3/status/follow").json["videos"][0]["pictures"] == ["/api/phase3/pictures/follow/1/0.jpg"]
    picture = web.get("/api/phase3/pictures/follow/1/0.jpg")
    assert (picture.headers["content-type"], picture.body) == ("image/jpeg", b"\xff\xd8jpeg")
    web.board.fail(claim, f"outputs ({web.outputs}/service/x.mp4): the disk is full.", again=False)
    told = web.get("/api/phase3/status/follow").json
    assert told["status"] == "failed"
    assert told["error"] == "outputs (x.mp4): the disk is full."


def test_what_became_of_the_try_before_is_told_until_a_retry_by_hand(web: Web) -> None:
    claim = web.claimed("tries")
    web.tell(claim, 40.0)
    web.board.give_back(claim)
    (video,) = web.get("/api/phase3/status/tries").json["videos"]
    assert (video["status"], video["progress"], video["error"]) == ("queued", 40.0, "")
    assert "worker was stopped" in video["last_try"]
    web.ask("POST", "/api/phase3/cancel/tries")
    web.ask("POST", "/api/phase3/retry/tries")
    (video,) = web.get("/api/phase3/status/tries").json["videos"]
    assert (video["progress"], video["last_try"]) == (0.0, "")  # by hand it begins anew
    web.ask("POST", "/api/phase3/cancel/tries")


def test_a_cancelled_session_says_so(web: Web) -> None:
    web.queue("cancel-me", "a", "b")
    first, again = (web.ask("POST", "/api/phase3/cancel/cancel-me") for _ in range(2))
    assert (first.status, first.json["status"], first.json["cancelled"]) == (200, "cancelled", 2)
    assert (again.status, again.json) == (200, {**first.json, "cancelled": 0})
    assert web.get("/api/phase3/status/cancel-me").json["status"] == "cancelled"


def test_a_session_without_a_video_is_queued_anew_with_what_it_had(web: Web) -> None:
    web.queue("again", "a", "b")
    nothing = web.ask("POST", "/api/phase3/retry/again")
    assert (nothing.status, nothing.json["retried"]) == (200, 0)
    web.ask("POST", "/api/phase3/cancel/again")
    answer = web.ask("POST", "/api/phase3/retry/again")
    assert (answer.status, answer.json["status"], answer.json["retried"]) == (202, "queued", 2)
    assert [video["title"] for video in answer.json["videos"]] == ["a", "b"]
    assert web.ask("POST", "/api/phase3/retry/unknown").status == 404


def test_a_finished_session_is_neither_cancelled_nor_tried_again(web: Web) -> None:
    web.board.finish(web.claimed("over"), {"url": "u"})
    before = web.get("/api/phase3/status/over").json
    for path, count in (("cancel", "cancelled"), ("retry", "retried")):
        answer = web.ask("POST", f"/api/phase3/{path}/over")
        assert (answer.status, answer.json) == (200, {**before, count: 0})
    assert web.get("/api/phase3/status/over").json == before


def test_all_phases_are_told_also_where_nothing_is_known(web: Web) -> None:
    web.queue("phases")
    told = web.get("/api/session/phases/complete-status").json
    assert [(phase["phase"], phase["status"]) for phase in told["phases"]] == [(1, None), (2, None), (3, "queued")]
    assert told["status"] == "queued"


def test_sessions_are_listed_the_latest_first(web: Web) -> None:
    web.queue("list-1")
    web.queue("list-2", "a", "b")
    told = web.get("/api/sessions?limit=2").json["sessions"]
    assert [one["session_id"] for one in told] == ["list-2", "list-1"]
    assert told[0]["videos"] == 2
    own = {"phase": 3, "status": "queued", "progress": 0.0, "error": ""}
    assert told[0]["phases"][2] == own
    assert [phase["status"] for phase in told[0]["phases"]] == [None, None, "queued"]
    for wrong in ("0", "501", "x", "-1", "1e3", "9" * 5000, "%00"):
        assert web.get(f"/api/sessions?limit={wrong}").status == 400


@pytest.mark.parametrize("path", ["status", "results", "events"])
def test_an_unknown_session_is_not_found(web: Web, path: str) -> None:
    answer = web.get(f"/api/phase3/{path}/nobody")
    assert answer.status == 404
    assert "nobody" in answer.detail
    assert web.ask("POST", "/api/phase3/cancel/nobody").status == 404
    assert web.get("/api/session/nobody/complete-status").status == 404


def test_options_say_what_can_be_asked_for(web: Web) -> None:
    told = web.get("/api/options").json
    assert "neon" in [style["name"] for style in told["styles"]]
    assert told["limits"] == {"songs": 3, "upload_mb": 1.0, "song_minutes": 15.0}
    assert told["needs_token"] is False
    assert {"name", "type", "default", "choices", "at_least", "at_most", "unit", "help"} <= {*told["settings"][0]}


def test_a_style_has_a_picture(web: Web) -> None:
    picture = web.get("/styles/neon.jpg")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.body.startswith(b"\xff\xd8")
    assert web.get("/styles/neon.jpg", If_None_Match=picture.headers["etag"]).status == 304
    assert web.get("/styles/neon").status == 404
    assert web.get("/styles/..%2fneon.jpg").status == 404


def test_what_cannot_be_found_or_done_is_a_problem_too(web: Web) -> None:
    assert web.get("/nothing").detail
    wrong = web.ask("PUT", "/api/phase3/status/x")
    assert wrong.status == 405
    assert "GET" in wrong.headers["allow"]
    assert wrong.detail
    assert web.ask("OPTIONS", "/api/sessions").status == 405


def test_health_and_metrics(web: Web) -> None:
    assert web.get("/healthz").json == {"status": "ok"}
    web.queue("metrics")
    web.get("/api/phase3/status/metrics")
    told = web.get("/metrics").body.decode()
    assert 'qmv_http_requests_total{method="GET",route="/api/phase3/status/<session_id>",status="200"}' in told
    assert 'qmv_jobs{state="queued"}' in told
    assert 'qmv_jobs_since_first_use_total{what="submitted"}' in told
    assert "metrics/metrics" not in told


def test_the_page_is_served(web: Web) -> None:
    for path in ("/", "/test-phase3"):
        page = web.get(path)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert json.loads(web.get("/openapi.json").body)["openapi"] == "3.1.0"
    assert web.get("/static/..%2fapp.py").status == 404
    assert web.get("/static/../app.py").status == 404
