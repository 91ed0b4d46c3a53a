"""Parts of the machine that some tests need, and what happens where one is missing."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

__all__ = ["lacking", "program"]


def lacking(part: str) -> NoReturn:
    """Skips where a part of the machine is missing; in CI, which brings them all, that is a failure."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(part)


def program(name: str, package: str) -> str:
    """The path of a program that a Debian package brings."""
    return shutil.which(name) or lacking(f"no {name} here: apt-get install {package}")
