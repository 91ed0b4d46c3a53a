"""Who asks: the address of a client, also behind proxies that the operator trusts, and how much of all one may take."""

from __future__ import annotations

import contextlib
import ipaddress
from collections import Counter
from collections.abc import Iterable

__all__ = ["Proxies", "Shares", "network_of"]


class Proxies:
    """Addresses and networks whose X-Forwarded-For is believed; of nobody else, since anybody can write it."""

    def __init__(self, names: Iterable[str]) -> None:
        """Raises ValueError for a name that is neither."""
        self._networks = [ipaddress.ip_network(name, strict=False) for name in names]

    def has(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)

    def client(self, peer: str, forwarded: str) -> str:
        """The address that the last trusted proxy has seen: what lies before it, the client itself may have written."""
        client = peer
        for part in reversed(forwarded.split(",")):
            if not self.has(client) or (found := _address(part)) is None:
                break
            client = str(found)
        return client


class Shares:
    """Counts what each client holds."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, Counter[str]()

    def take(self, client: str) -> bool:
        """Whether there is one more for it, which it then has."""
        if self._held[client] >= self._most:
            return False
        self._held[client] += 1
        return True

    def give_back(self, client: str) -> None:
        self._held[client] -= 1
        if self._held[client] <= 0:
            del self._held[client]


def network_of(address: str) -> str:
    """The address; of IPv6 its network, since one machine has as many addresses there as it likes."""
    found = _address(address)
    if found is None:
        return address
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64))) if found.version == 6 else str(found)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Some proxies write the port behind it."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    with contextlib.suppress(ValueError):
        found = ipaddress.ip_address(text)
        # how a socket of both kinds shows who came by IPv4
        return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
    return None
