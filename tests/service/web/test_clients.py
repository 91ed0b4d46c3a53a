"""Whose request it is, without and with proxies."""

from __future__ import annotations

import pytest

from qmv.service.web.clients import Proxies, Shares, network_of


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.9", "192.0.2.1", "192.0.2.9"),  # who is no proxy can say what it likes
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "192.0.2.7,192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
        ("::ffff:10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_last_address_that_a_proxy_has_seen_is_the_client(peer: str, forwarded: str, client: str) -> None:
    assert Proxies(["10.0.0.0/8", "fd00::1"]).client(peer, forwarded) == client


def test_a_client_is_an_address_and_of_ipv6_a_network() -> None:
    assert network_of("192.0.2.1") == network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert network_of("") == ""


def test_a_client_has_its_share_and_no_more() -> None:
    shares = Shares(2)
    assert [shares.take(client) for client in "aaab"] == [True, True, False, True]
    shares.give_back("a")
    assert [shares.take("a"), shares.take("a")] == [True, False]
