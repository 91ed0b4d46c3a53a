"""What the fake of the OpenAI images form is told to do, and the form of its errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.runware.script import draw

__all__ = ["AFTER", "ERRORS", "FAULTS", "PIXELS", "Script", "error"]

# name -> HTTP status, type, code, what it says; nothing is charged
ERRORS = {
    "bad_key": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: {key}."),
    "insufficient_quota": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "model_not_found": (404, "invalid_request_error", "model_not_found", "The model '{model}' does not exist."),
    "content_policy_violation": (
        400, "invalid_request_error", "content_policy_violation", "Your request was rejected by our safety system.",
    ),
    "rate_limit": (429, "requests", "rate_limit_exceeded", "Rate limit reached for images per minute."),
    "http_500": (500, "server_error", None, "The server had an error while processing your request."),
    "http_503": (503, "server_error", None, "The engine is currently overloaded, please try again later."),
}  # fmt: skip
# The request never reaches the service, or its answer is none: nothing is charged
BEFORE = ("drop", "html", "empty")
# Charged, and the answer does not arrive
AFTER = ("reset", "hang")
# Charged, and the picture is bad; url_404 harms pictures that are fetched only
PIXELS = ("corrupt", "truncated", "wrong_size", "blank", "url_404")
FAULTS = (*ERRORS, *BEFORE, *AFTER, *PIXELS)


@dataclass(frozen=True, kw_only=True)
class Script:
    """How the fake behaves. A request's fault is the first that is found in `at`, `by_prompt` and `faults`.

    A request that the service itself refuses (a wrong key or field, too many at once) meets none and is not counted.
    """

    # the only key that is accepted
    key: str = field(default="test-openai-key", repr=False)
    # the models that exist; empty stands for every name
    models: tuple[str, ...] = ()
    # fields that it does not know and refuses; all others that it has no use for are taken and left alone
    refuses: tuple[str, ...] = ()
    # what is answered where the request does not say: "url" or "b64_json"
    response_format: str = "b64_json"
    # how long a picture takes
    service_s: float = 0.02
    # what a picture costs, in US dollars
    cost: str = "0.04"
    # how many requests may be in work; one more is refused with 429
    max_at_once: int | None = None
    # what the header Retry-After of each 429 but insufficient_quota says
    retry_after_s: str = "1"
    # "honoured": the same Idempotency-Key gets the same answer, and is charged once
    idempotency: str = "ignored"
    # of the faults by chance, and of pictures that were ordered without a seed
    seed: int = 0
    # name -> share of the requests, by chance: a function of the seed, the prompt, and how often that prompt was seen
    faults: dict[str, float] = field(default_factory=dict)
    # number of the request, from 0 in the order received -> name
    at: dict[str, str] = field(default_factory=dict)
    # part of a prompt -> name for all its requests, or names for the first, second ... of each such prompt; "" is none
    by_prompt: dict[str, str | list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        listed = [name for given in self.by_prompt.values() for name in ([given] if isinstance(given, str) else given)]
        if unknown := {name for name in (*self.faults, *self.at.values(), *listed) if name} - {*FAULTS}:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; known: {', '.join(FAULTS)}")
        choices = {"response_format": ("url", "b64_json"), "idempotency": ("honoured", "ignored")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got '{getattr(self, name)}'")

    def fault(self, number: int, prompt: str, seen: int) -> str:
        """The fault of the request with this number, whose prompt was seen so often before; '' for none."""
        if str(number) in self.at:
            return self.at[str(number)]
        for part, given in self.by_prompt.items():
            if part in prompt:
                names = given if isinstance(given, list) else [given] * (seen + 1)
                return names[seen] if seen < len(names) else ""
        drawn = draw(self.seed, prompt, seen) / 2**63
        for name, share in sorted(self.faults.items()):
            drawn -= share
            if drawn < 0:
                return name
        return ""


def error(message: str, code: str | None, param: str | None = None, kind: str = "invalid_request_error") -> Any:
    """The body of an error."""
    return {"error": {"message": message, "type": kind, "code": code, "param": param}}
