"""A file fetched over https: with patience, on from where a fetch was interrupted, and not at all where it is known.

Only what the address tells now is taken: a part of a file is gone on with where the server says that it is the same
file still, and else thrown away. Imports only `errors` and this package.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from qmv.errors import AccessError, InputError, ServiceError
from qmv.objects.store import TooLarge
from qmv.objects.web_faults import Trouble, trouble_of
from qmv.objects.web_guard import Guard, NotPublic
from qmv.objects.web_headers import Edition, compression, edition, retry_after_s, span
from qmv.objects.web_watch import Watch

if TYPE_CHECKING:
    import httpx

__all__ = ["Edition", "Web"]

_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_LONGEST_WAIT_S = 15.0
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "QMV"}  # sizes and ranges are of the file as it is
_HEAD_BYTES = 1024  # by them one sees what kind of file it is


@dataclass(frozen=True, kw_only=True)
class Web:
    """Fetches files.

    `where` begins the sentences of errors, which hold no address. `allow` is asked before each address that the first
    one leads to, and raises what speaks against it. `accept` is told a file's first bytes, its media type and its size
    (None: unknown) before the rest is read, and raises where the file is of no use.
    """

    where: str
    allow: Callable[[str, str], None]
    accept: Callable[[bytes, str, int | None], None]
    guard: Guard | None = None  # keeps to public addresses
    answer_s: float = 20.0
    patience_s: float = 90.0  # without bytes that are new, or with so few that it is slower than the slowest
    knocks_s: float = 8.0  # the same, where the server was never reached
    first_wait_s: float = 0.5
    slowest_bytes_s: float = 1000.0  # on the average of `slow_s`; a song that comes slower does not come
    slow_s: float = 60.0  # also the most that an answer's headers take

    def fetch(self, url: str, part: Path, most_bytes: int, known: Edition | None = None) -> Edition | None:
        """Writes the file to `part` and gives its edition; None where it is `known` still, and `part` is not there.

        What an ended fetch has left in `part` is gone on with. Raises TooLarge as soon as that is known; InputError and
        AccessError for what the user must mend, ServiceError where the server cannot be reached or used in time.
        """
        since, best, tries, reached = time.monotonic(), _size(part), 0, False
        with self._client() as client:
            while True:
                try:
                    return self._once(client, url, part, most_bytes, known)
                except Trouble as trouble:
                    reached = reached or trouble.reached
                    new = _size(part) - best
                    if new > 0 and new >= self.slowest_bytes_s * (time.monotonic() - since):
                        since, best, tries = time.monotonic(), best + new, 0
                    wait_s = max(trouble.wait_s, min(_LONGEST_WAIT_S, self.first_wait_s * 2.0**tries))
                    patience_s = self.patience_s if reached else self.knocks_s
                    if time.monotonic() + wait_s - since > patience_s:
                        raise ServiceError(f"{self.where}: {trouble}; try again later.") from trouble
                    time.sleep(wait_s * random.uniform(1.0, 1.2))
                    tries += 1

    def _client(self) -> AbstractContextManager[httpx.Client]:
        import httpx

        if self.guard is not None:
            return self.guard.client(self.answer_s, _HEADERS)
        return httpx.Client(timeout=self.answer_s, headers=_HEADERS)

    def _once(
        self, client: httpx.Client, url: str, part: Path, most_bytes: int, known: Edition | None
    ) -> Edition | None:
        import httpx

        held = _held(part)
        try:
            with self._answer(client, url, _asking(held, _size(part), known)) as answer:
                if answer.status_code == 304 and known is not None:
                    return None
                begins = self._begins(answer, part, held)
                told = edition(answer)
                if not begins and known is not None and known.tells and told == known:
                    return None
                if told.size_bytes is not None and told.size_bytes > most_bytes:
                    raise TooLarge(told.size_bytes)
                self._write(answer, part, begins, told, most_bytes)
                return told
        except NotPublic as error:
            raise InputError(f"{self.where}: {error}; give the address of a public host, or a file.") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise trouble_of(error, self.where) from error

    @contextlib.contextmanager
    def _answer(self, client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The answer at the end of all redirects; raises where it is none that holds a file."""
        watch = Watch()
        for _ in range(_MOST_REDIRECTS + 1):
            request = client.build_request("GET", url, headers=headers, extensions={"trace": watch})
            with watch.at_most(self.slow_s):
                sent = client.send(request, stream=True)
            with contextlib.closing(sent) as answer:
                if answer.status_code not in _REDIRECTS or "Location" not in answer.headers:
                    self._refuse(answer)
                    yield answer
                    return
                target = self._joined(url, answer.headers["Location"])
            self.allow(url, target)
            url = target
        raise InputError(f"{self.where}: leads on more than {_MOST_REDIRECTS} times; give the file's own address.")

    def _joined(self, url: str, location: str) -> str:
        try:
            return urljoin(url, location)
        except ValueError as error:  # a broken IPv6 address
            raise InputError(f"{self.where}: leads on to what is no address; give the file's own address.") from error

    def _refuse(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status in (200, 206) and (way := compression(answer)):
            # a range counts the packed bytes, and a small answer may unpack to more than this machine has
            raise InputError(
                f"{self.where}: is sent compressed ({way}), though the file as it is was asked for; give an address "
                "that gives it so, or a file that you have."
            )
        if status in (200, 206, 304, 416):
            return
        if status in (401, 403, 407):
            raise AccessError(
                f"{self.where}: is not public, or the signature in the address has expired (HTTP {status}); "
                "give a public or a fresh address."
            )
        if status in (404, 410):
            raise InputError(f"{self.where}: there is no such file (HTTP {status}); check the address.")
        if status in (408, 425, 429) or status >= 500:
            raise Trouble(f"the server is busy or out of order (HTTP {status})", wait_s=retry_after_s(answer))
        raise InputError(f"{self.where}: the server does not give the file (HTTP {status}); check the address.")

    def _begins(self, answer: httpx.Response, part: Path, held: Edition | None) -> int:
        """With which byte of the file the answer begins: 0, or where `part` ends."""
        if answer.status_code == 200:
            return 0
        have, found = _size(part), span(answer)
        if answer.status_code == 206 and held is not None and found is not None and found[0] == have:
            tag = edition(answer).etag or held.etag
            if held.size_bytes in (None, found[1]) and tag == held.etag:
                return have
        part.unlink(missing_ok=True)  # of another version, or damaged: begun anew
        raise Trouble("the server does not go on with an interrupted download")

    def _write(self, answer: httpx.Response, part: Path, begins: int, told: Edition, most_bytes: int) -> None:
        pieces = self._brisk(answer.iter_raw())
        if not begins:
            head = b""
            for piece in pieces:
                head += piece
                if len(head) >= _HEAD_BYTES:
                    break
            if not head:
                raise InputError(f"{self.where}: the file is empty; check the address.")
            self.accept(head, answer.headers.get("Content-Type", ""), told.size_bytes)
            part.unlink(missing_ok=True)
            _memory(part).write_text(json.dumps(asdict(told)), encoding="utf-8")
            pieces = _chained(head, pieces)
        with part.open("ab") as stream:
            for piece in pieces:
                begins += len(piece)
                if begins > most_bytes:
                    raise TooLarge(begins)
                stream.write(piece)
        if told.size_bytes is not None and begins != told.size_bytes:
            raise Trouble("the server ended too early")
        _memory(part).unlink(missing_ok=True)

    def _brisk(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces as they come; raises Trouble where they come too slowly, each of them in time though."""
        since, came = time.monotonic(), 0
        for piece in pieces:
            yield piece
            came += len(piece)
            if (lasted_s := time.monotonic() - since) >= self.slow_s:
                if came < self.slowest_bytes_s * lasted_s:
                    raise Trouble("the server sends too slowly")
                since, came = time.monotonic(), 0


def _chained(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _memory(part: Path) -> Path:
    """Of which edition the bytes in `part` are; not there where they are whole."""
    return part.with_name(f"{part.name}.json")


def _held(part: Path) -> Edition | None:
    """The edition of a part that can be gone on with; any other part is forgotten."""
    try:
        held = Edition(**json.loads(_memory(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        held = Edition()
    if held.validator and _size(part):
        return held
    part.unlink(missing_ok=True)
    return None


def _asking(held: Edition | None, have: int, known: Edition | None) -> dict[str, str]:
    if held is not None:
        return {"Range": f"bytes={have}-", "If-Range": held.validator}
    if known is None or not known.tells:
        return {}
    if known.etag:
        return {"If-None-Match": known.etag}
    return {"If-Modified-Since": known.modified}
