"""Links that give a file to whoever has them, for a time.

The library's own links to Azure are refused where the key has a space or a letter outside of ASCII, since it signs
the name as it stands in the address; so those that an account's key signs are made here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from qmv.objects.cloud_names import Place

__all__ = ["azure_link"]

_VERSION = "2020-12-06"
_NOT_GIVEN = 5  # what the answer's headers are to say, beside what is stored


def azure_link(address: str, *, place: Place, full: str, account: str, account_key: str, hours: float) -> str:
    """The address of a blob with a service SAS: reading it only, for so many hours."""
    until = (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    protocol = "https" if address.startswith("https:") else "https,http"
    resource = f"/blob/{account}/{place.bucket}/{full}"
    parts = ["r", "", until, resource, "", "", protocol, _VERSION, "b", "", "", *[""] * _NOT_GIVEN]
    digest = hmac.new(base64.b64decode(account_key), "\n".join(parts).encode(), hashlib.sha256).digest()
    signed = {"sv": _VERSION, "sr": "b", "sp": "r", "se": until, "spr": protocol, "sig": base64.b64encode(digest)}
    return f"{address}?{urlencode(signed)}"
