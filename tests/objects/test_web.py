"""Files over http, from a server of our own that breaks off, stalls, lies and leads on."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qmv.errors import AccessError, InputError, ServiceError
from qmv.objects.store import TooLarge
from qmv.objects.web import Edition, Web
from qmv.objects.web_faults import trouble_of
from tests.fakes.serving import Process, lines, started

BODY = random.Random(1).randbytes(300_000)
MOST = 10_000_000
STALLS = {"answer_s": 1.0}


@dataclass
class Site:
    """The server, and a fetcher, which bears as much silence as a busy machine makes unless it is given `STALLS`."""

    process: Process
    heads: list[tuple[bytes, str, int | None]] = field(default_factory=list)
    led: list[str] = field(default_factory=list)

    def url(self, path: str = "/x.mp3") -> str:
        return f"http://127.0.0.1:{self.process.port}{path}"

    def web(self, **more: Any) -> Web:
        settings = {"patience_s": 30.0, "first_wait_s": 0.01} | more
        return Web(
            where="song (there)",
            allow=lambda source, target: self.led.append(target),
            accept=lambda *about: self.heads.append(about),
            **settings,
        )

    def asked(self) -> list[tuple[int, str | None]]:
        """For each request, what was answered, and the range that was asked for."""
        found = lines(self.process.folder / "requests.jsonl")
        return [(request["status"], request["headers"].get("Range")) for request in found]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Starts the server with its script; /x.mp3 holds BODY."""
    files = tmp_path / "site" / "files"
    files.mkdir(parents=True)
    (files / "x.mp3").write_bytes(BODY)
    with contextlib.ExitStack() as stack:

        def start(*steps: dict[str, Any], **always: Any) -> Site:
            script = {"steps": {"/x.mp3": list(steps)}, "always": {"/x.mp3": always}}
            return Site(stack.enter_context(started("tests.fakes.song_server", tmp_path / "site", script)))

        yield start


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "part"


# -- what comes ------------------------------------------------------------------------------------------------------


def test_a_file_comes_whole_with_its_edition(site: Callable[..., Site], part: Path) -> None:
    there = site()
    edition = there.web().fetch(there.url(), part, MOST)
    assert part.read_bytes() == BODY
    assert edition is not None
    assert (edition.size_bytes, edition.tells, there.asked()) == (len(BODY), True, [(200, None)])
    assert list(part.parent.glob("part*")) == [part]


def test_the_first_bytes_are_shown_before_the_rest_is_read(site: Callable[..., Site], part: Path) -> None:
    there = site(kind="audio/x-thing")
    there.web().fetch(there.url(), part, MOST)
    [(head, kind, size)] = there.heads
    assert (BODY.startswith(head), len(head) >= 1024, kind, size) == (True, True, "audio/x-thing", len(BODY))


@pytest.mark.parametrize("validators", [["etag"], ["weak"], ["modified"]])
def test_a_known_file_is_not_read_again(site: Callable[..., Site], part: Path, validators: list[str]) -> None:
    there = site(validators=validators)
    known = there.web().fetch(there.url(), part, MOST)
    part.unlink()
    assert there.web().fetch(there.url(), part, MOST, known) is None
    assert (there.asked()[1][0], part.exists()) == (304, False)


def test_a_known_file_is_told_where_the_server_takes_no_notice_of_conditions(
    site: Callable[..., Site], part: Path
) -> None:
    there = site(deaf=True)
    known = there.web().fetch(there.url(), part, MOST)
    part.unlink()
    assert there.web().fetch(there.url(), part, MOST, known) is None
    assert not part.exists()


def test_a_file_without_an_edition_is_read_each_time(site: Callable[..., Site], part: Path) -> None:
    there = site(validators=[])
    known = there.web().fetch(there.url(), part, MOST)
    assert known == Edition(size_bytes=len(BODY))
    assert there.web().fetch(there.url(), part, MOST, known) == known


def test_a_changed_file_is_read_again(site: Callable[..., Site], part: Path) -> None:
    there = site()
    known = there.web().fetch(there.url(), part, MOST)
    (there.process.folder / "files" / "x.mp3").write_bytes(BODY[::-1])
    assert there.web().fetch(there.url(), part, MOST, known) not in (None, known)
    assert part.read_bytes() == BODY[::-1]


def test_a_file_of_unknown_length_comes_whole(site: Callable[..., Site], part: Path) -> None:
    there = site(chunked=True)
    edition = there.web().fetch(there.url(), part, MOST)
    assert (part.read_bytes() == BODY, edition.size_bytes if edition else 0) == (True, None)


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
@pytest.mark.parametrize("value", ['"\xe9"', '"\xc3\xa9"', '"' + "a" * 5000 + '"'])
def test_what_cannot_be_sent_back_is_not_remembered(
    site: Callable[..., Site], part: Path, name: str, value: str
) -> None:
    step = {"stall_at": 100_000, "headers": {name: value}}
    there = site(step, validators=[], headers={name: value})
    with pytest.raises(ServiceError):
        there.web(**STALLS, patience_s=0).fetch(there.url(), part, MOST)
    patient = there.web()
    known = patient.fetch(there.url(), part, MOST)
    assert known == Edition(size_bytes=len(BODY))
    assert patient.fetch(there.url(), part, MOST, Edition(etag=value, modified=value)) == known


# -- what breaks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cut_at", "stall_at"])
def test_an_interrupted_file_is_gone_on_with(site: Callable[..., Site], part: Path, how: str) -> None:
    there = site({how: 100_000}, {how: 50_000})
    there.web(**STALLS).fetch(there.url(), part, MOST)
    asked = there.asked()
    assert part.read_bytes() == BODY
    assert [status for status, _ in asked] == [200, 206, 206]
    firsts = [int(str(span)[6:-1]) for _, span in asked[1:]]
    assert 0 < firsts[0] <= 100_000 < firsts[1] + 50_000  # what a reset leaves unread in the kernel may be lost
    assert len(there.heads) == 1


def test_a_later_fetch_goes_on_where_one_was_ended(site: Callable[..., Site], part: Path) -> None:
    there = site({"stall_at": 100_000})
    with pytest.raises(ServiceError):
        there.web(**STALLS, patience_s=0).fetch(there.url(), part, MOST)
    assert part.stat().st_size == 100_000
    there.web().fetch(there.url(), part, MOST)
    assert (part.read_bytes() == BODY, there.asked()[-1]) == (True, (206, "bytes=100000-"))


def test_a_file_that_changed_meanwhile_begins_anew(site: Callable[..., Site], part: Path) -> None:
    there = site({"stall_at": 100_000})
    with pytest.raises(ServiceError):
        there.web(**STALLS, patience_s=0).fetch(there.url(), part, MOST)
    (there.process.folder / "files" / "x.mp3").write_bytes(BODY[::-1])
    there.web().fetch(there.url(), part, MOST)
    assert (part.read_bytes() == BODY[::-1], there.asked()[-1]) == (True, (200, "bytes=100000-"))


@pytest.mark.parametrize("always", [{"deaf": True}, {"validators": []}, {"validators": ["weak"]}])
def test_a_file_that_cannot_be_gone_on_with_begins_anew(
    site: Callable[..., Site], part: Path, always: dict[str, Any]
) -> None:
    there = site({"stall_at": 100_000, **always}, **always)
    there.web(**STALLS).fetch(there.url(), part, MOST)
    assert part.read_bytes() == BODY


def test_a_part_without_a_memory_of_its_edition_is_thrown_away(site: Callable[..., Site], part: Path) -> None:
    there = site()
    part.write_bytes(b"of something else")
    there.web().fetch(there.url(), part, MOST)
    assert (part.read_bytes() == BODY, there.asked()) == (True, [(200, None)])


def test_a_span_that_is_none_begins_anew(site: Callable[..., Site], part: Path) -> None:
    span = f"bytes 100000-{len(BODY) - 1}/{'9' * 5000}"
    there = site({"stall_at": 100_000}, {"headers": {"Content-Range": span}})
    there.web(**STALLS).fetch(there.url(), part, MOST)
    assert (part.read_bytes() == BODY, there.asked()[-1]) == (True, (200, None))


def test_a_server_that_drips_is_given_up(site: Callable[..., Site], part: Path) -> None:
    there = site(drip_at=1000)
    with pytest.raises(ServiceError, match="sends too slowly; try again later"):
        there.web(slow_s=0.5, slowest_bytes_s=1e5, patience_s=2).fetch(there.url(), part, MOST)
    assert len(there.asked()) > 1  # it was asked to go on, before


def test_a_server_whose_headers_drip_is_asked_anew(site: Callable[..., Site], part: Path) -> None:
    there = site({"drip_headers": True}, {"drip_headers": True})
    there.web(slow_s=1).fetch(there.url(), part, MOST)
    assert (part.read_bytes() == BODY, there.asked()) == (True, [(0, None), (0, None), (200, None)])


def test_a_slow_server_is_borne_that_is_quick_enough(site: Callable[..., Site], part: Path) -> None:
    there = site(drip_at=len(BODY) - 300)
    there.web(slow_s=1, slowest_bytes_s=0.1, patience_s=0).fetch(there.url(), part, MOST)
    assert (part.read_bytes() == BODY, len(there.asked())) == (True, 1)


@pytest.mark.parametrize(
    "step",
    [
        {"reset": True},
        {"status": 429, "retry_after": "0"},
        {"status": 429, "retry_after": "1 Jan 99999999999999999999 00:00:00 GMT"},
        {"status": 500},
        {"status": 503},
        {"status": 408},
    ],
)
def test_a_fault_that_passes_is_borne(site: Callable[..., Site], part: Path, step: dict[str, Any]) -> None:
    there = site(step, step)
    there.web().fetch(there.url(), part, MOST)
    assert (part.read_bytes() == BODY, len(there.asked())) == (True, 3)


def test_a_server_that_says_more_than_it_sends_is_given_up_with_nothing_to_use(
    site: Callable[..., Site], part: Path
) -> None:
    there = site(claims=len(BODY) + 5, deaf=True)
    with pytest.raises(ServiceError, match="breaks off; try again later"):
        there.web(patience_s=1).fetch(there.url(), part, MOST)
    assert part.with_name("part.json").exists()  # which marks it as not whole


def test_a_wait_that_is_longer_than_patience_is_not_begun(site: Callable[..., Site], part: Path) -> None:
    there = site({"status": 429, "retry_after": "3600"})
    with pytest.raises(ServiceError, match=r"busy or out of order \(HTTP 429\)"):
        there.web(patience_s=60).fetch(there.url(), part, MOST)
    assert len(there.asked()) == 1


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, AccessError, "not public, or the signature in the address has expired"),
        (403, AccessError, "not public, or the signature in the address has expired"),
        (404, InputError, "there is no such file"),
        (410, InputError, "there is no such file"),
        (400, InputError, r"does not give the file \(HTTP 400\)"),
        (204, InputError, r"does not give the file \(HTTP 204\)"),
    ],
)
def test_a_final_answer_is_one_sentence(
    site: Callable[..., Site], part: Path, status: int, error: type[Exception], words: str
) -> None:
    there = site(status=status)
    with pytest.raises(error, match=words) as raised:
        there.web().fetch(there.url(), part, MOST)
    assert (type(raised.value), len(there.asked()), str(raised.value)[:12]) == (error, 1, "song (there)")


def test_an_empty_file_is_refused(site: Callable[..., Site], part: Path) -> None:
    there = site()
    (there.process.folder / "files" / "x.mp3").write_bytes(b"")
    with pytest.raises(InputError, match="the file is empty"):
        there.web().fetch(there.url(), part, MOST)


@pytest.mark.parametrize(("packed", "way"), [(1, "gzip"), (2, "gzip, gzip")])
def test_a_packed_file_is_refused_unread(site: Callable[..., Site], part: Path, packed: int, way: str) -> None:
    there = site(packed=packed)
    (there.process.folder / "files" / "x.mp3").write_bytes(bytes(20 * len(BODY)))
    with pytest.raises(InputError, match=rf"^song \(there\): is sent compressed \({way}\)"):
        there.web().fetch(there.url(), part, MOST)
    assert (there.heads, part.exists(), len(there.asked())) == ([], False, 1)


def test_a_part_of_a_packed_file_is_not_gone_on_with(site: Callable[..., Site], part: Path) -> None:
    there = site({"stall_at": 100_000}, packed=1)
    with pytest.raises(ServiceError):
        there.web(**STALLS, patience_s=0).fetch(there.url(), part, MOST)
    with pytest.raises(InputError, match="is sent compressed"):
        there.web().fetch(there.url(), part, MOST)


def test_words_of_the_server_are_not_shown(site: Callable[..., Site], part: Path) -> None:
    there = site(headers={"Content-Encoding": "x\x1b[31m" + "y" * 99})
    with pytest.raises(InputError, match=r"is sent compressed \(in a way that is not known\)"):
        there.web().fetch(there.url(), part, MOST)


def test_a_file_that_says_it_is_not_packed_comes(site: Callable[..., Site], part: Path) -> None:
    there = site(headers={"Content-Encoding": "identity"})
    there.web().fetch(there.url(), part, MOST)
    assert part.read_bytes() == BODY


def test_a_file_that_says_to_be_too_large_is_not_read(site: Callable[..., Site], part: Path) -> None:
    there = site()
    with pytest.raises(TooLarge) as raised:
        there.web().fetch(there.url(), part, 1000)
    assert (raised.value.size_bytes, there.heads, part.exists()) == (len(BODY), [], False)


def test_a_file_that_says_no_size_is_read_up_to_the_limit(site: Callable[..., Site], part: Path) -> None:
    there = site(chunked=True)
    with pytest.raises(TooLarge):
        there.web().fetch(there.url(), part, 100_000)
    assert part.stat().st_size <= 100_000


def test_what_is_not_accepted_is_not_read(site: Callable[..., Site], part: Path) -> None:
    there = site()

    def refuse(*about: object) -> None:
        raise InputError("no")

    web = Web(where="song", allow=lambda *_: None, accept=refuse)
    with pytest.raises(InputError, match=r"^no$"):
        web.fetch(there.url(), part, MOST)
    assert not part.exists()


# -- where it leads --------------------------------------------------------------------------------------------------


def test_an_address_may_lead_on(site: Callable[..., Site], part: Path) -> None:
    there = site()
    (there.process.folder / "files" / "y.mp3").write_bytes(b"other")
    there = site({"redirect": "/y.mp3?token=1"})
    there.web().fetch(there.url(), part, MOST)
    assert (part.read_bytes(), there.led) == (b"other", [there.url("/y.mp3?token=1")])


def test_an_address_that_leads_on_for_ever_is_refused(site: Callable[..., Site], part: Path) -> None:
    there = site(redirect="/x.mp3")
    with pytest.raises(InputError, match="leads on more than 5 times"):
        there.web().fetch(there.url(), part, MOST)
    assert len(there.asked()) == 6


@pytest.mark.parametrize(
    "target", ["http://[", "https://a..b/x.mp3", f"https://{'a' * 70}.com/x", "https://\xe2\x98\x83.net/"]
)
def test_what_leads_to_no_address_is_told_at_once(site: Callable[..., Site], part: Path, target: str) -> None:
    there = site(redirect=target)
    with pytest.raises(InputError, match=r"^song \(there\): (is, or )?leads (on )?to.* no address"):
        there.web().fetch(there.url(), part, MOST)


# -- no server -------------------------------------------------------------------------------------------------------


def nobody() -> int:
    """A port where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_server_that_is_not_there_is_given_up(site: Callable[..., Site], part: Path) -> None:
    there = site()
    with pytest.raises(ServiceError, match="refuses connections; try again later"):
        there.web(knocks_s=0.2).fetch(f"http://127.0.0.1:{nobody()}/x.mp3", part, MOST)


def test_a_server_without_tls_is_told(site: Callable[..., Site], part: Path) -> None:
    there = site()
    with pytest.raises(ServiceError, match="no secure connection to the server"):
        there.web().fetch(there.url().replace("http:", "https:"), part, MOST)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "the host was not found"),
        (ssl.SSLCertVerificationError(1, "self-signed"), "no secure connection"),
    ],
)
def test_a_fault_that_stays_is_told_at_once(cause: OSError, words: str) -> None:
    import httpx

    error = httpx.ConnectError("failed")
    error.__cause__ = cause
    with pytest.raises(ServiceError, match=words):
        trouble_of(error, "song (there)")


def test_names_that_cannot_be_looked_up_now_are_a_trouble() -> None:
    import httpx

    error = httpx.ConnectError("failed")
    error.__cause__ = socket.gaierror(socket.EAI_AGAIN, "later")
    assert not trouble_of(error, "song (there)").reached


def test_no_disk_error_is_taken_for_the_networks(site: Callable[..., Site], tmp_path: Path) -> None:
    there = site()
    with pytest.raises(FileNotFoundError):
        there.web().fetch(there.url(), tmp_path / "nowhere" / "part", MOST)
    assert [file.name for file in tmp_path.iterdir()] == ["site"]
