"""Azure's blobs by azurite, in a process of its own.

    with azure(folder, container="films") as service: ...     # service.url, service.environment()

Its program is named by QMV_AZURITE, or is `azurite-blob` on the PATH.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.machine import lacking

__all__ = ["Service", "azure"]

_ACCOUNT = "devstoreaccount1"  # the account and key that every emulator of Azure has
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_STARTS_WITHIN_S = 60
_VERSION = "2021-08-06"


@dataclass(frozen=True, kw_only=True)
class Service:
    """An emulator that runs."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{_ACCOUNT}"

    def environment(self) -> dict[str, str]:
        return {"AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": _KEY}


@contextlib.contextmanager
def azure(folder: Path, *, container: str) -> Iterator[Service]:
    """Runs azurite with an empty container until the end of the block; skips where there is none."""
    program = os.environ.get("QMV_AZURITE") or shutil.which("azurite-blob")
    if not program:
        lacking("no azurite here: npm install azurite, and set QMV_AZURITE=node_modules/.bin/azurite-blob")
    with socket.create_server(("127.0.0.1", 0)) as free:
        service = Service(port=free.getsockname()[1])
    command = [
        program, "--blobHost", "127.0.0.1", "--blobPort", str(service.port), "--location", str(folder), "--silent",
        "--disableTelemetry", "--skipApiVersionCheck",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0) as process:
        try:
            _make_container(service, container)
            yield service
        finally:
            process.terminate()


def _make_container(service: Service, container: str) -> None:
    date = email.utils.formatdate(usegmt=True)
    asked = f"/{_ACCOUNT}/{_ACCOUNT}/{container}\nrestype:container"
    signed = f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{_VERSION}\n{asked}"
    signature = hmac.new(base64.b64decode(_KEY), signed.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date, "x-ms-version": _VERSION,
        "Authorization": f"SharedKey {_ACCOUNT}:{base64.b64encode(signature).decode()}",
    }  # fmt: skip
    until = time.monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            answer = httpx.put(f"{service.url}/{container}?restype=container", headers=headers)
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            answer.raise_for_status()
            return
