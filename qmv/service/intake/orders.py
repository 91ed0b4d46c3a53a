"""From what a client sends to the orders that the queue takes: all of it is checked here, before it is queued."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from qmv.engine.song_addresses import check_address, encoded, in_bucket, is_remote, title_of
from qmv.errors import ConfigError
from qmv.media.legible import legible
from qmv.objects.web_guard import inner_name
from qmv.service.intake.knobs import checked, shown
from qmv.service.queue.jobs import Order

if TYPE_CHECKING:
    from qmv.service.intake.offer import Offer
    from qmv.service.intake.uploads import Upload
    from qmv.service.settings import ServiceSettings

__all__ = ["LONGEST_TITLE", "checked_priority", "checked_session", "checked_song", "digest", "ordered"]

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DEVICES = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]", re.IGNORECASE)  # no names of files on Windows
_LONGEST_ADDRESS = 4096  # a signed one has some hundreds
LONGEST_TITLE = 120


def checked_session(text: object) -> str:
    """The ID as it is; raises ConfigError for one that cannot be a folder's name everywhere."""
    if isinstance(text, str) and _SESSION.fullmatch(text) and not _DEVICES.fullmatch(text):
        return text
    raise ConfigError(
        "session: an ID has 1 to 64 of the signs A-Z a-z 0-9 _ -, begins with a letter or a digit, and is not the name "
        f"of a device such as CON, got '{shown(text)}'."
    )


def checked_priority(value: object) -> int:
    """0 to 9, 5 for None; a form's digit is taken too."""
    if value is None or value == "":
        return 5
    if isinstance(value, str) and re.fullmatch("[0-9]", value, re.ASCII):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9:
        return value
    raise ConfigError(f"priority: is a whole number from 0 to 9, the highest first, got {shown(value)}.")


def ordered(
    settings: ServiceSettings,
    offer: Offer,
    *,
    songs: object = (),
    uploads: Sequence[Upload] = (),
    style: object = None,
    knobs: object = None,
) -> list[Order]:
    """One order for each upload and each address of `songs`, in this order.

    `songs`, `style` and `knobs` are what JSON holds. Raises ConfigError for the first thing that is not allowed.
    """
    addresses = [] if songs is None else [songs] if isinstance(songs, str) else songs
    if not isinstance(addresses, (list, tuple)):
        raise ConfigError(f"songs: are a list of addresses, got {shown(addresses)}.")
    count = len(addresses) + len(uploads)
    if not count:
        raise ConfigError("songs: there is none; send files as 'songs', or addresses.")
    if count > settings.songs:
        raise ConfigError(f"songs: {count} are given, a session may have {settings.songs}; start more sessions.")
    name, values = offer.checked_style(style), checked(offer.knobs, knobs)
    if "image" in offer.knobs:
        values.setdefault("image", offer.knobs["image"].default)
    return [
        *(_of_upload(upload, name, values, settings) for upload in uploads),
        *(_of_address(address, name, values, settings) for address in addresses),
    ]


def digest(orders: Sequence[Order]) -> str:
    """The same for the same request; an uploaded file counts by its content."""
    told = [asdict(order) for order in orders]
    for order in told:
        if not is_remote(order["song"]):
            order["song"] = PurePath(order["song"]).name  # which is its hash
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _of_upload(upload: Upload, style: str, values: dict[str, Any], settings: ServiceSettings) -> Order:
    # always told: a tag of any length would else go from the file into the prompts
    names = {"song.title": upload.title, "song.artist": upload.artist}
    title = f"{upload.artist} - {upload.title}" if upload.artist else upload.title
    song = upload.path.relative_to(settings.folder).as_posix()  # which other machines may have elsewhere
    return Order(song=song, title=title[:LONGEST_TITLE], style=style, settings={**values, **names})


def _of_address(address: object, style: str, values: dict[str, Any], settings: ServiceSettings) -> Order:
    checked_song(address, settings)
    text = str(address)
    title = legible(title_of(text).encode("utf-8", "replace").decode())[:LONGEST_TITLE] or "song"
    return Order(song=encoded(text), title=title, style=style, settings=values)


# -- addresses -------------------------------------------------------------------------------------------------------


def checked_song(address: object, settings: ServiceSettings) -> None:
    """Raises ConfigError for an address that outsiders may not name."""
    ways = _ways(settings)
    if not isinstance(address, str) or not is_remote(address) or len(address) > _LONGEST_ADDRESS:
        raise ConfigError(
            f"songs: '{shown(address)}' is no address of a song; allowed: {ways}; a file is sent as songs=@FILE."
        )
    if "${" in address or "\\" in address or not address.isprintable():
        raise ConfigError(f"songs: an address must not hold '${{', a backslash or signs of control; allowed: {ways}.")
    check_address(address)  # hides what is secret in it, so the sentences come after it
    scheme = address.partition("://")[0].lower()
    if in_bucket(address):
        if not any(_is_under(address, place) for place in settings.buckets):
            raise ConfigError(f"songs: this {scheme}:// address is none that may be named here; allowed: {ways}.")
    elif scheme != "https" or not settings.web_songs:
        raise ConfigError(f"songs: {scheme}:// addresses are not taken here; allowed: {ways}.")
    elif (why := inner_name(address)) is not None:
        raise ConfigError(f"songs: {why}; allowed: {ways}.")


def _ways(settings: ServiceSettings) -> str:
    ways = [*(["https:// addresses of public hosts"] if settings.web_songs else []), *settings.buckets]
    return ", ".join(ways) or "none, so send files"


def _is_under(address: str, place: str) -> bool:
    """Whether the place, as the operator wrote it, holds the address, by whole segments of the path."""
    if any(part in (".", "..") for part in address.partition("://")[2].split("/")):
        return False
    scheme, _, rest = place.rstrip("/").partition("://")
    told, _, named = address.partition("://")
    return told.lower() == scheme.lower() and named.startswith(f"{rest}/")
