"""From what the model says to prompts: what is wrong with an answer, and what each prompt still wants."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any

from qmv.api import Brief, Prompt
from qmv.plugins.writer.gemini_words import longest_prompt, look
from qmv.plugins.writer.template_words import forbidden

__all__ = ["Wrong", "prompts_of"]

_MOST = 1900  # characters that every image service takes
_SCENE = 400  # of them that the model's own words keep, however long the style's are
_SHORT = 80  # characters of a framing, and twice that for a subject
_STARTS = 20  # brackets at which the JSON may begin, for words may have some too
_ARTICLE = re.compile(r"^(an?|the)\s+", re.IGNORECASE)


class Wrong(Exception):
    """The answer cannot be used; says why, so that the model can mend it."""


def prompts_of(text: str, brief: Brief) -> list[Prompt]:
    """One prompt a slot, in order; raises Wrong where the answer is not what was asked for."""
    entries = _by_index(_entries(text), [slot.index for slot in brief.slots])
    shots = [{name: _clean(entry.get(name)) for name in ("framing", "subject", "prompt")} for entry in entries]
    _check([shot["prompt"] for shot in shots], brief)
    return [_prompt(brief, place, **shot) for place, shot in enumerate(shots)]


# -- what was said ---------------------------------------------------------------------------------------------------


def _entries(text: str) -> list[Any]:
    """The list of shots, also where it stands in a fence or between words."""
    decoder = json.JSONDecoder(strict=False)
    for start in itertools.islice(re.finditer(r"[\[{]", text), _STARTS):
        try:
            value, _ = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        shots = value.get("shots") if isinstance(value, dict) else value
        if isinstance(shots, list) and any(isinstance(shot, dict) for shot in shots):
            return shots
    raise Wrong("it is not the JSON object that was asked for, or not all of it")


def _by_index(entries: list[Any], wanted: list[int]) -> list[dict[str, Any]]:
    """The entries in the order of the slots."""
    found = [(_index(entry.get("index")), entry) for entry in entries if isinstance(entry, dict)]
    counts = Counter(index for index, _ in found)
    faults = {
        "there is no entry for shot": [index for index in wanted if not counts[index]],
        "there is more than one entry for shot": [index for index in wanted if counts[index] > 1],
        "there is an entry for a shot that was not asked for:": sorted(set(counts) - {*wanted}),
    }
    if told := [f"{fault} {_listed(indexes)}" for fault, indexes in faults.items() if indexes]:
        raise Wrong("; ".join(told))
    by_index = dict(found)
    return [by_index[index] for index in wanted]


def _index(value: Any) -> int:
    """The number of a shot; -1 for anything else."""
    try:
        return int(value) if float(value) == int(value) >= 0 else -1
    except (TypeError, ValueError, OverflowError):
        return -1


def _check(prompts: list[str], brief: Brief) -> None:
    indexes, longest = [slot.index for slot in brief.slots], longest_prompt(len(brief.slots))
    pairs = itertools.pairwise(zip(indexes, prompts))
    alike = [index for (_, before), (index, after) in pairs if before.casefold() == after.casefold()]
    faults = {
        "the prompt is empty in shot": [index for index, prompt in zip(indexes, prompts) if not prompt],
        f"the prompt has more than {longest} characters in shot": [
            index for index, prompt in zip(indexes, prompts) if len(prompt) > 2 * longest
        ],
        "the prompt is the same as the one before it in shot": alike,
    }
    if told := [f"{fault} {_listed(found)}" for fault, found in faults.items() if found]:
        raise Wrong("; ".join(told))


def _listed(indexes: Iterable[int]) -> str:
    numbers = [str(index) for index in indexes]
    return ", ".join(numbers[:8]) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")


def _clean(value: Any) -> str:
    """One line of text without anything that cannot be seen."""
    if not isinstance(value, str):
        return ""
    kinds = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": "", "Cs": "", "Co": "", "Cn": ""}
    return " ".join("".join(kinds.get(unicodedata.category(letter), letter) for letter in value).split())


# -- what is made of it ----------------------------------------------------------------------------------------------


def _prompt(brief: Brief, place: int, framing: str, subject: str, prompt: str) -> Prompt:
    style, index = brief.style, brief.slots[place].index
    framing = _cut(framing, _SHORT) or style.shots[index % len(style.shots)]
    return Prompt(
        text=_whole(brief, framing, prompt),
        negative_text=forbidden(brief),
        framing=framing,
        subject=_cut(subject, 2 * _SHORT) or brief.subject or _cut(prompt, 2 * _SHORT),
        seed=_number(f"{style.name}/{brief.title}/{brief.seed}/{index}") % 2**31,
    )


def _whole(brief: Brief, framing: str, scene: str) -> str:
    """The model's words, and behind them what they lack of subject, look and colours."""
    if not _holds(scene, framing):
        scene = f"{framing}, {scene}"
    colours = _clean(brief.style.colours)
    wanted = [_clean(phrase) for phrase in (brief.subject, *look(brief))]
    missing = [phrase for phrase in wanted if phrase and not _holds(scene, phrase)]
    missing += [f"in tones of {colours}"] if colours and not _holds(scene, colours) else []
    added = "".join(f", {phrase}" for phrase in dict.fromkeys(missing))
    return _cut(_cut(scene, max(_SCENE, _MOST - len(added))).rstrip(" .,;:!") + added, _MOST)


def _holds(text: str, phrase: str) -> bool:
    """Whether a text has a phrase in it, whatever its article."""
    return _ARTICLE.sub("", phrase).casefold() in text.casefold()


def _cut(text: str, most: int) -> str:
    """At most so many characters, ended at a word where there is one."""
    if len(text) <= most:
        return text
    words = text[: most + 1].rpartition(" ")[0]
    return (words if len(words) > most // 2 else text[:most]).rstrip(" ,;:")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
