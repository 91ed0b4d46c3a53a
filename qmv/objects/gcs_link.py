"""The way to Google Cloud Storage: credentials, one client a process, and where they are."""

from __future__ import annotations

import json
import logging
import os
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qmv.errors import AccessError, PluginError
from qmv.objects.gcs_errors import without_secrets

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud.storage import Client

__all__ = ["Link", "base_url", "host_of", "link"]

_EMULATOR, _ENDPOINT, _KEY_FILE = "STORAGE_EMULATOR_HOST", "API_ENDPOINT_OVERRIDE", "GOOGLE_APPLICATION_CREDENTIALS"
_DEFAULT = "https://storage.googleapis.com"
# without it the library asks for the bucket in a thread of its own, for the sake of traces that nobody reads
_NO_TRACES = "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"
_NO_PROJECT = "no-project"  # the client wants a name, and no request of ours needs one
_SIGN_IN = "run: gcloud auth application-default login, or name a service account's key file in " + _KEY_FILE
_NO_KEYS = ("installed", "web")  # what the file of an OAuth client begins with
_lock = threading.Lock()
_links: dict[tuple[object, ...], Link] = {}


@dataclass(frozen=True, kw_only=True)
class Link:
    """A client with what it was made of. `signer` can sign addresses, None where the credentials cannot."""

    client: Client
    session: AuthorizedSession
    account: str
    signer: Any
    server_date: Callable[[], str]

    def own(self, url: str) -> bool:
        """Whether an address is the service's own, so that credentials may be sent there."""
        return urlsplit(url)[:2] == urlsplit(base_url())[:2]


def base_url() -> str:
    """Where the service is: Google's, or what the environment names."""
    url = os.environ.get(_EMULATOR) or os.environ.get(_ENDPOINT) or _DEFAULT
    return (url if "://" in url else f"http://{url}").rstrip("/")


def host_of() -> str:
    """The service's host, for sentences."""
    return urlsplit(base_url()).netloc


def link(where: str) -> Link:
    """This process's link; threads share it, and a child process makes its own."""
    names = (_EMULATOR, _ENDPOINT, _KEY_FILE, "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CONFIG")
    key = (os.getpid(), *(os.environ.get(name) for name in names))
    with _lock:
        if key not in _links:
            _links[key] = _made(where)
        return _links[key]


def _made(where: str) -> Link:
    try:
        from google.auth.credentials import AnonymousCredentials
        from google.auth.transport.requests import AuthorizedSession, Request
        from google.cloud.storage import Client
    except ImportError as error:
        raise PluginError(
            f"{where}: needs the package google-cloud-storage, which is not installed ({error}); install it with: "
            "python -m pip install 'qmv[gcs]'"
        ) from error
    logging.getLogger("urllib3.connectionpool").addFilter(_blot)
    os.environ.setdefault(_NO_TRACES, "true")

    class Hearing(Request):
        """Remembers what time it is where tokens come from."""

        date = ""

        def __call__(self, *args: Any, **named: Any) -> Any:
            answer = super().__call__(*args, **named)  # type: ignore[no-untyped-call]
            Hearing.date = answer.headers.get("date", "")
            return answer

    credentials, project = _credentials(where, Client.SCOPE)
    signer = credentials if hasattr(credentials, "sign_bytes") else None
    if os.environ.get(_EMULATOR):
        credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    options = {"api_endpoint": base_url()} if os.environ.get(_EMULATOR) else None
    session = AuthorizedSession(credentials, auth_request=Hearing())  # type: ignore[no-untyped-call]
    client = Client(project=project or _NO_PROJECT, credentials=credentials, _http=session, client_options=options)
    account = getattr(credentials, "service_account_email", None) or getattr(credentials, "signer_email", None)
    return Link(
        client=client,
        session=session,
        account=account if account and account != "default" else "the signed-in account",
        signer=signer,
        server_date=lambda: Hearing.date,
    )


def _credentials(where: str, scopes: Any) -> tuple[Any, str | None]:
    """Google's way to credentials; an emulator wants none, where a key only signs addresses."""
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    named = os.environ.get(_KEY_FILE)
    if named:
        _look_at_key(where, Path(named))
    elif os.environ.get(_EMULATOR):
        return None, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on quotas of user accounts, which our users cannot follow here
            return google.auth.default(scopes=scopes)
    except (DefaultCredentialsError, ValueError) as error:
        if named:
            said = without_secrets(" ".join(str(error.args[0] if error.args else error).split()))[:200]
            raise AccessError(
                f"{where}: the key file {named} ({_KEY_FILE}) cannot be used ({said}); download the key again."
            ) from None
        raise AccessError(f"{where}: no credentials of Google Cloud were found; {_SIGN_IN}.") from None


def _look_at_key(where: str, path: Path) -> None:
    """Raises AccessError for what google-auth would tell less clearly."""
    about = f"{where}: the key file {path} ({_KEY_FILE})"
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AccessError(f"{about} cannot be read ({error.strerror}); name an existing one, or {_SIGN_IN}.") from None
    except ValueError:
        raise AccessError(f"{about} is no JSON; download the key again, as JSON.") from None
    kind = key.get("type", "") if isinstance(key, dict) else ""
    if not kind:
        client = isinstance(key, dict) and set(_NO_KEYS) & set(key)
        found = "an OAuth client" if client else "no key of a service account"
        raise AccessError(f"{about} is {found}; make a key at IAM > Service accounts > Keys, or {_SIGN_IN}.")
    if kind == "service_account":
        _look_at_service_account(about, key)


def _look_at_service_account(about: str, key: dict[str, Any]) -> None:
    from google.oauth2.service_account import Credentials

    absent = [name for name in ("client_email", "private_key", "token_uri") if not key.get(name)]
    if absent:
        raise AccessError(f"{about} lacks {', '.join(absent)}; download the key again, as JSON.")
    try:
        Credentials.from_service_account_info(key)  # type: ignore[no-untyped-call]
    except Exception:  # whatever the libraries below say of it, its text may hold the key
        raise AccessError(
            f"{about} has a broken private key; download the key again (its line breaks are written as \\n)."
        ) from None


def _blot(record: logging.LogRecord) -> bool:
    """Takes addresses of uploads out of what the HTTP library tells on level DEBUG."""
    record.msg, record.args = without_secrets(record.getMessage()), None
    return True
