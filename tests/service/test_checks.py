"""Which doors stand open."""

from __future__ import annotations

import pytest

from qmv.errors import ConfigError
from qmv.service.checks import check_door, free_port
from qmv.service.settings import ServiceSettings


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QMV_SERVICE_TOKEN", raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_this_machine_needs_no_token(host: str) -> None:
    check_door(ServiceSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "", "192.0.2.1", "songs.example"])
def test_listening_to_others_wants_a_token(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServiceSettings(host=host)
    with pytest.raises(ConfigError, match=r"there is no token; set QMV_SERVICE_TOKEN .* or say --local"):
        check_door(settings)
    check_door(ServiceSettings(host=host, local=True))
    monkeypatch.setenv("QMV_SERVICE_TOKEN", "a long random text")
    check_door(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_token_that_can_be_guessed_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMV_SERVICE_TOKEN", "secret")
    with pytest.raises(ConfigError, match="QMV_SERVICE_TOKEN: has 6 signs and can be guessed; give it at least 16"):
        check_door(ServiceSettings(host=host, local=True))


def test_port_of_an_address_in_brackets_can_be_had() -> None:
    assert free_port(ServiceSettings(host="[127.0.0.1]", port=0)) > 0
