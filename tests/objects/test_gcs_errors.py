"""What goes wrong at Google Cloud Storage is told in one sentence with its cure, and without secrets."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qmv.artifacts import File
from qmv.errors import AccessError, ConfigError, QmvError, ServiceError
from qmv.objects.gcs import GcsStore
from qmv.objects.store import Upload
from tests.fakes.gcs.process import FakeGcs, key_file
from tests.fakes.gcs.script import EMAIL

STORE = GcsStore(where="storage (gcs)", bucket="films", first_wait_s=0.01)
AWAY = replace(STORE, patience_s=0.3)  # for what is not there, however long it is waited for
SKEW = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without credentials, and away from Google."""
    for name in ("STORAGE_EMULATOR_HOST", "API_ENDPOINT_OVERRIDE", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


def told(ask: Callable[[], Any], kind: type[QmvError] = AccessError) -> str:
    """The one sentence that a question ends with."""
    with pytest.raises(kind) as raised:
        ask()
    assert type(raised.value) is kind
    text = str(raised.value)
    assert text.startswith("storage (gcs): ")
    assert "\n" not in text
    for secret in ("upload_id", "Bearer", "PRIVATE KEY", "made-up-token"):
        assert secret not in text
    return text


def send(folder: Path, store: GcsStore = STORE) -> None:
    path = folder / "film.mp4"
    path.write_bytes(b"a film")
    store.send(Upload(file=File.of(path), key="film.mp4"), None, lambda done: None)


# -- the bucket ------------------------------------------------------------------------------------------------------


def test_a_bucket_with_a_typing_error_is_offered_the_right_name(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake(buckets=("films-of-mine", "pictures"))
    store = replace(STORE, bucket="film-of-mine")
    for ask in (store.check, lambda: store.look("film.mp4"), lambda: send(tmp_path, store)):
        text = told(ask)
        assert "there is no bucket 'film-of-mine'; did you mean 'films-of-mine'?" in text
        assert text.endswith("gcloud storage buckets create gs://film-of-mine")


def test_a_bucket_unlike_all_others_can_be_made(fake: Callable[..., FakeGcs]) -> None:
    fake()
    assert "there is no bucket 'zzz'; correct the name, or create it with" in told(replace(STORE, bucket="zzz").check)


@pytest.mark.parametrize("name", ["Films", "f", "-films", "films/spring", "10.0.0.1", "googly", "a..b", "x" * 64, ""])
def test_no_name_of_a_bucket_is_told_before_anything_is_asked(name: str) -> None:
    text = told(replace(STORE, bucket=name).check, ConfigError)
    assert f"'{name}' is no name of a bucket; 3 to 63 small letters, digits" in text


@pytest.mark.parametrize("permission", ["storage.objects.create", "storage.objects.get", "storage.objects.list"])
def test_a_missing_permission_is_named_before_any_work(fake: Callable[..., FakeGcs], permission: str) -> None:
    fake(denied=(permission,))
    text = told(STORE.check)
    assert f"{EMAIL} has no permission {permission} on the bucket films; grant it the role" in text
    assert "(roles/storage.objectUser)" in text


def test_a_missing_permission_is_named_when_it_is_met(fake: Callable[..., FakeGcs], tmp_path: Path) -> None:
    fake(denied=("storage.objects.create", "storage.objects.get"))
    assert f"{EMAIL} has no permission storage.objects.create" in told(lambda: send(tmp_path))
    assert f"{EMAIL} has no permission storage.objects.get" in told(lambda: STORE.look("film.mp4"))


def test_a_service_without_a_test_of_permissions_is_gone_on_with(fake: Callable[..., FakeGcs]) -> None:
    fake(no_permissions_test=True)
    STORE.check()
    assert "there is no bucket 'other'" in told(replace(STORE, bucket="other").check)


def test_a_disabled_billing_account_is_told(fake: Callable[..., FakeGcs]) -> None:
    fake(forbidden="The billing account for the owning project is disabled in state absent")
    assert "billing account" in (text := told(STORE.check))
    assert "https://console.cloud.google.com/billing" in text


def test_any_other_refusal_is_told_with_what_was_said(fake: Callable[..., FakeGcs]) -> None:
    fake(forbidden="Request violates VPC Service Controls.")
    text = told(STORE.check)
    assert "may not use the bucket films (Request violates VPC Service Controls.)" in text


# -- credentials -----------------------------------------------------------------------------------------------------


def test_no_credentials_at_all() -> None:
    text = told(STORE.check)
    assert "no credentials of Google Cloud were found; run: gcloud auth application-default login, or name" in text


def test_a_key_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    text = told(STORE.check)
    assert (
        f"the key file {tmp_path / 'none.json'} (GOOGLE_APPLICATION_CREDENTIALS) cannot be read (No such file" in text
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "is no JSON; download the key again, as JSON"),
        ('{"installed": {"client_id": "x"}}', "is an OAuth client; make a key at IAM > Service accounts > Keys"),
        ("[]", "is no key of a service account; make a key"),
        ('{"type": "service_account"}', "lacks client_email, private_key, token_uri; download the key again"),
        ('{"type": "of another world"}', "cannot be used ("),
    ],
)
def test_a_key_file_of_another_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    assert said in told(STORE.check)


@pytest.mark.parametrize("cut", [0, 40, 400, 1200])
def test_a_broken_private_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    path = key_file(tmp_path / "key.json", "http://127.0.0.1:9")
    key = json.loads(path.read_text())
    broken = key["private_key"][:cut] or "wrong"
    path.write_text(json.dumps(key | {"private_key": broken}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    assert "has a broken private key; download the key again" in told(STORE.check)


def test_a_key_that_was_deleted(fake: Callable[..., FakeGcs]) -> None:
    fake(token_error="Invalid JWT Signature.")
    assert f"the key of {EMAIL} was deleted or is not its own; make a new one" in told(STORE.check)


def test_a_clock_that_is_wrong_is_compared_with_the_servers(fake: Callable[..., FakeGcs]) -> None:
    fake(token_error=SKEW)
    text = told(STORE.check)
    assert "does not accept this machine's clock, which says " in text
    assert text.count(" GMT") == 2
    assert "where Google's says " in text
    assert "set the clock (timedatectl set-ntp true)" in text


def test_a_sign_in_that_ended(fake: Callable[..., FakeGcs]) -> None:
    fake(token_error="Token has been expired or revoked.")
    assert "has ended; run: gcloud auth application-default login." in told(STORE.check)


def test_any_other_trouble_with_the_sign_in(fake: Callable[..., FakeGcs]) -> None:
    fake(token_error="Something else")
    assert f"Google gives {EMAIL} no access (invalid_grant: Something else)" in told(STORE.check)


# -- the network -----------------------------------------------------------------------------------------------------


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"  # bound, and not listened at
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}")
        text = told(AWAY.check, ServiceError)
    assert f"({host} cannot be reached); check the network of this machine, then run the same command again" in text


def test_no_names_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://storage.invalid")
    monkeypatch.delenv("HTTPS_PROXY")
    assert "the name storage.invalid cannot be resolved" in told(AWAY.check, ServiceError)


def test_nobody_where_tokens_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(tmp_path / "key.json", "http://127.0.0.1:9")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    assert "the sign-in service cannot be reached" in told(AWAY.check, ServiceError)


def test_a_service_that_stays_busy(fake: Callable[..., FakeGcs]) -> None:
    running = fake(busy=1000)
    assert f"127.0.0.1:{running.port} answers with HTTP 429" in told(AWAY.check, ServiceError)
