"""What the answers of Google Cloud Storage mean: a fault that passes, or one sentence with its cure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from qmv.errors import AccessError, QmvError, ServiceError
from qmv.objects.gcs_patience import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

__all__ = ["Answer", "Judge", "Refused", "without_secrets"]

_PASSES = {408, 429, 500, 502, 503, 504}
_SLOWER = ("rateLimitExceeded", "userRateLimitExceeded")  # 403 that mean 429
_LONGEST_ORDERED_WAIT_S = 300.0
_SECRETS = re.compile(r"(upload_id=|[Bb]earer |[Ss]ignature=)[^\s&\"']+")
_ROLE = "Storage Object User (roles/storage.objectUser)"
_ROLES = {"storage.objects.setIamPolicy": "Storage Object Admin (roles/storage.objectAdmin)"}


def without_secrets(text: str) -> str:
    """A text of somebody else's, without what opens an upload or an object."""
    return _SECRETS.sub(r"\1...", text)


class Refused(Exception):
    """An answer that is none of those that were hoped for."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is of use in a refusal."""

    status: int
    message: str = ""
    reason: str = ""
    wait_s: float = 0.0

    @classmethod
    def of(cls, response: requests.Response) -> Answer:
        try:
            error = response.json()["error"]
            message = error if isinstance(error, str) else str(error.get("message", ""))
            reasons = [] if isinstance(error, str) else error.get("errors") or []
            reason = str(reasons[0].get("reason", "")) if reasons else ""
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):  # some refusals are plain text
            message, reason = response.text[:300].strip(), ""
        ordered = response.headers.get("Retry-After", "")
        wait_s = min(float(ordered), _LONGEST_ORDERED_WAIT_S) if ordered.isdecimal() else 0.0
        told = without_secrets(" ".join(message.split()))
        return cls(status=response.status_code, message=told, reason=reason, wait_s=wait_s)

    @classmethod
    def in_error(cls, error: Exception) -> Answer | None:
        """The answer that an exception of ours or of the library's tells of."""
        if isinstance(error, Refused):
            return error.answer
        response = getattr(error, "response", None)
        if response is not None and hasattr(response, "status_code"):
            return cls.of(response)
        code = getattr(error, "code", None)
        return cls(status=int(code), message=str(getattr(error, "message", ""))) if isinstance(code, int) else None

    @property
    def about_bucket(self) -> bool:
        """Whether a 404 says that the bucket itself is not there."""
        return self.status == HTTPStatus.NOT_FOUND and "bucket does not exist" in self.message.lower()


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Knows what is asked of whom, so that its sentences can name it. `buckets` lists those that the account sees, and
    `server_date` gives the time that the server told last."""

    where: str
    bucket: str
    account: str
    host: str
    buckets: Callable[[], list[str]]
    server_date: Callable[[], str]

    def __call__(self, error: Exception) -> Trouble | QmvError | None:
        """What it is; None for an error of this machine or of ours."""
        import google.auth.exceptions as auth
        import google.cloud.exceptions as cloud
        import requests
        import urllib3

        if isinstance(error, QmvError):
            return error
        if isinstance(error, auth.RefreshError):
            return Trouble("the sign-in service has a fault") if error.retryable else self._sign_in(error)
        if isinstance(error, auth.TransportError):
            return Trouble("the sign-in service cannot be reached")
        if isinstance(error, (cloud.GoogleCloudError, Refused)) and (answer := Answer.in_error(error)) is not None:
            return self.answer(answer)
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return AccessError(
                f"{self.where}: {self.host} or the proxy of this machine is no address; check STORAGE_EMULATOR_HOST, "
                "HTTP_PROXY and HTTPS_PROXY in the environment."
            )
        if isinstance(error, requests.exceptions.ProxyError):
            return Trouble("the proxy of this machine (HTTP_PROXY, HTTPS_PROXY) cannot be reached")
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in repr(error):
            return AccessError(
                f"{self.where}: the certificate of {self.host} is not accepted; check this machine's clock "
                f"({_now()}), and REQUESTS_CA_BUNDLE where a proxy reads along."
            )
        if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | ConnectionError | TimeoutError):
            return Trouble(_in_words(error, self.host))
        return None

    def answer(self, answer: Answer) -> Trouble | QmvError:
        """What a refusal means."""
        if answer.status in _PASSES or answer.reason in _SLOWER:
            return Trouble(f"{self.host} answers with HTTP {answer.status}", answer.wait_s)
        said = answer.message.lower()
        if "billing" in said and answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST):
            return AccessError(
                f"{self.where}: the billing account of the project that owns the bucket {self.bucket} is disabled; "
                "turn billing on at https://console.cloud.google.com/billing."
            )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return AccessError(
                f"{self.where}: {self.host} does not accept the credentials of {self.account}; make a new key, or run: "
                "gcloud auth application-default login."
            )
        if answer.status == HTTPStatus.FORBIDDEN:
            return self._forbidden(answer.message)
        if answer.status == HTTPStatus.NOT_FOUND:
            return self.no_bucket()
        return ServiceError(
            f"{self.where}: {self.host} refuses the request (HTTP {answer.status}: "
            f"{answer.message or 'no reason given'}); check the settings of storage, and run the same command again."
        )

    def denied(self, permission: str, account: str = "") -> AccessError:
        """The account may not do something."""
        return AccessError(
            f"{self.where}: {account or self.account} has no permission {permission} on the bucket {self.bucket}; "
            f"grant it the role {_ROLES.get(permission, _ROLE)} on this bucket."
        )

    def no_bucket(self) -> AccessError:
        """The bucket is not there; names the closest one, where the account may list them."""
        import difflib

        close = difflib.get_close_matches(self.bucket, self.buckets(), n=1)
        cure = f"did you mean '{close[0]}'? If not," if close else "correct the name, or"
        return AccessError(
            f"{self.where}: there is no bucket '{self.bucket}'; {cure} create it with: gcloud storage buckets create "
            f"gs://{self.bucket}"
        )

    def _forbidden(self, message: str) -> AccessError:
        permission = re.search(r"storage\.[a-z]+\.[A-Za-z]+", message)
        account = re.search(r"[\w.+-]+@[\w.-]+\w", message)
        if permission:
            return self.denied(permission[0], account[0] if account else "")
        return AccessError(
            f"{self.where}: {self.account} may not use the bucket {self.bucket} ({message or 'no reason given'}); "
            f"grant it the role {_ROLE} on this bucket."
        )

    def _sign_in(self, error: Exception) -> AccessError:
        """No token: the text is `error: description`, as the token endpoint gave it."""
        said = without_secrets(" ".join(str(error.args[0] if error.args else error).split()))
        if "reasonable timeframe" in said or "iat and exp" in said:
            theirs = self.server_date()
            return AccessError(
                f"{self.where}: Google does not accept this machine's clock, which says {_now()}"
                + (f" where Google's says {theirs}" if theirs else "")
                + "; set the clock (timedatectl set-ntp true), and run the same command again."
            )
        if "invalid jwt signature" in said.lower() or "account not found" in said.lower():
            return AccessError(
                f"{self.where}: the key of {self.account} was deleted or is not its own; make a new one at IAM > "
                "Service accounts > Keys, and name its file in GOOGLE_APPLICATION_CREDENTIALS."
            )
        if "expired or revoked" in said or "reauth" in said.lower():
            return AccessError(
                f"{self.where}: the sign-in of {self.account} has ended; run: gcloud auth application-default login."
            )
        return AccessError(
            f"{self.where}: Google gives {self.account} no access ({said[:200]}); check the key that "
            "GOOGLE_APPLICATION_CREDENTIALS names, or run: gcloud auth application-default login."
        )


def _now() -> str:
    return formatdate(usegmt=True)


def _in_words(error: Any, host: str) -> str:
    """A fault of the network; never its own text, which holds the address."""
    import requests

    inner = repr(error)
    if "NameResolution" in inner or "gaierror" in inner:
        return f"the name {host} cannot be resolved"
    if isinstance(error, requests.exceptions.ConnectTimeout) or "ConnectTimeout" in inner:
        return f"no connection to {host} in time"
    if "NewConnectionError" in inner or isinstance(error, ConnectionRefusedError):
        return f"{host} cannot be reached"
    if isinstance(error, requests.exceptions.Timeout | TimeoutError) or "imeout" in inner or "timed out" in inner:
        return f"no answer of {host} in time"
    return f"the connection to {host} broke"
