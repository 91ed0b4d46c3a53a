"""The service behind the links: its tasks, what they cost, and what it answers. It knows of no socket."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections import Counter
from dataclasses import dataclass, field
from dataclasses import replace as changed
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakes.runware import checks
from tests.fakes.runware.ledger import Ledger
from tests.fakes.runware.pictures import MIME, Picture
from tests.fakes.runware.script import FAILURES, LOST, PIXEL_FAULTS, REFUSALS, Script, draw

__all__ = ["Message", "Service", "Task"]

Message = dict[str, list[dict[str, Any]]]  # {"data": [...]} or {"errors": [...]}


@dataclass(kw_only=True, eq=False)
class Task:
    """An imageInference task that was taken."""

    request: dict[str, Any]
    fault: str
    pictures: list[Picture]
    price: Decimal  # of one picture
    failure: dict[str, Any] | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def cost(self) -> Decimal:
        return self.price * len(self.pictures)


class Service:
    """The account and its tasks. `images` is the address under which pictures are served, with a slash at its end."""

    def __init__(self, folder: Path, script: Script) -> None:
        self.script = script
        self.ledger = Ledger(folder)
        self.images = ""
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.most_at_once = 0
        self.pictures: dict[str, Picture] = {}  # by their file names
        self.uploads: dict[str, bytes] = {}
        self._tasks: dict[str, Task] = {}
        self._asked: set[str] = set()  # for by getResponse
        self._in_work: set[Task] = set()
        self._seen: Counter[str] = Counter()
        self._running: set[asyncio.Task[None]] = set()

    # -- taking a task and doing it ----------------------------------------------------------------------------------

    def take(self, request: dict[str, Any]) -> Task:
        """Takes a task, or raises Refused. One of LOST comes back for its fault alone: the service does not know it."""
        self.counts["image_tasks"] += 1
        checks.check_image_task(request, self.script)
        if request["taskUUID"] in self._tasks and self.script.duplicates == "conflict":
            message = "A task with this taskUUID exists already."
            raise checks.Refused(checks.error("conflictTaskUUID", message, request, "taskUUID"))
        task = self._ordered(request)
        owed = self.ledger.spent + sum((other.cost for other in self._in_work), Decimal(0))
        if self.script.credits is not None and owed + task.cost > Decimal(self.script.credits):
            told = request if self.script.credits_error_has_task_uuid else None
            raise checks.Refused(checks.error("insufficientCredits", "Insufficient credits. Top up your wallet.", told))
        if self.script.max_at_once is not None and len(self._in_work) >= self.script.max_at_once:
            raise checks.Refused(checks.error("rateLimitExceeded", "Too many tasks at once.", request))
        self._meet_fault(task)
        return task

    def _ordered(self, request: dict[str, Any]) -> Task:
        prompt, width_px, height_px = request["positivePrompt"], request["width"], request["height"]
        first = request.get("seed") or draw(self.script.seed, prompt, -1) // 2 + 1
        pictures = [
            Picture(
                uuid=str(uuid.uuid4()),
                prompt=prompt,
                seed=min(first + number, 2**63 - 1),
                width_px=width_px,
                height_px=height_px,
                format=request.get("outputFormat", "JPG"),
                quality=request.get("outputQuality", 95),
            )
            for number in range(request.get("numberResults", 1))
        ]
        return Task(request=request, fault="", pictures=pictures, price=self.script.price(width_px, height_px))

    def _meet_fault(self, task: Task) -> None:
        """Draws the task's fault; registers the task and starts it, unless the fault keeps it out."""
        prompt = task.request["positivePrompt"]
        fault = self.script.fault(self.counts["image_tasks_counted"], prompt, self._seen[prompt])
        self.counts["image_tasks_counted"] += 1
        self._seen[prompt] += 1
        task.fault = fault
        if fault in REFUSALS:
            parameter = "scheduler" if fault == "unsupported" else ""
            raise checks.Refused(checks.error(REFUSALS[fault], "The request was refused.", task.request, parameter))
        if fault == "error_without_uuid":
            raise checks.Refused(checks.error("internalServerError", "Something went wrong."))
        if fault in LOST:
            return
        task.pictures = [changed(picture, fault=fault) for picture in task.pictures]
        self._tasks[task.request["taskUUID"]] = task
        self._in_work.add(task)
        self.most_at_once = max(self.most_at_once, len(self._in_work))
        running = asyncio.get_running_loop().create_task(self._do(task))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _do(self, task: Task) -> None:
        await asyncio.sleep(self.script.service_s)
        self._in_work.discard(task)
        if task.fault in FAILURES:
            task.failure = checks.error(FAILURES[task.fault], "The task failed.", task.request)
        else:
            for number, picture in enumerate(task.pictures):
                self.pictures[picture.name] = picture
                self.ledger.charge(
                    task_uuid=task.request["taskUUID"],
                    prompt=picture.prompt,
                    seed=picture.seed,
                    model=task.request["model"],
                    width_px=picture.width_px,
                    height_px=picture.height_px,
                    steps=task.request.get("steps"),
                    cost=task.price,
                    result=number,
                )
        task.done.set()

    # -- answering ---------------------------------------------------------------------------------------------------

    def refused(self, error: dict[str, Any]) -> Message:
        """The answer to what was not taken, counted."""
        self.errors[error["code"]] += 1
        return {"errors": [error]}

    async def answer(self, task: Task, *, looked_up: bool = False) -> Message:
        """A finished task's results, or its error. Only what is looked up says its status."""
        if task.failure:
            return self.refused(task.failure | ({"status": "error"} if looked_up else {}))
        status = {"status": "success"} if looked_up else {}
        data = [await self._result(task, picture) | status for picture in task.pictures]
        return {"data": data * (2 if task.fault == "result_twice" and not looked_up else 1)}

    async def _result(self, task: Task, picture: Picture) -> dict[str, Any]:
        request, missing = task.request, task.fault == "missing"
        result: dict[str, Any] = {"taskType": "imageInference", "taskUUID": request["taskUUID"]}
        result |= {"imageUUID": picture.uuid, "seed": picture.seed}
        wanted = checks.output_types(request)
        if "URL" in wanted:
            result["imageURL"] = None if missing else self.images + picture.name
        if {"base64Data", "dataURI"} & {*wanted} and not missing:
            shown = picture if task.fault in PIXEL_FAULTS else changed(picture, fault="")
            coded = base64.b64encode(await asyncio.to_thread(shown.data)).decode()
            as_uri = f"data:{MIME[picture.format]};base64,{coded}"
            result |= {"imageBase64Data": coded} if "base64Data" in wanted else {}
            result |= {"imageDataURI": as_uri} if "dataURI" in wanted else {}
        if request.get("includeCost"):
            result["cost"] = float(task.price)
        if (request.get("safety") or {}).get("checkContent") or request.get("checkNSFW"):
            result["NSFWContent"] = task.fault == "nsfw"
        return result

    async def look_up(self, request: dict[str, Any]) -> Message | None:
        """What getResponse tells; None stands for silence."""
        self.counts["get_response"] += 1
        task = self._tasks.get(str(request.get("taskUUID")))
        if self.script.lookup == "never":
            return None
        code = {"limited_once": "rateLimitExceeded", "failing_once": "internalServerError"}.get(self.script.lookup)
        if code and str(request.get("taskUUID")) not in self._asked:
            self._asked.add(str(request.get("taskUUID")))
            return self.refused(checks.error(code, "The question was refused.", request))
        if task is not None and self.script.lookup == "expired":
            return self.refused(checks.error("taskExpired", "The task has expired.", request))
        if task is None or self.script.lookup == "unknown":
            return self.refused(checks.error("taskNotFound", "There is no such task.", request, "taskUUID"))
        if not task.done.is_set():
            named = {"taskType": "imageInference", "taskUUID": task.request["taskUUID"]}
            return {"data": [named | {"status": "processing"}]}
        return await self.answer(task, looked_up=True)

    def upload(self, request: dict[str, Any]) -> Message:
        """Keeps an uploaded picture, which is served like the made ones."""
        coded = str(request.get("image", "")).rpartition(",")[2]
        try:
            checks.check_uuid(request)
            data = base64.b64decode(coded, validate=True)
        except checks.Refused as refused:
            return self.refused(refused.error)
        except ValueError:
            return self.refused(checks.error("invalidImage", "The image is no base64.", request, "image"))
        name = str(uuid.uuid4())
        self.uploads[name] = data
        named = {"taskType": request["taskType"], "taskUUID": request["taskUUID"]}
        return {"data": [named | {"imageUUID": name, "imageURL": self.images + name}]}

    def stats(self) -> dict[str, Any]:
        """What happened so far, in numbers."""
        return {
            "image_tasks": self.counts["image_tasks"],
            "in_work": len(self._in_work),
            "most_at_once": self.most_at_once,
            "get_response": self.counts["get_response"],
            "charges": self.ledger.count,
            "spent": str(self.ledger.spent),
            "errors": dict(self.errors),
        }
