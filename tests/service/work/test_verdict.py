"""What becomes of a try that ended before its run began."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qmv.errors import (
    AccessError,
    BudgetError,
    ConfigError,
    InputError,
    OutputError,
    QmvError,
    ServiceError,
    UnknownName,
    exit_code,
)
from qmv.service.work.outward import Outward
from qmv.service.work.verdict import judged
from tests.conftest import ROOT

TOLD = Outward(known={})


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OutputError("outputs: the disk is full."), True),
        (ServiceError("storage: did not answer."), True),
        (AccessError("storage: refuses the key."), False),
        (BudgetError("budget_usd: too little."), False),
        (ConfigError("fps: must be above 0."), False),
        (UnknownName("style", "noire", ["noir"]), False),
        (InputError("song: is none."), False),
    ],
)
def test_what_may_pass_is_tried_again(error: QmvError, again: bool, tmp_path: Path) -> None:
    said = tmp_path / "output.txt"
    said.write_text(f"some words\nerror: {error}\n", encoding="utf-8")
    verdict = judged(tmp_path, said, exit_code(error), TOLD)
    assert (verdict.error, verdict.again) == (str(error), again)


@pytest.mark.slow
@pytest.mark.parametrize(("full", "code"), [(True, 75), (False, 1)])
def test_run_says_by_its_exit_code_whether_to_try_again(
    full: bool, code: int, tmp_path: Path, environment: dict[str, str]
) -> None:
    """A file in the place of the outputs stands for a disk that takes nothing."""
    (tmp_path / "file").touch()
    words = [f"hydra.run.dir={tmp_path}/file/run", f"outputs={tmp_path}/file"] if full else ["style=no_such"]
    said = tmp_path / "output.txt"
    with said.open("w") as stream:
        ended = subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *words], cwd=tmp_path, env=environment, stderr=stream, stdout=stream
        )
    assert ended.returncode == code
    assert judged(tmp_path / "file" / "run", said, ended.returncode, TOLD).again is full
