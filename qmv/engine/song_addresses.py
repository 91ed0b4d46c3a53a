"""Addresses of songs: which ones can be used, how they are told to people, and what of them is secret.

The query of an https address may sign it, so it opens the file to whoever reads it: it is hidden wherever something is
written down, as are a user and a password.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from qmv.engine.secrets import HIDDEN, hide_text
from qmv.errors import ConfigError
from qmv.objects.places import CLOUDS

__all__ = [
    "check_address", "encoded", "hide_address", "identity", "in_bucket", "is_remote", "local", "shown", "split_list",
    "suffix_of", "title_of",
]  # fmt: skip

_REMOTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_FILE = re.compile(r"file://(localhost(?=/))?", re.IGNORECASE)
_ALLOWED = "https://, gs://, s3://, az:// and files of this machine"
_PLAYERS = (
    "youtube.com", "youtu.be", "soundcloud.com", "spotify.com", "music.apple.com", "deezer.com", "tidal.com",
    "bandcamp.com", "vimeo.com", "tiktok.com", "music.amazon.com",
)  # fmt: skip
_TELLING = 16  # a shorter part of a query signs nothing, and would hide words
# what signs an address and changes with each signature, at Amazon (and CloudFront), Google and Azure
_SIGNED_BY = ("x-amz-signature", "x-goog-signature", "signature", "sig")
_SIGNATURE = re.compile(
    r"x-(amz|goog)-.*|signature|expires|awsaccesskeyid|googleaccessid|policy|key-pair-id"
    r"|sig|se|st|sp|sv|sr|spr|sip|ske|skt|sks|skv|skoid|sktid",
    re.IGNORECASE,
)


def is_remote(text: str) -> bool:
    """Whether it is an address, and none of a file of this machine."""
    return _REMOTE.match(text) is not None and not _FILE.match(text)


def local(text: str) -> str:
    """The path of a file:// address; other texts as they are."""
    found = _FILE.match(text)
    return unquote(text[found.end() :]) if found else text


def in_bucket(address: str) -> bool:
    """Whether it names an object of a cloud's bucket."""
    return _scheme(address) in CLOUDS


def shown(address: str) -> str:
    """The address without what is secret in it."""
    if in_bucket(address):
        return address
    scheme, _, rest = address.partition("://")
    host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def hide_address(address: str) -> None:
    """From now on, what is secret in the address is never shown."""
    found = _REMOTE.match(address)
    if found is None or in_bucket(address):
        return
    rest, _, fragment = address[found.end() :].partition("#")
    place, _, query = rest.partition("?")
    user, at, _ = place.partition("/")[0].rpartition("@")
    secrets = {f"{user}@"} if at else set()
    for part in filter(None, (query, fragment)):
        secrets |= {f"?{part}", f"#{part}"} | {text for text in (part, unquote(part)) if len(text) >= _TELLING}
        for word in part.split("&"):
            value = word.partition("=")[2]
            secrets |= {text for text in (value, unquote(value)) if len(text) >= _TELLING}
    for secret in secrets:
        hide_text(secret)


def check_address(address: str) -> None:
    """Raises ConfigError for an address that no song can be fetched from."""
    hide_address(address)
    where = f"song ({shown(address)})"
    scheme = _scheme(address)
    if scheme not in (*CLOUDS, "https", "http"):
        raise ConfigError(f"{where}: '{scheme}://' is no kind of address that songs come from; known: {_ALLOWED}.")
    if HIDDEN in address:
        raise ConfigError(f"{where}: a part of it was hidden when it was written down; give the whole address.")
    if in_bucket(address):
        bucket, _, key = address.partition("://")[2].partition("/")
        if not bucket or not key or key.endswith("/"):
            raise ConfigError(f"{where}: names no file; write {scheme}://BUCKET/FOLDER/SONG.mp3.")
        return
    try:
        parts = urlsplit(address)
        host, port, user = (parts.hostname or "").rstrip("."), parts.port, parts.username
    except ValueError:  # a port of letters, a broken IPv6 address
        host, port, user = "", None, None
    if not host or port == 0 or any(not sign.isprintable() for sign in address):
        raise ConfigError(f"{where}: is no address; they look like https://HOST/FOLDER/SONG.mp3.")
    if user is not None:
        raise ConfigError(
            f"{where}: holds a user or a password; use an address that is signed or public, or a file that you have."
        )
    if scheme == "http" and not is_loopback(host):
        raise ConfigError(f"{where}: http:// can be read and changed on its way; write https://.")
    if any(host == player or host.endswith(f".{player}") for player in _PLAYERS):
        raise ConfigError(
            f"{where}: is a page that plays a song, not the song's file; give the address of an audio file, "
            "or a file that you have."
        )


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def identity(address: str) -> str:
    """The same for the same file, whoever signed the address when."""
    place, mark, query = address.partition("#")[0].partition("?")
    if in_bucket(address) or not mark:
        return address
    words = parse_qsl(query, keep_blank_values=True)
    if not any(name.lower() in _SIGNED_BY for name, _ in words):
        return address
    return f"{place}?{urlencode([word for word in words if not _SIGNATURE.fullmatch(word[0])])}"


def title_of(address: str) -> str:
    """What a song is called where its tags do not say: the file's name."""
    return _file_name(address).rpartition(".")[0] or _file_name(address)


def suffix_of(address: str) -> str:
    """The file's suffix with its dot; '' where it has none."""
    found = re.search(r"[^.](\.[A-Za-z0-9]{1,5})$", _file_name(address))
    return found[1].lower() if found else ""


def encoded(address: str) -> str:
    """The address with what may not stand in one percent-encoded, as each client of HTTP does it."""
    return address if in_bucket(address) else quote(address, safe="!#$%&'()*+,/:;=?@[]~")


def split_list(text: str) -> list[str]:
    """The parts of `https://a/x.mp3,https://b/y.mp3`; a comma that no address follows is a part of one."""
    return re.split(r",(?=[A-Za-z][A-Za-z0-9+.-]*://)", text)


def _scheme(address: str) -> str:
    found = _REMOTE.match(address)
    return found[1].lower() if found else ""


def _file_name(address: str) -> str:
    if in_bucket(address):
        return address.rpartition("/")[2]
    return unquote(shown(address).partition("://")[2].partition("/")[2].rpartition("/")[2])
