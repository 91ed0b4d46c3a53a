"""Whether an address can be one of a service at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from qmv.errors import AccessError

__all__ = ["check_address", "check_key"]


def check_address(url: str, example: str) -> None:
    """Raises ValueError for what is no address of the example's kind; ws and http will do for wss and https.

    Nor must it have a user and a password, which would be written down with the config.
    """
    secure = urlsplit(example).scheme
    try:
        parts = urlsplit(url)
        fine = parts.scheme in (secure, secure.removesuffix("s")) and bool(parts.hostname) and parts.port != 0
        fine = fine and parts.username is None
    except ValueError:  # a port of letters, a broken IPv6 address
        fine = False
    if not fine or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise ValueError(f"url must be an address such as {example}, got {url!r}")


def check_key(key: str, where: str) -> None:
    """Raises AccessError for a key that no header can carry."""
    if any(not "!" <= sign <= "~" for sign in key):
        raise AccessError(f"{where} holds a blank or a sign that no key has; copy the key again, without quotes.")
