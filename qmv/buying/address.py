"""Whether an address can be one of a service at all."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["check_address"]


def check_address(url: str, example: str) -> None:
    """Raises ValueError for what is no address of the example's kind; wss and https stand for ws and http, too."""
    secure = urlsplit(example).scheme
    try:
        parts = urlsplit(url)
        fine = parts.scheme in (secure, secure.removesuffix("s")) and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port of letters, a broken IPv6 address
        fine = False
    if not fine or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise ValueError(f"url must be an address such as {example}, got {url!r}")
