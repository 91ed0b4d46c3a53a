"""Which doors stand open."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from qmv.errors import ConfigError
from qmv.service.checks import check_all, check_clouds, check_door, free_port
from qmv.service.settings import ServiceSettings
from tests.conftest import ROOT


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


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"workers": 0}, "--workers 0 leaves nobody to render"),
        ({"images": ("canvs",)}, "QMV_SERVICE_IMAGES: 'canvs' is not known. Did you mean 'canvas'?"),
        ({"offered": ("style=noirr",)}, "QMV_SERVICE_OFFERED: style: 'noirr' is not known. Did you mean 'noir'?"),
    ],
)
def test_what_every_job_would_find_is_found_at_the_start(
    settings: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    with pytest.raises(ConfigError, match=re.escape(told)):
        check_all(ServiceSettings(outputs=str(tmp_path), program=str(ROOT / "run.py"), **settings))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"overrides": ("storage=gcs", "storage.bucket=films")}, "storage=gcs needs google.cloud.storage"),
        (
            {"buckets": ("s3://songs/a",)},
            r"buckets \(s3://songs/a\) needs obstore, which is not installed; pip install",
        ),
    ],
)
def test_library_of_a_cloud_must_be_there(settings: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finder that knows neither stands for an environment without them."""
    check_clouds(ServiceSettings())
    find = importlib.util.find_spec
    hidden = ("google.cloud.storage", "obstore")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in hidden else find(name, *more))
    with pytest.raises(ConfigError, match=told):
        check_clouds(ServiceSettings(**settings))
