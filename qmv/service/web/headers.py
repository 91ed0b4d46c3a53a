"""What browsers are told with each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = ["Headers"]

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
