"""What the service refuses in a task, its errors, and the HTTP status of each."""

from __future__ import annotations

import math
import re
import uuid
from typing import Any

from tests.fakes.runware.script import Script

__all__ = ["Refused", "check_image_task", "check_uuid", "error", "output_types", "status_of"]

_AIR = re.compile(r"[\w.-]+:[\w./-]+@[\w.-]+")
_STATUS = {
    "invalidApiKey": 401,
    "missingApiKey": 401,
    "insufficientCredits": 402,
    "modelNotFound": 404,
    "taskNotFound": 404,
    "rateLimitExceeded": 429,
    "internalServerError": 500,
    "timeoutProvider": 504,
}
_TYPES = ("URL", "base64Data", "dataURI")
# name, least, most; None of them has to be there
_RANGES = [("steps", 1, 100), ("CFGScale", 0, 50), ("seed", 1, 2**63 - 1), ("numberResults", 1, 20)]
_WHOLE = {"steps", "seed", "numberResults"}
_CHOICES = {
    "outputFormat": ("JPG", "PNG", "WEBP"),
    "deliveryMethod": ("sync", "async"),
}


class Refused(Exception):
    """A task that the service does not take; `error` is what it answers."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["code"])
        self.error = error


def error(code: str, message: str, task: dict[str, Any] | None = None, parameter: str = "", **more: Any) -> Any:
    """An error as the service words it; without a task it names none."""
    named = {name: task[name] for name in ("taskType", "taskUUID") if name in task} if task else {}
    return {"code": code, "message": message, "parameter": parameter} | named | more


def status_of(code: str) -> int:
    """The HTTP status that goes with an error."""
    return _STATUS.get(code, 400)


def output_types(task: dict[str, Any]) -> list[str]:
    """In which forms the picture is wanted."""
    given = task.get("outputType", "URL")
    return [given] if isinstance(given, str) else list(given)


def check_uuid(task: dict[str, Any]) -> None:
    """Refuses a task without a UUID of version 4."""
    try:
        valid = uuid.UUID(task["taskUUID"]).version == 4
    except (KeyError, ValueError, AttributeError, TypeError):
        valid = False
    if not valid:
        raise Refused(error("invalidTaskUUID", "taskUUID must be a UUID of version 4.", task, "taskUUID"))


def check_image_task(task: dict[str, Any], script: Script) -> None:
    """Refuses an imageInference task that the service would refuse."""

    def refuse(parameter: str, message: str) -> None:
        code = f"invalid{parameter[0].upper()}{parameter[1:]}"
        raise Refused(error(code, f"Invalid value for {parameter}. {message}", task, parameter))

    check_uuid(task)
    prompt, model = task.get("positivePrompt"), task.get("model")
    if not isinstance(prompt, str) or not 2 <= len(prompt) <= 3000:
        refuse("positivePrompt", "It must have 2 to 3000 characters.")
    if not isinstance(model, str) or not _AIR.fullmatch(model):
        refuse("model", "It must be an AIR identifier.")
    if script.models and model not in script.models:
        raise Refused(error("modelNotFound", f"The model '{model}' does not exist.", task, "model"))
    for side in ("width", "height"):
        value: Any = task.get(side)
        if not _whole(value) or value % 64 or not 128 <= value <= 2048:
            refuse(side, "It must be a multiple of 64 from 128 to 2048.")
    for name, least, most in _RANGES:
        value = task.get(name, least)
        valid = _whole(value) if name in _WHOLE else isinstance(value, int | float) and math.isfinite(value)
        if not valid or not least <= value <= most:
            refuse(name, f"It must be from {least} to {most}.")
    for name, allowed in _CHOICES.items():
        if task.get(name, allowed[0]) not in allowed:
            refuse(name, f"It must be one of {', '.join(allowed)}.")
    if not _whole(quality := task.get("outputQuality", 95)) or not 20 <= quality <= 99:
        refuse("outputQuality", "It must be from 20 to 99.")
    if not output_types(task) or set(output_types(task)) - {*_TYPES}:
        refuse("outputType", f"It must be of {', '.join(_TYPES)}.")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
