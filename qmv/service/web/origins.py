"""Which other host the finished videos lie on, so that the page may play them from there."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from qmv.service.settings import ServiceSettings

__all__ = ["of_storage"]

log = logging.getLogger("qmv.web")
_GOOGLE = "https://storage.googleapis.com"


def of_storage(settings: ServiceSettings) -> tuple[str, ...]:
    """The https origins of the storage that the operator's overrides name; none for a folder, or where it cannot be
    told."""
    if settings.videos is not None:
        return ()
    values = settings.words
    name = values["storage"]
    if name == "gcs":
        return (_GOOGLE,)
    try:
        address = _address(name, values)
    except Exception as error:
        log.warning("storage=%s: where videos can be watched is not known (%s)", name, type(error).__name__)
        return ()
    parts = urlsplit(address)
    return (f"https://{parts.netloc}",) if parts.scheme == "https" and _is_plain(parts.netloc) else ()


def _address(name: str, values: dict[str, str]) -> str:
    import yaml

    from qmv.engine.registry import Registry

    given: dict[str, Any] = {
        key.removeprefix("storage."): yaml.safe_load(value)
        for key, value in values.items()
        if key.startswith("storage.")
    }
    storage: Any = Registry().get("storage", name).cls(**given)
    address: str = storage.store().address("video.mp4")
    return address


def _is_plain(host: str) -> bool:
    """No sign that would end the header's word."""
    return all(sign.isalnum() or sign in ".-:" for sign in host) and host.isascii()
