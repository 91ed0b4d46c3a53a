"""What becomes of a try that ended before its run began."""

from __future__ import annotations

import errno
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
    output_error,
)
from qmv.service.work.outward import Outward
from qmv.service.work.verdict import judged
from tests.conftest import ROOT

TOLD = Outward(known={})


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (output_error(OSError(errno.ENOSPC, "full")), True),
        (output_error(OSError(errno.EACCES, "forbidden")), False),
        (OutputError("storage: it stands already."), False),
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
@pytest.mark.parametrize(("passing", "code"), [(True, 75), (False, 1)])
def test_run_says_by_its_exit_code_whether_to_try_again(
    passing: bool, code: int, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Nobody listens where the song should be; and a style that there is not."""
    run = tmp_path / "run"
    words = [f"hydra.run.dir={run}", f"outputs={tmp_path}", "song=http://127.0.0.1:9/a.wav"]
    words += [] if passing else ["style=no_such"]
    said = tmp_path / "output.txt"
    with said.open("w") as stream:
        ended = subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *words], cwd=tmp_path, env=environment, stderr=stream, stdout=stream
        )
    assert ended.returncode == code
    assert judged(run, said, ended.returncode, TOLD).again is passing
