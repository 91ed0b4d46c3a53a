"""From an address to a store: what is a folder, and what is refused without being repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmv.errors import ConfigError
from qmv.objects.folder import FolderStore
from qmv.objects.places import open_store


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("shared", "shared"), ("/a/b", "/a/b"), ("file:///a/b", "/a/b"), ("FILE:///a/b", "/a/b"),
        ("file://localhost/a", "/a"), ("file:///a%20b/%C3%A4", "/a b/ä"), ("/a%20b", "/a%20b"), ("a@b?c#d", "a@b?c#d"),
    ],
)  # fmt: skip
def test_folder_by_its_path_or_its_address(address: str, path: str) -> None:
    store = open_store(address, "test")
    assert isinstance(store, FolderStore)
    assert store.folder == Path(path)


@pytest.mark.parametrize(
    "address",
    [
        "https://user:SECRET@host/x", "s3://AKIA:SECRET@bucket/x", "gs://SECRET@bucket", "az://films/x?sig=SECRET",
        "s3://bucket/x#SECRET", "S3://bucket?key=SECRET",
    ],
)  # fmt: skip
def test_address_with_a_secret_in_it_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigError, match=r"where: an address of \w+:// with a .* in it") as caught:
        open_store(address, "where")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("address", ["ftp://host/x", "https://host/x", "memory://x"])
def test_address_of_no_known_kind_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=f"'{address}' is of no known kind; known: gs://, s3://, az:// or a folder"):
        open_store(address, "where")
