"""From an address to the store behind it: gs://bucket/prefix, s3://bucket/prefix, az://container/prefix, a folder."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from qmv.errors import ConfigError
from qmv.objects.store import ObjectStore

__all__ = ["CLOUDS", "open_store"]

CLOUDS = ("gs", "s3", "az")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_FILE = re.compile(r"file://(localhost(?=/))?", re.IGNORECASE)


def open_store(url: str, where: str, patience_s: float = 600.0) -> ObjectStore:
    """The store that an address names, with its path as the prefix of all keys; nothing is asked of it yet.

    `where` begins the sentences of its errors; faults of a cloud's network are borne for `patience_s`. Raises
    ConfigError for an address of another kind, and for one with a password or a signature in it, which it does not
    repeat: addresses are told and written down.
    """
    from qmv.objects.folder import FolderStore

    found = _ADDRESS.match(url)
    scheme = found[1].lower() if found else ""
    if scheme not in ("", "file"):
        _refuse_secrets(url, scheme, where)
    if scheme == "gs":
        from qmv.objects.gcs import GcsStore

        bucket, _, prefix = url[len("gs://") :].partition("/")
        if not bucket:
            raise ConfigError(f"{where}: '{url}' names no bucket; write gs://BUCKET/FOLDER.")
        return GcsStore(where=where, bucket=bucket, prefix=prefix.strip("/"), patience_s=patience_s)
    if scheme in ("s3", "az"):
        from qmv.objects.cloud import CloudStore

        return CloudStore(where=where, url=url.rstrip("/"), patience_s=patience_s)
    if scheme in ("", "file"):
        path = unquote(url[marked.end() :]) if (marked := _FILE.match(url)) else url
        return FolderStore(where=where, folder=Path(path), link=False)
    kinds = ", ".join(f"{name}://" for name in CLOUDS)
    raise ConfigError(f"{where}: '{url}' is of no known kind; known: {kinds} or a folder.")


def _refuse_secrets(url: str, scheme: str, where: str) -> None:
    host = url.partition("://")[2].partition("/")[0]
    what = "a user or a password" if "@" in host else "a query or a fragment" if re.search("[?#]", url) else ""
    if what:
        raise ConfigError(
            f"{where}: an address of {scheme}:// with {what} in it, which would be told and written down; give the "
            "place alone, such as s3://BUCKET/FOLDER, and the account by the environment."
        )
