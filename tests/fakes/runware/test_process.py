"""The fake as a process: its doors, its books, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.fakes.runware.ledger import charges
from tests.fakes.runware.orders import by_sdk, order, post, until
from tests.fakes.runware.process import FakeRunware, fake_runware
from tests.fakes.runware.sdk import connected

ROOT = Path(__file__).parents[3]


def test_it_is_down_for_a_while_and_comes_back_at_the_same_address(sdk: Any, fake: FakeRunware) -> None:
    async def run() -> None:
        async with connected(fake) as client:
            fake.down(1)
            with pytest.raises(ConnectionRefusedError):
                await sdk.Runware("test-key", url=fake.url).connect()
            await asyncio.wait_for(client._ws.wait_closed(), 5)

    asyncio.run(run())
    with pytest.raises(httpx.ConnectError):
        post(fake, order())
    until(lambda: not fake.stats()["down"])
    assert by_sdk(fake, order())[0].seed == 7
    assert fake.stats()["downs"] == 1


def test_never_answering_authentication_leaves_connect_waiting(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(auth="never")

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sdk.Runware("test-key", url=fake.url).connect(), 0.5)

    asyncio.run(run())


def test_a_good_key_is_refused_once_on_reconnect(sdk: Any, fake: FakeRunware) -> None:
    fake.tell(auth="refuse_once_on_reconnect")

    async def admitted() -> bool:
        async with connected(fake) as client:
            return bool(client.isAuthenticated())

    assert [asyncio.run(admitted()) for _ in range(3)] == [True, False, True]


def test_the_ledger_survives_the_end_of_the_process(tmp_path: Path) -> None:
    given = order()
    with fake_runware(tmp_path) as fake:
        post(fake, given)
        os.kill(fake.pid, signal.SIGKILL)
    assert [charge.number for charge in fake.ledger()] == [0]
    assert len(fake.received()) == 1
    with fake_runware(tmp_path) as again:  # it has forgotten the task, and its books have not
        post(again, given)
        assert [charge.number for charge in again.ledger()] == [0, 1]
        assert again.stats()["spent"] == "0.0012"


def running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code_of_parent = (
        "import sys, threading; from pathlib import Path; from tests.fakes.runware.process import fake_runware\n"
        "with fake_runware(Path(sys.argv[1])) as fake:\n"
        "    print(fake.pid, flush=True)\n"
        "    threading.Event().wait(60)\n"
    )
    line = [sys.executable, "-c", code_of_parent, str(tmp_path)]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert running(pid)
        parent.kill()
    until(lambda: not running(pid))
    assert charges(tmp_path) == []
