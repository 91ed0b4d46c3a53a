"""Buckets of S3 and of what speaks like it (R2, MinIO ...), and containers of Azure, by the library obstore."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from qmv.artifacts import File
from qmv.errors import OutputError, output_error
from qmv.objects.cloud_access import Options, access
from qmv.objects.cloud_client import CONDITIONLESS, client, interruptible, library
from qmv.objects.cloud_errors import Trouble, Unable, refusal, weariness
from qmv.objects.cloud_links import azure_link
from qmv.objects.cloud_names import Place, is_etag_of
from qmv.objects.store import Absent, ObjectStore, Standing, Taken, Upload

if TYPE_CHECKING:
    from types import ModuleType

    from obstore.store import AzureStore, S3Store

__all__ = ["CloudStore"]

T = TypeVar("T")
_PIECE_BYTES = 8 << 20
_SLOWEST = 64_000  # bytes a second; what is slower counts as a stall
_OWN_RETRIES_S = 200  # the library signs once for all tries of a request, and signatures grow old
_CHECK_S = 20  # patience of check(): a wrong endpoint should not take ten minutes
_PAUSES_S = (0.5, 1, 2, 4, 8, 15)
_PROBE = ".qmv-probe"  # nothing ever stands there
_NEVER = '"00000000000000000000000000000000"'  # no object's ETag


@dataclass(frozen=True, kw_only=True)
class CloudStore(ObjectStore):
    """A bucket or container, with the path of the url as the prefix of all keys.

    Files up to `whole_bytes` go in one request, larger ones in parts (`cloud_sending`); they are read by
    `piece_bytes`. `site` is the address under which people see the bucket, where that is another than the service's
    own (R2, a CDN).
    """

    url: str
    options: Options = ()
    site: str = ""
    patience_s: float = 600
    stall_s: float = 60
    whole_bytes: int = 16 << 20
    piece_bytes: int = _PIECE_BYTES

    # -- the face of a store -------------------------------------------------------------------------------------

    def check(self) -> None:
        """Asks for a write that can never take place: what is wrong is told, and nothing is left behind."""
        hasty = replace(self, patience_s=min(self.patience_s, _CHECK_S))
        key = self.place.full(_PROBE, self.where)
        with_etag = {"e_tag": _NEVER}
        obstore = library(self.where)
        try:
            hasty.bear(lambda: obstore.put(hasty.client(0), key, b"", mode=with_etag, use_multipart=False))
        except Taken:
            hasty.look(_PROBE)  # whether it may read, too
        except Unable:
            CONDITIONLESS.add(self.endpoint)  # the library takes such an answer for a passing one, and asks for long
            hasty.look(_PROBE)
        else:  # a service that knows no conditions has made it
            hasty.bear(lambda: obstore.delete(hasty.client(0), key))

    def look(self, key: str) -> Standing | None:
        obstore, full = library(self.where), self.place.full(key, self.where)

        def ask() -> tuple[Any, dict[str, str]]:
            try:
                found = obstore.get(self.client(0), full, options={"head": True})
            except obstore.exceptions.BaseError as error:
                if Trouble.of(error).status in (400, 401, 403):  # a HEAD is refused without a word
                    obstore.get(self.client(0), full, options={"range": (0, 1)})
                if "Metadata value" not in str(error):
                    raise
                return obstore.head(self.client(0), full), {}  # another writer's, whose metadata cannot be read
            return found.meta, found.attributes

        try:
            meta, attributes = self.bear(ask)
        except Absent:
            return None
        etag = meta["e_tag"] or ""
        return Standing(
            key=key, size_bytes=meta["size"], version=meta["version"] or etag or str(meta["last_modified"]),
            content_type=attributes.get("Content-Type", ""), sums={"etag": etag} if etag else {},
        )  # fmt: skip

    def holds(self, standing: Standing, file: File) -> bool:
        if standing.size_bytes != file.size_bytes:
            return False
        if self.place.scheme == "s3" and is_etag_of(standing.sums.get("etag", ""), file):
            return True
        digest = hashlib.sha256()
        try:
            for piece in self._pieces(standing):
                digest.update(piece)
        except (Absent, Taken):
            return False
        return digest.hexdigest() == file.sha256

    def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        from qmv.objects.cloud_sending import send

        send(self, upload, replaces, progress)

    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        while True:
            standing = self.to_fetch(key, most_bytes)
            try:
                with target.open("wb") as stream:
                    for piece in self._pieces(standing):
                        stream.write(piece)
            except Taken:  # it was replaced meanwhile: halves of two files are none
                continue
            except OSError as error:
                raise output_error(error) or OutputError(
                    f"{self.where}: {target} cannot be written ({error})."
                ) from error
            return standing

    def withdraw(self, standing: Standing) -> None:
        """These services delete on no condition, so it is looked at first: two steps."""
        obstore, full = library(self.where), self.place.full(standing.key, self.where)
        found = self.look(standing.key)
        if found is not None and found.version == standing.version:
            with contextlib.suppress(Absent):
                self.bear(lambda: obstore.delete(self.client(), full))

    def address(self, key: str) -> str:
        full = quote(self.place.full(key, self.where), safe="/~")
        if self.site:
            return f"{self.site.rstrip('/')}/{full}"
        return f"{self.endpoint}/{full}"

    def sign(self, key: str, hours: float) -> str:
        """An address that gives the file to whoever has it, for so long."""
        obstore, full = library(self.where), self.place.full(key, self.where)
        config = access(self.place, self.options, self.where)
        if account_key := str(config.get("account_key", "")):
            address = replace(self, site="").address(key)
            account = str(config["account_name"])
            return azure_link(
                address, place=self.place, full=full, account=account, account_key=account_key, hours=hours
            )
        signed: str = self.bear(lambda: obstore.sign(self.client(), "GET", full, timedelta(hours=hours)))
        return signed

    # -- for `cloud_sending` -------------------------------------------------------------------------------------

    @functools.cached_property
    def place(self) -> Place:
        return Place.of(self.url, self.where)

    @property
    def endpoint(self) -> str:
        """The service's address of the bucket."""
        config = access(self.place, (*self.options, ("skip_signature", True)), self.where)
        hosted = config.get("virtual_hosted_style_request", False)
        return str(config["endpoint"]) if hosted else f"{config['endpoint']}/{self.place.bucket}"

    def client(self, request_bytes: int = _PIECE_BYTES, copy_if: str = "") -> S3Store | AzureStore:
        """The library's client, for requests of so many bytes; `copy_if` is the condition of copies."""
        timeout_s = self.stall_s + request_bytes / _SLOWEST
        told = tuple(sorted(access(self.place, self.options, self.where).items()))
        around = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith(("AWS_", "AZURE_"))))
        return client(self.place, told, around, timeout_s=timeout_s, retries_s=self._own_retries_s, copy_if=copy_if)

    def bear(self, ask: Callable[[], T], before_again: Callable[[], None] | None = None) -> T:
        """The answer to a question, asked again while that may help.

        Raises Absent where nothing is, Taken where a condition does not hold, and QmvError for everything else.
        """
        obstore = library(self.where)
        errors = obstore.exceptions
        borne_s, tries = 0.0, 0
        while True:
            began = time.monotonic()
            try:
                return interruptible(ask)
            except (errors.BaseError, FileNotFoundError) as error:
                trouble = Trouble.of(error)
                kind = _kind(error, trouble)
            if kind is not None:
                raise kind(self.url) from None
            borne_s += min(time.monotonic() - began, self._own_retries_s)  # before that, a long upload went well
            if not trouble.passes:
                raise refusal(trouble, self.where, self.place, self._host()) from None
            if borne_s >= self.patience_s:
                raise weariness(trouble, self.where, self.endpoint, borne_s) from None
            pause_s = min(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)], self.patience_s - borne_s)
            time.sleep(pause_s)
            borne_s, tries = borne_s + pause_s, tries + 1
            if before_again is not None:
                before_again()

    @property
    def _own_retries_s(self) -> float:
        return min(_OWN_RETRIES_S, self.patience_s / 2)

    def _host(self) -> str:
        return urlsplit(self.endpoint).netloc

    def _pieces(self, standing: Standing) -> Iterator[Any]:
        """What stands there, a piece at a time; raises Taken where it is replaced meanwhile."""
        obstore, full = library(self.where), self.place.full(standing.key, self.where)
        etag = standing.sums.get("etag")
        for start in range(0, standing.size_bytes, self.piece_bytes):
            options: dict[str, Any] = {"range": (start, min(start + self.piece_bytes, standing.size_bytes))}
            if etag:
                options["if_match"] = etag
            yield self.bear(functools.partial(_piece, obstore, self.client(self.piece_bytes), full, options))


def _piece(obstore: ModuleType, client: Any, key: str, options: dict[str, Any]) -> Any:
    return obstore.get(client, key, options=options).bytes()


def _kind(error: BaseException, trouble: Trouble) -> type[Exception] | None:
    """Taken or Absent, where an error says that and no more."""
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    if trouble.passes or trouble.code in ("NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"):
        return None
    if isinstance(error, (AlreadyExistsError, PreconditionError)):
        return Taken
    return Absent if isinstance(error, FileNotFoundError) else None
