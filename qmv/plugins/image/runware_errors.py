"""What Runware's error codes mean for an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qmv.buying.seller import Busy, Doubt, Refused
from qmv.errors import AccessError

__all__ = ["GONE", "NOT_FOUND", "meaning"]

NOT_FOUND = ("taskNotFound", "taskFailedOrNotFound")
GONE = ("taskExpired",)  # it was made, and is kept no longer
_KEY = ("invalidApiKey", "missingApiKey", "unauthorized", "forbidden", "tokenExpired", "accountSuspended")
_MONEY = ("insufficientCredits", "quotaExceeded", "paymentRequired")
_MODEL = ("modelNotFound", "unknownModel", "invalidModel")
_PLAIN = ("conflictTaskUUID", "duplicateTaskUUID")
_LATER = (
    "noAvailableServer", "modelUnavailable", "modelNotReady", "inferenceError", "taskFailed", "internalServerError",
    "serviceUnavailable", "timeout",
)  # fmt: skip
_REQUEST = ("invalid", "missing", "unsupported", "unknownParameter", "value", "array", "max")
_CONTENT = (
    "contentPolicyViolation", "providerContentPolicyViolation", "sensitiveContentDetected", "nsfwContentDetected",
    "promptBlocked", "imageBlocked", "moderationFailed",
)  # fmt: skip


def meaning(error: Mapping[str, Any], model: str, key_env: str) -> Exception:
    """The exception for an error of the service. Codes vary (they are 'being standardised'), so that families count
    too; one that is not known is taken for a failure that may pass."""
    code, message = str(error.get("code", "")), " ".join(str(error.get("message", "")).split())[:300]
    if code in _KEY:
        return AccessError(
            f"image (runware): the key is refused ({code}); put a valid one into {key_env}, from "
            "https://my.runware.ai/keys."
        )
    if code in _MONEY or any(word in code for word in ("Credits", "Quota", "Balance")):
        return AccessError(
            f"image (runware): the account has no credits left ({code}); top it up at https://my.runware.ai, then run "
            "the same command again: what was made is kept."
        )
    if code in _MODEL or (code == "unsupportedParameter" and error.get("parameter") == "model"):
        return AccessError(
            f"image (runware): the model '{model}' is not known to the service; set image.model to an AIR id, such as "
            "runware:100@1."
        )
    if code in _PLAIN:
        return Doubt("the service has the order already")
    if code in _CONTENT:
        return Refused(f"the service will not draw it ({code}: {message}); change the prompt")
    if "RateLimit" in code or "rateLimit" in code:
        return Busy(f"the service wants fewer orders ({code})", everyone=True)
    if code in _LATER or code.startswith("provider") or "Timeout" in code:
        return Busy(f"the service failed ({code}: {message})")
    if code.startswith(_REQUEST):
        parameter = f" of {error['parameter']}" if error.get("parameter") else ""
        return Refused(f"the service refuses the request ({code}{parameter}: {message}); change the image settings")
    return Busy(f"the service failed ({code}: {message})")
