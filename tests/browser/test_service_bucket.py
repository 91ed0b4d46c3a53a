"""The service's page with videos that lie in a bucket, which is another host for the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.served import opened, service, until
from tests.fakes.gcs.process import fake_gcs
from tests.fakes.s3 import s3

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "a-made-up-secret"}
VIDEO = "document.querySelector('.video video')"


def test_a_video_in_a_bucket_plays_and_seeks_and_leaves_the_page_when_it_is_downloaded(
    browser: Browser, tmp_path: Path, environment: dict[str, str], clicks_plugin: Path, click_track: Callable[..., Path]
) -> None:
    overrides = ["storage=object_store", "storage.url=s3://films/clips", "storage.link=signed"]
    quick = [f"plugins=[{clicks_plugin}]", "tracker=clicks"]
    with (
        s3(tmp_path / "moto", bucket="films") as bucket,
        service(
            tmp_path / "service", environment | KEYS, *quick, *overrides, f"storage.options.endpoint={bucket.url}"
        ) as served,
    ):
        tab = opened(browser, served.address)
        page = tab.page
        page.wait_for_selector(".style input:checked", state="attached")
        page.set_input_files("#files", click_track(tmp_path / "small.wav", seconds=4.0))
        page.click("#go")
        until(page, f"({VIDEO}?.readyState ?? 0) >= 2")
        assert page.evaluate(f"{VIDEO}.src").startswith(f"{bucket.url}/films/clips/")
        page.evaluate(f"{VIDEO}.play()")
        until(page, f"{VIDEO}.currentTime > 0.3")
        page.evaluate(f"{{ {VIDEO}.pause(); {VIDEO}.currentTime = 2.5; }}")
        until(page, f"!{VIDEO}.seeking")
        assert page.evaluate(f"{VIDEO}.currentTime") == pytest.approx(2.5, abs=0.1)
        assert page.get_by_role("link", name="Its own page").count() == 0  # which a signature does not open as a whole
        with page.expect_popup() as shown:
            page.get_by_role("link", name="Download").click()
        assert shown.value.url != page.url
        assert page.url == served.address
        assert tab.errors == []
        page.evaluate(f"{VIDEO}.src = '{bucket.url}/films/not-open-to-everybody.mp4'")
        page.get_by_text("its address may have ended").wait_for()
        page.context.close()


def test_a_video_in_a_bucket_of_google_plays_and_seeks(
    browser: Browser, tmp_path: Path, environment: dict[str, str], clicks_plugin: Path, click_track: Callable[..., Path]
) -> None:
    overrides = [f"plugins=[{clicks_plugin}]", "tracker=clicks", "storage=gcs", "storage.bucket=films"]
    with fake_gcs(tmp_path / "fake", public=True) as fake:
        keys = {"API_ENDPOINT_OVERRIDE": fake.url, "GOOGLE_APPLICATION_CREDENTIALS": str(fake.key)}
        nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9"}  # for what the library asks Google by itself
        with service(tmp_path / "service", environment | keys | nowhere, *overrides) as served:
            tab = opened(browser, served.address)
            page = tab.page
            page.wait_for_selector(".style input:checked", state="attached")
            page.set_input_files("#files", click_track(tmp_path / "small.wav", seconds=4.0))
            page.click("#go")
            until(page, f"({VIDEO}?.readyState ?? 0) >= 2")
            assert page.evaluate(f"{VIDEO}.src").startswith(f"{fake.url}/films/videos/")
            page.evaluate(f"{VIDEO}.currentTime = 2.5")
            until(page, f"!{VIDEO}.seeking")
            assert page.evaluate(f"{VIDEO}.currentTime") == pytest.approx(2.5, abs=0.1)
            assert tab.errors == []
            page.get_by_role("link", name="Its own page").click()
            until(page, "(document.querySelector('video')?.readyState ?? 0) >= 2")
            assert page.url.startswith(f"{fake.url}/films/videos/")
            page.context.close()
