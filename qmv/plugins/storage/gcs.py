"""A bucket of Google Cloud Storage."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from qmv.api import Storage, Stored, Upload, plugin, setting
from qmv.errors import ConfigError
from qmv.objects.gcs import GcsStore

__all__ = ["Gcs"]

_BUCKET_ENV = "GCS_BUCKET_NAME"


@plugin
class Gcs(Storage):
    """Puts the videos into a bucket of Google Cloud Storage; an upload that was cut off goes on where it ended.

    Wants `pip install 'qmv[gcs]'` and credentials the Google way: `gcloud auth application-default login`, or the key
    file of a service account in GOOGLE_APPLICATION_CREDENTIALS, with the role roles/storage.objectUser on the bucket.
    """

    name = "gcs"
    bucket: str = setting(f"the bucket's name; empty: what {_BUCKET_ENV} names", default="")
    prefix: str = setting("what all keys begin with: a folder in the bucket", default="")
    cache_control: str = setting(
        "the header Cache-Control of what is stored; empty: none", default="public, max-age=3600", keyed=False
    )
    link: str = setting(
        "the address that is told: plain (permissions as they are), public (readable by everybody), signed (ends)",
        default="plain", choices=("plain", "public", "signed"),
    )  # fmt: skip
    expires_h: float = setting("when a signed address ends", default=168.0, unit="h", above=0, at_most=168, keyed=False)
    chunk_mb: float = setting(
        "sent in one request; a multiple of 0.25", default=8.0, unit="MiB", at_least=0.25, at_most=1024, keyed=False
    )
    patience_s: float = setting(
        "how long faults of the network are borne without progress", default=600.0, unit="s", above=0, keyed=False
    )
    answer_s: float = setting("how long to wait for one answer", default=30.0, unit="s", above=0, keyed=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chunk_mb * 4 % 1:
            raise ValueError(f"chunk_mb must be a multiple of 0.25, got {self.chunk_mb:g}")

    def store(self) -> GcsStore:
        bucket = self.bucket or os.environ.get(_BUCKET_ENV, "")
        if not bucket:
            raise ConfigError(
                f"storage (gcs): no bucket is named; set storage.bucket=NAME, or {_BUCKET_ENV} in the environment."
            )
        name, _, folder = bucket.removeprefix("gs://").partition("/")  # people copy gs://bucket/folder from elsewhere
        prefix = "/".join(part for part in (folder.strip("/"), self.prefix.strip("/")) if part)
        return GcsStore(
            where="storage (gcs)", bucket=name, prefix=prefix,
            chunk_bytes=round(self.chunk_mb * (1 << 20)), patience_s=self.patience_s, timeouts_s=(5.0, self.answer_s),
        )  # fmt: skip

    def ready(self) -> None:
        """Also raises where the address could not be signed, or nothing be made public."""
        from qmv.objects.gcs_access import can_open, can_sign

        store = self.store()
        store.check()
        if self.link == "signed":
            can_sign(store)
        elif self.link == "public":
            can_open(store)

    def put(self, upload: Upload, progress: Callable[[int], None]) -> Stored:
        """Stores and verifies as all storages do, then opens what is there as `link` says."""
        from qmv.objects.gcs_access import public, signed

        stored = super().put(upload, progress)
        if self.link == "public":
            return replace(stored, url=public(self.store(), upload.key))
        if self.link == "signed":
            return replace(stored, url=signed(self.store(), upload.key, self.expires_h))
        return stored
