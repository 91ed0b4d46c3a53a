"""The process that keeps a render ends it when the worker or the lease is gone, whatever the render does."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from qmv.errors import ConfigError
from qmv.service.settings import ServiceSettings, program
from qmv.service.work.clock import now_s
from qmv.service.work.process import running
from tests.service.work.rendering import PATIENCE_S, children_of, eventually, gone, late_s

LEASE_S = 4.0  # long enough that a busy machine has read of it before it is over

# Holds Python's lock in C code, so that no thread of this process can do anything any more.
DEAF = "import ctypes; ctypes.PyDLL(None).sleep(600)"
WITH_WORKERS = """
from joblib import Parallel, delayed
import time
Parallel(n_jobs=2)(delayed(time.sleep)(600) for _ in range(2))
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
Path("ready").touch()
time.sleep(600)
"""


def written(folder: Path, code: str) -> Path:
    file = folder / "program.py"
    file.write_text(
        "import os, sys\nfrom pathlib import Path\nos.chdir(Path(__file__).parent)\n"
        f"Path('said').write_text(repr((os.getpid(), sys.argv[1:], __name__)))\n{code}\n",
        encoding="utf-8",
    )
    return file


def render_of(folder: Path) -> int:
    said = eventually(lambda: (folder / "said").is_file() and (folder / "said").read_text())
    return int(said[1:].partition(",")[0])


def test_runs_a_program_as_the_command_line_does_and_gives_its_exit_code(tmp_path: Path) -> None:
    file = written(tmp_path, "print('some words'); sys.exit(3)")
    with running(file, ["a=b c", 'd="e"'], tmp_path / "out.txt", now_s() + 6000) as child:
        assert eventually(lambda: child.ended(0.1))
        assert child.code == 3
    assert "['a=b c', 'd=\"e\"'], '__main__'" in (tmp_path / "said").read_text()
    assert "some words" in (tmp_path / "out.txt").read_text()


def test_render_does_not_get_what_it_has_no_need_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor from a file .env, which does not change what is set already, be it empty."""
    for name in ("QMV_SERVICE_TOKEN", "REDIS_URL"):
        monkeypatch.setenv(name, "secret")
    (tmp_path / ".env").write_text("QMV_SERVICE_TOKEN=secret\n", encoding="utf-8")
    file = written(
        tmp_path,
        "from qmv.engine.secrets import read_env_file\nread_env_file(Path.cwd())\n"
        "print([os.environ.get(name) for name in ('QMV_SERVICE_TOKEN', 'REDIS_URL')])",
    )
    out = tmp_path / "out.txt"
    with running(file, [], out, now_s() + 6000, without=["QMV_SERVICE_TOKEN"]) as child:
        assert eventually(lambda: child.ended(0.1))
    assert out.read_text() == "['', 'secret']\n"


def test_arguments_stand_on_no_command_line(tmp_path: Path) -> None:
    file = written(tmp_path, "import time; time.sleep(600)")
    with running(file, ["song=https://here/?signature=abc"], tmp_path / "out.txt", now_s() + 6000):
        render = psutil.Process(render_of(tmp_path))
        keeper = render.parent()
        assert keeper is not None
        lines = [" ".join(process.cmdline()) for process in (render, keeper)]
    assert all("qmv.service" in line and "signature" not in line for line in lines)


@pytest.mark.skipif(not hasattr(os, "nice"), reason="no priorities here")
def test_render_has_a_lower_priority_and_its_keeper_has_not(tmp_path: Path) -> None:
    file = written(tmp_path, "import time; time.sleep(600)")
    with running(file, [], tmp_path / "out.txt", now_s() + 6000):
        pid = render_of(tmp_path)
        keeper = psutil.Process(pid).ppid()
        assert psutil.Process(pid).nice() > psutil.Process(keeper).nice()


@pytest.mark.skipif(sys.platform == "win32", reason="a C library's sleep by another name")
def test_render_ends_with_its_lease_while_it_holds_pythons_lock(tmp_path: Path) -> None:
    with running(written(tmp_path, DEAF), [], tmp_path / "out.txt", now_s() + 600) as child:
        pid = render_of(tmp_path)
        until_s = now_s() + LEASE_S
        child.renew(until_s)
        assert late_s(pid, until_s) < 2  # what a usual lease leaves
        assert now_s() >= until_s


@pytest.mark.skipif(sys.platform == "win32", reason="nothing can be stopped there")
def test_render_ends_with_its_lease_while_its_keeper_is_stopped(tmp_path: Path) -> None:
    """And takes the keeper and its own workers along."""
    with running(written(tmp_path, WITH_WORKERS), [], tmp_path / "out.txt", now_s() + 600) as child:
        pid = render_of(tmp_path)
        eventually(lambda: len(children_of(pid)) >= 2)
        pids = [pid, *(below.pid for below in children_of(pid))]
        keeper = psutil.Process(pid).parent()
        assert keeper is not None
        until_s = now_s() + LEASE_S
        child.renew(until_s)
        with contextlib.suppress(psutil.NoSuchProcess):  # where this machine stood still until then
            eventually(lambda: keeper.status() == psutil.STATUS_SLEEPING and now_s() > until_s - LEASE_S + 0.5)
            keeper.suspend()
        assert late_s(pid, until_s) < 2  # what a usual lease leaves
        assert now_s() >= until_s
        assert gone([*pids, keeper.pid])


@pytest.mark.skipif(sys.platform == "win32", reason="nothing can be stopped there")
def test_render_that_was_held_up_with_its_keeper_goes_on_where_its_worker_renewed_the_lease(tmp_path: Path) -> None:
    file = written(tmp_path, "import time\nwhile not Path('enough').exists(): time.sleep(0.1)\nsys.exit(3)")
    with running(file, [], tmp_path / "out.txt", now_s() + 600) as child:
        group = os.getpgid(render_of(tmp_path))
        until_s = now_s() + 12
        child.renew(until_s)
        eventually(lambda: now_s() > until_s - 11)  # it is read by then
        os.killpg(group, signal.SIGSTOP)
        child.renew(now_s() + 120)
        eventually(lambda: now_s() > until_s + 1)
        os.killpg(group, signal.SIGCONT)
        assert not child.ended(3)
        (tmp_path / "enough").touch()
        assert eventually(lambda: child.ended(0.1))
        assert child.code == 3


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9")
@pytest.mark.parametrize("code", [DEAF, WITH_WORKERS], ids=["in C code", "with workers"])
def test_everything_ends_with_the_worker(tmp_path: Path, code: str) -> None:
    """The worker is a process of its own here, which is killed by -9."""
    file, out = written(tmp_path, code), tmp_path / "out.txt"
    worker = psutil.Popen([sys.executable, "-c", (
        "import sys, time; from pathlib import Path; from qmv.service.work.process import running; "
        "from qmv.service.work.clock import now_s\n"
        f"with running(Path({str(file)!r}), [], Path({str(out)!r}), now_s() + 600): time.sleep(600)"
    )])  # fmt: skip
    render_of(tmp_path)
    least = 4 if code is WITH_WORKERS else 2  # the keeper, the render, and its two workers
    eventually(lambda: len(children_of(worker.pid)) >= least)
    pids = [child.pid for child in children_of(worker.pid)]
    worker.kill()
    worker.wait()
    assert gone(pids)


def test_render_ends_with_its_keeper(tmp_path: Path) -> None:
    file = written(tmp_path, "import time; time.sleep(600)")
    with running(file, [], tmp_path / "out.txt", now_s() + 600) as child:
        pid = render_of(tmp_path)
        psutil.Process(psutil.Process(pid).ppid()).kill()
        assert gone([pid])
        assert child.ended(PATIENCE_S)
        assert child.code == -signal.SIGKILL


def test_request_to_end_reaches_the_render(tmp_path: Path) -> None:
    with running(written(tmp_path, POLITE), [], tmp_path / "out.txt", now_s() + 600) as child:
        eventually((tmp_path / "ready").exists)
        child.stop()
        assert eventually(lambda: child.ended(0.1))
        assert child.code == 7


def test_program_is_the_named_one_else_the_one_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    beside = program(ServiceSettings())
    assert beside.name == "run.py"
    (tmp_path / "run.py").touch()
    assert program(ServiceSettings()) == tmp_path / "run.py"
    with pytest.raises(ConfigError, match=r"QMV_SERVICE_PROGRAM: there is no file .*other\.py"):
        program(ServiceSettings(program="other.py"))
