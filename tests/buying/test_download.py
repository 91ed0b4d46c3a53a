"""Files that a service made, from a server of this machine that breaks in every way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from qmv.buying import download
from qmv.buying.download import Downloads
from qmv.buying.seller import Doubt, Spoilt
from tests.fakes.serving import Answering

BODY = bytes(range(256)) * 40


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # one answer hangs

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks is what is tried."""


class _Files(Answering):
    """What the path says: a status, or a way to break."""

    def do_GET(self) -> None:
        what = self.path.strip("/")
        if what == "cut":
            self.reply(BODY, cut=True)
        elif what == "reset":
            self.reset()
        elif what == "short":  # ends in order, with fewer bytes than it promised
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY[:100])
            self.close_connection = True
        elif what == "silent":
            self.hang()
        elif what in ("moved", "lost", "circle"):
            self.reply(b"", 302, Location={"moved": "/200", "lost": "file:///etc/hosts", "circle": "/circle"}[what])
        else:
            self.reply(BODY, int(what))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Its address."""
    with _Server(("127.0.0.1", 0), _Files) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def fetched(url: str) -> bytes:
    async def get() -> bytes:
        downloads = Downloads()
        try:
            return await downloads.get(url)
        finally:
            await downloads.close()

    return asyncio.run(get())


@pytest.mark.parametrize("path", ["200", "moved"])
def test_a_file_comes_whole(server: str, path: str) -> None:
    assert fetched(f"{server}/{path}") == BODY


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_file_that_is_gone_is_spoilt(server: str, status: int) -> None:
    with pytest.raises(Spoilt, match=rf"the picture's file is not there \(HTTP {status}\)"):
        fetched(f"{server}/{status}")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_a_doubt(server: str, status: int) -> None:
    with pytest.raises(Doubt, match=rf"cannot be fetched \(HTTP {status}\)"):
        fetched(f"{server}/{status}")


@pytest.mark.parametrize("path", ["cut", "reset", "short", "circle"])
def test_a_connection_that_breaks_is_a_doubt_and_no_half_file(server: str, path: str) -> None:
    with pytest.raises(Doubt, match="cannot be fetched"):
        fetched(f"{server}/{path}")


def test_a_server_that_does_not_answer_is_a_doubt(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    whole = httpx.Timeout
    monkeypatch.setattr(httpx, "Timeout", lambda *_, **__: whole(0.05))
    with pytest.raises(Doubt, match="ReadTimeout"):
        fetched(f"{server}/silent")


def test_a_server_that_is_not_there_is_a_doubt(server: str) -> None:
    with pytest.raises(Doubt, match="ConnectError"):
        fetched("http://127.0.0.1:1/200")


def test_a_file_that_is_too_large_is_spoilt_before_all_of_it_came(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_MOST_BYTES", len(BODY) - 1)
    with pytest.raises(Spoilt, match="larger than"):
        fetched(f"{server}/200")


@pytest.mark.parametrize(
    "url", ["", "picture.png", "file:///etc/hosts", "http://", "http://[::1", "http://a b/", "ftp://example.org/a.png",
            "http://a..b/a.png", "http://" + "a" * 70 + ".example/a.png", "http://\x00/", "http://127.0.0.1:99999/a"],
)  # fmt: skip
def test_an_address_that_is_none_is_spoilt_or_in_doubt(url: str) -> None:
    """Whatever a service gives for one, no other exception reaches the loop."""
    with pytest.raises((Spoilt, Doubt)):
        fetched(url)


def test_a_file_that_is_left_to_another_scheme_is_spoilt(server: str) -> None:
    with pytest.raises(Spoilt, match="address is none"):
        fetched(f"{server}/lost")


def test_a_download_can_be_cancelled(server: str) -> None:
    async def cut() -> bool:
        downloads = Downloads()
        task = asyncio.create_task(downloads.get(f"{server}/silent"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await downloads.close()
        return task.cancelled()

    assert asyncio.run(cut())
