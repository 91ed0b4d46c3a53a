"""What users read when a bucket cannot be used: one sentence, with the cure, and without secrets."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from qmv.artifacts import File
from qmv.errors import AccessError, OutputError, QmvError, ServiceError
from qmv.objects.cloud import CloudStore
from qmv.objects.delivery import deliver
from qmv.objects.store import Taken, Upload
from tests.fakes.azure import azure
from tests.fakes.proxy import proxy
from tests.fakes.s3 import refusing, s3

KEY_ID, SECRET = "AKIAMADEUP", "a-made-up-secret"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "me")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "YSBtYWRlIHVwIGtleQ==")


def store_at(url: str, place: str = "s3://films") -> CloudStore:
    return CloudStore(where="storage (object_store)", url=place, options=(("endpoint", url),), patience_s=2)


def sentence(error: QmvError) -> str:
    """The message, once it is shown to be one sentence that gives nothing away."""
    text = str(error)
    assert text.startswith("storage (object_store): ")
    assert "\n" not in text
    assert "<" not in text
    assert SECRET not in text
    assert KEY_ID not in text
    assert error.__cause__ is None  # what the library says holds the signed request
    return text


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (404, "NoSuchBucket", "there is no bucket 'films' at 127.0.0.1"),
        (403, "AccessDenied", "no permission for bucket 'films'; the key needs s3:ListBucket on it"),
        (403, "InvalidAccessKeyId", "does not know the key; set AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "the secret does not fit the key; copy AWS_SECRET_ACCESS_KEY anew"),
        (400, "ExpiredToken", "the session has ended"),
        (400, "InvalidToken", "set AWS_SESSION_TOKEN anew"),
        (403, "RequestTimeTooSkewed", "finds this machine's clock wrong, it shows 20"),
        (400, "AuthorizationHeaderMalformed", "it lies in eu-west-1; set region=eu-west-1 in the options"),
        (301, "PermanentRedirect", "not to be found in this region"),
        (400, "InvalidBucketName", "'films' is no name for a bucket; allowed are 3 to 63"),
        (507, "XMinioStorageFull", "has no space left"),
        (401, "", "no permission for bucket 'films'"),
        (418, "Teapot", "bucket 'films' refuses: 127.0.0.1"),
    ],
)
def test_what_s3_refuses_is_said_with_its_cure(tmp_path: Path, status: int, code: str, says: str) -> None:
    more = {"Region": "eu-west-1"} if code == "AuthorizationHeaderMalformed" else {}
    more |= {"StringToSign": f"AWS4 {KEY_ID} {SECRET}", "AWSAccessKeyId": KEY_ID}
    with refusing(tmp_path / "service", status, code, "Words of the service", **more) as service:
        store = store_at(service.url)
        with pytest.raises(AccessError) as caught:
            store.check()
        assert says in sentence(caught.value)
        path = tmp_path / "film"
        path.write_bytes(b"film")
        with pytest.raises(AccessError) as caught:
            store.send(Upload(file=File.of(path), key="film"), None, lambda done: None)
        assert says in sentence(caught.value)
        if status in (400, 401, 403):  # HEAD is refused without a word, and the cause is found still
            with pytest.raises(AccessError) as caught:
                store.look("film")
            assert says in sentence(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "message", "says"),
    [
        (404, "ContainerNotFound", "", "there is no container 'films'"),
        (403, "AuthorizationPermissionMismatch", "", "the key needs the role Storage Blob Data Contributor"),
        (403, "AuthenticationFailed", "Server failed to authenticate", "copy AZURE_STORAGE_ACCOUNT_KEY anew"),
        (403, "AuthenticationFailed", "The Date header in the request is incorrect", "this machine's clock wrong"),
        (400, "InvalidResourceName", "", "no name for a container"),
    ],
)
def test_what_azure_refuses_is_said_with_its_cure(
    tmp_path: Path, status: int, code: str, message: str, says: str
) -> None:
    with refusing(tmp_path, status, code, message) as service, pytest.raises(AccessError) as caught:
        store_at(service.url, "az://films").check()
    assert says in sentence(caught.value)


def test_a_bucket_that_is_not_there_is_named(tmp_path: Path) -> None:
    with s3(tmp_path, bucket="films") as service:
        store_at(service.url, "s3://films/2026").check()
        with pytest.raises(AccessError, match=r"there is no bucket 'flims' at 127\.0\.0\.1:[0-9]+; mend the name"):
            store_at(service.url, "s3://flims").check()


def test_what_azure_itself_says_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with azure(tmp_path, container="films") as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        store_at(service.url, "az://films").check()
        with pytest.raises(AccessError, match="there is no container 'flims'"):
            store_at(service.url, "az://flims").check()
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "YSBtYWRlIHVwIGtleQ==")
        with pytest.raises(AccessError, match="copy AZURE_STORAGE_ACCOUNT_KEY anew"):
            store_at(service.url, "az://films").check()


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    with s3(tmp_path, bucket="films") as service:
        store = store_at(service.url)
        store.check()
        assert store.look(".qmv-probe") is None


def test_patience_ends_with_a_sentence(tmp_path: Path) -> None:
    with refusing(tmp_path, 503, "SlowDown") as service, pytest.raises(ServiceError) as caught:
        store_at(service.url).look("film")
    assert not isinstance(caught.value, AccessError)
    assert "answers with 503, for " in sentence(caught.value)


def test_no_way_to_the_service_is_said(tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        store_at("http://127.0.0.1:9").check()
    assert "127.0.0.1:9 cannot be reached, for " in sentence(caught.value)
    with pytest.raises(ServiceError) as caught:
        store_at("https://films.invalid").check()
    assert "films.invalid is a name that this machine cannot find" in sentence(caught.value)


def test_a_certificate_that_is_not_trusted_is_named(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    file = tmp_path / "server.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    code = (
        "import http.server as h, ssl, sys; s = h.HTTPServer(('127.0.0.1', 0), h.BaseHTTPRequestHandler);"
        "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain(sys.argv[1]);"
        "s.socket = c.wrap_socket(s.socket, server_side=True); print(s.server_port, flush=True); s.serve_forever()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            with pytest.raises(ServiceError) as caught:
                store_at(f"https://localhost:{server.stdout.readline().strip()}").check()
        finally:
            server.kill()
    assert "shows a certificate that is not trusted here (self" in sentence(caught.value)


@pytest.mark.parametrize("conditions", ["refused", "ignored"])
def test_a_service_without_conditions_is_looked_at_first(tmp_path: Path, conditions: str) -> None:
    paths = [tmp_path / "film", tmp_path / "other"]
    for path in paths:
        path.write_bytes(path.name.encode())
    film, other = (Upload(file=File.of(path), key="film") for path in paths)
    with s3(tmp_path / "moto", bucket="films", conditional_copies=False, conditional_puts=conditions) as service:
        store = replace(store_at(service.url), whole_bytes=2)
        store.check()
        assert store.look(".qmv-probe") is None
        deliver(store, film, overwrite=False, progress=lambda done: None)
        with pytest.raises(OutputError, match="stands already with other content"):
            deliver(store, other, overwrite=False, progress=lambda done: None)
        if conditions == "refused":
            with pytest.raises(Taken):
                store.send(other, None, lambda done: None)
        deliver(store, other, overwrite=True, progress=lambda done: None)
        store.fetch("film", tmp_path / "back", 100)
    assert (tmp_path / "back").read_bytes() == b"other"


def test_a_passing_silence_is_borne(tmp_path: Path) -> None:
    with (
        s3(tmp_path / "moto", bucket="films") as service,
        proxy(tmp_path / "proxy", upstream_port=service.port, seed=4, unavailable=0.5, methods=["HEAD"]) as line,
    ):
        store = replace(store_at(line.url), patience_s=60)
        assert [store.look(f"{number}") for number in range(6)] == [None] * 6
        assert any(request["status"] == 503 for request in line.requests())
