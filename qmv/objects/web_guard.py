"""Keeps fetches away from inner networks: connections go to public addresses only, whatever a name is said to mean.

A name is looked up once, all that it means is checked, and the connection goes to the very address that was checked: a
second look-up could have another answer. The sentences tell nothing of what is inside. Imports nothing of QMV.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

__all__ = ["Guard", "NotPublic", "inner_name", "is_public", "looked_up"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")  # all that is given out to the public Internet
# looks public, and is not: for protocols (Oracle's metadata service is there), a relay that is gone, Azure's inner host
_SET_APART = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))
_PORT = 443
_INNER = (
    "localhost", "local", "localdomain", "internal", "intranet", "private", "lan", "home", "corp", "test", "invalid",
    "onion", "arpa", "alt",
)  # fmt: skip
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as the last part of a host it makes an IPv4 address of the whole


class NotPublic(Exception):
    """What speaks against a connection, without its address; the same whatever is there."""

    def __init__(self) -> None:
        super().__init__("the host has no public address, and only public ones are asked here")


def is_public(address: str) -> bool:
    """Whether anybody on the Internet could ask it; the IPv4 address inside of an IPv6 one decides, where one is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour
        if inside is None and found in _NAT64:
            inside = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
        if found not in _UNICAST or found.scope_id:
            return False
    if any(found in network for network in _SET_APART):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def looked_up(host: str, port: int) -> list[str]:
    """The addresses that a name means now; raises socket.gaierror."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for _, _, _, _, place in found))


def inner_name(address: str) -> str | None:
    """What speaks against an https address by its words alone, as a part of a sentence; None where nothing does.

    Numbers count in each spelling in which systems take them for an address: 127.1, 0x7f000001, 017700000001.
    """
    import httpx

    try:
        host, port = httpx.URL(address).raw_host.decode("ascii").lower().rstrip("."), urlsplit(address).port
    except (httpx.InvalidURL, ValueError):
        return "the address names no host"
    if port not in (None, _PORT):
        return f"port {port} is not asked, only {_PORT}"
    last = host.rpartition(".")[2]
    literal = ":" in host or _NUMBER.fullmatch(last) is not None
    if (literal and not is_public(host.strip("[]"))) or (not literal and (last == host or last in _INNER)):
        return str(NotPublic())
    return None


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The way out to public addresses. `look_up` and `allows` are what tests put others in the place of."""

    look_up: Callable[[str, int], list[str]] = looked_up
    allows: Callable[[str], bool] = is_public

    @contextlib.contextmanager
    def client(self, timeout_s: float, headers: dict[str, str]) -> Iterator[httpx.Client]:
        """A client that asks no proxy: it would look names up by itself, and stands inside."""
        import httpx

        ways = self

        class Guarded(httpx.HTTPTransport):
            """Sends each request to an address that was checked, in the name of the host that was asked for."""

            def handle_request(self, request: httpx.Request) -> httpx.Response:
                asked = request.url
                host, secure = asked.raw_host.decode("ascii"), asked.scheme == "https"
                addresses = ways.checked(host, asked.port or (_PORT if secure else 80))
                if secure:  # the certificate has to be the host's
                    request.extensions = {**request.extensions, "sni_hostname": host}
                try:
                    for address in addresses[:-1]:
                        request.url = asked.copy_with(host=address)
                        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
                            return super().handle_request(request)
                    request.url = asked.copy_with(host=addresses[-1])
                    return super().handle_request(request)
                finally:
                    request.url = asked

        # a connection that is kept would serve another host at the same address, whose certificate nobody saw
        transport = Guarded(limits=httpx.Limits(max_keepalive_connections=0))
        with httpx.Client(transport=transport, timeout=timeout_s, headers=headers, trust_env=False) as client:
            yield client

    def checked(self, host: str, port: int) -> list[str]:
        """The addresses of a host; raises NotPublic where one of them is not public, or there is none."""
        import httpx

        try:
            addresses = self.look_up(host, port)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise httpx.ConnectError("the name cannot be looked up now") from error
            raise NotPublic from error  # whether an inner name exists is nobody's business
        except UnicodeError as error:
            raise NotPublic from error
        if not addresses or not all(map(self.allows, addresses)):
            raise NotPublic
        return addresses
