"""Who is asked, and as whom: endpoint, region and credentials of S3 and Azure, the usual ways of each cloud.

Keys come from the environment (or from the files of the AWS command line), never from options.
"""

from __future__ import annotations

import base64
import binascii
import configparser
import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from qmv.errors import AccessError, ConfigError, UnknownName
from qmv.objects.cloud_names import Place

__all__ = ["OPTIONS", "Options", "access", "check_options"]

Options = tuple[tuple[str, str | bool | int], ...]

OPTIONS = {
    "s3": (
        "allow_http", "checksum_algorithm", "endpoint", "profile", "region", "request_payer", "server_side_encryption",
        "skip_signature", "sse_bucket_key_enabled", "sse_kms_key_id", "unsigned_payload",
        "virtual_hosted_style_request",
    ),
    "az": (
        "account_name", "allow_http", "authority_host", "client_id", "endpoint", "skip_signature", "tenant_id",
        "use_azure_cli", "use_emulator",
    ),
}  # fmt: skip
_SECRET = re.compile(
    r"secret|token|password|access_key|account_key|sas|encryption_key|connection_string", re.IGNORECASE
)
_METADATA = "http://169.254.169.254"
_METADATA_S = 1.0  # a machine of the cloud answers at once; elsewhere nobody ever does
_ELSEWHERE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_AZURE_KEYS = (
    "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_MASTER_KEY", "AZURE_STORAGE_KEY",
)  # fmt: skip
_AZURE_SAS = ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY")
_AZURE_OTHERS = (
    "AZURE_STORAGE_TOKEN", "AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_MSI_ENDPOINT", "AZURE_IDENTITY_ENDPOINT",
)  # fmt: skip


def check_options(scheme: str, options: Mapping[str, object], where: str) -> None:
    """Raises ConfigError for a secret among the options, UnknownName for one that is not known."""
    for name, value in options.items():
        if name not in OPTIONS[scheme] and _SECRET.search(name):
            secret = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if scheme == "s3" else "AZURE_STORAGE_ACCOUNT_KEY"
            raise ConfigError(f"{where}: options must not hold keys, got {name}; set {secret} in the environment.")
        if name not in OPTIONS[scheme]:
            raise UnknownName(f"{where}: options", name, OPTIONS[scheme])
        if value is not None and not isinstance(value, (str, bool, int)):
            raise ConfigError(f"{where}: options.{name} must be a text, a number or true or false, got {value!r}.")


def access(place: Place, options: Options, where: str) -> dict[str, str | bool]:
    """All that the client of obstore is told, with `endpoint` always there.

    Raises ConfigError or AccessError where it is plain that nothing can come of it.
    """
    given = dict(options)
    check_options(place.scheme, given, where)
    config = _s3(place, given, where) if place.scheme == "s3" else _azure(given, where)
    own = str(given.get("endpoint") or "")
    if (not own or place.scheme == "az") and (rule := place.wrong_name()):
        raise ConfigError(f"{where}: '{place.bucket}' is no name for a {place.kind}; allowed are {rule}.")
    _check_endpoint(str(config["endpoint"]), bool(given.get("allow_http", False)), where)
    extra = {name: _plain(value) for name, value in given.items() if name not in ("allow_http", "profile")}
    return extra | config


def _plain(value: str | bool | int) -> str | bool:
    return value if isinstance(value, (bool, str)) else str(value)


def _env(*names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _check_endpoint(endpoint: str, allow_http: bool, where: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{where}: the endpoint must begin with https://, got '{endpoint}'; write https://HOST.")
    if parts.username or parts.password:
        raise ConfigError(f"{where}: the endpoint must not hold a password; set the keys in the environment.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname):
        raise ConfigError(
            f"{where}: {endpoint} would send everything unencrypted; use https://, or set options.allow_http=true."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# -- S3 --------------------------------------------------------------------------------------------------------------


def _s3(place: Place, given: Mapping[str, str | bool | int], where: str) -> dict[str, str | bool]:
    profile = _profile(str(given.get("profile", "")) or _env("AWS_PROFILE") or "default")
    own = str(given.get("endpoint") or "") or _env("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    endpoint = (own or profile.get("endpoint_url", "")).rstrip("/")
    region = str(given.get("region") or "") or _env("AWS_REGION", "AWS_DEFAULT_REGION") or profile.get("region", "")
    region = region or ("auto" if ".r2.cloudflarestorage.com" in endpoint else "us-east-1")
    hosted = bool(given.get("virtual_hosted_style_request", not endpoint and "." not in place.bucket))
    if not endpoint:
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        endpoint = f"https://{place.bucket}.s3.{region}.{domain}" if hosted else f"https://s3.{region}.{domain}"
    config: dict[str, str | bool] = {
        "endpoint": endpoint, "aws_endpoint_url_s3": endpoint, "region": region, "virtual_hosted_style_request": hosted,
        "disable_bulk_delete": True,  # one at a time is what every service knows
    }  # fmt: skip
    unsigned = given.get("skip_signature") or _env("AWS_SKIP_SIGNATURE").lower() in ("1", "true")
    return config if unsigned else {**config, **_s3_keys(given, profile, where)}


def _s3_keys(given: Mapping[str, str | bool | int], profile: Mapping[str, str], where: str) -> dict[str, str]:
    keys = {"access_key_id": _env("AWS_ACCESS_KEY_ID"), "secret_access_key": _env("AWS_SECRET_ACCESS_KEY")}
    token = _env("AWS_SESSION_TOKEN", "AWS_TOKEN")
    if given.get("profile") or not any(keys.values()):
        kept = {name: profile.get(f"aws_{name}", "") for name in keys}
        if any(kept.values()) or given.get("profile"):
            keys, token = kept, profile.get("aws_session_token", "")
        elif _env(*_ELSEWHERE):
            return {}
    if not any(keys.values()) and not given.get("profile") and _machine_has_a_role("AWS_METADATA_ENDPOINT"):
        return {}
    if not all(keys.values()):
        missing = " and ".join(f"AWS_{name.upper()}" for name, value in keys.items() if not value)
        raise AccessError(
            f"{where}: no credentials for S3, {missing} not set; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "AWS_PROFILE to a profile with keys in it (others: aws configure export-credentials --format env)."
        )
    if not all(value.isascii() and value.isprintable() for value in (*keys.values(), token)):
        raise AccessError(f"{where}: the AWS keys hold characters that no key has; copy them anew.")
    return keys | ({"session_token": token} if token else {})


def _profile(name: str) -> dict[str, str]:
    """What the files of the AWS command line say of a profile; nothing where there are none."""
    parser = configparser.RawConfigParser(strict=False)
    home = Path("~/.aws").expanduser()
    for variable, file in (("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")):
        try:
            parser.read(Path(_env(variable) or home / file).expanduser(), encoding="utf-8")
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue  # the sentence about missing credentials says what to do
    sections = [section for section in (f"profile {name}", name) if parser.has_section(section)]
    return {key: value.strip() for section in sections for key, value in parser.items(section)}


def _machine_has_a_role(variable: str) -> bool:
    """Whether this machine belongs to a cloud that gives it credentials of its own."""
    if _env("AWS_EC2_METADATA_DISABLED").lower() == "true":
        return False
    address = urlsplit(_env(variable) or _METADATA)
    try:
        with socket.create_connection((address.hostname or "", address.port or 80), timeout=_METADATA_S):
            return True
    except OSError:
        return False


# -- Azure -----------------------------------------------------------------------------------------------------------


def _azure(given: Mapping[str, str | bool | int], where: str) -> dict[str, str | bool]:
    said = _connection_string()
    emulator = bool(given.get("use_emulator")) or _env("AZURE_STORAGE_USE_EMULATOR").lower() in ("1", "true")
    account = str(given.get("account_name") or "") or _env("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
    account = account or said.get("AccountName", "") or ("devstoreaccount1" if emulator else "")
    if not account:
        raise AccessError(
            f"{where}: no account for Azure; set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or "
            "AZURE_STORAGE_CONNECTION_STRING."
        )
    endpoint = str(given.get("endpoint") or "") or _env("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
    endpoint = (
        endpoint or said.get("BlobEndpoint", "") or ("http://127.0.0.1:10000/devstoreaccount1" if emulator else "")
    )
    endpoint = endpoint or f"https://{account}.blob.{said.get('EndpointSuffix', 'core.windows.net')}"
    config: dict[str, str | bool] = {"account_name": account, "endpoint": endpoint.rstrip("/")}
    return config if emulator or given.get("skip_signature") else {**config, **_azure_keys(given, said, where)}


def _azure_keys(given: Mapping[str, str | bool | int], said: Mapping[str, str], where: str) -> dict[str, str]:
    if key := _env(*_AZURE_KEYS) or said.get("AccountKey", ""):
        try:
            base64.b64decode(key, validate=True)
        except binascii.Error:
            raise AccessError(f"{where}: the key of the Azure account is cut off or mistyped; copy it anew.") from None
        return {"account_key": key}
    if token := _env(*_AZURE_SAS) or said.get("SharedAccessSignature", ""):
        return {"sas_key": token.lstrip("?")}
    cli = given.get("use_azure_cli") or _env("AZURE_USE_AZURE_CLI")
    if cli or _env(*_AZURE_OTHERS) or _machine_has_a_role("AZURE_METADATA_ENDPOINT"):
        return {}
    raise AccessError(
        f"{where}: no credentials for Azure; set AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or "
        "AZURE_STORAGE_CONNECTION_STRING, or options.use_azure_cli=true after 'az login'."
    )


def _connection_string() -> dict[str, str]:
    pairs = (part.partition("=") for part in _env("AZURE_STORAGE_CONNECTION_STRING").split(";"))
    return {name: value for name, _, value in pairs if name and value}
