"""How people get at an object in Google Cloud Storage: its plain address, one for everybody, one that ends."""

from __future__ import annotations

from datetime import timedelta

from qmv.errors import AccessError
from qmv.objects.gcs import GcsStore
from qmv.objects.gcs_errors import Answer
from qmv.objects.gcs_link import base_url

__all__ = ["can_open", "can_sign", "public", "signed"]


def can_open(store: GcsStore) -> None:
    """Raises AccessError where the bucket's settings forbid that something in it is made public; where the account may
    not read them, the delivery will tell."""
    bucket = store.link().client.bucket(store.bucket)
    try:
        bucket.reload(timeout=store.timeouts_s, retry=None)
        rules = bucket.iam_configuration
        policy = bucket.get_iam_policy(requested_policy_version=3, timeout=store.timeouts_s, retry=None)
    except Exception:  # most accounts that may store may not look
        return
    if rules.public_access_prevention == "enforced":
        raise _prevented(store)
    everybody = any("allUsers" in binding["members"] for binding in policy.bindings)
    if rules.uniform_bucket_level_access_enabled and not everybody:
        raise _same_for_all(store)


def public(store: GcsStore, key: str) -> str:
    """The plain address, once everybody can read what is there; raises AccessError where the bucket forbids it."""
    blob = store.blob(key)

    def grant() -> bool:
        try:
            blob.make_public(timeout=store.timeouts_s, retry=None)
        except Exception as error:
            answer = Answer.in_error(error)
            said = answer.message.lower() if answer else ""
            if "public access prevention" in said:
                raise _prevented(store) from None
            if answer is None or answer.status not in (400, 412) or "uniform" not in said:
                raise
            return False
        return True

    address = store.address(key)
    if not store.bear(grant) and not store.bear(lambda: _opens(address, store.timeouts_s)):
        raise _same_for_all(store)
    return address


def _prevented(store: GcsStore) -> AccessError:
    return AccessError(
        f"{store.where}: the bucket {store.bucket} prevents public access, so nothing in it can be made public; set "
        "storage.link=signed, or lift its public access prevention."
    )


def _same_for_all(store: GcsStore) -> AccessError:
    return AccessError(
        f"{store.where}: the bucket {store.bucket} has uniform bucket-level access, so one object alone cannot be made "
        f"public; run: gcloud storage buckets add-iam-policy-binding gs://{store.bucket} --member=allUsers "
        "--role=roles/storage.objectViewer, or set storage.link=signed."
    )


def _opens(address: str, timeouts_s: tuple[float, float]) -> bool:
    """Whether somebody without credentials gets it, whatever the bucket's rules are made of."""
    import requests

    with requests.get(address, headers={"Range": "bytes=0-0"}, timeout=timeouts_s, stream=True) as answer:
        if answer.status_code >= 500:
            answer.raise_for_status()
        return answer.ok


def can_sign(store: GcsStore) -> None:
    """Raises AccessError where the credentials cannot sign an address."""
    if store.link().signer is None:
        raise AccessError(
            f"{store.where}: {store.link().account} cannot sign addresses, as its credentials hold no key; name a "
            "service account's key file in GOOGLE_APPLICATION_CREDENTIALS, or set storage.link=plain."
        )


def signed(store: GcsStore, key: str, expires_h: float) -> str:
    """An address that opens the object to whoever has it, until it ends."""
    can_sign(store)
    return str(
        store.blob(key).generate_signed_url(
            version="v4", expiration=timedelta(hours=expires_h), method="GET", credentials=store.link().signer,
            api_access_endpoint=base_url(),
        )
    )  # fmt: skip
