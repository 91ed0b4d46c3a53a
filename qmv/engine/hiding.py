"""Finds what is secret in arguments and settings by its form: users, passwords and queries of addresses."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from qmv.engine.secrets import HIDDEN, hide_text, redacted
from qmv.engine.song_addresses import encoded, hide_address, is_remote

__all__ = ["blanked", "hide_addresses"]

_BEGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NEXT = re.compile(r""",(?=\s*["']?[A-Za-z][A-Za-z0-9+.-]*://)""")  # a list of them
_QUOTED = re.compile(r"[\"'\s]")
_CLOSED = re.compile(r"[,)\]}\"'\s]")
_SHORTEST_PASSWORD = 6


def hide_addresses(value: Any) -> None:
    """From now on, what is secret in the addresses of a text, or of the texts of a list or a mapping, is never shown.

    A text may be an argument of any key, in quotes or in a call such as choice(...): where it cannot be known whether
    a bracket ends an address, both forms are hidden.
    """
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            hide_addresses(item)
    elif isinstance(value, str) and "://" in value:
        for part in _NEXT.split(value):
            for found in _BEGIN.finditer(part):
                _hide(part[found.start() :])


def blanked(value: Any) -> Any:
    """Plain values with what is secret in their texts blanked out."""
    if isinstance(value, dict):
        return {key: blanked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [blanked(item) for item in value]
    if isinstance(value, str):
        return redacted(value)
    return HIDDEN if redacted(str(value)) != str(value) else value  # a key may be a number


def _hide(text: str) -> None:
    """Hides what is secret in the address that a text begins with, wherever it ends."""
    if not is_remote(text):
        return
    ends = {text.rstrip(")]}\"' "), _QUOTED.split(text)[0].rstrip(")]}"), _CLOSED.split(text)[0]}
    for address in ends | {encoded(end) for end in ends}:
        hide_address(address)
        _hide_password(address)


def _hide_password(address: str) -> None:
    """Also without its user, as some clients tell it."""
    user = re.split("[/?#]", address.partition("://")[2], maxsplit=1)[0].rpartition("@")[0]
    for password in (user.partition(":")[2], unquote(user.partition(":")[2])):
        if len(password) >= _SHORTEST_PASSWORD:
            hide_text(password)
