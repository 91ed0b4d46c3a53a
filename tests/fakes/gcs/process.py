"""The fake of Google Cloud Storage and the emulator, from a test's side: started and ended with a block."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.fakes.gcs.script import EMAIL, Script
from tests.fakes.serving import lines, started

__all__ = ["FakeGcs", "emulator", "fake_gcs", "key_file"]

_STARTS_WITHIN_S = 30.0


@dataclass(frozen=True, kw_only=True)
class FakeGcs:
    """A fake that runs; `key` is the file of a service account that it knows."""

    port: int
    folder: Path
    key: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def requests(self, method: str = "") -> list[dict[str, Any]]:
        """What came, with method, path and body_bytes."""
        return [line for line in lines(self.folder / "requests.jsonl") if method in ("", line["method"])]


@contextlib.contextmanager
def fake_gcs(folder: Path, **script: Any) -> Iterator[FakeGcs]:
    """Runs a fake until the end of the block; the script's fields are those of `Script`."""
    with started("tests.fakes.gcs", folder, asdict(Script(**script))) as process:
        url = f"http://127.0.0.1:{process.port}"
        yield FakeGcs(port=process.port, folder=folder, key=key_file(folder / "key.json", url))


def key_file(path: Path, url: str) -> Path:
    """Writes the key of a made-up service account."""
    key = {
        "type": "service_account", "project_id": "made-up", "private_key_id": "1", "private_key": _private(),
        "client_email": EMAIL, "client_id": "1", "token_uri": f"{url}/token",
    }  # fmt: skip
    path.write_text(json.dumps(key), encoding="utf-8")
    return path


@functools.cache
def _private() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@contextlib.contextmanager
def emulator(folder: Path, *, memory: bool = True) -> Iterator[int]:
    """Runs gcp-storage-emulator, which others wrote, until the end of the block; gives its port."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kind = ["-M"] if memory else []
    command = [sys.executable, "-m", "gcp_storage_emulator", "-d", str(folder), "start", "-H", "127.0.0.1", "-q", *kind]
    with (
        (folder / "said.txt").open("ab") as said,
        subprocess.Popen([*command, "--port", str(port)], cwd=folder, stdout=said, stderr=said) as process,
    ):
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the emulator did not start")
