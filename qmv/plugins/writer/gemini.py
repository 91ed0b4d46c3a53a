"""Prompts by Google's Gemini: a story for the whole song, written in one answer."""

from __future__ import annotations

import importlib.util
import logging
import os
import random
import re
import time
from typing import Any

from qmv.api import Brief, Prompt, Writer, plugin, setting
from qmv.errors import AccessError, PluginError, ServiceError
from qmv.plugins.writer.gemini_answer import Wrong, prompts_of
from qmv.plugins.writer.gemini_service import Busy, Said, Service
from qmv.plugins.writer.gemini_words import SCHEMA, instruction, most_tokens, question

__all__ = ["Gemini"]

log = logging.getLogger("qmv")
_LONGEST_WAIT_S = 30.0


@plugin
class Gemini(Writer):
    """A language model that tells a story: the same people and places in all pictures, cut to sections and lyrics.

    Wants `pip install 'qmv[gemini]'` and a key of aistudio.google.com in the environment. The whole song is one
    question; an answer with gaps is sent back with what is wrong. Subject, look and colours are added to each prompt
    that lacks them. Song title, artist, lyrics and your brief are sent to Google, which is asked to store none of it.
    """

    name = "gemini"
    free = False
    model: str = setting("Gemini's name for the model", default="gemini-3.8-flash")
    temperature: float | None = setting(
        "how daring it is; null: not sent, as models from 3.6 on want it", default=None, at_least=0, at_most=2
    )
    thinking: str = setting(
        "how long it thinks first; auto: the model's own way",
        default="auto",
        choices=("auto", "minimal", "low", "medium", "high"),
    )
    on_fail: str = setting(
        "what to do where it cannot write: fail, or let the style's own words stand in",
        default="fail",
        choices=("fail", "template"),
        keyed=False,
    )
    api_key_env: str = setting("environment variable with the key", default="GEMINI_API_KEY", keyed=False)
    url: str = setting("base address of the service; empty: Google's", default="", keyed=False)
    timeout_s: float = setting("how long to wait for an answer", default=300.0, unit="s", above=0, keyed=False)
    deadline_s: float = setting("how long to try in all", default=600.0, unit="s", above=0, keyed=False)
    attempts: int = setting("how often to ask in all", default=4, at_least=1, at_most=20, keyed=False)
    wait_s: float = setting(
        "the first wait before asking again; it doubles each time", default=1.0, unit="s", at_least=0, keyed=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", self.model):
            raise ValueError(f"model is a name such as gemini-3.8-flash, got '{self.model}'")
        if self.url and not re.fullmatch(r"https?://[^\s?#@]+", self.url):
            raise ValueError("url is an address such as https://host/path, without a query or a password")
        if not re.fullmatch(r"[A-Za-z_]\w*", self.api_key_env):  # not shown: it may be a key, put here by mistake
            raise ValueError("api_key_env is the name of an environment variable, such as GEMINI_API_KEY")

    def ready(self) -> None:
        if not _installed():
            raise PluginError(
                "writer (gemini): needs the package google-genai, which is not installed; "
                "install it with: python -m pip install 'qmv[gemini]'"
            )
        self._key()

    def stand_in(self) -> Writer:
        from qmv.plugins.writer.template import Template

        return Template()

    def gives_way(self) -> bool:
        return self.on_fail == "template"

    def write(self, brief: Brief) -> list[Prompt]:
        if not brief.slots:
            return []
        self.ready()
        service = self._service(brief)
        turns: list[Any] = [_turn(question(brief))]
        end_s, problem = time.monotonic() + self.deadline_s, ""
        for attempt in range(self.attempts):
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                break
            try:
                said = service.ask(turns, min(self.timeout_s, left_s))
                return prompts_of(said.text, brief)
            except Busy as error:
                problem = str(error)
                if not self._waited(attempt, error.wait_s, problem, end_s):
                    break
            except Wrong as error:
                problem = f"an answer that cannot be used: {error}"
                log.info("writer (gemini): %s; asking again", problem)
                turns += _sent_back(said, error, len(brief.slots))
        raise ServiceError(
            f"writer (gemini): no storyboard by '{self.model}' after {attempt + 1} of {self.attempts} tries, the last "
            f"one gave {problem}; try again later, name another writer.model, "
            "or let the style's own words stand in with writer.on_fail=template."
        )

    def _waited(self, attempt: int, wanted_s: float | None, problem: str, end_s: float) -> bool:
        """Waits before another try: doubling, scattered, and as long as the service wants; False where none is left."""
        wait_s = min(self.wait_s * 2**attempt, _LONGEST_WAIT_S) * random.uniform(0.5, 1.5)
        wait_s = max(wait_s, wanted_s or 0)
        if attempt + 1 == self.attempts or time.monotonic() + wait_s >= end_s:
            return False
        log.info("writer (gemini): %s; asking again in %.1f s", problem, wait_s)
        time.sleep(wait_s)
        return True

    def _key(self) -> str:
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise AccessError(
                f"writer (gemini): there is no key in the environment variable {self.api_key_env}; get one at "
                f"aistudio.google.com and export {self.api_key_env}=..., or put it into .env."
            )
        if not re.fullmatch(r"[!-~]+", key):  # which no header can carry
            raise AccessError(
                f"writer (gemini): what {self.api_key_env} holds is no key, it has characters that none has; "
                f"copy it again from aistudio.google.com and export {self.api_key_env}=..., or put it into .env."
            )
        return key

    def _service(self, brief: Brief) -> Service:
        config: dict[str, Any] = {
            "system_instruction": instruction(brief),
            "response_mime_type": "application/json",
            "response_json_schema": SCHEMA,
            "max_output_tokens": most_tokens(len(brief.slots)),
            "seed": brief.seed,
        }
        if self.temperature is not None:
            config["temperature"] = self.temperature
        if self.thinking != "auto":
            config["thinking_config"] = {"thinking_level": self.thinking.upper()}
        return Service(model=self.model, key=self._key(), key_env=self.api_key_env, url=self.url, config=config)


def _turn(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


def _sent_back(said: Said, error: Wrong, count: int) -> list[Any]:
    """The turns that show the model its answer and what is wrong with it."""
    return [
        said.turn,
        _turn(f"Your answer cannot be used: {error}. Write the whole JSON again, with all {count} shots."),
    ]


def _installed() -> bool:
    try:
        return importlib.util.find_spec("google.genai") is not None
    except ModuleNotFoundError:  # where nothing of Google's is installed
        return False
