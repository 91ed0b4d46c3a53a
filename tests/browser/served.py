"""The service as people start it, with videos so small that a browser sees them from their start to their end."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.conftest import ROOT, SMALL

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["PHONE", "WIDE", "Service", "Tab", "opened", "service", "until"]

WIDE, PHONE = {"width": 1360, "height": 900}, {"width": 360, "height": 740}
_PATIENCE_S = 120  # for a busy machine


@dataclass(kw_only=True)
class Tab:
    """A page with what went wrong on it, and whom it asked."""

    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def songs(self) -> list[str]:
        return self.page.locator("#songs .name").all_inner_texts()


def opened(browser: Browser, address: str, **context: Any) -> Tab:
    page = browser.new_context(**({"viewport": WIDE} | context)).new_page()
    page.set_default_timeout(1000 * _PATIENCE_S)
    tab = Tab(page=page)
    page.on("console", lambda message: tab.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: tab.errors.append(str(error)))
    page.on("request", lambda request: tab.hosts.add(urlsplit(request.url).netloc))
    page.goto(address)
    return tab


def until(page: Page, script: str) -> None:
    """Waits for a script to be true. Playwright's own `wait_for_function` evaluates texts in the page, which the
    service's policy forbids."""
    end = time.monotonic() + _PATIENCE_S
    while not page.evaluate(script):
        assert time.monotonic() < end, script
        page.wait_for_timeout(50)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running service; `address` ends with a slash."""

    address: str
    folder: Path


@contextlib.contextmanager
def service(
    folder: Path, environ: dict[str, str], *overrides: str, workers: int = 1, **settings: str
) -> Iterator[Service]:
    """Runs `python -m qmv serve` until the end of the block; what it says on stderr is in stderr.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    small = [f"{name}={value}" for name, value in SMALL.items()]
    ours = {"outputs": str(folder / "outputs"), "port": "0", "workers": str(workers), **settings}
    environ = environ | {f"QMV_SERVICE_{name.upper()}": value for name, value in ours.items()}
    command = [sys.executable, "-m", "qmv", "serve", *small, *overrides]
    with (folder / "stderr.txt").open("ab") as stderr, subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
        process_group=0,  # a Ctrl-C is for the test, which ends the service itself
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            line = next((line for line in process.stdout if line.startswith("serving on ")), "")
            assert line, (folder / "stderr.txt").read_text(encoding="utf-8")
            yield Service(address=line.removeprefix("serving on ").strip(), folder=folder)
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
