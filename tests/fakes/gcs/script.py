"""What the fake of Google Cloud Storage shall do wrong."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EMAIL", "TOKEN", "Script"]

EMAIL = "films@made-up.iam.gserviceaccount.com"
TOKEN = "ya29.made-up-token"


@dataclass(frozen=True, kw_only=True)
class Script:
    """Counts are of the requests that meet the fault, the first ones of their kind; the next ones are served."""

    buckets: tuple[str, ...] = ("films",)
    open: bool = False  # asks for no token
    token_error: str = ""  # the description of an invalid_grant
    denied: tuple[str, ...] = ()  # permissions that nobody has
    forbidden: str = ""  # the message of a 403 to everything
    uniform: bool = False  # uniform bucket-level access: no object has permissions of its own
    prevented: bool = False  # public access prevention
    public: bool = False  # the bucket lets everybody read
    no_permissions_test: bool = False  # 501, as with some emulators
    busy: int = 0  # 429 with Retry-After: 1
    unauthorized: int = 0  # 401 to chunks
    expire: int = 0  # 410 to chunks after the first
    lose_last: int = 0  # the last chunk is kept, and not answered
    damage: int = 0  # of uploads, in one bit on their way
    forget_bodies: bool = False  # keeps sizes and checksums only
    replaced_while_read: int = 0  # of reads: the object has another generation when its second piece is asked for
