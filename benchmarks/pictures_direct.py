"""Pictures bought by the provider itself, without a run around it: mixed faults, the rate, an outage.

The service is the fake of `tests.fakes.runware` in a process of its own, spoken to by the official SDK.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.pictures_books import compared
from qmv.api import ImageRequest, Outcome, Purchases
from qmv.engine.ledger import Order
from tests.fakes.runware.pictures import Picture
from tests.fakes.runware.process import fake_runware
from tests.fakes.runware.script import Script

__all__ = ["KEY", "outage", "rate", "under_faults"]

KEY = "rw-kept-out-of-every-file-5d1f"
_SIDE_PX = 512
_PASSES = 6
_PRICES = {"runware:100@1": {"usd": 0.0006, "width": _SIDE_PX, "height": _SIDE_PX, "steps": 4}}
_MIXED = {
    "rate_limit": 0.05, "timeout_provider": 0.03, "internal_error": 0.03, "drop_abrupt": 0.04, "drop_clean": 0.03,
    "drop_1012": 0.02, "drop_before": 0.03, "silent": 0.02, "silent_lost": 0.02, "freeze": 0.005,
    "result_twice": 0.03, "corrupt": 0.03, "truncated": 0.02, "wrong_size": 0.01, "blank": 0.01, "missing": 0.02,
    "http_404": 0.01, "http_500_once": 0.03, "http_slow": 0.02, "http_reset": 0.02, "content": 0.01,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Watched(Purchases):
    """Notes when a picture's turn begins: that is when its earlier orders are asked for."""

    began: dict[ImageRequest, float] = field(default_factory=dict)

    def pending(self, request: ImageRequest) -> list[Order]:
        self.began[request] = time.monotonic()
        return super().pending(request)


@dataclass(kw_only=True)
class _Bought:
    """What became of a batch. `longest_s` is the most that any outcome took from its turn's begin; `wrong`: pictures
    that are not the ones that were asked for."""

    wall_s: float = 0.0
    delivered: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)
    longest_s: float = 0.0
    done_at: list[float] = field(default_factory=list)


def _requests(count: int) -> list[ImageRequest]:
    from qmv.testing import image_request

    return [
        image_request(
            index=number, seed=number + 1, width_px=_SIDE_PX, height_px=_SIDE_PX, prompt=f"picture number {number}"
        )
        for number in range(count)
    ]


def _bought(
    folder: Path, url: str, wanted: Sequence[ImageRequest], on_outcome: Callable[[int], None] | None = None, **more: Any
) -> _Bought:
    """Buys a batch with the ledger in `folder`; `on_outcome` gets how many outcomes came."""
    from qmv.plugins.image.runware import Runware
    from qmv.testing import trial_purchases

    os.environ["RUNWARE_API_KEY"] = KEY
    provider = Runware(url=url, prices=_PRICES, **more)
    plain = trial_purchases(folder, provider, wanted)
    purchases = _Watched(account=plain.account, wanted=plain.wanted)
    found, began = _Bought(), time.monotonic()
    for count, outcome in enumerate(provider.render_all(wanted, purchases), 1):
        found.done_at.append(time.monotonic() - began)
        if outcome.request in purchases.began:
            found.longest_s = max(found.longest_s, time.monotonic() - purchases.began[outcome.request])
        _note(found, outcome, purchases)
        if on_outcome is not None:
            on_outcome(count)
    found.wall_s = time.monotonic() - began
    return found


def _note(found: _Bought, outcome: Outcome, purchases: Purchases) -> None:
    request = outcome.request
    if outcome.image is None:
        found.errors.append(str(outcome.error))
        return
    purchases.kept(outcome.order)
    found.delivered.add(request.index)
    picture = Picture(uuid="", prompt=request.prompt, seed=request.seed, width_px=_SIDE_PX, height_px=_SIDE_PX)
    if outcome.image != picture.data():
        found.wrong.append(request.index)


# -- the three measurements ------------------------------------------------------------------------------------------


def under_faults(
    folder: Path,
    seed: int,
    duplicates: str,
    count: int,
    *,
    deadline_s: float = 40,
    answer_s: float = 4,
    slow_s: float = 3,
    late_s: float = 5,
) -> dict[str, Any]:
    """A batch under mixed faults; what failed is asked for again until all is there, under the same faults. An outcome
    may come `late_s` after its deadline."""
    script = Script(
        key=KEY, service_s=0.1, cost="0.0019437", seed=seed, faults=_MIXED, duplicates=duplicates, slow_s=slow_s
    )
    settings = {"concurrency": 8, "answer_s": answer_s, "deadline_s": deadline_s}
    wanted = _requests(count)
    with _fake(folder, script) as fake:
        batches: list[_Bought] = []
        while wanted and len(batches) < _PASSES:
            batches.append(_bought(folder, fake.url, wanted, **settings))
            wanted = [request for request in wanted if request.index not in batches[-1].delivered]
        asked = len([line for line in fake.received() if line["taskType"] == "imageInference"])
    first, books = batches[0], compared(folder / "fake", folder / "ledger.sqlite", script)
    longest_s = max(batch.longest_s for batch in batches)
    faults = books.faults + _of_batch(batches, [] if not wanted else [f"{len(wanted)} pictures never came"])
    if longest_s > deadline_s + late_s:
        faults.append(f"an outcome came {longest_s:.1f} s after its turn had begun")
    if len(first.delivered) + len(first.errors) != count:
        faults.append("a picture has no outcome")
    return {
        "seed": seed, "duplicates": duplicates, "pictures": count, "delivered": len(first.delivered),
        "failed": len(first.errors), "reasons": dict(Counter(map(_reason, first.errors))), "passes": len(batches),
        "messages": asked, "longest_s": round(longest_s, 1),
        "wall_s": round(first.wall_s, 1), "faults": faults, **books.told(),
    }  # fmt: skip


def rate(folder: Path, count: int, at_once: int, service_s: float = 1.0) -> dict[str, Any]:
    """A batch without a fault, against the time that the service itself takes."""
    script = Script(key=KEY, service_s=service_s)
    with _fake(folder, script) as fake:
        batch = _bought(folder, fake.url, _requests(count), concurrency=at_once)
        most = fake.stats()["most_at_once"]
    books = compared(folder / "fake", folder / "ledger.sqlite", script)
    faults = books.faults + _of_batch([batch], batch.errors)
    least_s = count / at_once * service_s
    return {
        "pictures": count, "at_once": at_once, "most_at_once": most, "delivered": len(batch.delivered),
        "wall_s": round(batch.wall_s, 2), "least_s": least_s, "ratio": round(batch.wall_s / least_s, 3),
        "faults": faults, **books.told(),
    }  # fmt: skip


def outage(folder: Path, count: int, down_s: float) -> dict[str, Any]:
    """A batch in whose middle nobody listens for a while, and what was connected is reset."""
    script = Script(key=KEY, service_s=0.5, duplicates="rerun")
    with _fake(folder, script) as fake:
        middle = count // 3

        def go_down(outcomes: int) -> None:
            if outcomes == middle:
                fake.down(down_s)

        batch = _bought(folder, fake.url, _requests(count), go_down)
    books = compared(folder / "fake", folder / "ledger.sqlite", script)
    faults = books.faults + _of_batch([batch], batch.errors)
    gap_s = max(after - before for before, after in zip(batch.done_at, batch.done_at[1:]))
    return {
        "pictures": count, "delivered": len(batch.delivered), "down_s": down_s, "longest_pause_s": round(gap_s, 1),
        "wall_s": round(batch.wall_s, 1), "faults": faults, **books.told(),
    }  # fmt: skip


def _fake(folder: Path, script: Script) -> Any:
    return fake_runware(folder / "fake", **asdict(script))


def _of_batch(batches: list[_Bought], more: list[str]) -> list[str]:
    wrong = sum(len(batch.wrong) for batch in batches)
    return [*more, *([f"{wrong} pictures are not what was asked for"] if wrong else [])]


def _reason(error: str) -> str:
    """An error without its picture's number."""
    return error.split(": ", 2)[-1][:80]
