"""A bucket of Google Cloud Storage as a place that keeps files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from qmv.artifacts import File
from qmv.errors import AccessError, ConfigError, OutputError, ServiceError, output_error
from qmv.objects.gcs_errors import Answer, Judge
from qmv.objects.gcs_link import Link, base_url, host_of, link
from qmv.objects.gcs_patience import Patience
from qmv.objects.gcs_session import GRAIN_BYTES, Session
from qmv.objects.gcs_sums import sums
from qmv.objects.store import ObjectStore, Standing, Taken, Upload

if TYPE_CHECKING:
    from google.cloud.storage import Blob

__all__ = ["GcsStore"]

T = TypeVar("T")
_CHECK_S = 20.0  # how long a question before any work may take
# without the last one, the service says 403 of what is not there
_NEEDED = ("storage.objects.create", "storage.objects.get", "storage.objects.list")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_READS = 3  # of an object that is replaced, or damaged, while it is read


@dataclass(frozen=True, kw_only=True)
class GcsStore(ObjectStore):
    """Objects appear whole or not at all. Faults of the network are borne for `patience_s` since the last progress;
    `timeouts_s` are those of one connection and of one answer."""

    bucket: str
    prefix: str = ""
    chunk_bytes: int = 8 << 20
    patience_s: float = 600.0
    first_wait_s: float = 1.0
    timeouts_s: tuple[float, float] = (5.0, 30.0)

    def __post_init__(self) -> None:
        if self.chunk_bytes < GRAIN_BYTES or self.chunk_bytes % GRAIN_BYTES:
            raise ValueError(f"chunk_bytes must be a multiple of {GRAIN_BYTES}, got {self.chunk_bytes}")

    def check(self) -> None:
        """Raises where the bucket is not there, or objects may not be made and read in it."""
        granted = self.bear(self._granted, most_s=_CHECK_S)
        absent = [name for name in _NEEDED if name not in granted]
        if absent:
            raise self.judge().denied(absent[0])

    def look(self, key: str) -> Standing | None:
        blob = self.blob(key)

        def ask() -> bool:
            try:
                blob.reload(retry=None, timeout=self.timeouts_s)
            except Exception as error:
                answer = Answer.in_error(error)
                if answer is None or answer.status != HTTPStatus.NOT_FOUND or answer.about_bucket:
                    raise
                return False
            return True

        if not self.bear(ask):
            return None
        told = {"crc32c": blob.crc32c, "md5": blob.md5_hash}  # composed objects have no md5
        return Standing(
            key=key, size_bytes=int(blob.size or 0), version=str(blob.generation), content_type=blob.content_type or "",
            sums={name: value for name, value in told.items() if value},
        )  # fmt: skip

    def holds(self, standing: Standing, file: File) -> bool:
        if standing.size_bytes != file.size_bytes:
            return False
        if not standing.sums:
            return super().holds(standing, file)
        found = sums(file.path)
        ours = {"crc32c": found.crc32c, "md5": found.md5}
        return found.sha256 == file.sha256 and all(ours[name] == value for name, value in standing.sums.items())

    def send(self, upload: Upload, replaces: Standing | None, progress: Callable[[int], None]) -> None:
        Session(
            link=self.link(), patience=self.patience(), bucket=self.bucket, name=self.name_of(upload.key),
            generation=int(replaces.version) if replaces else 0, upload=upload, chunk_bytes=self.chunk_bytes,
            timeout_s=self.timeouts_s, progress=progress,
        ).send()  # fmt: skip

    def fetch(self, key: str, target: Path, most_bytes: int) -> Standing:
        for _ in range(_READS):
            standing = self.to_fetch(key, most_bytes)
            with contextlib.suppress(Taken):  # replaced meanwhile: what stands there now is read
                self._read(standing, target)
                found = sums(target).crc32c
                if standing.sums.get("crc32c", found) == found:
                    return standing
        raise ServiceError(
            f"{self.where}: gs://{self.bucket}/{self.name_of(key)} changed while it was read, or arrived damaged, "
            f"{_READS} times; run the same command again."
        )

    def withdraw(self, standing: Standing) -> None:
        def ask() -> None:
            try:
                self.blob(standing.key).delete(
                    if_generation_match=int(standing.version), retry=None, timeout=self.timeouts_s
                )
            except Exception as error:
                answer = Answer.in_error(error)
                if answer is None or answer.status not in (404, 412) or answer.about_bucket:
                    raise

        found = self.look(standing.key)  # emulators delete whatever stands there
        if found is not None and found.version == standing.version:
            self.bear(ask)

    def address(self, key: str) -> str:
        return f"{base_url()}/{quote(self.bucket)}/{quote(self.name_of(key), safe='/~')}"

    # -- what gcs_access uses too ----------------------------------------------------------------------------------

    def name_of(self, key: str) -> str:
        """The object's name; raises OutputError for one that the service does not take."""
        name = f"{self.prefix.strip('/')}/{key}" if self.prefix.strip("/") else key
        if not name or name in (".", "..") or re.search(r"[\r\n]", name) or len(name.encode()) > 1024:
            raise OutputError(f"{self.where}: {name[:80]!r} is no name of an object; use 1 to 1024 bytes in one line.")
        return name

    def blob(self, key: str, generation: str | None = None) -> Blob:
        """The library's own object, with nothing asked of the service yet."""
        bucket = self.link().client.bucket(self.bucket)
        return bucket.blob(self.name_of(key), generation=int(generation) if generation else None)

    def link(self) -> Link:
        """This process's way to the service."""
        plain = _BUCKET.fullmatch(self.bucket) and not _ADDRESS.fullmatch(self.bucket) and ".." not in self.bucket
        longest = 222 if "." in self.bucket else 63
        if not plain or len(self.bucket) > longest or self.bucket.startswith("goog") or "google" in self.bucket:
            raise ConfigError(
                f"{self.where}: '{self.bucket}' is no name of a bucket; 3 to 63 small letters, digits, '-', '_', '.', "
                "with a letter or digit at both ends and without 'google'; correct the name."
            )
        return link(self.where)

    def judge(self) -> Judge:
        """Who tells what a refusal means."""
        made = self.link()
        return Judge(
            where=self.where, bucket=self.bucket, account=made.account, host=host_of(), buckets=self._buckets,
            server_date=made.server_date,
        )  # fmt: skip

    def patience(self, most_s: float | None = None) -> Patience:
        """A new one for each thing that is done."""
        patience_s = self.patience_s if most_s is None else min(most_s, self.patience_s)
        return Patience(where=self.where, patience_s=patience_s, first_wait_s=self.first_wait_s, judge=self.judge())

    def bear(self, ask: Callable[[], T], most_s: float | None = None) -> T:
        """The answer to a question that may be repeated."""
        return self.patience(most_s).bear(ask)

    # -- parts -----------------------------------------------------------------------------------------------------

    def _granted(self) -> tuple[str, ...]:
        """Which of the permissions the account has; all where nobody can tell."""
        bucket = self.link().client.bucket(self.bucket)
        try:
            return tuple(bucket.test_iam_permissions(list(_NEEDED), timeout=self.timeouts_s, retry=None))
        except Exception as error:
            answer = Answer.in_error(error)
            if answer is None or answer.about_bucket or answer.status not in (400, 404, 405, 501):
                raise
        there = True
        with contextlib.suppress(AccessError):  # who may store objects need not be allowed to look at the bucket
            there = self.bear(lambda: bucket.exists(timeout=self.timeouts_s, retry=None), most_s=_CHECK_S)
        if not there:
            raise self.judge().no_bucket()
        return _NEEDED

    def _read(self, standing: Standing, target: Path) -> None:
        """Raises Taken where what was looked at is no more."""
        patience = self.patience()
        with _opened(target) as stream:
            while (at := stream.tell()) < standing.size_bytes:
                try:
                    self._read_piece(standing, stream, at, min(at + self.chunk_bytes, standing.size_bytes))
                    patience.rested()
                except Exception as error:
                    answer = Answer.in_error(error)
                    if answer is not None and answer.status in (404, 412, 416) and not answer.about_bucket:
                        raise Taken(standing.key) from None
                    if stream.tell() > at:  # what came before the fault is good
                        patience.rested()
                    if isinstance(error, OSError) and (refusal := output_error(error)):
                        raise refusal from error
                    patience.after(error)

    def _read_piece(self, standing: Standing, stream: Any, at: int, end: int) -> None:
        blob = self.blob(standing.key, standing.version)  # anew, since the library forgets the version after a piece
        blob.download_to_file(
            stream, start=at, end=end - 1, raw_download=True, checksum=None, retry=None, timeout=self.timeouts_s
        )
        if stream.tell() > end:  # a server that does not know ranges
            raise ServiceError(f"{self.where}: more came than was asked for; check what answers at {host_of()}.")

    def _buckets(self) -> list[str]:
        """The names of the buckets that the account sees; none where it may not look."""
        try:
            client = self.link().client
            return [each.name for each in client.list_buckets(max_results=1000, timeout=self.timeouts_s, retry=None)]
        except Exception:  # it is only for a hint
            return []


@contextlib.contextmanager
def _opened(target: Path) -> Any:
    try:
        with target.open("wb") as stream:
            yield stream
    except OSError as error:
        raise output_error(error) or error from error
