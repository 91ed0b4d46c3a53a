"""The fake of Gemini, asked by Google's own SDK and by a plain HTTP client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gemini.process import FakeGemini, fake_gemini
from tests.fakes.gemini.script import CONNECTIONS, ERRORS

KEY = "test-gemini-key"
SCHEMA = {
    "type": "object",
    "properties": {
        "mood": {"type": "string"},
        "shots": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"index": {"type": "integer"}, "prompt": {"type": "string"}, "light": {"type": "string"}},
            },
        },
    },
}
SONG = json.dumps({"title": "Trial", "moods": ["calm"], "shots": [{"index": number} for number in range(4)]})


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeGemini]:
    with fake_gemini(tmp_path / "gemini") as fake:
        yield fake


def asked_by_sdk(fake: FakeGemini, model: str = "gemini-3.8-flash", key: str = KEY, **config: Any) -> Any:
    """The SDK's answer to a question for four pictures."""
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=fake.url, api_version="v1beta", timeout=60_000)
    with genai.Client(api_key=key, vertexai=False, http_options=options) as client:
        wanted = {"response_mime_type": "application/json", "response_json_schema": SCHEMA} | config
        return client.models.generate_content(
            model=model, contents=SONG, config=types.GenerateContentConfig(**wanted)
        )  # fmt: skip


def posted(fake: FakeGemini, query: str = "", timeout_s: float = 60.0, **changes: Any) -> httpx.Response:
    headers = {} if query else {"x-goog-api-key": KEY}
    body = {
        "contents": [{"role": "user", "parts": [{"text": SONG}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
    }
    address = f"{fake.url}/v1beta/models/gemini-3.8-flash:generateContent{query}"
    return httpx.post(address, json=body | changes, headers=headers, timeout=timeout_s)


def test_sdk_gets_an_answer_in_the_form_of_the_schema(fake: FakeGemini) -> None:
    answer = json.loads(asked_by_sdk(fake).text)
    assert [shot["index"] for shot in answer["shots"]] == [0, 1, 2, 3]
    assert len({shot["prompt"] for shot in answer["shots"]}) == 4
    assert list(answer) == ["mood", "shots"]
    assert list(answer["shots"][0]) == ["index", "prompt", "light"]


def test_the_same_question_gets_the_same_answer(fake: FakeGemini) -> None:
    assert asked_by_sdk(fake).text == asked_by_sdk(fake).text


def test_a_question_without_a_schema_gets_plain_words(fake: FakeGemini) -> None:
    assert "music video" in asked_by_sdk(fake, response_json_schema=None).text


def test_received_tells_what_came_and_never_the_key(fake: FakeGemini) -> None:
    asked_by_sdk(fake, seed=7)
    posted(fake, f"?key={KEY}")
    first, second = fake.received()
    assert first["key_by"] == "header"
    assert second["key_by"] == "query"
    assert first["body"]["generationConfig"]["seed"] == 7
    assert all(KEY not in path.read_text(encoding="utf-8") for path in fake.folder.iterdir())


@pytest.mark.parametrize("name", ERRORS)
def test_sdk_raises_each_error_with_its_status(tmp_path: Path, name: str) -> None:
    from google.genai import errors

    with fake_gemini(tmp_path / "gemini", always=name) as fake, pytest.raises(errors.APIError) as caught:
        asked_by_sdk(fake)
    assert caught.value.code == ERRORS[name][0]
    assert caught.value.status == ERRORS[name][1]


def test_sdk_raises_for_a_wrong_key_and_for_an_unknown_model(tmp_path: Path) -> None:
    from google.genai import errors

    with fake_gemini(tmp_path / "gemini", models=("gemini-3.8-flash",)) as fake:
        with pytest.raises(errors.ClientError, match="API_KEY_INVALID"):
            asked_by_sdk(fake, key="another")
        with pytest.raises(errors.ClientError, match="NOT_FOUND"):
            asked_by_sdk(fake, model="gemini-1.0-pro")


def test_a_missing_key_is_forbidden(fake: FakeGemini) -> None:
    answer = httpx.post(f"{fake.url}/v1beta/models/gemini-3.8-flash:generateContent", json={})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nonsense": 1}, "Unknown name"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"role": "model", "parts": [{"text": "{"}]}]}, "ending with a model turn"),
        ({"generationConfig": {"responseJsonSchema": SCHEMA}}, "response_mime_type"),
        ({"generationConfig": {"temperature": 3}}, "temperature"),
        ({"generationConfig": {"maxOutputTokens": 100_000}}, "tokens"),
        (
            {
                "generationConfig": {
                    "responseMimeType": "application/json",
                    "responseJsonSchema": {"type": "array", "maxItems": 9},
                }
            },
            "invalid argument",
        ),
    ],
)
def test_a_request_that_the_service_would_refuse_is_refused(
    fake: FakeGemini, changes: dict[str, Any], message: str
) -> None:
    answer = posted(fake, **changes)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_faults_meet_the_calls_in_order_and_then_end(tmp_path: Path) -> None:
    with fake_gemini(tmp_path / "gemini", faults=("unavailable", "", "html_502")) as fake:
        assert [posted(fake).status_code for _ in range(4)] == [503, 200, 502, 200]
        assert [line["fault"] for line in fake.received()] == ["unavailable", "", "html_502", ""]


@pytest.mark.parametrize(("fault", "reason"), [("max_tokens", "MAX_TOKENS"), ("safety", "SAFETY")])
def test_an_answer_that_was_stopped_says_why(tmp_path: Path, fault: str, reason: str) -> None:
    with fake_gemini(tmp_path / "gemini", always=fault) as fake:
        assert asked_by_sdk(fake).candidates[0].finish_reason.value == reason


def test_a_blocked_prompt_says_so(tmp_path: Path) -> None:
    with fake_gemini(tmp_path / "gemini", always="blocked") as fake:
        assert asked_by_sdk(fake).prompt_feedback.block_reason.value == "PROHIBITED_CONTENT"


@pytest.mark.parametrize("fault", [name for name in CONNECTIONS if "html" not in name])
def test_connections_break_as_told(tmp_path: Path, fault: str) -> None:
    """A hang is taken for one after half a second."""
    expected = httpx.ReadTimeout if fault == "hang" else (httpx.ReadError, httpx.RemoteProtocolError)
    with fake_gemini(tmp_path / "gemini", faults=(fault,)) as fake:
        with pytest.raises(expected):
            posted(fake, timeout_s=0.5)
        assert posted(fake).status_code == 200


def test_a_fault_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no fault 'snow'"), fake_gemini(tmp_path / "gemini", always="snow"):
        pass


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs a system with signals")
def test_the_fake_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.fakes.gemini.process import fake_gemini\n"
        "with fake_gemini(Path(sys.argv[1])) as fake: print(fake.url, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "gemini")],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert httpx.get(url).status_code == 501  # it answers no GET, and so is there
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    for _ in range(1000):
        try:
            httpx.get(url)
        except httpx.TransportError:
            return
    pytest.fail("the fake still answers after a thousand questions")
