"""The service as its operators start it, for benchmarks: `qmv serve`, with Redis and a Celery worker or without."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.measure import REPO
from tests.fakes.redis_server import redis_server

__all__ = ["QUEUES", "Service", "service"]

QUEUES = ("embedded", "redis")
_READY_S = 60.0
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running service: where it answers, the process that does, and those that render."""

    url: str
    web: int
    log: Path
    roots: tuple[int, ...]

    def cpu_s(self) -> tuple[float, float]:
        """CPU seconds of the web process, and of everything else that runs now."""
        found = {process.pid: process for root in self.roots for process in _tree(root)}
        times = {pid: _cpu_s(process) for pid, process in found.items()}
        web_s = times.pop(self.web, 0.0)
        return web_s, sum(times.values())

    def told(self) -> str:
        return self.log.read_text(encoding="utf-8")[-2000:]


@contextlib.contextmanager
def service(work: Path, queue: str) -> Iterator[Service]:
    """Until the end of the block."""
    with contextlib.ExitStack() as stack:
        environ = os.environ | {
            "QMV_SERVICE_OUTPUTS": str(work / "outputs"),
            "QMV_SERVICE_PORT": "0",
            "QMV_SERVICE_READS_PER_MINUTE": "1000000",
        }
        environ.pop("REDIS_URL", None)
        if queue == "redis":
            environ["REDIS_URL"] = stack.enter_context(redis_server(work / "redis")).url
        log = work / "serve.log"
        serve = stack.enter_context(_started([sys.executable, "-m", "qmv", "serve"], environ, log))
        roots = [serve]
        if queue == "redis":
            celery = [sys.executable, "-m", "celery", "-A", "qmv.service.worker", "worker"]
            roots.append(stack.enter_context(_started(celery, environ, work / "celery.log")))
        url = _address(log)
        yield Service(url=url, web=_web(serve), log=log, roots=tuple(roots))


@contextlib.contextmanager
def _started(command: list[str], environ: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("ab") as stream:
        process = subprocess.Popen(command, cwd=REPO, env=environ, stdout=stream, stderr=stream)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(log: Path) -> str:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        if found := _ADDRESS.search(log.read_text(encoding="utf-8")):
            return found.group()
        time.sleep(0.1)
    raise RuntimeError(f"the service does not answer: {log.read_text(encoding='utf-8')[-2000:]}")


def _web(serve: int) -> int:
    return next(process.pid for process in _tree(serve) if "qmv.service.web" in process.cmdline())


def _tree(root: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
