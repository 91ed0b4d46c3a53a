"""The service's settings: from variables and back, and every one of them in the documentation."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from qmv.errors import ConfigError
from qmv.service.settings import PREFIX, ServiceSettings, token
from qmv.settings import described

ROOT = Path(__file__).parents[2]


def test_what_is_written_for_the_own_processes_reads_as_the_same() -> None:
    settings = ServiceSettings(
        port=0, overrides=("storage=gcs", "brief='two words'", "a=$b"), images=("canvas", "runware"), budget_usd=0.5,
        web_songs=False, keep_days=0.25, program="/a folder/run.py",
    )  # fmt: skip
    assert ServiceSettings.read(settings.environ()) == settings


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("IMAGES", "canvas,folder", ("canvas", "folder")),
        ("IMAGES", "canvas, folder runware", ("canvas", "folder", "runware")),
        ("BUCKETS", "gs://a/b,s3://c", ("gs://a/b", "s3://c")),
        ("PROXIES", "10.0.0.0/8,::1", ("10.0.0.0/8", "::1")),
        ("OFFERED", "style=neon,noir fps=", ("style=neon,noir", "fps=")),
        ("OVERRIDES", "brief='a, b' plugins=[c,d]", ("brief=a, b", "plugins=[c,d]")),
    ],
)
def test_commas_part_names_and_belong_to_values(name: str, text: str, words: tuple[str, ...]) -> None:
    assert getattr(ServiceSettings.read({f"{PREFIX}{name}": text}), name.lower()) == words


def test_no_variables_give_the_defaults() -> None:
    assert ServiceSettings.read({"PATH": "/bin", f"{PREFIX}TOKEN": "long and secret"}) == ServiceSettings()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "70000", "port must be at least 0 and at most 65535, got 70000"),
        ("PORT", "http", "must be a whole number, got 'http'"),
        ("LEASE_S", "1", "lease_s must be at least 2 and at most 600 (s), got 1"),
        ("UPLOAD_MB", "nan", "upload_mb must be"),
        ("WEB_SONGS", "maybe", "must be true or false, got 'maybe'"),
        ("WORKER", "2", "'QMV_SERVICE_WORKER' is not known. Did you mean 'QMV_SERVICE_WORKERS'? Known: "),
        ("PROXIES", "10.0.0.0/8 proxy", "proxies are addresses or networks such as 10.0.0.0/8, got 'proxy'"),
        (
            "BUCKETS",
            "gs://films http://host",
            "buckets are addresses such as gs://BUCKET/FOLDER, s3:// or az://, got 'http://host'",
        ),
        ("OVERRIDES", "brief='open", "QMV_SERVICE_OVERRIDES: must be words, with quotes that are closed"),
    ],
)
def test_a_wrong_variable_is_one_sentence(name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ServiceSettings.read({f"{PREFIX}{name}": value})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_the_videos_lie_is_what_the_storage_says(tmp_path: Path) -> None:
    here = ServiceSettings(outputs=str(tmp_path))
    assert here.videos == tmp_path / "videos"
    elsewhere = ServiceSettings(overrides=("storage=folder", f"+storage.path='{tmp_path}/my films'"))
    assert elsewhere.videos == tmp_path / "my films" / "videos"
    assert ServiceSettings(overrides=("storage=gcs", "storage.bucket=b")).videos is None


def test_the_token_is_no_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}TOKEN", " secret ")
    assert token() == "secret"
    assert "token" not in {field.name for field in dataclasses.fields(ServiceSettings)}  # type: ignore[arg-type]


def test_every_setting_is_in_the_documentation_with_its_help() -> None:
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for name, meta in described(ServiceSettings).items():
        assert any(row.startswith(f"| `{name.upper()}` |") and row.endswith(f"| {meta.help} |") for row in rows), name
