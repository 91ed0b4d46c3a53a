"""Gemini through Google's own SDK: one question, its answer, and its errors in our words, none of which has the key."""

from __future__ import annotations

import contextlib
import logging
import math
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from qmv.errors import AccessError, PluginError, ServiceError

if TYPE_CHECKING:
    from google.genai.errors import APIError
    from google.genai.types import GenerateContentConfig, GenerateContentResponse

__all__ = ["Busy", "Said", "Service"]

_WHERE = "writer (gemini)"
# what writes about requests: its lines have addresses in them, and it warns of what users cannot change
_TALKERS = ("google_genai", "google.auth", "httpx", "httpx2", "httpcore", "httpcore2", "tenacity")
_CUT_OFF = ("MAX_TOKENS", "CONTINUATION")
_AGAIN = ("OTHER", "MALFORMED_RESPONSE", "FINISH_REASON_UNSPECIFIED")
_INSTEAD = "or let the style's own words stand in with writer.on_fail=template"


class Busy(Exception):
    """Another try may help; `wait_s` is how long the service wants to be left alone, None where it does not say."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Said(NamedTuple):
    """An answer: its text, and the turn of the conversation that it is."""

    text: str
    turn: Any


@dataclass(frozen=True, kw_only=True)
class Service:
    """A model and the key for it. `config` has the fields of the SDK's GenerateContentConfig."""

    model: str
    key: str
    key_env: str
    url: str
    config: dict[str, Any]

    def ask(self, turns: list[Any], timeout_s: float) -> Said:
        """The answer to the last turn. Raises Busy, AccessError or ServiceError."""
        with _quiet():
            from google.genai import errors

            config = self._checked_config()
            try:
                return self._said(self._answer(turns, config, timeout_s))
            except errors.APIError as error:
                raise self._refusal(error) from None  # its own text may hold the key
            except _network_errors() as error:
                timed_out = "Timeout" in type(error).__name__
                reason = f"no answer within {timeout_s:.3g} s" if timed_out else f"no connection: {self._plain(error)}"
                raise Busy(reason.rstrip(": ")) from None
            except ValueError:  # no JSON, or none of the SDK's form
                raise Busy("an answer that is not Gemini's") from None

    def _checked_config(self) -> GenerateContentConfig:
        from google.genai.types import GenerateContentConfig

        try:
            return GenerateContentConfig(**self.config)
        except ValueError as error:
            raise PluginError(
                f"{_WHERE}: the package google-genai that is installed is too old for these settings; "
                "install another with: python -m pip install --upgrade 'qmv[gemini]'"
            ) from error

    def _answer(self, turns: list[Any], config: GenerateContentConfig, timeout_s: float) -> GenerateContentResponse:
        from google import genai
        from google.genai import types

        options = types.HttpOptions(
            base_url=self.url or None,
            api_version="v1beta",  # the SDK's own choice is another from one of its versions to the next
            timeout=math.ceil(timeout_s * 1000),
            retry_options=types.HttpRetryOptions(attempts=1),  # tries are counted in one place, the writer
            extra_body={"store": False},  # projects keep requests for weeks unless they are told not to
        )
        with genai.Client(api_key=self.key, vertexai=False, http_options=options) as client:
            return client.models.generate_content(model=self.model, contents=turns, config=config)

    def _said(self, response: GenerateContentResponse) -> Said:
        blocked = response.prompt_feedback and response.prompt_feedback.block_reason
        if blocked:
            raise ServiceError(
                f"{_WHERE}: Gemini refuses to write about this song ({_name(blocked)}); "
                f"change the idea, the subject or the lyrics, {_INSTEAD}."
            )
        if not response.candidates:
            raise Busy("an empty answer")
        candidate = response.candidates[0]
        content, reason = candidate.content, _name(candidate.finish_reason)
        if reason in _CUT_OFF:
            raise ServiceError(
                f"{_WHERE}: the answer was cut off at the most tokens that it may have "
                f"({self.config['max_output_tokens']}); ask for fewer pictures with a larger beats_per_image, "
                f"for less thinking with writer.thinking=low, {_INSTEAD}."
            )
        parts = content.parts if content and content.parts else []
        text = "".join(part.text for part in parts if part.text and not part.thought)
        if reason in _AGAIN or (reason in {"", "STOP"} and not text.strip()):
            raise Busy("an empty answer")
        if reason not in {"", "STOP"}:
            raise ServiceError(
                f"{_WHERE}: Gemini stopped while it wrote about this song ({reason}); "
                f"change the idea, the subject or the lyrics, {_INSTEAD}."
            )
        return Said(text, content or {"role": "model", "parts": [{"text": text}]})

    def _refusal(self, error: APIError) -> Exception:
        """What an error of the service means to the user, or to the loop that tries again."""
        said = self._plain(error.message or error.status or "no reason given")
        code, details = error.code, str(error.details)
        if "API_KEY_INVALID" in details or code in {401, 402, 403}:
            return AccessError(
                f"{_WHERE}: Gemini refuses the key in {self.key_env} ({code}: {said}); "
                f"get one at aistudio.google.com and export {self.key_env}=..., or put it into .env."
            )
        if code == 404:
            return AccessError(
                f"{_WHERE}: there is no model '{self.model}' for this key ({said}); "
                "name another with writer.model=..., such as gemini-3.8-flash."
            )
        if error.status == "FAILED_PRECONDITION":
            return AccessError(f"{_WHERE}: Gemini does not serve this account ({said}); see aistudio.google.com.")
        if code == 429 and "PerDay" in details:
            return ServiceError(
                f"{_WHERE}: the day's quota for '{self.model}' is used up ({said}); "
                f"wait until tomorrow, name another writer.model, {_INSTEAD}."
            )
        if code in {408, 429} or code >= 500:
            return Busy(f"{code} {said}", _wanted_wait_s(error))
        return ServiceError(
            f"{_WHERE}: Gemini did not take the request ({code}: {said}); "
            f"check writer.model, writer.temperature and writer.thinking, {_INSTEAD}."
        )

    def _plain(self, message: object) -> str:
        """The first sentence of a message, without the key and without addresses."""
        line = " ".join(str(message).replace(self.key, "...").split())
        line = re.sub(r"AIza[\w-]{10,}|<[^>]*>|\w+://\S+", "...", line)
        return line.split(". ")[0][:160].rstrip(" .")


def _wanted_wait_s(error: APIError) -> float | None:
    """How long the service wants to be left alone: its RetryInfo, or the header Retry-After."""
    found = re.search(r"'retryDelay': '(\d+(?:\.\d+)?)s'", str(error.details))
    headers = getattr(error.response, "headers", None) or {}
    text = found[1] if found else str(headers.get("retry-after", ""))
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def _name(value: Any) -> str:
    """The name of one of the SDK's enums, also of a value that it does not know; '' for None."""
    return str(getattr(value, "value", value) or "")


def _network_errors() -> tuple[type[Exception], ...]:
    """What the HTTP library raises that the SDK uses: httpx, or in later versions httpx2."""
    loaded = [sys.modules[name] for name in ("httpx", "httpx2") if name in sys.modules]
    return (*(error for module in loaded for error in (module.RequestError, module.InvalidURL)), OSError)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Holds back what the SDK and its HTTP library log and warn of."""
    talkers = [logging.getLogger(name) for name in _TALKERS]
    levels = [talker.level for talker in talkers]
    try:
        for talker in talkers:
            talker.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for talker, level in zip(talkers, levels):
            talker.setLevel(level)
