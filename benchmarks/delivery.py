"""Shows what a delivery to Google Cloud Storage costs, and that none is lost, half visible or doubled.

Four parts: how quickly films of two sizes go to an emulator, beside the library's own upload; a hundred films over a
connection that breaks by a seed, with a reader that looks all the time; one film whose sender is killed with SIGKILL
again and again; and the memory that a sparse file of 4 GB takes, sent to a fake that forgets what it gets. All run on
this machine, the senders in processes of their own. Exits with 1 where anything does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import REPO, table, write_json
from tests.fakes.gcs.process import emulator, fake_gcs
from tests.fakes.proxy import Proxy, proxy

PARTS = ("sizes", "faults", "kills", "memory")
MAX_MEMORY_MB = 64.0
MAX_RESENT = 1.5  # of a film's bytes, where its sender is killed `KILLS` times
KILLS = 10
FAULTS = {"reset": 0.05, "lost": 0.05, "cut": 0.02, "unavailable": 0.06, "stall": 0.02, "stall_s": 1.2}
GRAIN = 256 << 10

# what a sender does: told by JSON what to send, it tells by JSON what that took
_SENDER = """
import json, os, resource, sys, time
from pathlib import Path
from qmv.artifacts import File
from qmv.objects.delivery import deliver
from qmv.objects.gcs import GcsStore
from qmv.objects.store import Upload

def rss_mb():
    told = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
    return int(told) / 1e3

given = json.loads(sys.argv[1])
settings = {name: tuple(value) if isinstance(value, list) else value for name, value in given["store"].items()}
store = GcsStore(where="storage (gcs)", bucket="films", **settings)
store.link()
films = [(key, File.of(Path(path))) for key, path in given["films"]]
store.look("nothing")
before_mb, began, began_cpu = rss_mb(), time.perf_counter(), time.process_time()
for key, film in films:
    if given["by"] == "library":
        blob = store.blob(key)
        blob.chunk_size = store.chunk_bytes
        blob.upload_from_filename(film.path)
    else:
        memory = Path(given["memory"]) if given["memory"] else None
        upload = Upload(file=film, key=key, content_type="video/mp4", memory=memory)
        deliver(store, upload, overwrite=False, progress=lambda done: None)
wall_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "before_mb": before_mb, "peak_mb": peak_mb}))
"""


def main() -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.delivery", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="20 MB, 10 films, 3 kills, a file of 256 MB")
    made.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts (all)")
    made.add_argument("--seed", type=int, default=1, help="of the faults and the kills (1)")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    options = made.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="qmv-delivery-") as name:
        for part in options.only:
            work = Path(name) / part
            work.mkdir()
            figures[part] = _PARTS[part](work, options.quick, options.seed)
    write_json(options.json, "delivery", figures)
    return 1 if any(run["faults"] for part in options.only for run in figures[part]) else 0


# -- the parts: each measures, prints a table, and gives its figures -------------------------------------------------


def _sizes(work: Path, quick: bool, seed: int) -> list[dict[str, Any]]:
    found = []
    for size_mb in (20,) if quick else (20, 300):
        film = _made(work / f"{size_mb}.mp4", size_mb * 1_000_000, seed)
        for kind in ("emulator, memory", "emulator, disk", "fake, forgets"):
            with _service(work / f"{size_mb}-{kind}", kind) as env:
                for by in ("qmv", "library"):
                    told = _sent([(f"{by}.mp4", film)], env, by=by)
                    rate = round(size_mb / told["wall_s"], 1)
                    about = {"size_mb": size_mb, "to": kind, "by": by, "mb_per_s": rate, "faults": []}
                    found.append(about | _rounded(told))
    names = ("by", "size_mb", "to", "wall_s", "mb_per_s", "cpu_s", "above_mb")
    _print(
        "one film in chunks of 8 MiB; 'qmv' reads checksums first and verifies, 'library' is upload_from_filename",
        ("by", "MB", "to", "s", "MB/s", "CPU s", "peak MB above start"), names, found,
    )  # fmt: skip
    return found


def _faults(work: Path, quick: bool, seed: int) -> list[dict[str, Any]]:
    count, found = 10 if quick else 100, []
    films = [(f"{number}.mp4", _made(work / f"{number}.mp4", 4 * GRAIN + number, number)) for number in range(count)]
    for kind in ("emulator", "fake"):
        with contextlib.ExitStack() as open_:
            if kind == "fake":
                fake = open_.enter_context(fake_gcs(work / "fake", open=True))
                port, settings = fake.port, {"GOOGLE_APPLICATION_CREDENTIALS": str(fake.key)}
            else:
                port, settings = open_.enter_context(emulator(work / "emulator")), {}
                _emulated(port)
            broken = open_.enter_context(proxy(work / f"proxy-{kind}", upstream_port=port, seed=seed, **FAULTS))
            name = "API_ENDPOINT_OVERRIDE" if kind == "fake" else "STORAGE_EMULATOR_HOST"
            store = {"chunk_bytes": GRAIN, "first_wait_s": 0.05, "timeouts_s": [2, 1]}
            with _watched(port, films) as seen:
                told = _sent(films, settings | {name: broken.url}, store=store)
            found.append({"to": kind, "films": count} | _rounded(told) | _under_faults(broken, films, seen, port))
    names = ("to", "films", "requests", "met", "lost", "half", "doubled", "resent", "wall_s", "verdict")
    _print(
        f"films of 1 MB in chunks of 256 KiB over a connection that breaks, seed {seed}",
        ("to", "films", "requests", "of them broken", "lost", "seen half", "doubled", "sent / size", "s", "verdict"),
        names, found,
    )  # fmt: skip
    return found


def _under_faults(broken: Proxy, films: list[tuple[str, Path]], seen: _Seen, port: int) -> dict[str, Any]:
    requests = broken.requests()
    lost = [key for key, path in films if _stands(port, key) != path.stat().st_size]
    doubled = [key for key, versions in seen.versions.items() if len(versions) > 1]
    size = sum(path.stat().st_size for _, path in films)
    faults = [f"{len(bad)} {what}" for what, bad in (("lost", lost), ("half", seen.half), ("doubled", doubled)) if bad]
    return {
        "requests": len(requests), "met": sum(bool(line["fault"]) for line in requests),
        "met_by_kind": dict(Counter(line["fault"] for line in requests if line["fault"])),
        "lost": len(lost), "half": len(seen.half), "doubled": len(doubled), "looks": seen.looks,
        "resent": round(broken.sent_bytes() / size, 3), "faults": faults,
    }  # fmt: skip


def _kills(work: Path, quick: bool, seed: int) -> list[dict[str, Any]]:
    count, size = 3 if quick else KILLS, 64 << 20
    film, chance = _made(work / "film.mp4", size, seed), random.Random(seed)
    points = sorted(chance.sample(range(1 << 20, size), count))
    with (
        fake_gcs(work / "fake") as fake,
        proxy(work / "proxy", upstream_port=fake.port, hold_after=tuple(points)) as broken,
    ):
        env = {"API_ENDPOINT_OVERRIDE": broken.url, "GOOGLE_APPLICATION_CREDENTIALS": str(fake.key)}
        command = _command([("film.mp4", film)], store={"chunk_bytes": 4 << 20}, memory=str(work / "memory.json"))
        killed = sum(_killed(command, env, broken, number) for number in range(count))
        told = _sent([("film.mp4", film)], env, store={"chunk_bytes": 4 << 20}, memory=str(work / "memory.json"))
        sent = broken.sent_bytes()
        sessions = sum(line["path"].startswith("/upload") for line in fake.requests("POST"))
    ratio = round(sent / size, 3)
    faults = [f"{killed} of {count} kills"] if killed < count else []
    faults += [f"{sessions} sessions"] if sessions != 1 else []
    faults += [f"sent {ratio} of the film, at most {MAX_RESENT}"] if ratio > MAX_RESENT else []
    found = [
        {"kills": killed, "size_mb": round(size / 1e6, 1), "sessions": sessions, "resent": ratio, "faults": faults}
        | {"last_s": round(told["wall_s"], 2)}
    ]
    names = ("kills", "size_mb", "sessions", "resent", "last_s", "verdict")
    _print(
        "SIGKILL of the sender in the middle of a chunk, then the same command again, chunks of 4 MiB",
        ("kills", "MB", "sessions", "sent / size", "the last one's s", "verdict"), names, found,
    )  # fmt: skip
    return found


def _killed(command: list[str], env: dict[str, str], broken: Proxy, number: int) -> bool:
    """Starts a sender and kills it when the proxy holds its bytes back; whether it came to that."""
    with subprocess.Popen(command, cwd=REPO, env=_environment(env), stdout=subprocess.DEVNULL) as sender:
        until = time.monotonic() + 60
        while sender.poll() is None and time.monotonic() < until:
            if sum(line["fault"] == "hold" for line in broken.requests()) > number:
                sender.kill()
                return True
            time.sleep(0.02)
        sender.kill()
    return False


def _memory(work: Path, quick: bool, seed: int) -> list[dict[str, Any]]:
    size = 256 << 20 if quick else 4_000_000_000
    film = work / "sparse.mp4"
    with film.open("wb") as stream:
        stream.truncate(size)
    with _service(work / "fake", "fake") as env:
        told = _rounded(_sent([("film.mp4", film)], env))
    about = {"size_mb": round(size / 1e6), "chunk_mb": 8.4, "mb_per_s": round(size / 1e6 / told["wall_s"], 1)}
    above = told["above_mb"]
    found = [about | told | {"faults": [f"{above} MB, at most {MAX_MEMORY_MB}"] if above > MAX_MEMORY_MB else []}]
    _print(
        "a sparse file to a fake that keeps checksums only; with checksums and verification",
        ("MB", "s", "MB/s", "CPU s", "MB at start", "peak MB above it", "verdict"),
        ("size_mb", "wall_s", "mb_per_s", "cpu_s", "before_mb", "above_mb", "verdict"), found,
    )  # fmt: skip
    return found


_PARTS: dict[str, Callable[[Path, bool, int], list[dict[str, Any]]]] = {
    "sizes": _sizes, "faults": _faults, "kills": _kills, "memory": _memory,
}  # fmt: skip


# -- senders and what they send --------------------------------------------------------------------------------------


def _made(path: Path, size_bytes: int, seed: int) -> Path:
    """A file of noise."""
    with path.open("wb") as stream:
        chance, left = random.Random(seed), size_bytes
        while left > 0:
            left -= stream.write(chance.randbytes(min(left, 1 << 20)))
    return path


def _command(films: list[tuple[str, Path]], *, store: Any = None, by: str = "qmv", memory: str = "") -> list[str]:
    given = {"films": [(key, str(path)) for key, path in films], "store": store or {}, "by": by, "memory": memory}
    return [sys.executable, "-c", _SENDER, json.dumps(given)]


def _sent(films: list[tuple[str, Path]], env: dict[str, str], **more: Any) -> dict[str, Any]:
    """What a sender tells when it is done; raises RuntimeError where it fails."""
    done = subprocess.run(_command(films, **more), cwd=REPO, env=_environment(env), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _environment(more: dict[str, str]) -> dict[str, str]:
    """This machine's, without anybody's credentials and away from Google."""
    ours = ("STORAGE_EMULATOR_HOST", "API_ENDPOINT_OVERRIDE", "GOOGLE_APPLICATION_CREDENTIALS")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"HTTPS_PROXY": "http://127.0.0.1:9", "PYTHONPATH": str(REPO)} | more


def _rounded(told: dict[str, Any]) -> dict[str, Any]:
    above = max(0.0, told["peak_mb"] - told["before_mb"])
    times = {name: round(told[name], 2) for name in ("wall_s", "cpu_s")}
    return times | {"before_mb": round(told["before_mb"], 1), "above_mb": round(above, 1)}


# -- what stands -----------------------------------------------------------------------------------------------------


class _Seen:
    """What a reader saw."""

    def __init__(self) -> None:
        self.half: list[str] = []
        self.versions: dict[str, set[str]] = {}
        self.looks = 0


@contextlib.contextmanager
def _watched(port: int, films: list[tuple[str, Path]]) -> Iterator[_Seen]:
    """Looks at the films past the proxy, one after the other, as long as the block runs."""
    seen, ended = _Seen(), threading.Event()

    def look() -> None:
        while not ended.is_set():
            for key, path in films:
                found = _about(port, key)
                seen.looks += 1
                if found is not None:
                    seen.versions.setdefault(key, set()).add(found["generation"])
                    seen.half += [key] if int(found["size"]) != path.stat().st_size else []
                if ended.wait(0.02):
                    break

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _stands(port: int, key: str) -> int:
    found = _about(port, key)
    return int(found["size"]) if found else -1


def _about(port: int, key: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/storage/v1/b/films/o/{key}") as answer:
            told: dict[str, Any] = json.load(answer)
            return told
    except OSError:
        return None


@contextlib.contextmanager
def _service(folder: Path, kind: str) -> Iterator[dict[str, str]]:
    """Runs a service of a kind; gives the environment of a sender."""
    if kind.startswith("fake"):
        with fake_gcs(folder, forget_bodies=True) as fake:
            yield {"API_ENDPOINT_OVERRIDE": fake.url, "GOOGLE_APPLICATION_CREDENTIALS": str(fake.key)}
    else:
        with emulator(folder, memory="memory" in kind) as port:
            yield _emulated(port)


def _emulated(port: int) -> dict[str, str]:
    """Makes the bucket; gives the environment of a sender."""
    url, kind = f"http://127.0.0.1:{port}", {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{url}/storage/v1/b?project=p", data=b'{"name": "films"}', headers=kind)
    with urllib.request.urlopen(asked):
        return {"STORAGE_EMULATOR_HOST": url}


def _print(title: str, columns: tuple[str, ...], names: tuple[str, ...], found: list[dict[str, Any]]) -> None:
    verdicts = [run | {"verdict": "; ".join(run["faults"]) or "good"} for run in found]
    table(title, columns, [[run[name] for name in names] for run in verdicts])


if __name__ == "__main__":
    sys.path.insert(0, str(REPO))
    sys.exit(main())
