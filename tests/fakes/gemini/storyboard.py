"""The answers: a storyboard in the form that the request's schema wants, for as many pictures as the request names."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["pictures_of", "text_of"]

_PLACES = ("on an empty pier", "in a lit window", "under an iron bridge", "by a frozen lake", "at a night market")
_LIGHTS = ("at first light", "in hard noon sun", "in drifting smoke", "under a single lamp", "as snow begins to fall")
_FRAMINGS = ("wide shot", "close-up", "low angle", "aerial view")


def pictures_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The pictures that a request wants: the first list of objects with an index in the JSON of its first turn."""
    text = "".join(part.get("text", "") for part in body["contents"][0]["parts"])
    found = json.loads(text) if text.startswith("{") else {}
    return next((value for value in found.values() if _are_objects(value) and "index" in value[0]), [])


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def text_of(body: dict[str, Any], fault: str) -> str:
    """What the model says, with its fault."""
    pictures = pictures_of(body)
    schema = body.get("generationConfig", {}).get("responseJsonSchema")
    if not schema or not pictures or fault == "plain_words":
        return "I would love to help with your music video! What is it about?"
    answer = _made(schema, "", pictures, 0)
    listed, shots = next((name, value) for name, value in answer.items() if _are_objects(value))
    _spoil(shots, fault)
    if fault == "no_shots":
        del answer[listed]
    if fault in {"not_an_object", "bare"}:
        return json.dumps(shots if fault == "bare" else "a story about a pier")
    text = json.dumps(answer, ensure_ascii=False)
    around = {"prose": ("Here is the storyboard:\n\n", "\n\nEnjoy {it}!"), "fenced": ("```json\n", "\n```")}
    before, after = around.get(fault, ("", ""))
    return text[: len(text) * 2 // 3] if fault in {"truncated", "max_tokens"} else before + text + after


def _made(schema: dict[str, Any], name: str, pictures: list[dict[str, Any]], number: int) -> Any:
    """A value that the schema allows, for the picture of that number."""
    if schema.get("type") == "object":
        order = schema.get("propertyOrdering") or list(schema.get("properties", {}))
        return {key: _made(schema["properties"][key], key, pictures, number) for key in order}
    if schema.get("type") == "array":
        of_pictures = "index" in schema["items"].get("properties", {})
        return [_made(schema["items"], name, pictures, place) for place in range(len(pictures) if of_pictures else 2)]
    if schema.get("type") in {"integer", "number"}:
        return pictures[number]["index"]
    return _words(name, pictures[number % len(pictures)]["index"])


def _words(name: str, index: int) -> str:
    if name == "framing":
        return _FRAMINGS[index % len(_FRAMINGS)]
    place, light = _PLACES[index % len(_PLACES)], _LIGHTS[index // len(_PLACES) % len(_LIGHTS)]
    if name == "prompt":
        return f"{_FRAMINGS[index % len(_FRAMINGS)]} {place} {light}, number {index}"
    return f"{name} {place}"


def _spoil(shots: list[dict[str, Any]], fault: str) -> None:
    last = shots[-1] if shots else {}
    if fault == "wrong_count":
        del shots[-1]
    elif fault == "duplicate_index":
        last["index"] = shots[0]["index"] if len(shots) > 1 else last["index"] + 1
    elif fault == "empty_prompt":
        last["prompt"] = " \n"
    elif fault == "long_prompt":
        last["prompt"] = "a very long pier " * 200
    elif fault == "same_prompts":
        for shot in shots:
            shot["prompt"] = "A pier in the fog."
    elif fault == "untidy":
        for shot in shots:
            shot["prompt"] = f"\u0007\t {shot['prompt']}\r\n\u200b and\u2028more "
