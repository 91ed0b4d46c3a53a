"""Who is asked, and as whom."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from qmv.errors import AccessError, ConfigError, QmvError, UnknownName
from qmv.objects.cloud import CloudStore
from qmv.objects.cloud_access import access
from qmv.objects.cloud_names import Place

S3 = Place(scheme="s3", bucket="films")
AZURE = Place(scheme="az", bucket="films")
LOCAL = (("endpoint", "http://127.0.0.1:9"),)
KEY = base64.b64encode(b"a made-up key").decode()


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any keys."""
    import os

    for name in os.environ:
        if name.startswith(("AWS_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_keys_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", " AKIA ")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret\n")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://minio.example.org/")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    told = access(S3, (), "storage")
    assert told["access_key_id"] == "AKIA"
    assert told["secret_access_key"] == "secret"
    assert told["session_token"] == "token"
    assert told["endpoint"] == "https://minio.example.org"
    assert told["region"] == "eu-west-1"
    assert not told["virtual_hosted_style_request"]


def test_profiles_of_the_command_line_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text("[profile films]\nregion = eu-west-3\n[default]\nregion = eu-west-2\n")
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = one\n"
        "[films]\naws_access_key_id = AKIAFILMS\naws_secret_access_key = two\n"
    )
    assert access(S3, (), "storage")["access_key_id"] == "AKIADEFAULT"
    assert access(S3, (), "storage")["region"] == "eu-west-2"
    monkeypatch.setenv("AWS_PROFILE", "films")
    assert access(S3, (), "storage")["access_key_id"] == "AKIAFILMS"
    assert access(S3, (), "storage")["region"] == "eu-west-3"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "three")
    assert access(S3, (), "storage")["access_key_id"] == "AKIAENV"
    assert access(S3, (("profile", "default"),), "storage")["secret_access_key"] == "one"
    with pytest.raises(AccessError, match="AWS_PROFILE to a profile with keys"):
        access(S3, (("profile", "nobody"),), "storage")


@pytest.mark.parametrize("disabled", ["true", "false"])
def test_a_machine_without_keys_is_told_so_at_once(monkeypatch: pytest.MonkeyPatch, disabled: str) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", disabled)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.setenv("AZURE_METADATA_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(AccessError, match="no credentials for S3, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY not set"):
        CloudStore(where="storage", url="s3://films", options=LOCAL).check()
    with pytest.raises(AccessError, match="no account for Azure; set AZURE_STORAGE_ACCOUNT_NAME"):
        CloudStore(where="storage", url="az://films").check()
    with pytest.raises(AccessError, match="no credentials for Azure; set AZURE_STORAGE_ACCOUNT_KEY"):
        CloudStore(where="storage", url="az://films", options=(("account_name", "me"),)).check()


def test_half_a_key_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    with pytest.raises(AccessError, match="S3, AWS_SECRET_ACCESS_KEY not set"):
        access(S3, (), "storage")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "schlüssel")
    with pytest.raises(AccessError, match="characters that no key has") as caught:
        access(S3, (), "storage")
    assert "schl" not in str(caught.value)


def test_what_azure_calls_its_keys_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        f"DefaultEndpointsProtocol=https;AccountName=me;AccountKey={KEY};EndpointSuffix=core.windows.net",
    )
    told = access(AZURE, (), "storage")
    assert told == {"account_name": "me", "endpoint": "https://me.blob.core.windows.net", "account_key": KEY}
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "you")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "?sv=2020&sig=x")
    assert access(AZURE, (), "storage")["sas_key"] == "sv=2020&sig=x"
    monkeypatch.setenv("AZURE_STORAGE_KEY", "no base64!")
    with pytest.raises(AccessError, match="cut off or mistyped") as caught:
        access(AZURE, (), "storage")
    assert "no base64!" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "options", "says"),
    [
        (S3, {"endpoint": "http://minio.example.org"}, "would send everything unencrypted"),
        (S3, {"endpoint": "minio.example.org:9000"}, "must begin with https://"),
        (S3, {"endpoint": "https://me:secret@minio.example.org"}, "must not hold a password"),
        (S3, {"secret_access_key": "x"}, "options must not hold keys"),
        (S3, {"ednpoint": "x"}, "Did you mean 'endpoint'"),
        (Place(scheme="s3", bucket="My_Films"), {}, "'My_Films' is no name for a bucket; allowed are 3 to 63"),
        (Place(scheme="az", bucket="a--b"), {"account_name": "me"}, "no name for a container"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_asked(place: Place, options: dict[str, str], says: str) -> None:
    with pytest.raises((ConfigError, UnknownName)) as caught:
        access(place, (*options.items(), ("skip_signature", True)), "storage")
    assert says in str(caught.value)
    assert "secret@" not in str(caught.value)


def test_plain_http_is_allowed_when_told_to() -> None:
    options = (("endpoint", "http://minio.example.org"), ("allow_http", True), ("skip_signature", True))
    assert access(S3, options, "storage")["endpoint"] == "http://minio.example.org"


@pytest.mark.parametrize(
    ("url", "options", "address"),
    [
        ("s3://films/a", {"region": "eu-west-1"}, "https://films.s3.eu-west-1.amazonaws.com/a/x%20y.mp4"),
        ("s3://my.films", {}, "https://s3.us-east-1.amazonaws.com/my.films/x%20y.mp4"),
        ("s3://films", {"region": "cn-north-1"}, "https://films.s3.cn-north-1.amazonaws.com.cn/x%20y.mp4"),
        ("s3://films", {"endpoint": "https://r2.example.org"}, "https://r2.example.org/films/x%20y.mp4"),
        ("az://films/a/b", {"account_name": "me"}, "https://me.blob.core.windows.net/films/a/b/x%20y.mp4"),
    ],
)
def test_addresses_are_those_of_the_services(url: str, options: dict[str, str], address: str) -> None:
    store = CloudStore(where="storage", url=url, options=tuple(options.items()))
    assert store.address("x y.mp4") == address


def test_r2_needs_no_region() -> None:
    options = (("endpoint", "https://1234.r2.cloudflarestorage.com"), ("skip_signature", True))
    assert access(S3, options, "storage")["region"] == "auto"


def test_an_address_of_another_kind_is_refused() -> None:
    for url in ("gs://films", "s3://", "films"):
        with pytest.raises(QmvError, match="names no bucket"):
            CloudStore(where="storage", url=url).look("x")
