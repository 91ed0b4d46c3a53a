"""What the fake service is told to do: its account, its limits, and which task meets which fault."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

__all__ = ["AWAY", "DROPS", "FAILURES", "FAULTS", "HTTP_FAULTS", "LOST", "PIXEL_FAULTS", "REFUSALS", "Script", "draw"]

# Not taken at all: the task's UUID stays free, nothing is owed.
REFUSALS = {"rate_limit": "rateLimitExceeded", "unsupported": "unsupportedParameter"}
# Taken, and failed once its time is over; nothing is owed, and a look-up tells the error.
FAILURES = {
    "timeout_provider": "timeoutProvider",
    "internal_error": "internalServerError",
    "content": "contentPolicyViolation",
}
# The task never reaches the service.
LOST = ("silent_lost", "drop_before")
# The link breaks when half of the task's time is over; the task is finished and owed all the same.
DROPS = ("drop_abrupt", "drop_clean", "drop_1012")
# Finished and owed, and nobody is told.
AWAY = ("silent", "freeze")
# The picture's bytes are bad, wherever they are delivered.
PIXEL_FAULTS = ("corrupt", "truncated", "html", "empty", "wrong_size", "blank")
# The picture's address answers badly; pictures that come in the message are not touched.
HTTP_FAULTS = ("http_404", "http_500_once", "http_500", "http_slow", "http_reset")
FAULTS = (
    *REFUSALS, *FAILURES, *LOST, *DROPS, *AWAY, *PIXEL_FAULTS, *HTTP_FAULTS,
    "error_without_uuid", "result_twice", "missing", "nsfw",
)  # fmt: skip

_CHOICES = {
    "auth": ("answer", "never", "refuse_once_on_reconnect"),
    "duplicates": ("conflict", "rerun"),
    "lookup": ("works", "unknown", "never", "limited_once", "failing_once", "expired"),
}


@dataclass(frozen=True, kw_only=True)
class Script:
    """How the service behaves. Everything can be changed while it runs; a dict is then replaced as a whole.

    A task's fault is the first that is found in `at`, `by_prompt` and `faults`. A task that the service itself refuses
    (a wrong width, a UUID that it has, no credits, too many at once) meets no fault and is not counted.
    """

    # the only key that is accepted
    key: str = field(default="test-key", repr=False)
    # whether the socket is closed (1008) after any other key
    refused_key_closes: bool = False
    # "never" leaves authentications on sockets unanswered; "refuse_once_on_reconnect" refuses the good key once, after
    # it has been accepted on another socket
    auth: str = "answer"
    # how long a picture takes
    service_s: float = 0.02
    # what a picture costs, in US dollars
    cost: str = "0.0006"
    # whether `cost` is that of 512x512, and grows with the area
    cost_by_area: bool = False
    # what the account holds at first; None has no end
    credits: str | None = None
    # without it, nothing tells which task found no credits
    credits_error_has_task_uuid: bool = True
    # the models that exist; empty stands for every well-formed AIR id
    models: list[str] = field(default_factory=list)
    # how many imageInference tasks may be in work; one more is refused with rateLimitExceeded
    max_at_once: int | None = None
    # a taskUUID that the service has: conflictTaskUUID, or run and charged as if it were new
    duplicates: str = "conflict"
    # getResponse: "unknown" has never heard of any task, "never" does not answer, "expired" keeps no picture,
    # "limited_once" and "failing_once" answer the first question for a task with an error that is not about the task
    lookup: str = "works"
    # of the faults by chance, and of pictures that were ordered without a seed
    seed: int = 0
    # name -> share of the tasks, by chance: a function of the seed, the prompt, and how often that prompt was seen
    faults: dict[str, float] = field(default_factory=dict)
    # number of the task, from 0 in the order received -> name
    at: dict[str, str] = field(default_factory=dict)
    # part of a prompt -> name for all its tasks, or names for the first, second ... of each such prompt; "" is none
    by_prompt: dict[str, str | list[str]] = field(default_factory=dict)
    # how long http_slow waits
    slow_s: float = 3.0

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got '{getattr(self, name)}'")
        listed = [name for given in self.by_prompt.values() for name in ([given] if isinstance(given, str) else given)]
        unknown = {name for name in (*self.faults, *self.at.values(), *listed) if name} - {*FAULTS}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; known: {', '.join(FAULTS)}")
        if sum(self.faults.values()) > 1 + 1e-9:
            raise ValueError(f"the shares of all faults must add up to at most 1, got {sum(self.faults.values())}")

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Script:
        """The script of a JSON object."""
        known = [f.name for f in fields(cls)]
        if unknown := {*plain} - {*known}:
            raise ValueError(f"no such field: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
        return cls(**plain)

    def fault(self, number: int, prompt: str, seen: int) -> str:
        """The fault of the task with this number, whose prompt was seen so often before; '' for none."""
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

    def price(self, width_px: int, height_px: int) -> Decimal:
        """What one picture of this size costs."""
        area = Decimal(width_px * height_px) / 512**2 if self.cost_by_area else Decimal(1)
        return Decimal(self.cost) * area


def draw(seed: int, prompt: str, seen: int) -> int:
    """A number by chance, evenly spread over [0, 2^63), the same for the same arguments everywhere."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{seen}|{prompt}".encode()).digest()[:8], "big") >> 1
