"""Runs of songs from servers, on the command line."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.song_site import SECRET, Site
from tests.fakes.serving import lines

Run = Callable[..., Any]


@pytest.mark.slow
def test_a_run_from_an_address_tells_its_signature_to_nobody(
    site: Callable[..., Site], run_cli: Run, clicks_plugin: Path
) -> None:
    there = site()
    quick = (f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=storyboard")
    address = there.url(f"/x.wav?sig={SECRET}%2B&c='d',e")
    ended = run_cli(f"song={address}", *quick)
    assert ended.rc == 0, ended.stderr
    [manifest] = ended.found("manifest.json")
    told = json.loads(manifest.read_text(encoding="utf-8"))
    assert told["song"]["address"] == there.url()
    sweep = run_cli("-m", f"song={address},{there.url('/x.wav?' + SECRET)}", *quick)
    assert sweep.rc == 0, sweep.stderr
    missing = run_cli(f"song={there.url('/none.wav?' + SECRET)}", *quick)
    assert missing.errors == [
        f"error: song ({there.url('/none.wav')}): there is no such file (HTTP 404); check the address."
    ]
    asked = [request["path"] for request in lines(there.folder / "requests.jsonl")]
    assert asked[0] == f"/x.wav?sig={SECRET}%2B&c='d',e"
    texts = [file.read_bytes() for file in ended.outputs.rglob("*") if file.is_file()]
    assert not any(SECRET.encode() in text for text in texts)
    assert SECRET not in ended.stdout + ended.stderr + sweep.stdout + sweep.stderr + missing.stderr


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with(
    site: Callable[..., Site], command: Run, environment: dict[str, str], clicks_plugin: Path, tmp_path: Path
) -> None:
    there, outputs = site({"stall_at": 120_000}), tmp_path / "outputs"
    given = (f"song={there.url()}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=storyboard")
    line = command(*given, outputs=outputs)
    with subprocess.Popen(line, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while process.poll() is None and not any(part.stat().st_size for part in outputs.rglob("*.download")):
            assert time.monotonic() < end
            time.sleep(0.02)
        process.kill()
    [part] = outputs.rglob("*.download")
    had = part.stat().st_size
    subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, check=True)
    last = lines(there.folder / "requests.jsonl")[-1]
    assert (last["status"], last["headers"]["Range"]) == (206, f"bytes={had}-")


@pytest.mark.slow
def test_a_video_is_made_of_a_song_from_an_address(
    site: Callable[..., Site], run_cli: Run, clicks_plugin: Path
) -> None:
    there = site({"cut_at": 40_000}, {"status": 503, "retry_after": "0"})
    ended = run_cli(f"song={there.url()}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "min_images=1")
    assert ended.rc == 0, ended.stderr
    assert (ended.video.is_file(), there.statuses()) == (True, [200, 503, 206])
