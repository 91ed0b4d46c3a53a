"""One web for the tests that leave it as it was, and a way to start others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.web.running import Web, running


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Without a token; each test has sessions of its own."""
    with running(tmp_path_factory.mktemp("web"), quick=True, upload_mb=1, songs=3, listeners=1500) as started:
        yield started


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """With the token 'a long random text'."""
    with running(tmp_path_factory.mktemp("guarded"), token="a long random text") as started:
        yield started
