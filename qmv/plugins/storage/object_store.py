"""Buckets of S3, R2 and the like, and containers of Azure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from qmv.api import Storage, Stored, Upload, plugin, setting
from qmv.errors import ConfigError
from qmv.objects.cloud import CloudStore
from qmv.objects.cloud_access import check_options
from qmv.objects.cloud_names import Place

__all__ = ["ObjectStoreStorage"]

_WHERE = "storage (object_store)"
_LONGEST_H = 168  # S3 signs for seven days at most


@plugin
class ObjectStoreStorage(Storage):
    """Puts the files into a bucket of S3 (also R2, MinIO ...) or a container of Azure; whole or not at all.

    Wants `pip install 'qmv[object-store]'` and the keys in the environment: AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY.
    """

    name = "object_store"

    url: str = setting("s3://BUCKET/FOLDER or az://CONTAINER/FOLDER")
    link: str = setting(
        "plain: the address; signed: one that works without a key for a time",
        default="plain", choices=("plain", "signed"), keyed=False,
    )  # fmt: skip
    expires_h: float = setting(
        "how long a signed link works", default=_LONGEST_H, unit="h", above=0, at_most=_LONGEST_H, keyed=False
    )
    site: str = setting("the address that people see the bucket under, if another (R2, a CDN)", default="", keyed=False)
    options: dict[str, Any] = setting("endpoint, region and the like; no keys", default={}, keyed=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        scheme = self.url.partition("://")[0].lower()
        if scheme in ("gs", "gcs"):
            raise ValueError(f"url is of Google's storage, got '{self.url}'; use storage=gcs")
        if scheme in ("file", "") or "://" not in self.url:
            raise ValueError(f"url must be s3://BUCKET/FOLDER or az://CONTAINER/FOLDER, got '{self.url}'; "
                             "for a folder use storage=folder")  # fmt: skip
        try:
            check_options(Place.of(self.url, _WHERE).scheme, self.options, _WHERE)
        except ConfigError as error:
            raise ValueError(str(error).removeprefix(f"{_WHERE}: ").rstrip(".")) from error
        if not self.cache_control.isascii():
            raise ValueError(f"cache_control must be plain ASCII, as headers are, got '{self.cache_control}'")

    def store(self) -> CloudStore:
        options = tuple(sorted((name, value) for name, value in self.options.items() if value is not None))
        return CloudStore(where=_WHERE, url=self.url, options=options, site=self.site)

    def put(self, upload: Upload, progress: Callable[[int], None]) -> Stored:
        stored = super().put(upload, progress)
        if self.link == "plain":
            return stored
        return dataclasses.replace(stored, url=self.store().sign(upload.key, self.expires_h))
