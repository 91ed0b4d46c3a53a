"""Keys of the environment stay out of everything that is written down."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from pathlib import Path

import pytest

from qmv.engine import secrets
from qmv.engine.manifest import Manifest
from qmv.engine.observers import EventLog, Lines
from qmv.engine.secrets import Redacting, has_key, hide, read_env_file, redacted
from qmv.engine.song_addresses import check_address, hide_address
from qmv.errors import ConfigError
from qmv.events import Notice

KEY = "sk-8c1f20e97b"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_API_KEY", KEY)


@pytest.mark.parametrize(
    "name", ["TRIAL_KEY", "TRIAL_TOKEN", "TRIAL_SECRET", "TRIAL_PASSWORD", "TRIAL_CREDENTIALS", "trial_api_key"]
)
def test_a_value_that_is_secret_by_its_name_is_blanked_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "v3ry-hidden")
    assert redacted("Bearer v3ry-hidden, twice: v3ry-hidden.") == "Bearer [secret], twice: [secret]."


def test_other_values_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_MODEL", "runware:100@1")
    assert redacted("runware:100@1") == "runware:100@1"


@pytest.mark.parametrize("path", ["/home/me/keys.json", "~/keys.json", "./keys.json", "C:\\keys.json"])
def test_a_path_stays(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
    assert redacted(f"{path} cannot be read") == f"{path} cannot be read"


@pytest.mark.parametrize("value", ["", "a", "neon", "12345"])
def test_a_short_value_stays_since_it_would_hide_words(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OTHER_KEY", value)
    assert redacted("a neon sign, 12345 times") == "a neon sign, 12345 times"


# -- where texts are written -----------------------------------------------------------------------------------------


def record(text: str, *arguments: object, error: bool = False) -> logging.LogRecord:
    return logging.LogRecord("qmv", logging.INFO, __file__, 1, text, arguments, sys.exc_info() if error else None)


def test_a_log_line_shows_no_key() -> None:
    assert Redacting("%(message)s").format(record("sent %s", f"Bearer {KEY}")) == "sent Bearer [secret]"


def test_a_traceback_in_the_log_shows_no_key() -> None:
    try:
        raise ValueError(f"401 for {KEY}") from KeyError(KEY)
    except ValueError:
        text = Redacting("%(message)s").format(record("failed", error=True))
    assert KEY not in text
    assert text.count("[secret]") >= 2
    assert "Traceback" in text


def test_a_log_file_shows_no_key(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "run.log")
    handler.setFormatter(Redacting("%(levelname)s %(message)s"))
    handler.handle(record("key=%s", KEY))
    handler.close()
    assert (tmp_path / "run.log").read_text() == "INFO key=[secret]\n"


def test_the_manifest_shows_no_key(tmp_path: Path) -> None:
    manifest = Manifest(error=f"401 for {KEY}", notes=[KEY], overrides=[f"image.extra.key={KEY}"], choices={"x": KEY})
    manifest.write(tmp_path)
    written = json.loads((tmp_path / "manifest.json").read_text())
    assert (written["error"], written["notes"], written["overrides"]) == (
        "401 for [secret]", ["[secret]"], ["image.extra.key=[secret]"],
    )  # fmt: skip
    assert written["choices"] == {"x": "[secret]"}


def test_the_event_log_shows_no_key(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "events.jsonl")
    events.qmv_event(Notice(node="pictures", message=f"the service says: {KEY} is unknown"))
    events.close()
    written = json.loads((tmp_path / "events.jsonl").read_text())
    assert written["message"] == "the service says: [secret] is unknown"


# -- the .env file ---------------------------------------------------------------------------------------------------


def test_env_file_adds_what_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_KEY", "from the shell")
    monkeypatch.setenv("TWO_KEY", "to be removed")  # so that it is put back as it was
    monkeypatch.delenv("TWO_KEY")
    (tmp_path / ".env").write_text('ONE_KEY="from the file"\nTWO_KEY="from the file"\n')
    read_env_file(tmp_path)
    assert redacted("from the shell, from the file") == "[secret], [secret]"


def test_env_file_with_a_line_that_nobody_filled_in_sets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "to be removed")  # so that it is put back as it was
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    (tmp_path / ".env").write_text("AWS_ENDPOINT_URL=\n")
    read_env_file(tmp_path)
    assert "AWS_ENDPOINT_URL" not in os.environ


def test_env_file_is_not_needed(tmp_path: Path) -> None:
    read_env_file(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("AWS_SECRET_KEY", "/9j4AAQSkZJRgABAQ+x/Y=", "/9j4AAQSkZJRgABAQ+x/Y="),
        ("X_KEY", "hidden-value \n", "Bearer hidden-value"),
        ("X_KEY", "ab+cd/ef==", "GET /?key=ab%2Bcd%2Fef%3D%3D"),
    ],
    ids=["slash", "spaces around", "in an address"],
)
def test_secret_is_hidden_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, shown: str
) -> None:
    monkeypatch.setenv(name, value)
    assert "[secret]" in redacted(shown)


def test_longer_of_two_secrets_is_hidden_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "abcdef")
    monkeypatch.setenv("B_KEY", "abcdef123456")
    assert redacted("abcdef123456") == "[secret]"


def test_secret_with_quotes_is_hidden_in_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X_PASSWORD", 'pa"ss\\word')
    Manifest(error='got pa"ss\\word').write(tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["error"] == "got [secret]"


def test_secret_is_hidden_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_KEY", "hidden-value")
    out = io.StringIO()
    Lines(out).qmv_event(Notice(node="p", message="hidden-value"))
    assert "hidden-value" not in out.getvalue()


def test_key_of_a_variable_with_another_name_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_named", set())
    monkeypatch.setenv("RUNWARE", "hidden-value")
    hide("RUNWARE")
    assert redacted("hidden-value") == "[secret]"


@pytest.mark.parametrize("value", ["/" + "x" * 5000, "~nobody-of-that-name/abcdef", '{"key": "/a\x00b"}'], ids=len)
def test_values_that_cannot_be_paths_stop_nothing(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ) | {"X_CREDENTIALS": value})
    assert redacted("nothing") == "nothing"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"# Schl\xfcssel\nA_KEY=1\n", r"\.env: cannot be read \(it is no text in UTF-8\); mend it, or remove it\.$"),
        (b'A=1\nRUNWARE_API_KEY="test-key\n', r"\.env, line 2: cannot be read; lines look like NAME=VALUE\.$"),
        (b"A=1\nB=\x00\n", r"\.env, line 2: cannot be read"),
    ],
    ids=["latin-1", "open quote", "NUL"],
)
def test_env_file_that_cannot_be_read_is_a_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / ".env").write_bytes(data)
    with pytest.raises(ConfigError, match=words):
        read_env_file(tmp_path)


def test_text_that_holds_a_plugins_key_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_named", {"MY_VARIABLE"})
    monkeypatch.setenv("MY_VARIABLE", "hidden-value")
    assert (has_key("a hidden-value b"), has_key("a value")) == (True, False)


def test_a_process_of_weeks_forgets_texts_that_came_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_texts", {})
    for text in ("first-signature", "second-signature", "first-signature", "third-signature"):
        secrets.hide_text(text, passing=True)
    secrets.forget_old_texts(2)
    assert secrets.redacted("first-signature second-signature third-signature") == (
        f"{secrets.HIDDEN} second-signature {secrets.HIDDEN}"
    )


def test_what_no_request_brought_stays_hidden_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_texts", {})
    secrets.hide_text("own-password")
    secrets.hide_text("own-password", passing=True)
    hide_address("https://host/own.mp3?signature=own-long-signature")
    for n in range(5):
        check_address(f"https://host/x.mp3?signature=strange-signature-{n}")
    secrets.forget_old_texts(0)
    assert secrets.redacted("own-password own-long-signature strange-signature-4") == (
        f"{secrets.HIDDEN} {secrets.HIDDEN} strange-signature-4"
    )


def test_a_hidden_text_is_hidden_as_it_may_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_texts", {})
    secrets.hide_text("it's a b")
    for written in ("it's a b", "it''s a b", "it%27s%20a%20b"):
        assert secrets.redacted(f"({written})") == f"({secrets.HIDDEN})"
