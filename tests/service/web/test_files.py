from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

from qmv.service.web.files import attachment
from tests.service.web.running import Web

PAGE = "<!doctype html><script>alert(1)</script>"


def finish(web: Web, session: str, title: str = "song", **result: object) -> None:
    """Delivers a video of 1000 bytes with what lies beside it."""
    claim = web.claimed(session, title)
    folder = web.outputs / "videos" / session
    folder.mkdir(parents=True)
    (folder / "video_1.mp4").write_bytes(bytes(range(250)) * 4)
    (folder / "video_1.html").write_text(PAGE)
    (folder / "video_1.jpg").write_bytes(b"\xff\xd8")
    (folder / "other.txt").write_text("not ours")
    told = {"url": f"/videos/{session}/video_1.mp4", "sha256": "00", "size_bytes": 1000, "cost_usd": "0.25",
            "metadata": {"title": title}, "companions": [], **result}  # fmt: skip
    assert web.board.finish(claim, told)


def test_results_tell_where_a_video_is(web: Web) -> None:
    finish(web, "done")
    (video,) = web.get("/api/phase3/results/done").json["videos"]
    assert video == {
        "n": 1, "title": "song", "status": "finished", "error": "",
        "url": "/videos/done/video_1.mp4", "download_url": "/videos/done/video_1.mp4?download=1",
        "thumbnail_url": "/videos/done/video_1.jpg", "page_url": "/videos/done/video_1.html", "captions_url": None,
        "metadata": {"title": "song", "sha256": "00", "size_bytes": 1000, "cost_usd": 0.25},
    }  # fmt: skip
    assert web.get(video["url"]).headers["content-type"] == "video/mp4"


def test_a_link_out_of_the_videos_is_not_followed(web: Web, tmp_path: Path) -> None:
    finish(web, "links")
    (tmp_path / "outside.json").write_text("secret")
    folder = web.outputs / "videos" / "links"
    (folder / "video_1.json").symlink_to(tmp_path / "outside.json")
    assert web.get("/videos/links/video_1.json").status == 404
    (folder / "video_1.srt").symlink_to(folder / "video_1.jpg")
    assert web.get("/videos/links/video_1.srt").status == 200
    finish(web, "linked-folder")
    shutil.move(web.outputs / "videos" / "linked-folder", tmp_path / "moved")
    (web.outputs / "videos" / "linked-folder").symlink_to(tmp_path / "moved")
    assert web.get("/videos/linked-folder/video_1.mp4").status == 404
    (video,) = web.get("/api/phase3/results/linked-folder").json["videos"]
    assert video["thumbnail_url"] is None


def test_results_tell_addresses_of_a_bucket_as_they_are(web: Web) -> None:
    at = "https://storage.googleapis.com/b/videos/cloud/video_1"
    finish(web, "cloud", url=f"{at}.mp4?sig=1", companions=[f"{at}.jpg", f"{at}.vtt", f"{at}.json"])
    (video,) = web.get("/api/phase3/results/cloud").json["videos"]
    assert video["url"] == video["download_url"] == f"{at}.mp4?sig=1"
    assert (video["thumbnail_url"], video["captions_url"], video["page_url"]) == (f"{at}.jpg", f"{at}.vtt", None)


def test_a_video_comes_in_parts_too(web: Web) -> None:
    finish(web, "parts")
    whole = web.get("/videos/parts/video_1.mp4")
    assert (whole.status, len(whole.body), whole.headers["accept-ranges"]) == (200, 1000, "bytes")
    part = web.get("/videos/parts/video_1.mp4", Range="bytes=10-19")
    assert (part.status, part.body) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/1000"
    assert web.get("/videos/parts/video_1.mp4", Range="bytes=2000-").status == 416
    assert web.get("/videos/parts/video_1.mp4", If_None_Match=whole.headers["etag"]).status == 304
    head = web.ask("HEAD", "/videos/parts/video_1.mp4")
    assert (head.status, head.headers["content-length"], head.body) == (200, "1000", b"")


def test_a_page_of_a_video_runs_no_script_but_its_own(web: Web) -> None:
    finish(web, "page")
    policy = web.get("/videos/page/video_1.html").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "'unsafe-inline'" not in policy.partition("style-src")[0]


def test_only_the_services_own_files_of_known_sessions_are_given(web: Web) -> None:
    finish(web, "own")
    (web.outputs / "videos" / "stranger").mkdir()
    (web.outputs / "videos" / "stranger" / "video_1.mp4").write_bytes(b"x")
    for path in ("own/other.txt", "own/video_2.mp4", "own/video_01.mp4", "own/video_1.exe", "own/video_1.vtt",
                 "stranger/video_1.mp4", "own/", "own", "own/video_1.mp4/x", "own/%2e%2e/own/video_1.mp4",
                 "own/..%2fown%2fvideo_1.mp4", "own/video_1.mp4%00.jpg"):  # fmt: skip
        assert web.get(f"/videos/{path}").status in (400, 404), path


ODD = ["..", ".", "%2e%2e", "%2e%2e%2fetc", "..%5c..", "a%00b", "%00", "a%0d%0aX:%20y", "%c3%a9", "%ff%fe", "%e2%80%ae",
       "a%20b", "-a", "_a", "a.b", "a" * 65, "CON", "%25", "%3Cscript%3E", "%F0%9F%8E%B5"]  # fmt: skip


@pytest.mark.parametrize("session", ODD)
def test_odd_ids_never_get_further(web: Web, session: str) -> None:
    for method, path in (
        ("POST", "/api/phase3/start/{}"), ("GET", "/api/phase3/status/{}"), ("GET", "/api/phase3/results/{}"),
        ("GET", "/api/session/{}/complete-status"), ("POST", "/api/phase3/cancel/{}"),
        ("GET", "/api/phase3/events/{}"), ("GET", "/api/phase3/pictures/{}/1/0.jpg"), ("GET", "/videos/{}/video_1.mp4"),
    ):  # fmt: skip
        body = {"songs": ["https://example.com/a.mp3"]} if "start" in path else None
        answer = web.ask(method, path.format(session), body)
        assert answer.status in (400, 404), (method, path)
        assert answer.detail
    assert not [path for path in web.outputs.rglob("*") if unquote(session) == path.name]


def test_very_long_ids_are_refused(web: Web) -> None:
    assert web.get(f"/api/phase3/status/{'a' * 8000}").status == 400
    assert web.raw(b"GET /api/phase3/status/" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 414


@pytest.mark.parametrize(
    "place", ["0/0.jpg", "1/x.jpg", "1/0.png", "1/-1.jpg", f"{'9' * 30}/0.jpg", f"1/{'9' * 5000}.jpg"]
)
def test_pictures_that_cannot_be_are_not_found(web: Web, place: str) -> None:
    web.queue("pictures")
    assert web.get(f"/api/phase3/pictures/pictures/{place}").status == 404


def test_a_title_of_any_signs_is_only_text(web: Web) -> None:
    title = '<img src=x onerror=alert(1)>"\r\nSet-Cookie: a=b; é 🎵/../x'
    finish(web, "title", title)
    told = web.get("/api/phase3/status/title")
    assert told.headers["content-type"] == "application/json"
    assert told.json["videos"][0]["title"] == title
    saved = web.get("/videos/title/video_1.mp4?download=1")
    assert saved.status == 200
    assert "set-cookie" not in saved.headers
    assert saved.headers["content-disposition"].startswith('attachment; filename="')


@pytest.mark.parametrize(
    ("title", "plain", "full"),
    [
        ("Spring", "Spring.mp4", "Spring.mp4"),
        ("Frühling", "Frhling.mp4", "Fr%C3%BChling.mp4"),
        ('a"b\r\nX: y\\', "a b X y.mp4", "a%20b%20X%20y.mp4"),
        ("../../etc/passwd", "etc passwd.mp4", "etc%20passwd.mp4"),
        ("🎵", "video.mp4", "%F0%9F%8E%B5.mp4"),
        ("", "video.mp4", "video.mp4"),
        ("\ud800x", "x.mp4", "x.mp4"),
        ("x" * 300, "x" * 100 + ".mp4", "x" * 100 + ".mp4"),
    ],
)  # fmt: skip
def test_a_video_is_saved_under_its_title(title: str, plain: str, full: str) -> None:
    assert attachment(title, "mp4") == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"


def test_pages_templates_policy_is_that_of_its_script(tmp_path: Path) -> None:
    """The hash is of the very script that a page holds after it was filled in."""
    import base64
    import hashlib
    import re

    from qmv.companions.page import page
    from qmv.service.web.files import _page_policy

    about = {"title": "t", "artist": "", "style": "s", "licence": "",
             "video": {"width_px": 64, "height_px": 36, "duration_s": 1.0, "fps": "30"}}  # fmt: skip
    (script,) = re.findall(r"<script>(.*?)</script>", page(about, "video_1"), re.DOTALL)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in _page_policy()
