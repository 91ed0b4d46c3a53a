"""Stores films of 20 and 300 MB in every kind of bucket that runs on this machine, and looks at all that stands there.

Checked are type, metadata, size, the hash of what is read back, a part fetched by its address as a browser does, that
a second delivery sends nothing, and that another film under the key is refused. Exits with 1 where one does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import table, write_json
from qmv.api import Storage, Upload
from qmv.artifacts import File
from qmv.errors import OutputError
from qmv.plugins.storage.folder import Folder
from qmv.plugins.storage.gcs import Gcs
from qmv.plugins.storage.object_store import ObjectStoreStorage
from tests.fakes.azure import azure
from tests.fakes.gcs.process import emulator, key_file
from tests.fakes.s3 import s3

_METADATA = {"title": "Night Train", "style": "neon", "licence": "CC BY 4.0"}
_PART = (1_000_000, 1_000_099)
_MOST_BYTES = 1 << 30


def main() -> int:
    """Prints a table; 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stores", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*_PLACES], default=[*_PLACES], help="kinds of stores (all)")
    parser.add_argument("--mb", nargs="+", type=int, default=[20, 300], help="sizes of the films (20 300)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory(prefix="qmv-stores-") as work:
        for name in given.only:
            (Path(work) / name).mkdir()
            with _PLACES[name](Path(work) / name) as storage:
                found += [{"store": name, **_tried(storage, Path(work), size)} for size in given.mb]
    columns = ("store", "MB", "s", "CPU s", "type", "metadata", "hash", "part by address", "again", "taken")
    rows = [[_cell(line[name]) for name in columns] for line in found]
    table("Films in buckets", columns, rows)
    write_json(given.json, "stores", {"stores": found})
    return int(not all(value for line in found for value in line.values() if isinstance(value, bool)))


def _cell(value: object) -> str:
    return {True: "ok", False: "WRONG"}[value] if isinstance(value, bool) else str(value)


def _tried(storage: Storage, work: Path, size_mb: int) -> dict[str, Any]:
    film = _film(work / f"film-{size_mb}.mp4", size_mb)
    upload = Upload(
        file=File.of(film), key=f"videos/spring/video_{size_mb}.mp4", content_type="video/mp4",
        cache_control="public, max-age=60", metadata=_METADATA, memory=work / "memory.json",
    )  # fmt: skip
    told: list[int] = []
    began_s, cpu_s = time.monotonic(), time.process_time()
    stored = storage.put(upload, told.append)
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    store, back = storage.store(), work / "back"
    standing = store.fetch(upload.key, back, _MOST_BYTES)
    head, part = _fetched(stored.url)
    with film.open("rb") as stream:
        stream.seek(_PART[0])
        wanted = stream.read(_PART[1] - _PART[0] + 1)
    return {
        "MB": size_mb, "s": round(took_s, 2), "CPU s": round(cpu_s, 2),
        "type": head.get("content-type", "video/mp4") == "video/mp4" and told[-1] == upload.file.size_bytes,
        "metadata": isinstance(storage, Folder) or _METADATA.items() <= _metadata(storage, upload.key, head).items(),
        "hash": File.of(back).sha256 == upload.file.sha256 and standing.size_bytes == upload.file.size_bytes,
        "part by address": part == wanted,
        "again": storage.put(upload, told.append).unchanged,
        "taken": _refused(storage, upload, work),
    }  # fmt: skip


def _refused(storage: Storage, upload: Upload, work: Path) -> bool:
    other = work / "other.mp4"
    other.write_bytes(b"another film")
    told: list[int] = []
    try:
        storage.put(Upload(file=File.of(other), key=upload.key, content_type="video/mp4"), told.append)
    except OutputError:
        return storage.store().look(upload.key) is not None
    return False


def _fetched(url: str) -> tuple[dict[str, str], bytes]:
    """Headers and a part of the body, asked for by Range; of a file, the part."""
    if "://" not in url:
        with Path(url).open("rb") as stream:
            stream.seek(_PART[0])
            return {}, stream.read(_PART[1] - _PART[0] + 1)
    request = urllib.request.Request(url, headers={"Range": f"bytes={_PART[0]}-{_PART[1]}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 206
        return {name.lower(): value for name, value in answer.headers.items()}, answer.read()


def _metadata(storage: Storage, key: str, head: dict[str, str]) -> dict[str, str]:
    """What the object says of itself: in headers, or by the library."""
    if isinstance(storage, Gcs):
        blob = storage.store().blob(key)
        blob.reload()
        return dict(blob.metadata or {})
    found = {name.partition("-meta-")[2]: value for name, value in head.items() if "-meta-" in name}
    return {name: urllib.request.unquote(value) for name, value in found.items()}  # type: ignore[attr-defined]


def _film(path: Path, size_mb: int) -> Path:
    if not path.exists():
        dice = random.Random(size_mb)
        with path.open("wb") as stream:
            for _ in range(size_mb):
                stream.write(dice.randbytes(1_000_000))
    return path


# -- the stores ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder(work: Path) -> Iterator[Storage]:
    yield Folder(path=str(work / "films"))


@contextlib.contextmanager
def _gcs(work: Path) -> Iterator[Storage]:
    with emulator(work, memory=False) as port:
        url = f"http://127.0.0.1:{port}"
        body, kind = json.dumps({"name": "films"}).encode(), {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/storage/v1/b?project=p", body, kind), timeout=10).close()
        os.environ["STORAGE_EMULATOR_HOST"] = url
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(key_file(work / "key.json", url))
        yield Gcs(bucket="films", link="public")


@contextlib.contextmanager
def _s3(work: Path) -> Iterator[Storage]:
    os.environ |= {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_REGION": "us-east-1"}
    with s3(work, bucket="films") as service:
        yield ObjectStoreStorage(url="s3://films/2026", link="signed", options={"endpoint": service.url})


@contextlib.contextmanager
def _azure(work: Path) -> Iterator[Storage]:
    with azure(work, container="films") as service:
        os.environ |= service.environment()
        yield ObjectStoreStorage(url="az://films/2026", link="signed", options={"endpoint": service.url})


_PLACES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Storage]]] = {
    "folder": _folder, "gcs": _gcs, "s3": _s3, "azure": _azure,
}  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(main())
