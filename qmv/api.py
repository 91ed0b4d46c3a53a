"""What a plugin author sees: one base class a kind, and the `Context` that a stage works in.

    from qmv.api import ImageProvider, plugin, setting

    @plugin
    class Solid(ImageProvider):
        name = "solid"
        colour: str = setting("the fill", default="#336699")

        def render(self, request): ...

A plugin is a frozen dataclass: its fields are its settings, its equality is its identity in the cache. Heavy
libraries are imported inside methods. Secrets are never fields: keep the name of the environment variable.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import inspect
import logging
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from qmv.artifacts import Artifact, Beats, Hints, Section, Shot, Style
from qmv.engine.cache import Cache
from qmv.errors import PluginError, QmvError
from qmv.events import Event, Notice, Progress
from qmv.media.camera import IDENTITY, Affine
from qmv.media.frame import Frame
from qmv.media.moments import Moment
from qmv.settings import check, plugin, setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


__all__ = [
    "IDENTITY", "Affine", "Brief", "Cache", "Context", "Effect", "Frame", "Hints", "ImageProvider", "ImageRequest",
    "Moment", "Motion", "Outcome", "Plugin", "Prompt", "Slot", "Stage", "Storage", "Tracker", "Transition", "Writer",
    "plugin", "setting",
]  # fmt: skip


log = logging.getLogger("qmv")

# -- every plugin ----------------------------------------------------------------------------------------------------


class Plugin(ABC):
    """One way to do one kind of job."""

    kind: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int] = 1  # raise it when the same settings give another result
    libraries: ClassVar[tuple[str, ...]] = ()  # distributions whose version changes the result

    def __post_init__(self) -> None:
        check(self)

    def content(self) -> Any:
        """What changes the result beside the settings, as plain values: hashes of the user's files, for instance."""
        return None

    def identity(self) -> dict[str, Any]:
        """Everything that changes this plugin's result, as plain values; part of each cache key."""
        keyed = (f.name for f in dataclasses.fields(self) if f.compare)  # type: ignore[arg-type]
        parts: dict[str, Any] = {
            "plugin": f"{self.kind}/{self.name}",
            "version": self.version,
            "settings": {name: _identity(getattr(self, name)) for name in keyed},
        }
        if self.libraries:
            parts["libraries"] = {name: self._version(name) for name in self.libraries}
        source = getattr(inspect.getmodule(type(self)), "__qmv_source__", None)  # a plugin file, by its bytes
        return parts | ({"source": source} if source else {}) | _content(self.content())

    def _version(self, library: str) -> str:
        try:
            return importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError as error:
            raise PluginError(
                f"{self.kind} ({self.name}): needs the package {library}, which is not installed; "
                f"install it with: python -m pip install {library}"
            ) from error


def _content(content: Any) -> dict[str, Any]:
    return {} if content is None else {"content": content}


def _identity(value: Any) -> Any:
    if isinstance(value, Plugin):
        return value.identity()
    if isinstance(value, (list, tuple)):
        return [_identity(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _identity(item) for key, item in value.items()}
    return value


# -- stages ----------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Context:
    """What a stage works in. `folder` is empty and is kept with the stage's artifact; files go there."""

    node: str
    folder: Path
    cache: Cache
    run_folder: Path
    workers: int
    publish: Callable[[Event], None]
    parallel: Callable[..., Iterator[tuple[int, Any]]]
    counts: dict[str, Any] = field(default_factory=dict)

    def progress(self, done: int, total: int, unit: str, *, reused: int = 0, detail: str = "") -> None:
        """Tells how far the stage is, in pieces of its own kind; the last call goes to the manifest, less `detail`."""
        self.counts = {"unit": unit, "total": total, "made": done - reused, "reused": reused}
        self.publish(Progress(node=self.node, done=done, total=total, unit=unit, reused=reused, detail=detail))

    def notice(self, message: str) -> None:
        """Tells the user a sentence that matters though the run goes on."""
        self.publish(Notice(node=self.node, message=message))

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """(index, function(item)) as the results come, from `workers` processes; items and results are pickled."""
        return self.parallel(function, list(items), self.workers)


class Stage(Plugin):
    """A step of the run: `run(self, ctx, **inputs)` names what it reads, its node's name is what it makes.

    Fields whose type is a kind of plugin (`tracker: Tracker`, `effects: tuple[Effect, ...]`) are filled from the
    config group of that kind.
    """

    kind = "stage"
    cached: ClassVar[bool] = True
    planning: ClassVar[bool] = False  # costs nothing, and the rest of the plan hangs on it: a dry run does it too
    after: ClassVar[tuple[str, ...]] = ()  # nodes that come first where the graph has them, though it reads nothing
    run: Callable[..., Artifact]

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
        return {name: hints[name] for name in names}

    @classmethod
    def makes(cls) -> type[Artifact]:
        """The type of the artifact that `run` returns."""
        cls.inputs()
        return typing.cast(type[Artifact], typing.get_type_hints(cls.__dict__.get("run") or cls.run)["return"])


# -- sound -----------------------------------------------------------------------------------------------------------


class Tracker(Plugin):
    """Finds the beats of a song."""

    kind = "tracker"

    @abstractmethod
    def track(self, samples: npt.NDArray[np.float32], rate_hz: int, hints: Hints) -> Beats:
        """The beats of a mono signal [n] in -1..1; no beats for silence, never an invented grid.

        `hints` narrow the search where the tracker can use them. Energy and sections are added afterwards.
        """


# -- words -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A shot that still wants its words."""

    index: int
    start_s: float
    end_s: float
    section: Section | None


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a writer knows: the song, the style and the shots to fill."""

    title: str
    artist: str
    style: Style
    slots: tuple[Slot, ...]
    seed: int


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The words of one shot. `framing` is the kind of shot in film terms ('close-up'); `seed` in 0..2**31-1."""

    text: str
    negative_text: str
    framing: str
    subject: str
    seed: int


class Writer(Plugin):
    """Writes the prompts of a whole song in one call, so that a story can hold together."""

    kind = "writer"

    @abstractmethod
    def write(self, brief: Brief) -> list[Prompt]:
        """One prompt a slot, in order."""


# -- pictures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """One picture to make. `look` and `palette` (hex colours, dark to light) help providers that draw."""

    index: int
    prompt: str
    negative_prompt: str
    seed: int
    framing: str
    subject: str
    look: str
    palette: tuple[str, ...]
    width_px: int
    height_px: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a request: the bytes of an image file, or the error that stopped it."""

    request: ImageRequest
    image: bytes | None = None
    error: QmvError | None = None
    cost: Decimal | None = None


class ImageProvider(Plugin):
    """Makes pictures."""

    kind = "image"
    threads: ClassVar[int] = 4  # how many pictures `render_all` makes at the same time

    @abstractmethod
    def render(self, request: ImageRequest) -> bytes:
        """The bytes of a PNG, JPEG or WEBP file of any size; it is cropped to the format afterwards."""

    def request_identity(self, request: ImageRequest) -> dict[str, Any]:
        """What of a request changes the picture; the place in the storyboard (`index`) does not."""
        return {name: value for name, value in dataclasses.asdict(request).items() if name != "index"}

    def price(self, request: ImageRequest) -> Decimal | None:
        """What the picture will cost in US dollars; None where it is free."""
        return None

    def render_all(self, requests: Iterable[ImageRequest]) -> Iterator[Outcome]:
        """An outcome a request, as they come; an error is an outcome too, so that it loses no sibling.

        Maps `render` over threads; providers that batch or multiplex bring their own.
        """
        pool = ThreadPoolExecutor(self.threads)
        try:
            futures = {pool.submit(self.render, request): request for request in requests}
            for future in as_completed(futures):
                request, error = futures[future], future.exception()
                if error is None:
                    yield Outcome(request=request, image=future.result(), cost=self.price(request))
                    continue
                if not isinstance(error, QmvError):
                    log.error("image (%s): picture %d failed", self.name, request.index, exc_info=error)
                    where = f"image ({self.name}): picture {request.index} failed"
                    error = PluginError(f"{where} ({type(error).__name__}: {error}); the details are in run.log.")
                yield Outcome(request=request, error=error)
        finally:
            # whoever stops asking wants no more pictures, and does not wait for one that hangs
            pool.shutdown(wait=False, cancel_futures=True)


# -- frames ----------------------------------------------------------------------------------------------------------


class Motion(Plugin):
    """Moves a camera over a picture."""

    kind = "motion"

    @abstractmethod
    def camera(self, shot: Shot, frame: int) -> Affine:
        """The view at a frame of the shot, start <= frame < end, sub-pixel; must stay inside the picture.

        `shot` covers every frame in which the picture is seen, transitions included.
        """


class Transition(Plugin):
    """Leads from one shot to the next; its middle lies on the cut and moves no other cut."""

    kind = "transition"

    def length_s(self) -> float:
        """How long it is seen at most; shots that are short make it shorter. 0 for a hard cut."""
        return 0.0

    @abstractmethod
    def blend(self, a: Frame, b: Frame, t: float) -> Frame:
        """t=0 gives a, t=1 gives b, exactly."""


class Effect(Plugin):
    """Changes finished frames in time with the music."""

    kind = "effect"

    @abstractmethod
    def apply(self, frame: Frame, at: Moment) -> Frame:
        """A new frame of the same size; the given one is not changed."""


# -- delivery --------------------------------------------------------------------------------------------------------


class Storage(Plugin):
    """Keeps finished videos."""

    kind = "storage"

    @abstractmethod
    def put(self, file: Path, key: str, metadata: Mapping[str, str]) -> str:
        """Stores the file whole or not at all, and tells its address. `key` is a relative path with slashes."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether something stands under the key."""
