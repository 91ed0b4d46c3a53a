"""The writer on Gemini, asked through Google's SDK of a fake that speaks its HTTP."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmv.api import Brief, Prompt, Slot
from qmv.artifacts import Section
from qmv.errors import AccessError, PluginError, QmvError, ServiceError
from qmv.plugins.writer import gemini
from qmv.plugins.writer.gemini import Gemini
from qmv.plugins.writer.gemini_answer import Wrong, prompts_of
from qmv.plugins.writer.gemini_service import Service
from qmv.plugins.writer.gemini_words import longest_prompt, look, most_tokens
from qmv.plugins.writer.template import Template
from qmv.testing import WriterContract, style
from tests.fakes.gemini.process import FakeGemini, fake_gemini

KEY = "test-gemini-key"
LOOK = "{shot} of {subject}, synthwave night, glowing tubes, a {mood} haze, film grain"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Callable[..., tuple[Gemini, FakeGemini]]]:
    """A writer and the fake that it asks, which meets faults in the order of its calls."""
    with contextlib.ExitStack() as stack:

        def ask(*faults: str, script: dict[str, Any] | None = None, **settings: Any) -> tuple[Gemini, FakeGemini]:
            fake = stack.enter_context(fake_gemini(tmp_path / "gemini", faults=faults, **(script or {})))
            return Gemini(url=fake.url, wait_s=0.0, **settings), fake

        yield ask


def brief(count: int = 6, **changes: Any) -> Brief:
    """A song of two sections, with a line of lyrics in its third shot."""
    parts = [
        Section(start_s=0.0, end_s=6.0, label="A", energy=0.25),
        Section(start_s=6.0, end_s=99, label="B", energy=1),
    ]
    slots = tuple(
        Slot(index=i, start_s=2.0 * i, end_s=2.0 * i + 2, section=parts[i > 2], lyric="Sailing away" if i == 2 else "")
        for i in range(count)
    )
    known: dict[str, Any] = {"tempo_bpm": 120.0, "meter": "4/4", "duration_s": 2.0 * count}
    values = {"title": "Night Train", "artist": "The Pier", "style": style(prompt=LOOK), "slots": slots, "seed": 7}
    return Brief(**(values | known | changes))


def failure(writer: Gemini, kind: type[QmvError] = ServiceError) -> str:
    """The sentence with which the writer fails; it is one sentence, and has neither the key nor an address in it."""
    with pytest.raises(kind) as caught:
        writer.write(brief())
    message = str(caught.value)
    assert type(caught.value) is kind
    assert message.startswith("writer (gemini): ")
    assert message.endswith(".")
    assert "\n" not in message
    assert ". " not in message
    assert KEY not in message
    assert "://" not in message
    return message


class TestGemini(WriterContract):
    @pytest.fixture
    def plugin(self, asking: Callable[..., tuple[Gemini, FakeGemini]]) -> Gemini:
        return asking()[0]


# -- what is asked ---------------------------------------------------------------------------------------------------


def test_gemini_asks_once_for_the_whole_song(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    writer, fake = asking()
    prompts = writer.write(brief(40))
    assert len({prompt.text for prompt in prompts}) == 40
    [request] = fake.received()
    assert request["path"] == "/v1beta/models/gemini-3.8-flash:generateContent"
    assert request["key_by"] == "header"


def test_gemini_tells_all_that_is_known_of_the_song(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    writer, fake = asking()
    asked = brief(idea="a chase by sea", subject="a red fox", style=style(prompt=LOOK, colours="teal and gold"))
    writer.write(asked)
    [turn] = fake.received()[0]["body"]["contents"]
    song = json.loads(turn["parts"][0]["text"])
    assert (song["title"], song["artist"], song["tempo_bpm"], song["meter"]) == (
        "Night Train",
        "The Pier",
        120.0,
        "4/4",
    )
    assert (song["idea"], song["subject"], song["colours"]) == ("a chase by sea", "a red fox", "teal and gold")
    assert (song["avoid"], song["look"]) == ("text, watermark", look(asked))
    assert [section["energy"] for section in song["sections"]] == [0.25, 1]
    assert song["shots"][2] == {"index": 2, "from_s": 4.0, "to_s": 6.0, "section": "A", "lyric": "Sailing away"}
    assert "lyric" not in song["shots"][0]


def test_gemini_leaves_out_what_is_not_known(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    writer, fake = asking()
    slots = (Slot(index=0, start_s=0.0, end_s=2.0, section=None),)
    writer.write(brief(artist="", tempo_bpm=0.0, meter="", slots=slots))
    song = json.loads(fake.received()[0]["body"]["contents"][0]["parts"][0]["text"])
    assert not {"artist", "tempo_bpm", "meter", "idea", "subject", "colours", "sections"} & set(song)


def test_gemini_sends_its_settings_and_wants_nothing_stored(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    writer, fake = asking(temperature=0.5, thinking="low")
    writer.write(brief())
    body = fake.received()[0]["body"]
    config = body["generationConfig"]
    assert (config["temperature"], [*config["thinkingConfig"].values()], config["seed"]) == (0.5, ["LOW"], 7)
    assert config["maxOutputTokens"] == most_tokens(6)
    assert body["store"] is False


def test_gemini_leaves_temperature_and_thinking_to_the_model(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    writer, fake = asking()
    writer.write(brief())
    assert not {"temperature", "thinkingConfig"} & set(fake.received()[0]["body"]["generationConfig"])


def test_gemini_uses_the_key_of_the_variable_that_is_named(
    asking: Callable[..., tuple[Gemini, FakeGemini]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "wrong")
    monkeypatch.setenv("GOOGLE_API_KEY", "wrong too")  # which the SDK would prefer
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("BAND_KEY", f" {KEY}\n")
    writer, _ = asking(api_key_env="BAND_KEY")
    assert len(writer.write(brief())) == 6


def test_gemini_writes_nothing_for_no_slots() -> None:
    assert Gemini().write(brief(0)) == []


@pytest.mark.parametrize("count", [1, 80, 200, 480, 1000])
def test_prompts_of_long_songs_are_shorter_so_that_they_fit(count: int) -> None:
    """At three characters a token, which is short for English, up to 480 pictures."""
    assert 160 <= longest_prompt(count) <= 600
    assert most_tokens(count) <= 65_536
    assert count > 480 or count * longest_prompt(count) / 3 + 18_000 <= 65_536


# -- what is made of the answer --------------------------------------------------------------------------------------


def answer(count: int = 6, **changes: Any) -> str:
    """A storyboard of which every entry has the changes."""
    entry = {"framing": "wide shot", "subject": "a pier"}
    return json.dumps(
        {"shots": [{"index": i, **entry, "prompt": f"Wide shot, pier {i}.", **changes} for i in range(count)]}
    )


def first(text: str, **changes: Any) -> Prompt:
    return prompts_of(text, brief(**changes))[0]


def test_each_prompt_has_subject_look_and_colours() -> None:
    colours = style(prompt=LOOK, colours="teal and gold")
    for prompt in prompts_of(answer(), brief(subject="a red fox", style=colours)):
        for words in ("a red fox", "synthwave night", "glowing tubes", "haze", "film grain", "teal and gold"):
            assert prompt.text.count(words) == 1


def test_words_that_a_prompt_has_already_are_not_added() -> None:
    said = "Wide shot, The Red Fox under Glowing Tubes, in teal and gold, film  grain"
    text = first(answer(1, prompt=said), slots=brief(1).slots, subject="a red fox").text
    assert text == "Wide shot, The Red Fox under Glowing Tubes, in teal and gold, film grain, synthwave night, haze"


def test_a_prompt_without_its_framing_begins_with_it() -> None:
    assert first(answer(framing="low angle")).text.startswith("low angle, Wide shot, pier 0, synthwave")


@pytest.mark.parametrize(
    ("sentence", "phrases"),
    [
        (LOOK, ["synthwave night", "glowing tubes", "haze", "film grain"]),
        ("{shot} of {subject}, {mood}", []),
        ("{title} by {artist}: a {mood} {subject} in oils", ["in oils"]),
        ("deep indigo shadows, {subject}, magenta and cyan rim light", ["deep shadows", "rim light"]),
    ],
)
def test_look_is_what_stands_in_no_placeholder(sentence: str, phrases: list[str]) -> None:
    """In the colours of the user, the style's own are left out."""
    assert look(brief(style=style(prompt=sentence, colours="teal and gold"))) == phrases


def test_look_keeps_the_colours_of_the_style_where_the_user_wants_no_other() -> None:
    assert look(brief(style=style(prompt="{subject}, deep indigo shadows"))) == ["deep indigo shadows"]


def test_a_prompt_is_one_line_that_every_service_takes() -> None:
    untidy = answer(1, prompt="Wide shot\r\n\tof\u2028a\u200b pier\u0007 \ud83d at dawn")
    assert first(untidy, slots=brief(1).slots).text.startswith("Wide shot of a pier at dawn, ")
    wordy = style(prompt=", ".join(f"wide {number}" for number in range(2000)))
    text = first(answer(1, prompt="pier " * 200), slots=brief(1).slots, style=wordy).text
    assert text.startswith("wide shot, pier pier")
    assert "wide 9" in text
    assert 1800 < len(text) <= 1900


def test_prompts_hand_on_framing_subject_and_negative_words() -> None:
    prompt = first(answer())
    assert (prompt.framing, prompt.subject, prompt.negative_text) == ("wide shot", "a pier", "text, watermark")
    alone = style(prompt=LOOK, negative_prompt="text, people")
    assert first(answer(), style=alone, subject="a red fox").negative_text == "text"
    empty = first(answer(framing="", subject=None))
    assert empty.framing in style().shots
    assert empty.subject == "Wide shot, pier 0."


def test_seeds_differ_by_shot_song_and_seed() -> None:
    seeds = [
        {prompt.seed for prompt in prompts_of(answer(40), brief(40, **changes))}
        for changes in ({}, {"seed": 8}, {"title": "Day Train"})
    ]
    assert len(set.union(*seeds)) == 120
    assert all(0 <= seed < 2**31 for seed in set.union(*seeds))


def test_entries_may_come_in_any_order() -> None:
    shots = json.loads(answer())["shots"]
    assert prompts_of(json.dumps({"shots": shots[::-1]}), brief()) == prompts_of(answer(), brief())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "not the JSON object"),
        ("[1, 2]", "not the JSON object"),
        ('{"shots": {}}', "not the JSON object"),
        ("[" * 100_000, "not the JSON object"),
        (answer(4), "no entry for shot 4, 5"),
        (answer(7), "not asked for: 6"),
        (answer(index=2), "no entry for shot 0, 1, 3, 4, 5; there is more than one entry for shot 2"),
        (answer(index="zero"), "no entry for shot 0, 1, 2, 3, 4, 5"),
        (answer(prompt="\u200b \n"), "empty in shot 0, 1, 2, 3, 4, 5"),
        (answer(prompt=None), "empty in shot"),
        (answer(prompt="x" * 1201), "more than 600 characters in shot 0"),
        (answer(prompt="a pier"), "same as the one before it in shot 1, 2, 3, 4, 5"),
    ],
)
def test_an_answer_with_gaps_says_where(said: str, why: str) -> None:
    with pytest.raises(Wrong, match=why):
        prompts_of(said, brief())


# -- asking again ----------------------------------------------------------------------------------------------------

MENDED = ("truncated", "wrong_count", "duplicate_index", "empty_prompt", "long_prompt", "same_prompts", "no_shots",
          "not_an_object", "plain_words")  # fmt: skip


@pytest.mark.parametrize("fault", MENDED)
def test_gemini_sends_a_wrong_answer_back_with_what_is_wrong(
    asking: Callable[..., tuple[Gemini, FakeGemini]], fault: str
) -> None:
    writer, fake = asking(fault)
    assert len(writer.write(brief())) == 6
    once, again = fake.received()
    turns = again["body"]["contents"]
    assert [turn["role"] for turn in turns] == ["user", "model", "user"]
    assert turns[:1] == once["body"]["contents"]
    assert "cannot be used: " in turns[2]["parts"][0]["text"]


@pytest.mark.parametrize("fault", ["prose", "fenced", "untidy", "bare"])
def test_gemini_takes_an_answer_that_is_right_but_untidy(
    asking: Callable[..., tuple[Gemini, FakeGemini]], fault: str
) -> None:
    writer, fake = asking(fault)
    assert len(writer.write(brief())) == 6
    assert len(fake.received()) == 1


BUSY = ("rate_limit", "internal", "unavailable", "deadline", "reset", "reset_mid", "html", "html_502", "no_candidates")


@pytest.mark.parametrize("fault", BUSY)
def test_gemini_asks_a_busy_service_again(asking: Callable[..., tuple[Gemini, FakeGemini]], fault: str) -> None:
    writer, fake = asking(fault, fault)
    assert len(writer.write(brief())) == 6
    assert len(fake.received()) == 3
    assert len(fake.received()[2]["body"]["contents"]) == 1


def test_gemini_does_not_wait_for_an_answer_for_ever(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    writer, fake = asking("hang", timeout_s=0.5)
    assert len(writer.write(brief())) == 6
    assert len(fake.received()) == 2


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("unavailable", "503 The model is overloaded"),
        ("rate_limit", "429 You exceeded"),
        ("reset", "no connection"),
        ("html", "an answer that is not Gemini's"),
        ("wrong_count", "there is no entry for shot 5"),
    ],
)
def test_gemini_gives_up_after_its_attempts(
    asking: Callable[..., tuple[Gemini, FakeGemini]], fault: str, why: str
) -> None:
    writer, fake = asking(script={"always": fault}, attempts=3)
    message = failure(writer)
    assert "after 3 of 3 tries" in message
    assert why in message
    assert "writer.on_fail=template" in message
    assert len(fake.received()) == 3


def test_gemini_does_not_wait_longer_than_its_deadline(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    writer, fake = asking(script={"always": "rate_limit", "retry_delay_s": 3600}, deadline_s=60.0)
    assert "after 1 of 4 tries" in failure(writer)
    assert len(fake.received()) == 1


def test_gemini_waits_as_long_as_the_service_wants(
    asking: Callable[..., tuple[Gemini, FakeGemini]], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(gemini.time, "sleep", waits.append)
    writer, _ = asking("rate_limit", "unavailable", script={"retry_delay_s": 41})
    writer.write(brief())
    assert waits == [41, 0]


def test_gemini_waits_longer_each_time(
    asking: Callable[..., tuple[Gemini, FakeGemini]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wait is between half of 1, 2, 4 ... seconds and half as much again, and never much above half a minute."""
    waits: list[float] = []
    monkeypatch.setattr(gemini.time, "sleep", waits.append)
    _, fake = asking(script={"always": "unavailable"})
    failure(Gemini(url=fake.url, attempts=8))
    assert len(waits) == 7
    assert all(0.5 * min(2**n, 30) <= wait <= 1.5 * min(2**n, 30) for n, wait in enumerate(waits))


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["bad_key", "expired_key", "unauthenticated", "forbidden"])
def test_gemini_says_how_to_get_a_key_where_it_is_refused(
    asking: Callable[..., tuple[Gemini, FakeGemini]], fault: str
) -> None:
    writer, fake = asking(fault)
    message = failure(writer, AccessError)
    assert "refuses the key in GEMINI_API_KEY" in message
    assert "export GEMINI_API_KEY=..." in message
    assert len(fake.received()) == 1


def test_gemini_names_a_model_that_is_not_there(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    writer, _ = asking(script={"models": ("gemini-3.8-flash",)}, model="gemini-1.5-flash")
    assert "there is no model 'gemini-1.5-flash'" in failure(writer, AccessError)


def test_gemini_tells_an_account_that_is_not_served(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    assert "location is not supported" in failure(asking("location")[0], AccessError)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("daily_quota", "the day's quota for 'gemini-3.8-flash' is used up"),
        ("invalid", "did not take the request (400"),
        ("max_tokens", "the answer was cut off at the most tokens that it may have (21000)"),
        ("safety", "stopped while it wrote about this song (SAFETY)"),
        ("recitation", "stopped while it wrote about this song (RECITATION)"),
        ("blocked", "refuses to write about this song (PROHIBITED_CONTENT)"),
    ],
)
def test_gemini_does_not_ask_again_in_vain(
    asking: Callable[..., tuple[Gemini, FakeGemini]], fault: str, why: str
) -> None:
    writer, fake = asking(fault)
    assert why in failure(writer)
    assert len(fake.received()) == 1


def test_gemini_says_that_nobody_answers() -> None:
    writer = Gemini(url="http://127.0.0.1:9", wait_s=0.0, attempts=2)  # the port of the service `discard`
    assert "no connection" in failure(writer)


# -- the key ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["", "bad_key", "forbidden", "unavailable", "wrong_count", "reset", "no_model"])
def test_the_key_is_in_no_log_and_nothing_of_the_sdk_is_either(
    asking: Callable[..., tuple[Gemini, FakeGemini]],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    writer, _ = asking(fault)
    with caplog.at_level(logging.DEBUG):
        try:
            writer.write(brief())
        except QmvError:
            logging.getLogger("qmv").exception("the run failed")  # with its traceback, as in run.log
    assert KEY not in caplog.text
    assert {record.name for record in caplog.records} <= {"qmv", "asyncio"}
    assert "".join(capfd.readouterr()) == ""


def test_the_sdk_may_log_again_afterwards(asking: Callable[..., tuple[Gemini, FakeGemini]]) -> None:
    level = logging.getLogger("httpx").level
    asking()[0].write(brief())
    assert logging.getLogger("httpx").level == level


@pytest.mark.parametrize("value", [None, "", "  "])
def test_ready_says_how_to_get_a_key(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    if value is not None:
        monkeypatch.setenv("GEMINI_API_KEY", value)
    with pytest.raises(AccessError, match=r"no key .* GEMINI_API_KEY; get one at aistudio\.google\.com .* \.env\."):
        Gemini().ready()


@pytest.mark.parametrize("value", ["abc def", "abc\ndef", "abc\u201d", "schl\u00fcssel"])
def test_ready_refuses_what_can_be_no_key_and_does_not_show_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", value)
    with pytest.raises(AccessError, match="is no key") as caught:
        Gemini().ready()
    assert value not in str(caught.value)


def test_ready_says_how_to_get_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemini.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PluginError, match=r"python -m pip install 'qmv\[gemini\]'"):
        Gemini().ready()


def test_gemini_says_that_the_package_is_too_old_for_a_setting() -> None:
    service = Service(model="gemini-3.8-flash", key=KEY, key_env="", url="", config={"thinking_style": "upside down"})
    with pytest.raises(PluginError, match=r"too old .* python -m pip install --upgrade 'qmv\[gemini\]'"):
        service.ask([], 1.0)


def test_ready_says_nothing_where_all_is_there() -> None:
    Gemini().ready()


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"model": ""},
        {"model": "gemini pro?key=1"},
        {"url": "localhost:1"},
        {"url": "https://host/?key=1"},
        {"url": "https://me:secret@host"},
        {"api_key_env": "AIza-a-key"},
        {"temperature": 3.0},
        {"thinking": "hard"},
        {"on_fail": "shrug"},
        {"attempts": 0},
    ],
)
def test_gemini_refuses_settings_that_cannot_work(settings: dict[str, Any]) -> None:
    with pytest.raises((ValueError, QmvError)) as caught:
        Gemini(**settings)
    assert "secret" not in str(caught.value)
    assert "AIza" not in str(caught.value)


def test_only_what_changes_the_words_is_in_the_identity() -> None:
    assert set(Gemini().identity()["settings"]) == {"model", "temperature", "thinking"}


def test_gemini_costs_money_and_has_a_stand_in_that_does_not() -> None:
    assert not Gemini.free
    assert Gemini().stand_in() == Template()
    assert Template.free
    assert [Gemini(on_fail=choice).gives_way() for choice in ("fail", "template")] == [False, True]
