"""The way to Redis holds no password in what it says."""

from __future__ import annotations

import pytest

from qmv.errors import ConfigError
from qmv.live.redis_client import redis_client, said


@pytest.mark.parametrize("url", ["http://x", "redis://:tops3cret@host:port/0", "nonsense", ""])
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^MY_URL holds no address of Redis; write redis://") as told:
        redis_client(url, "MY_URL", answer_s=1)
    assert "tops3cret" not in str(told.value)


def test_what_went_wrong_fits_into_a_sentence() -> None:
    assert [said(OSError(text)) for text in ("no\n way.", "")] == ["no way", "OSError"]
