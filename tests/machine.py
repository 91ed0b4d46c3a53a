"""Parts of the machine that some tests need, and what happens where one is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ["disk", "lacking", "program"]


def lacking(part: str) -> NoReturn:
    """Skips where a part of the machine is missing; in CI, which brings them all, that is a failure."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(part)


def program(name: str, package: str) -> str:
    """The path of a program that a Debian package brings."""
    return shutil.which(name) or lacking(f"no {name} here: apt-get install {package}")


@contextmanager
def disk(folder: Path, kb: int) -> Iterator[Path]:
    """A disk of so many kilobytes in a new folder; only root can make one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kb}k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        lacking(f"no mount here: {error}")
    if mounted.returncode:
        lacking(f"only root can make a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
