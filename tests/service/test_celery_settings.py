"""How Celery is told where Redis is, and that a worker without one ends with a sentence."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from qmv.service.celery_settings import configuration, has_flag


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["celery", "worker"])


def configured(monkeypatch: pytest.MonkeyPatch, url: str) -> dict[str, Any]:
    monkeypatch.setenv("REDIS_URL", url)
    return configuration()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://localhost:6379/2", "redis://localhost:6379/2"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock"),
        ("unix://:pw@/run/redis.sock?db=1", "redis+socket://:pw@/run/redis.sock?virtual_host=1"),
    ],
)
def test_address_is_written_as_celery_reads_it(monkeypatch: pytest.MonkeyPatch, url: str, told: str) -> None:
    assert configured(monkeypatch, url)["broker_url"] == told


def test_certificates_are_asked_for_unless_the_address_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured(monkeypatch, "rediss://a:6380/0")["broker_use_ssl"] == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    assert "broker_use_ssl" not in configured(monkeypatch, "rediss://a:6380/0?ssl_cert_reqs=none")


def test_pool_of_the_command_line_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured(monkeypatch, "redis://localhost")["worker_pool"] == "threads"
    monkeypatch.setattr(sys, "argv", ["celery", "worker", "--pool=solo"])
    assert "worker_pool" not in configured(monkeypatch, "redis://localhost")
    assert has_flag(["-Psolo"], "-P", "--pool")
    assert not has_flag(["--poolside"], "-P", "--pool")


def test_worker_without_redis_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    with pytest.raises(SystemExit, match=r"^error: REDIS_URL: is not set; put REDIS_URL=redis://HOST:6379/0 into"):
        configuration()
