"""A file fetched over https: with patience, on from where a fetch was interrupted, and not at all where it is known.

Only what the address tells now is taken: a part of a file is gone on with where the server says that it is the same
file still, and else thrown away. Imports only `errors` and this package.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from qmv.errors import AccessError, InputError, ServiceError
from qmv.objects.store import TooLarge
from qmv.objects.web_faults import Trouble, trouble_of

if TYPE_CHECKING:
    import httpx

__all__ = ["Edition", "Web"]

_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_LONGEST_WAIT_S = 15.0
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "QMV"}  # sizes and ranges are of the file as it is
_HEAD_BYTES = 1024  # by them one sees what kind of file it is


@dataclass(frozen=True, kw_only=True)
class Edition:
    """By what a server tells a file's versions apart; each may be missing."""

    etag: str = ""
    modified: str = ""
    size_bytes: int | None = None

    @property
    def tells(self) -> bool:
        """Whether another version would have another edition."""
        return bool(self.etag or (self.modified and self.size_bytes is not None))

    @property
    def validator(self) -> str:
        """What the header If-Range takes; a weak tag does not vouch for each byte."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


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
    answer_s: float = 20.0
    patience_s: float = 90.0  # without a byte that is new
    knocks_s: float = 8.0  # the same, where the server was never reached
    first_wait_s: float = 0.5

    def fetch(self, url: str, part: Path, most_bytes: int, known: Edition | None = None) -> Edition | None:
        """Writes the file to `part` and gives its edition; None where it is `known` still, and `part` is not there.

        What an ended fetch has left in `part` is gone on with. Raises TooLarge as soon as that is known; InputError and
        AccessError for what the user must mend, ServiceError where the server cannot be reached or used in time.
        """
        import httpx

        since, best, tries, reached = time.monotonic(), _size(part), 0, False
        with httpx.Client(timeout=self.answer_s, headers=_HEADERS) as client:
            while True:
                try:
                    return self._once(client, url, part, most_bytes, known)
                except Trouble as trouble:
                    reached = reached or trouble.reached
                    if _size(part) > best:
                        since, best, tries = time.monotonic(), _size(part), 0
                    wait_s = max(trouble.wait_s, min(_LONGEST_WAIT_S, self.first_wait_s * 2.0**tries))
                    patience_s = self.patience_s if reached else self.knocks_s
                    if time.monotonic() + wait_s - since > patience_s:
                        raise ServiceError(f"{self.where}: {trouble}; try again later.") from trouble
                    time.sleep(wait_s * random.uniform(1.0, 1.2))
                    tries += 1

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
                edition = _edition(answer)
                if not begins and known is not None and known.tells and edition == known:
                    return None
                if edition.size_bytes is not None and edition.size_bytes > most_bytes:
                    raise TooLarge(edition.size_bytes)
                self._write(answer, part, begins, edition, most_bytes)
                return edition
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise trouble_of(error, self.where) from error

    @contextlib.contextmanager
    def _answer(self, client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The answer at the end of all redirects; raises where it is none that holds a file."""
        for _ in range(_MOST_REDIRECTS + 1):
            with client.stream("GET", url, headers=headers) as answer:
                if answer.status_code not in _REDIRECTS or "Location" not in answer.headers:
                    self._refuse(answer)
                    yield answer
                    return
                target = urljoin(url, answer.headers["Location"])
            self.allow(url, target)
            url = target
        raise InputError(f"{self.where}: leads on more than {_MOST_REDIRECTS} times; give the file's own address.")

    def _refuse(self, answer: httpx.Response) -> None:
        status = answer.status_code
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
            raise Trouble(f"the server is busy or out of order (HTTP {status})", wait_s=_retry_after_s(answer))
        raise InputError(f"{self.where}: the server does not give the file (HTTP {status}); check the address.")

    def _begins(self, answer: httpx.Response, part: Path, held: Edition | None) -> int:
        """With which byte of the file the answer begins: 0, or where `part` ends."""
        if answer.status_code == 200:
            return 0
        have = _size(part)
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if answer.status_code == 206 and held is not None and found is not None and int(found[1]) == have:
            total, tag = int(found[2]), answer.headers.get("ETag", held.etag)
            if held.size_bytes in (None, total) and tag == held.etag:
                return have
        part.unlink(missing_ok=True)  # of another version, or damaged: begun anew
        raise Trouble("the server does not go on with an interrupted download")

    def _write(self, answer: httpx.Response, part: Path, begins: int, edition: Edition, most_bytes: int) -> None:
        pieces = answer.iter_bytes()
        if not begins:
            head = b""
            for piece in pieces:
                head += piece
                if len(head) >= _HEAD_BYTES:
                    break
            if not head:
                raise InputError(f"{self.where}: the file is empty; check the address.")
            self.accept(head, answer.headers.get("Content-Type", ""), edition.size_bytes)
            part.unlink(missing_ok=True)
            _memory(part).write_text(json.dumps(asdict(edition)), encoding="utf-8")
            pieces = _chained(head, pieces)
        with part.open("ab") as stream:
            for piece in pieces:
                begins += len(piece)
                if begins > most_bytes:
                    raise TooLarge(begins)
                stream.write(piece)
        if edition.size_bytes is not None and begins != edition.size_bytes:
            raise Trouble("the server ended too early")
        _memory(part).unlink(missing_ok=True)


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


def _edition(answer: httpx.Response) -> Edition:
    """The size is the whole file's, also where a part of it comes; None for one that is packed on its way."""
    headers = answer.headers
    size = headers.get("Content-Range", "").rpartition("/")[2] if answer.status_code == 206 else ""
    size = size or headers.get("Content-Length", "")
    plain = headers.get("Content-Encoding", "identity").lower() in ("", "identity")
    return Edition(
        etag=headers.get("ETag", ""),
        modified=headers.get("Last-Modified", ""),
        size_bytes=int(size) if plain and size.isdecimal() else None,
    )


def _retry_after_s(answer: httpx.Response) -> float:
    """What the header Retry-After says, in seconds; 0 where it says nothing that can be read."""
    text = answer.headers.get("Retry-After", "").strip()
    with contextlib.suppress(ValueError, TypeError):
        return float(text) if text.isdecimal() else max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0
