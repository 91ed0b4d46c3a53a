"""What the fake of Gemini is told to do, and the form of Google's errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["ANSWERS", "CONNECTIONS", "ERRORS", "FAULTS", "REASONS", "Script", "error"]

_TYPES = "type.googleapis.com/google.rpc"
# name -> HTTP status, Google's status, what it says; {key} and {model} are filled in
ERRORS = {
    "bad_key": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "expired_key": (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key."),
    "invalid": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "location": (400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    "unauthenticated": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "forbidden": (403, "PERMISSION_DENIED", "Permission denied: Consumer 'api_key:{key}' has been suspended."),
    "no_model": (404, "NOT_FOUND", "models/{model} is not found for API version v1beta."),
    "rate_limit": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan."),
    "daily_quota": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan."),
    "internal": (500, "INTERNAL", "An internal error has occurred. Please retry."),
    "unavailable": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "deadline": (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
CONNECTIONS = ("hang", "reset", "reset_mid", "html", "html_502")
# Finish reasons, and reasons to take no prompt
REASONS = {
    "max_tokens": "MAX_TOKENS",
    "safety": "SAFETY",
    "recitation": "RECITATION",
    "blocked": "PROHIBITED_CONTENT",
    "no_candidates": "",
}
# What is wrong with the storyboard
ANSWERS = (
    "truncated", "wrong_count", "duplicate_index", "empty_prompt", "long_prompt", "same_prompts", "prose", "fenced",
    "untidy", "no_shots", "not_an_object", "plain_words", "bare",
)  # fmt: skip
FAULTS = (*ERRORS, *CONNECTIONS, *REASONS, *ANSWERS)


@dataclass(frozen=True, kw_only=True)
class Script:
    """How the fake behaves. A key or a request that is really wrong is refused in any case, and counts as a call."""

    # the only key that is accepted
    key: str = field(default="test-gemini-key", repr=False)
    # the models that exist; empty stands for every name that begins with gemini-
    models: tuple[str, ...] = ()
    # the fault of the first, second ... call; "" is none, and so is what comes after the last
    faults: tuple[str, ...] = ()
    # the fault of every call that `faults` does not reach
    always: str = ""
    # what RetryInfo of rate_limit asks for
    retry_delay_s: float = 0.02

    def __post_init__(self) -> None:
        for name in (*self.faults, self.always):
            if name and name not in FAULTS:
                raise ValueError(f"there is no fault '{name}'; known: {', '.join(FAULTS)}")

    def fault(self, number: int) -> str:
        """The fault of a call, counted from 0."""
        return self.faults[number] if number < len(self.faults) else self.always


def error(name: str, script: Script, model: str) -> tuple[int, dict[str, Any]]:
    """(HTTP status, body) as Google words it."""
    code, status, message = ERRORS[name]
    found: dict[str, Any] = {"code": code, "message": message.format(key=script.key, model=model), "status": status}
    if details := _details(name, script):
        found["details"] = details
    return code, {"error": found}


def _details(name: str, script: Script) -> list[dict[str, Any]]:
    if name in {"bad_key", "expired_key"}:
        info = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        return [{"@type": f"{_TYPES}.ErrorInfo", **info}]
    if name == "rate_limit":
        return [{"@type": f"{_TYPES}.RetryInfo", "retryDelay": f"{script.retry_delay_s:g}s"}]
    if name == "daily_quota":
        quota = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}
        return [
            {"@type": f"{_TYPES}.QuotaFailure", "violations": [quota]},
            {"@type": f"{_TYPES}.RetryInfo", "retryDelay": "37s"},
        ]
    return []
