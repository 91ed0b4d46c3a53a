"""Whole runs that deliver to a bucket: what stands there, what a killed one leaves, and what goes on from it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gcs.process import emulator, fake_gcs
from tests.fakes.proxy import Proxy, proxy

pytest.importorskip("google.cloud.storage")

_CHUNK_BYTES = 256 << 10
_BIG = ("width=320", "height=320", "quality.crf=4", "+effect@effects.grain=grain")  # a few chunks of video
_GCS = ("storage=gcs", "storage.bucket=films", "storage.chunk_mb=0.25")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an emulator that has the bucket 'films'."""
    with emulator(tmp_path_factory.mktemp("emulator")) as port:
        url = f"http://127.0.0.1:{port}"
        body, kind = json.dumps({"name": "films"}).encode(), {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/storage/v1/b?project=p", body, kind), timeout=60).close()
        yield url


def bucket_of(url: str) -> dict[str, str]:
    return {"STORAGE_EMULATOR_HOST": url}


def fetched(url: str, **headers: str) -> tuple[bytes, Any]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return answer.read(), answer


def test_a_run_delivers_to_a_bucket(run_cli: Callable[..., Any], song: Path, clicks_plugin: Path, bucket: str) -> None:
    words = (f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", *_GCS, "session=spring", "n=2")
    ended = run_cli(*words, env=bucket_of(bucket))
    assert ended.rc == 0, ended.stderr
    url = ended.stdout.strip()
    assert url == f"{bucket}/films/videos/spring/video_2.mp4"
    film, answer = fetched(url)
    assert answer.headers["Content-Type"] == "video/mp4"
    [made] = ended.found("cache/assemble_video/*/*/video.mp4")
    assert film == made.read_bytes()
    assert fetched(url, Range="bytes=10-19")[0] == film[10:20]
    about = json.loads(fetched(url.replace(".mp4", ".json"))[0])
    assert about["video"]["size_bytes"] == len(film)
    assert b"video_2.mp4" in fetched(url.replace(".mp4", ".html"))[0]
    assert fetched(url.replace(".mp4", ".jpg"))[0][:3] == b"\xff\xd8\xff"

    again = run_cli(*words, env=bucket_of(bucket))
    assert again.stdout.strip() == url
    assert "holds the same bytes already; nothing was sent" in again.stderr

    other = run_cli(*words, "style=noir", env=bucket_of(bucket))
    assert other.rc == 1
    assert len(other.errors) == 1
    assert "stands already with other content; set storage.overwrite=true" in other.errors[0]
    assert fetched(url)[0] == film


def test_each_job_of_a_sweep_has_a_number(
    run_cli: Callable[..., Any], song: Path, clicks_plugin: Path, bucket: str
) -> None:
    ended = run_cli(
        "-m", f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "style=neon,noir", *_GCS,
        "session=sweep", "hydra.launcher.n_jobs=2", env=bucket_of(bucket),
    )  # fmt: skip
    assert ended.rc == 0, ended.stderr
    urls = [f"{bucket}/films/videos/sweep/video_{number}" for number in (1, 2)]
    assert {*ended.stdout.split()} == {f"{url}.mp4" for url in urls}
    assert [json.loads(fetched(f"{url}.json")[0])["style"] for url in urls] == ["neon", "noir"]


def test_a_bucket_that_is_not_there_is_told_before_any_work(
    run_cli: Callable[..., Any], song: Path, tmp_path: Path
) -> None:
    with fake_gcs(tmp_path / "fake") as fake:  # an emulator gives every bucket that is asked for all permissions
        env = {"API_ENDPOINT_OVERRIDE": fake.url, "GOOGLE_APPLICATION_CREDENTIALS": str(fake.key)}
        ended = run_cli(f"song={song}", "storage=gcs", "storage.bucket=filmz", env=env)
    assert ended.rc == 1
    assert len(ended.errors) == 1
    assert "storage (gcs): there is no bucket 'filmz'; did you mean 'films'?" in ended.errors[0]
    assert ended.found("cache/track_beats") == []


def killed_mid_upload(line: list[str], env: dict[str, str], broken: Proxy) -> None:
    """Runs until the connection hangs in the middle of the video, then ends the process as a power cut would."""
    process = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 100
        while not any(request["fault"] == "hold" for request in broken.requests()):
            assert process.poll() is None, "the run ended before it was to be killed"
            assert time.monotonic() < end, "nothing was sent"
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def line(command: Callable[..., list[str]], song: Path, clicks_plugin: Path, tmp_path: Path) -> list[str]:
    """The command line of a run whose video is sent in several chunks."""
    words = (f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "session=killed")
    return command(*words, *_GCS, *_BIG, outputs=tmp_path / "outputs")


def test_a_killed_delivery_goes_on_where_it_ended(
    tmp_path: Path, line: list[str], environment: dict[str, str], bucket: str
) -> None:
    outputs, port = tmp_path / "outputs", int(bucket.rpartition(":")[2])
    with proxy(tmp_path / "proxy", upstream_port=port, hold_after=(2 * _CHUNK_BYTES + 1000,)) as broken:
        env = environment | bucket_of(broken.url)
        killed_mid_upload(line, env, broken)
        [run] = outputs.glob("runs/*/*")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetched(f"{bucket}/films/videos/killed/video_1.mp4")
        ended = subprocess.run(
            [sys.executable, "-m", "qmv", "deliver", str(run)], env=env, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        [made] = outputs.glob("cache/assemble_video/*/*/video.mp4")
        size = made.stat().st_size
        assert size > 3 * _CHUNK_BYTES
        assert fetched(f"{bucket}/films/videos/killed/video_1.mp4")[0] == made.read_bytes()
        beside = 200_000  # thumbnail, page, sidecar
        assert broken.sent_bytes() < size + _CHUNK_BYTES + beside  # the chunk that was cut off was sent twice
    assert json.loads((run / "manifest.json").read_text(encoding="utf-8"))["status"] == "finished"
    assert list((outputs / "cache" / "uploads").glob("*.json")) == []
