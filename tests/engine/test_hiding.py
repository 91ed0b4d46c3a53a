"""What is secret in an address is found in arguments of any key, and in any spelling."""

from __future__ import annotations

import json

import pytest

from qmv.engine import secrets
from qmv.engine.hiding import blanked, hide_addresses
from qmv.engine.secrets import redacted

SIGN = "TOPSECRETTOPSECRET40"


@pytest.fixture(autouse=True)
def nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_texts", {})


@pytest.mark.parametrize(
    "argument",
    [
        f"song=https://h/a.wav?Signature={SIGN}",
        f"++song.path=https://h/a.wav?Signature={SIGN}",
        f'+song.path="https://h/a.wav?Signature={SIGN}"',
        f"song=choice(https://h/a.wav?Signature={SIGN},https://h/b.wav?Signature={SIGN}1)",
        f"song=choice('https://h/a.wav?Signature={SIGN}')",
        f"effects.x={{a: https://h/a.wav?Signature={SIGN}}}",
        f"plugins=[https://h/a.py?token={SIGN},b.py]",
        f"run.cache_url=s3://bucket/x?secret_access_key={SIGN}",
        f"storage.url=gs://{SIGN}:{SIGN}@bucket/x",
        f"storage.url=s3://me:{SIGN}@bucket/x",
        f"song=https://h/a.wav?x=1&u=https://g/b?Signature={SIGN}",
    ],
)
def test_secret_of_an_argument_is_hidden_there_and_elsewhere(argument: str) -> None:
    hide_addresses(argument)
    assert SIGN not in redacted(argument)
    assert SIGN not in redacted(f"the service says: {SIGN}.")


def test_short_secrets_are_hidden_in_place_also_before_a_bracket() -> None:
    argument = "song=choice(https://h/a?s=1,https://h/b?s=2)"
    hide_addresses(argument)
    assert redacted(argument) == "song=choice(https://h/a[secret],https://h/b[secret])"


def test_each_address_of_a_list_stays_to_be_seen() -> None:
    argument = f'song="https://h/a?Signature={SIGN}0","https://h/b?Signature={SIGN}1"'
    hide_addresses(argument)
    assert redacted(argument) == 'song="https://h/a[secret]","https://h/b[secret]"'


@pytest.mark.parametrize(
    "argument", ["song=gs://bucket/what? #1?.mp3", "song=file:///a/b?c=d.wav", "song=a.mp3", "brief='a://b or c'"]
)
def test_names_of_files_are_no_secret(argument: str) -> None:
    hide_addresses(argument)
    assert redacted(argument) == argument


def test_json_with_what_is_hidden_stays_json() -> None:
    argument = f'song="https://h/a?Signature={SIGN}"'
    hide_addresses(argument)
    text = redacted(json.dumps({"x": [argument], "y": f"https://h/a?Signature={SIGN}", "z": 1}))
    assert json.loads(text) == {"x": ['song="https://h/a[secret]"'], "y": "https://h/a[secret]", "z": 1}


def test_values_are_blanked_out_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_KEY", "12345678")
    hide_addresses({"a": [{"b": f"https://h/a?Signature={SIGN}"}], "n": None})
    plain = {"a": [SIGN, 3, 12345678, True, None], "b": {"c": f"x {SIGN}"}}
    assert blanked(plain) == {"a": ["[secret]", 3, "[secret]", True, None], "b": {"c": "x [secret]"}}
