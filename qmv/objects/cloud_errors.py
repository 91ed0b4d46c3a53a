"""What S3 and Azure say when they refuse, as sentences with a cure.

Their own words are shown only where no better ones are known, and never whole: they may hold the signed request.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from qmv.errors import AccessError, QmvError, ServiceError
from qmv.objects.cloud_names import Place

__all__ = ["Trouble", "Unable", "refusal", "weariness"]

_STATUS = re.compile(r"status code: (\d{3})")
_PASSING_CODES = {
    "ConditionalRequestConflict", "InternalError", "InvalidBlockList", "NoSuchUpload", "OperationAborted",
    "OperationTimedOut", "RequestTimeout", "ServerBusy", "ServiceUnavailable", "SlowDown",
}  # fmt: skip
_CONNECTS_S = 5
_FOR_GOOD = (501, 505, 507)
_ABSENT = ("NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted", "ResourceNotFound")
_FORBIDDEN = (
    "AccessDenied", "AccountProblem", "AllAccessDisabled", "AuthorizationPermissionMismatch",
    "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch", "InsufficientAccountPermissions",
    "PublicAccessNotPermitted", "UnauthorizedAccess",
)  # fmt: skip
_KEY_ID = ("InvalidAccessKeyId", "UnauthorizedKey", "InvalidAuthenticationInfo")
_SECRET = ("SignatureDoesNotMatch", "AuthenticationFailed", "AuthorizationFailure", "Unauthorized")
_SESSION = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "ExpiredTokenException")
_CLOCK = ("RequestTimeTooSkewed", "RequestExpired")
_REGION = (
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "IllegalLocationConstraintException",
    "TemporaryRedirect",
)
_NAME = ("InvalidBucketName", "InvalidResourceName", "OutOfRangeInput", "InvalidUri")
_FULL = ("QuotaExceeded", "XMinioStorageFull", "AccountSizeLimitExceeded", "StorageQuotaExceeded")


class Unable(AccessError):
    """The service does not know what was asked, such as a write on a condition."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What an error of the library says; status 0 where no answer came."""

    status: int
    code: str
    message: str
    region: str
    text: str

    @classmethod
    def of(cls, error: BaseException) -> Trouble:
        text = str(error)
        status = _STATUS.search(text)
        return cls(
            status=int(status[1]) if status else 0,
            code=_tag("Code", text),
            message=_tag("Message", text).partition("RequestId")[0].strip(),
            region=_tag("Region", text),
            text=text,
        )

    @property
    def passes(self) -> bool:
        """Whether asking again may help."""
        if self.code in _PASSING_CODES or self.status in (408, 429) or self.status >= 500:
            return self.status not in _FOR_GOOD
        broken = self.status == 0 and "HTTP error" in self.text
        return broken and "builder error" not in self.text


def _tag(name: str, text: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return found[1].strip() if found else ""


def refusal(trouble: Trouble, where: str, place: Place, host: str) -> QmvError:
    """The sentence for what asking again does not mend."""
    kind = Unable if trouble.status == 501 or trouble.code == "NotImplemented" else AccessError
    return kind(f"{where}: {_words(trouble, place, host)}")


def weariness(trouble: Trouble, where: str, endpoint: str, waited_s: float) -> QmvError:
    """The sentence for when patience has ended."""
    host = urlsplit(endpoint).netloc
    said = f"answers with {trouble.status} {trouble.code}".strip() if trouble.status else _silence(endpoint)
    return ServiceError(
        f"{where}: {host} {said}, for {waited_s:.0f} s now; look at the network (and at the endpoint, if one is "
        "given), then run the same command again: it goes on with what is there."
    )


def _silence(endpoint: str) -> str:
    """Why no answer comes, which the library does not tell."""
    address = urlsplit(endpoint)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    try:
        with socket.create_connection((host, port), timeout=_CONNECTS_S) as connection:
            if address.scheme == "https":
                ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
    except socket.gaierror:
        return "is a name that this machine cannot find"
    except ssl.SSLCertVerificationError as error:
        return f"shows a certificate that is not trusted here ({error.verify_message})"
    except OSError:
        return "cannot be reached"
    return "breaks off"


def _words(trouble: Trouble, place: Place, host: str) -> str:
    code, azure = trouble.code, place.scheme == "az"
    key_id = "AZURE_STORAGE_ACCOUNT_NAME" if azure else "AWS_ACCESS_KEY_ID"
    secret = "AZURE_STORAGE_ACCOUNT_KEY" if azure else "AWS_SECRET_ACCESS_KEY"
    named = f"{place.kind} '{place.bucket}'"
    said = f"{host} says {code or trouble.status}"
    if code in _ABSENT:
        return f"there is no {named} at {host}; mend the name in the url, or create it."
    if code in _CLOCK or "date header" in trouble.message.lower():
        now = datetime.now(UTC)
        return f"{host} finds this machine's clock wrong, it shows {now:%Y-%m-%d %H:%M:%S} UTC; set it ({said})."
    if code in _KEY_ID:
        return f"{host} does not know the key; set {key_id} to one of this account ({said})."
    if code in _SECRET:
        return f"the secret does not fit the key; copy {secret} anew, and {key_id} with it ({said})."
    if code in _SESSION:
        return f"the session has ended; sign in anew, or set AWS_SESSION_TOKEN anew ({said})."
    if code in _REGION or "redirect" in trouble.text.lower():
        told = (
            f", it lies in {trouble.region}; set region={trouble.region}" if trouble.region else "; set region=REGION"
        )
        return f"{named} is not to be found in this region{told} in the options, or AWS_REGION ({said})."
    if code in _NAME:
        return f"'{place.bucket}' is no name for a {place.kind}; allowed are {_rule(place)}."
    if code in _FULL or trouble.status == 507:
        return f"{named} has no space left; free some, or raise its quota ({said})."
    if code in _FORBIDDEN or trouble.status in (401, 403):
        return f"no permission for {named}; the key needs {_rights(azure)} ({said})."
    message = trouble.message[:200] or trouble.text.partition("Debug source")[0].strip()[:200]
    return f"{named} refuses: {said}, {message}"


def _rule(place: Place) -> str:
    return Place(scheme=place.scheme, bucket="_").wrong_name()


def _rights(azure: bool) -> str:
    if azure:
        return "the role Storage Blob Data Contributor, or a token with read, create, write, delete and list"
    return "s3:ListBucket on it, and s3:GetObject, s3:PutObject and s3:DeleteObject on its objects"
