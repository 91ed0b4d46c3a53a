"""Shows that the service answers while it renders: the status asked for at a steady rate, and many listeners at once.

Two parts, each with the queue in a file (embedded) and in Redis with a Celery worker. `status` asks for the status of a
session whose video is being rendered, at a rate that does not wait for answers: a request's time counts from when it
was due, so a server that stalls cannot hide it. `listeners` opens many streams of events to one session and hears them
to their end: each must hear the same last state, and how long after the first of them the last one heard it is told.
The asking process runs on the same cores. Exits with 1 where anything does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import table, write_json
from benchmarks.service_client import Client, start
from benchmarks.service_process import QUEUES, Service, service

PARTS = ("status", "listeners")
MAX_P99_MS = 50.0
CONNECTIONS = 32
SESSION = "bench"


def main() -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.service", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="5 s, 200 listeners")
    made.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts (all)")
    made.add_argument("--queues", nargs="+", choices=QUEUES, default=QUEUES, help="kinds of queue (both)")
    made.add_argument("--rate", type=int, default=200, help="requests a second (200)")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    options = made.parse_args()
    seconds, listeners = (5.0, 200) if options.quick else (30.0, 1000)
    rows: list[dict[str, Any]] = []
    for part in options.only:
        for queue in options.queues:
            with tempfile.TemporaryDirectory(prefix="qmv-service-") as name, service(Path(name), queue) as running:
                if part == "status":
                    row = asyncio.run(_status(running, options.rate, seconds))
                else:
                    row = asyncio.run(_listeners(running, listeners))
            rows.append({"part": part, "queue": queue, **row})
    _print(rows)
    write_json(options.json, "service", {"runs": rows})
    return 1 if any(row["faults"] for row in rows) else 0


def _print(rows: list[dict[str, Any]]) -> None:
    for part, columns in _COLUMNS.items():
        if chosen := [row for row in rows if row["part"] == part]:
            table(part, ["queue", *columns], [[row["queue"], *(row[name] for name in columns)] for row in chosen])
    for row in rows:
        for fault in row["faults"]:
            print(f"{row['part']}, {row['queue']}: {fault}")


_COLUMNS = {
    "status": ("requests", "p50_ms", "p99_ms", "worst_ms", "web_cpu_s", "render_cpu_s"),
    "listeners": ("streams", "heard_the_end", "events_each", "spread_ms", "web_cpu_s", "web_mb"),
}


# -- status ----------------------------------------------------------------------------------------------------------


async def _status(running: Service, rate: int, seconds: float) -> dict[str, Any]:
    """Asks `rate` times a second; the render has to be in work before and after."""
    start(running, SESSION)
    await _until(running, "running")
    before = running.cpu_s()
    times_ms, statuses = await _asked(running, rate, seconds)
    web_s, render_s = (now - then for now, then in zip(running.cpu_s(), before))
    state = await _state(running)
    times_ms.sort()
    p99 = times_ms[int(len(times_ms) * 0.99)]
    faults = [] if state == "running" else [f"the render was {state} before the end"]
    faults += [] if set(statuses) == {200} else [f"answers {sorted(set(statuses))}"]
    faults += [] if p99 <= MAX_P99_MS else [f"p99 {p99:.1f} ms, allowed {MAX_P99_MS:g}"]
    return {
        "requests": len(times_ms), "rate": rate, "p50_ms": times_ms[len(times_ms) // 2], "p99_ms": p99,
        "worst_ms": times_ms[-1], "web_cpu_s": web_s, "render_cpu_s": render_s, "faults": faults,
    }  # fmt: skip


async def _asked(running: Service, rate: int, seconds: float) -> tuple[list[float], list[int]]:
    """Milliseconds from when each request was due, and the statuses."""
    free: asyncio.Queue[Client] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await Client.connected(running.url))
    times_ms: list[float] = []
    statuses: list[int] = []

    async def one(due: float) -> None:
        client = await free.get()
        status, _ = await client.get(f"/api/phase3/status/{SESSION}")
        times_ms.append((time.perf_counter() - due) * 1000)
        statuses.append(status)
        free.put_nowait(client)

    began, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (wait_s := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait().close()
    return times_ms, statuses


# -- listeners -------------------------------------------------------------------------------------------------------


async def _listeners(running: Service, count: int) -> dict[str, Any]:
    """Opens all streams while the video is rendered, and hears them to their end."""
    start(running, SESSION, minutes=0.25)
    await _until(running, "running")
    before = running.cpu_s()[0]
    heard = await asyncio.gather(*(_heard(running, number / 500) for number in range(count)))
    memory_mb = psutil.Process(running.web).memory_info().rss / 1e6
    ends = [time_s for _, last, time_s in heard if last == "finished"]
    spread_ms = (max(ends) - min(ends)) * 1000 if ends else 0.0
    faults = [] if len(ends) == count else [f"{count - len(ends)} of {count} did not hear the end"]
    events = sorted(number for number, _, _ in heard)
    return {
        "streams": count, "heard_the_end": len(ends), "events_each": events[len(events) // 2], "spread_ms": spread_ms,
        "web_cpu_s": running.cpu_s()[0] - before, "web_mb": memory_mb, "faults": faults,
    }  # fmt: skip


async def _heard(running: Service, wait_s: float) -> tuple[int, str, float]:
    """How many states one listener was told, the last one, and when that came."""
    await asyncio.sleep(wait_s)  # all at the same moment would only test the system's queue of connections
    client = await Client.connected(running.url)
    number, last, at = 0, "", 0.0
    async for event, data in client.events(f"/api/phase3/events/{SESSION}"):
        if event == "status":
            number, last, at = number + 1, json.loads(data)["status"], time.perf_counter()
    client.close()
    return number, last, at


# -- both ------------------------------------------------------------------------------------------------------------


async def _state(running: Service) -> str:
    client = await Client.connected(running.url)
    _, body = await client.get(f"/api/phase3/status/{SESSION}")
    client.close()
    return str(json.loads(body)["status"])


async def _until(running: Service, state: str, most_s: float = 60) -> None:
    until = time.monotonic() + most_s
    while (now := await _state(running)) != state:
        if time.monotonic() > until:
            raise RuntimeError(f"the session is {now}, not {state}, after {most_s:g} s; {running.told()}")
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    raise SystemExit(main())
