"""Steps of a run, and what they work in."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from qmv.api.plugin import Plugin
from qmv.artifacts import Artifact, Song
from qmv.engine.cache import Cache
from qmv.engine.ledger import Account
from qmv.errors import PluginError
from qmv.events import Event, Notice, PictureReady, Progress

__all__ = ["Context", "Stage"]


@dataclass(kw_only=True)
class Context:
    """What a stage works in. `folder` is empty and is kept with the stage's artifact; files go there.

    `offers` is for a dry run: what the stage would buy, by its key in the cache, and for how many US dollars.
    """

    node: str
    folder: Path
    cache: Cache
    run_folder: Path
    workers: int
    publish: Callable[[Event], None]
    parallel: Callable[..., Generator[tuple[int, Any], None, None]]
    account: Account
    counts: dict[str, Any] = field(default_factory=dict)
    offers: dict[str, Decimal | None] = field(default_factory=dict)

    def progress(self, done: int, total: int, unit: str, *, reused: int = 0, detail: str = "") -> None:
        """Tells how far the stage is, in pieces of its own kind; the last call goes to the manifest, less `detail`."""
        self.counts |= {"unit": unit, "total": total, "made": done - reused, "reused": reused}
        self.publish(Progress(node=self.node, done=done, total=total, unit=unit, reused=reused, detail=detail))

    def picture(self, index: int, file: Path) -> None:
        """Tells that the picture of a shot (counted from 0) is there, for those who want to see it before the video;
        `file` stays in the cache."""
        self.publish(PictureReady(node=self.node, index=index, file=str(file.absolute())))

    def notice(self, message: str) -> None:
        """Tells the user a sentence that matters though the run goes on."""
        self.publish(Notice(node=self.node, message=message))

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """(index, function(item)) as the results come, from `workers` processes; items and results are pickled.

        An item whose process the system ends is done again, so doing it twice must not matter. Whoever stops looking
        before the end, by an error or Ctrl-C, has no worker left when it goes on.
        """
        with closing(self.parallel(function, list(items), self.workers)) as results:
            yield from results


class Stage(Plugin):
    """A step of the run: `run(self, ctx, **inputs)` names what it reads, its node's name is what it makes.

    An input with the default None (`proof: SyncProof | None = None`) is given where the graph has such a node.

    Fields whose type is a kind of plugin (`tracker: Tracker`, `effects: tuple[Effect, ...]`) are filled from the
    config group of that kind.
    """

    kind = "stage"
    cached: ClassVar[bool] = True
    by_result: ClassVar[bool] = False  # what reads it hangs on what it made, not on how it was made
    after: ClassVar[tuple[str, ...]] = ()  # nodes that come first where the graph has them, though it reads nothing
    run: Callable[..., Artifact]

    @property
    def planning(self) -> bool:
        """Whether it costs no money and the rest of the plan hangs on it, so that a dry run does it too."""
        return False

    def ready(self, ctx: Context) -> None:
        """Raises QmvError where it cannot work here, such as for want of a key, before anything is made."""

    def draft(self, ctx: Context, **inputs: Any) -> Artifact | None:
        """What a dry run goes on with in place of a result that would cost money; None where there is nothing."""
        return None

    def foresee(self, song: Song) -> None:
        """Raises QmvError for a song that the stage cannot work with, before anything is made or paid for."""

    def forecast(self, ctx: Context, **inputs: Any) -> str:
        """What a run would do, without doing it: '3 pictures to make, 29 cached'. Has the inputs that exist already."""
        return ""

    def review(self, ctx: Context, made: Any, **inputs: Any) -> None:
        """Sees each result before it is used, also one from the cache; raises QmvError for one that must not be."""

    @classmethod
    def inputs(cls) -> dict[str, type]:
        """The inputs by parameter name, with the artifact type that each must have."""
        run = cls.__dict__.get("run") or cls.run
        hints = typing.get_type_hints(run)
        names = [name for name in inspect.signature(run).parameters if name not in ("self", "ctx")]
        if missing := [name for name in [*names, "return"] if name not in hints]:
            raise PluginError(f"stage ({cls.name}): run() has no annotation for {', '.join(missing)}; add its type.")
        return {name: _without_none(hints[name]) for name in names}

    @classmethod
    def optional(cls) -> set[str]:
        """The inputs that it can do without."""
        run = cls.__dict__.get("run") or cls.run
        parameters = inspect.signature(run).parameters
        return {name for name, parameter in parameters.items() if parameter.default is None}

    @classmethod
    def makes(cls) -> type[Artifact]:
        """The type of the artifact that `run` returns."""
        cls.inputs()
        return typing.cast(type[Artifact], typing.get_type_hints(cls.__dict__.get("run") or cls.run)["return"])


def _without_none(hint: Any) -> Any:
    """`Video` of `Video | None`."""
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return hint
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    return parts[0] if len(parts) == 1 else hint
