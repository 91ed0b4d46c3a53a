"""What the fake remembers: who is in work, what was charged, and what each Idempotency-Key was answered."""

from __future__ import annotations

import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakes.openai_images.script import Script
from tests.fakes.runware.script import draw
from tests.fakes.serving import append, lines

__all__ = ["Account"]


class Account:
    """The books of one fake, after what an earlier process wrote in its folder. Used by many threads."""

    def __init__(self, folder: Path, script: Script) -> None:
        self._script = script
        self._ledger, self._received = folder / "ledger.jsonl", folder / "received.jsonl"
        earlier = lines(self._ledger)
        self._charged = Counter((line["prompt"], line["seed"]) for line in earlier)
        self._seeds = {line["idempotency_key"]: line["drawn_seed"] for line in earlier if line["idempotency_key"]}
        self._seen: Counter[str] = Counter()
        self._count = self._in_work = 0
        self._lock = threading.Lock()
        self._keys: dict[str, threading.Lock] = {}

    def receive(self, line: dict[str, Any]) -> None:
        """Notes a request as it came."""
        with self._lock:
            append(self._received, line)

    def enter(self) -> bool:
        """Takes a place for a request that is in work; False where there is none left."""
        with self._lock:
            most = self._script.max_at_once
            if most is not None and self._in_work >= most:
                return False
            self._in_work += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._in_work -= 1

    def fault(self, prompt: str) -> str:
        """The fault of the request that comes next."""
        with self._lock:
            fault = self._script.fault(self._count, prompt, self._seen[prompt])
            self._count += 1
            self._seen[prompt] += 1
            return fault

    def turn(self, key: str) -> threading.Lock:
        """What requests with the same Idempotency-Key wait for, one after the other."""
        with self._lock:
            return self._keys.setdefault(key, threading.Lock()) if self._honours(key) else threading.Lock()

    def charge(self, body: dict[str, Any], key: str) -> int:
        """Books a request, where its key is a new one, and gives the seed of its first picture; it is on the disk."""
        with self._lock:
            if self._honours(key) and key in self._seeds:
                return self._seeds[key]
            prompt, seed, count = body["prompt"], body.get("seed"), body.get("n", 1)
            number = self._charged[prompt, seed]
            drawn = draw(self._script.seed, prompt, number) % 2**31 if seed is None else int(seed)
            about = {"prompt": prompt, "seed": seed, "drawn_seed": drawn, "size": body.get("size", "auto")}
            cost = str(Decimal(self._script.cost) * count)
            more = {"model": body["model"], "n": count, "idempotency_key": key, "cost": cost, "at": time.time()}
            append(self._ledger, about | more | {"number": number})
            self._charged[prompt, seed] += 1
            self._seeds[key] = drawn
            return drawn

    def _honours(self, key: str) -> bool:
        return bool(key) and self._script.idempotency == "honoured"
