"""Addresses of songs: which ones can be used, how they are told to people, and what of them is secret.

The query of an https address may sign it, so it opens the file to whoever reads it: it is hidden wherever something is
written down, as are a user and a password. A bucket's names are written as they are, and signed by nobody; what looks
like a query there is taken for one all the same, since somebody may have put it there.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from qmv.engine.secrets import HIDDEN, hide_text
from qmv.errors import ConfigError
from qmv.objects.places import CLOUDS
from qmv.objects.web_guard import inner_name

__all__ = [
    "check_address", "check_public", "encoded", "hide_address", "identity", "in_bucket", "is_remote", "local", "shown",
    "split_list", "suffix_of", "title_of",
]  # fmt: skip

_REMOTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PLACE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")  # up to the host's end
# before the host; a password may have signs that end a host elsewhere, but a port is none
_USER = re.compile(r"[^/?#]*@|[^/?#:\[]*:(?![0-9]*(?:[/?#]|$)).*@", re.DOTALL)
_BUCKET_QUERY = re.compile(r"\?[\w.~-]+=")  # else a question mark is a part of an object's name
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.IGNORECASE)
_FILE = re.compile(r"file://(localhost(?=/))?", re.IGNORECASE)
_ALLOWED = "https://, gs://, s3://, az:// and files of this machine"
_PLAYERS = (
    "youtube.com", "youtu.be", "soundcloud.com", "spotify.com", "music.apple.com", "deezer.com", "tidal.com",
    "bandcamp.com", "vimeo.com", "tiktok.com", "music.amazon.com",
)  # fmt: skip
_LONE = re.compile("[\ud800-\udfff]+")  # bytes of the command line that are no text, and cannot be written as one
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
    scheme, _, rest = address.partition("://")
    rest = rest[len(_user(rest)) :]
    found = _BUCKET_QUERY.search(rest) if in_bucket(address) else re.search(r"[?#]", rest)
    return f"{scheme}://{rest[: found.start()] if found else rest}"


def hide_address(address: str, *, passing: bool = False) -> None:
    """From now on, what is secret in the address is never shown; `passing` as `hide_text` has it."""
    found = _REMOTE.match(address)
    if found is None:
        return
    rest = address[found.end() :]
    user = _user(rest)
    secrets = {user} if user else set()
    if in_bucket(address):
        start = _BUCKET_QUERY.search(rest)
        query, fragment = rest[start.start() + 1 :] if start else "", ""
    else:
        rest, _, fragment = rest[len(user) :].partition("#")
        query = rest.partition("?")[2]
    for part in filter(None, (query, fragment)):
        secrets |= {f"?{part}", f"#{part}"} | {text for text in (part, unquote(part)) if len(text) >= _TELLING}
        for word in part.split("&"):
            value = word.partition("=")[2]
            secrets |= {text for text in (value, unquote(value)) if len(text) >= _TELLING}
    for secret in secrets:
        for text in _LONE.split(secret):
            if text == secret or len(text) >= _TELLING:
                hide_text(text, passing=passing)


def check_address(address: str) -> None:
    """Raises ConfigError for an address that no song can be fetched from."""
    hide_address(address, passing=True)
    where = f"song ({shown(address)})"
    scheme = _scheme(address)
    if scheme not in (*CLOUDS, "https", "http"):
        raise ConfigError(f"{where}: '{scheme}://' is no kind of address that songs come from; known: {_ALLOWED}.")
    if HIDDEN in address:
        raise ConfigError(f"{where}: a part of it was hidden when it was written down; give the whole address.")
    if _user(address.partition("://")[2]):
        raise ConfigError(
            f"{where}: holds a user or a password; use an address that is signed or public, or a file that you have."
        )
    if in_bucket(address):
        if _BUCKET_QUERY.search(address):
            raise ConfigError(
                f"{where}: has a query, which buckets do not take; give the address without what follows '?', or the "
                "signed one with https://."
            )
        bucket, _, key = address.partition("://")[2].partition("/")
        if not bucket or not key or key.endswith("/"):
            raise ConfigError(f"{where}: names no file; write {scheme}://BUCKET/FOLDER/SONG.mp3.")
        return
    host = _host(address)
    if not host or any(not sign.isprintable() for sign in address):
        raise ConfigError(f"{where}: is no address; they look like https://HOST/FOLDER/SONG.mp3.")
    if scheme == "http" and not is_loopback(host):
        raise ConfigError(f"{where}: http:// can be read and changed on its way; write https://.")
    if any(host == player or host.endswith(f".{player}") for player in _PLAYERS):
        raise ConfigError(
            f"{where}: is a page that plays a song, not the song's file; give the address of an audio file, "
            "or a file that you have."
        )


def check_public(address: str) -> None:
    """Raises ConfigError for an https address that is not on the public Internet, as far as its words tell."""
    if in_bucket(address):
        return
    why = inner_name(address)
    if why is not None:
        raise ConfigError(f"song ({shown(address)}): {why} (song.public_only); give the address of a public host.")


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
    found = None if in_bucket(address) else _PLACE.match(address)
    if found is None:
        return address
    rest = quote(address[found.end() :], safe="!#$%&'()*+,/:;=?@[]~", errors="surrogateescape")
    return found[0] + rest  # a host's other letters are spelled otherwise (IDNA), by who asks it


def split_list(text: str) -> list[str]:
    """The parts of `https://a/x.mp3,https://b/y.mp3`; a comma that no address follows is a part of one."""
    return re.split(r",(?=[A-Za-z][A-Za-z0-9+.-]*://)", text)


def _scheme(address: str) -> str:
    found = _REMOTE.match(address)
    return found[1].lower() if found else ""


def _host(address: str) -> str:
    """The host as its name is looked up, in ASCII and small letters; '' where no host can have that name."""
    import httpx

    try:
        host, port = httpx.URL(address).raw_host.decode("ascii").lower().removesuffix("."), urlsplit(address).port
    except (httpx.InvalidURL, ValueError):  # a port of letters, a broken IPv6 address, signs that no host has
        return ""
    return host if port != 0 and (":" in host or _HOST.fullmatch(host)) else ""


def _user(rest: str) -> str:
    """What stands before the host, with its '@'; `rest` is what follows '://'."""
    found = _USER.match(rest)
    return found[0] if found else ""


def _file_name(address: str) -> str:
    if in_bucket(address):
        return address.rpartition("/")[2]
    return unquote(shown(address).partition("://")[2].partition("/")[2].rpartition("/")[2])
