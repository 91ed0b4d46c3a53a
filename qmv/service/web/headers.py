"""What browsers are told with each answer, also which other host the finished videos lie on and may be played from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from qmv.service.settings import ServiceSettings

__all__ = ["Headers", "media_of"]

log = logging.getLogger("qmv.web")

_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
Application = Callable[..., Iterable[bytes]]


class Headers:
    """Around the application, as lists are cheap there. An answer may have a policy of its own, and say how long it may
    be kept. `media` are origins of other hosts that videos lie at."""

    def __init__(self, application: Application, media: Sequence[str]) -> None:
        self._application = application
        origins = " ".join(("'self'", *media))
        policy = (
            f"default-src 'self'; img-src {origins} data: blob:; media-src {origins} blob:; object-src 'none'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        self._unless = (("Content-Security-Policy", policy), ("Cache-Control", "no-store"))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            there = {name for name, _ in headers}
            headers.extend(_ALWAYS)
            headers.extend(pair for pair in self._unless if pair[0] not in there)
            return start_response(status, headers, *error)

        return self._application(environ, start)


def media_of(settings: ServiceSettings) -> tuple[str, ...]:
    """The origin of the storage that the operator's overrides name; none for a folder, or where it cannot be told."""
    if settings.videos is not None:
        return ()
    values = settings.words
    name = values["storage"]
    try:
        address = _address(name, values)
    except Exception as error:
        log.warning("storage=%s: where videos can be watched is not known (%s)", name, type(error).__name__)
        return ()
    parts = urlsplit(address)
    is_web = parts.scheme in ("http", "https")  # a bucket of the own network may have no TLS
    return (f"{parts.scheme}://{parts.netloc}",) if is_web and _is_plain(parts.netloc) else ()


def _address(name: str, values: dict[str, str]) -> str:
    """Of a video that lies there, as the storage will tell it."""
    from qmv.engine.registry import Registry

    if name == "gcs":  # the same for all buckets, whose name only the workers may know
        from qmv.objects.gcs_link import base_url

        return base_url()
    given = _settings_of("storage", values)
    if given.get("link") == "signed":
        given.pop("site", None)  # only the service itself knows signatures
    storage: Any = Registry().get("storage", name).cls(**given)
    address: str = storage.store().address("video.mp4")
    return address


def _settings_of(group: str, values: dict[str, str]) -> dict[str, Any]:
    """The overrides of a plugin; one such as storage.options.endpoint=... is of a part of a setting."""
    import yaml

    given: dict[str, Any] = {}
    for key, value in values.items():
        if not key.startswith(f"{group}."):
            continue
        *between, last = key.removeprefix(f"{group}.").split(".")
        place = given
        for part in between:
            place = place.setdefault(part, {})
        place[last] = yaml.safe_load(value)
    return given


def _is_plain(host: str) -> bool:
    """No sign that would end the header's word."""
    return all(sign.isalnum() or sign in ".-:" for sign in host) and host.isascii()
