"""Contracts that plugin authors reuse: one class a kind; an author's whole test file is a subclass with a plugin.

    from qmv.testing import ImageProviderContract

    class TestSolid(ImageProviderContract):
        plugin = Solid(colour="#ff0000")

A plugin that needs a folder comes from a fixture of the same name instead:

    class TestShelf(StorageContract):
        @pytest.fixture
        def plugin(self, tmp_path):
            return Shelf(path=str(tmp_path / "shelf"))

What a plugin cannot promise is said by a flag (`deterministic = False`), never skipped by name. Imports pytest, and
numpy inside; nothing in QMV imports this module.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
import math
import os
import pickle
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from qmv.api import (
    Brief,
    Context,
    Effect,
    ImageProvider,
    ImageRequest,
    Moment,
    Motion,
    Plugin,
    Prompt,
    Slot,
    Stage,
    Storage,
    Tracker,
    Transition,
    Writer,
)  # fmt: skip
from qmv.artifacts import Artifact, Section, Shot, Style, dump, files, load
from qmv.engine.cache import Cache, digest
from qmv.engine.parallel import Mapper
from qmv.errors import QmvError
from qmv.events import Event
from qmv.settings import described

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmv.media.frame import Frame

__all__ = [
    "HEAVY", "EffectContract", "ImageProviderContract", "MotionContract", "PluginContract", "StageContract",
    "StorageContract", "TrackerContract", "TransitionContract", "WriterContract", "click_track", "image_request",
    "noise_frame", "song_shot", "stage_context", "style",
]  # fmt: skip

HEAVY = ("av", "cv2", "google", "librosa", "moviepy", "runware", "torch")
"""Libraries that no plugin may load before it works: `python run.py --help` imports every plugin."""


# -- things to try plugins with --------------------------------------------------------------------------------------


def style(**changes: Any) -> Style:
    """A small style; `changes` are fields of it."""
    values: dict[str, Any] = {
        "name": "trial",
        "prompt": "{shot} of {subject}, {mood}",
        "negative_prompt": "text, watermark",
        "look": "neon",
        "palette": ("#07031a", "#1c0b4a", "#5a1899", "#ff2d95", "#1fe0ff"),
        "shots": ("wide shot", "close-up", "low angle"),
        "subjects": ("a lighthouse", "a night train", "an empty pier", "two dancers"),
        "moods": ("calm", "restless", "bright"),
    }
    return Style(**values | changes)


def image_request(**changes: Any) -> ImageRequest:
    """A request for a small picture; `changes` are fields of it."""
    values: dict[str, Any] = {
        "index": 0,
        "prompt": "wide shot of a lighthouse, calm",
        "negative_prompt": "text",
        "seed": 7,
        "framing": "wide shot",
        "subject": "a lighthouse",
        "look": "neon",
        "palette": style().palette,
        "width_px": 64,
        "height_px": 36,
    }
    return ImageRequest(**values | changes)


def song_shot(frames: int, *, start: int = 0, index: int = 0, **changes: Any) -> Shot:
    """A shot of `frames` frames; `changes` are fields of it."""
    values: dict[str, Any] = {
        "beat": None,
        "section": "A",
        "framing": "wide shot",
        "subject": "a lighthouse",
        "prompt": "a lighthouse",
        "negative_prompt": "",
        "seed": 11 + index,
    }
    return Shot(index=index, start=start, end=start + frames, **values | changes)


def click_track(bpm: float, first_s: float, duration_s: float, rate_hz: int = 22050) -> npt.NDArray[np.float32]:
    """A mono signal [n] of short 1 kHz clicks, one a beat from `first_s` on."""
    import numpy as np

    samples = np.zeros(round(duration_s * rate_hz), np.float32)
    t = np.arange(round(0.02 * rate_hz)) / rate_hz
    click = (0.8 * np.sin(math.tau * 1000 * t) * np.exp(-t / 0.004)).astype(np.float32)
    for beat in range(math.ceil((duration_s - first_s) * bpm / 60)):
        part = samples[round((first_s + beat * 60 / bpm) * rate_hz) :][: len(click)]
        part += click[: len(part)]
    return samples


def noise_frame(seed: int, width: int = 64, height: int = 36) -> Frame:
    """A frame of random samples in the legal range."""
    import numpy as np

    from qmv.media.frame import Frame

    random = np.random.default_rng(seed)
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    y, u, v = (random.integers(16, top, shape, np.uint8) for shape, top in zip(shapes, (236, 241, 241)))
    return Frame(y, u, v)


def stage_context(
    folder: Path, *, workers: int = 1, node: str = "trial", publish: Callable[[Event], None] | None = None
) -> Context:
    """A context below a folder: the stage's files go to `folder/work`, the cache is `folder/cache`."""
    (folder / "work").mkdir(parents=True, exist_ok=True)
    return Context(
        node=node,
        folder=folder / "work",
        cache=Cache(folder / "cache"),
        run_folder=folder,
        workers=workers,
        publish=publish or (lambda _: None),
        parallel=Mapper(()),
    )


# -- every plugin ----------------------------------------------------------------------------------------------------


class PluginContract:
    """What holds for a plugin of any kind. Give `plugin` as an instance, or as a fixture of that name."""

    plugin: Any = None

    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest) -> Any:
        """The plugin to try, wherever the author gave it."""
        if isinstance(self.plugin, Plugin):
            return self.plugin
        if self.plugin is None:
            pytest.fail(f"{type(self).__name__} wants `plugin = YourPlugin(...)`, or a fixture called plugin")
        return request.getfixturevalue("plugin")

    def test_is_a_frozen_dataclass(self, subject: Plugin) -> None:
        cls = type(subject)
        assert "__dataclass_params__" in vars(cls), f"put @plugin above class {cls.__name__}"
        assert cls.__dataclass_params__.frozen, f"{cls.__name__} must be frozen: use @plugin"  # type: ignore[attr-defined]
        hash(subject)

    def test_has_a_name_that_a_config_can_use(self, subject: Plugin) -> None:
        assert isinstance(subject.name, str)
        assert subject.name.replace("_", "a").replace("-", "a").isalnum(), f"choose a plain name, got {subject.name!r}"
        assert subject.name == subject.name.lower(), f"names are lower case, got {subject.name!r}"

    def test_has_a_docstring(self, subject: Plugin) -> None:
        doc = type(subject).__doc__ or ""
        assert doc.strip(), f"{type(subject).__name__} wants a docstring; the list of plugins shows its first line"
        assert not doc.startswith(f"{type(subject).__name__}("), "the docstring is the one that dataclass made up"

    def test_explains_each_setting(self, subject: Plugin) -> None:
        plugins = {name for name, hint in typing.get_type_hints(type(subject)).items() if _holds_plugins(hint)}
        silent = [name for name, meta in described(type(subject)).items() if name not in plugins and not meta.help]
        assert not silent, f"write help for {', '.join(silent)}: setting('one line', default=...)"

    def test_has_an_identity_of_plain_values(self, subject: Plugin) -> None:
        assert digest(subject.identity()) == digest(subject.identity())

    def test_gives_equal_instances_an_equal_identity(self, subject: Plugin) -> None:
        twin = copy.deepcopy(subject)
        assert twin == subject
        assert twin.identity() == subject.identity()

    def test_can_be_pickled(self, subject: Plugin) -> None:
        twin = pickle.loads(pickle.dumps(subject))
        assert twin == subject
        assert twin.identity() == subject.identity()

    def test_loads_no_heavy_library_when_imported(self, subject: Plugin) -> None:
        loaded = _heavy_imports(type(subject).__module__)
        assert not loaded, f"import {', '.join(loaded)} inside the method that uses it"


def _holds_plugins(hint: Any) -> bool:
    inner = typing.get_args(hint) or (hint,)
    return any(isinstance(part, type) and issubclass(part, Plugin) for part in inner)


_IMPORT = """
import importlib, importlib.util, sys
name, file, *heavy = sys.argv[1:]
try:
    importlib.import_module(name)
except ImportError:
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
print(*(library for library in heavy if library in sys.modules))
"""


@functools.cache
def _heavy_imports(module: str) -> tuple[str, ...]:
    """Which of HEAVY a fresh Python has loaded after importing a module."""
    file = str(sys.modules[module].__file__)
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, module, file, *HEAVY],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{module} cannot be imported on its own: {done.stderr}"
    return tuple(done.stdout.split())


# -- stages ----------------------------------------------------------------------------------------------------------


class StageContract(PluginContract):
    """`given` may be overridden with the inputs by name; then the stage is run as well."""

    same_bytes: ClassVar[bool] = True  # the files of the artifact are the same on a second run

    @pytest.fixture
    def given(self) -> Mapping[str, Artifact] | None:
        """The inputs of `run` by name; None: it is not run."""
        return None

    def test_names_what_it_reads(self, subject: Stage) -> None:
        for name, kind in subject.inputs().items():
            assert isinstance(kind, type), f"{name} wants an artifact class as its annotation, got {kind!r}"
            assert issubclass(kind, Artifact), f"{name} wants an artifact class as its annotation, got {kind!r}"

    def test_names_what_it_makes(self, subject: Stage) -> None:
        assert issubclass(subject.makes(), Artifact)
        assert subject.makes() is not Artifact, "annotate run() with the artifact that it returns"

    def test_makes_what_it_says(self, subject: Stage, given: Mapping[str, Artifact] | None, tmp_path: Path) -> None:
        inputs = _wanted(given)
        assert set(inputs) == set(subject.inputs())
        assert isinstance(subject.run(stage_context(tmp_path), **inputs), subject.makes())

    def test_makes_an_artifact_that_can_be_kept(
        self, subject: Stage, given: Mapping[str, Artifact] | None, tmp_path: Path
    ) -> None:
        ctx = stage_context(tmp_path)
        artifact = subject.run(ctx, **_wanted(given))
        assert load(subject.makes(), dump(artifact, ctx.folder, ctx.cache.root), ctx.folder) == artifact
        assert all(file.intact() for file in files(artifact))

    def test_makes_the_same_twice(self, subject: Stage, given: Mapping[str, Artifact] | None, tmp_path: Path) -> None:
        inputs = _wanted(given)
        results = [subject.run(stage_context(tmp_path / run), **inputs) for run in ("one", "two")]
        hashes = [[file.sha256 for file in files(result)] for result in results]
        assert len(hashes[0]) == len(hashes[1])
        assert hashes[0] == hashes[1] or not self.same_bytes

    def test_forecasts_without_making_anything(
        self, subject: Stage, given: Mapping[str, Artifact] | None, tmp_path: Path
    ) -> None:
        ctx = stage_context(tmp_path)
        assert isinstance(subject.forecast(ctx, **_wanted(given)), str)
        assert not [path for path in ctx.folder.rglob("*") if path.is_file()]


def _wanted(given: Mapping[str, Artifact] | None) -> Mapping[str, Artifact]:
    if given is None:
        pytest.skip("override the fixture `given` with the stage's inputs to run it")
    return given


# -- sound -----------------------------------------------------------------------------------------------------------


class TrackerContract(PluginContract):
    """Beats are reported where there are beats, and never invented."""

    rate_hz: ClassVar[int] = 22050

    @pytest.fixture
    def clicks(self) -> npt.NDArray[np.float32]:
        """Eight seconds at 120 beats a minute."""
        return click_track(120, 0.25, 8.0, self.rate_hz)

    def test_hears_no_beats_in_silence(self, subject: Tracker) -> None:
        import numpy as np

        beats = subject.track(np.zeros(4 * self.rate_hz, np.float32), self.rate_hz)
        assert (beats.times_s, beats.bar_position, beats.tempo_bpm) == ((), (), 0)

    @pytest.mark.parametrize("count", [1, 64, 2000])
    def test_takes_a_signal_too_short_for_a_beat(self, subject: Tracker, count: int) -> None:
        import numpy as np

        assert len(subject.track(np.full(count, 0.1, np.float32), self.rate_hz).times_s) < 2

    def test_finds_beats_in_a_click_track_in_order(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        times = subject.track(clicks, self.rate_hz).times_s
        assert len(times) >= 8
        assert all(a < b for a, b in itertools.pairwise(times)), "beats must be strictly increasing"
        assert times[0] >= 0
        assert times[-1] <= len(clicks) / self.rate_hz, "beats lie within the song"

    def test_gives_each_beat_a_place_in_the_bar(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        beats = subject.track(clicks, self.rate_hz)
        assert len(beats.bar_position) == len(beats.times_s)
        assert all(isinstance(place, int) and place >= 0 for place in beats.bar_position)

    def test_tells_tempo_and_confidence_in_their_ranges(
        self, subject: Tracker, clicks: npt.NDArray[np.float32]
    ) -> None:
        beats = subject.track(clicks, self.rate_hz)
        assert 20 < beats.tempo_bpm < 400
        assert 0 <= beats.confidence <= 1

    def test_finds_the_same_twice(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        assert subject.track(clicks, self.rate_hz) == subject.track(clicks.copy(), self.rate_hz)

    def test_leaves_the_signal_as_it_was(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        before = clicks.copy()
        subject.track(clicks, self.rate_hz)
        assert (clicks == before).all()

    def test_keeps_sections_in_order_within_the_song(self, subject: Tracker, clicks: npt.NDArray[np.float32]) -> None:
        sections = subject.track(clicks, self.rate_hz).sections
        edges = [edge for section in sections for edge in (section.start_s, section.end_s)]
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(clicks) / self.rate_hz for edge in edges)
        assert all(0 <= section.energy <= 1 for section in sections)


# -- words -----------------------------------------------------------------------------------------------------------


class WriterContract(PluginContract):
    """A prompt a slot. `deterministic = False` for a writer that asks a service."""

    deterministic: ClassVar[bool] = True

    def brief(self, slots: int, seed: int = 0) -> Brief:
        """What the writer is asked; override it for a writer that wants a special style."""
        section = Section(start_s=0.0, end_s=1000.0, label="A", energy=0.5)
        places = tuple(Slot(index=i, start_s=2.0 * i, end_s=2.0 * i + 2, section=section) for i in range(slots))
        return Brief(title="Trial", artist="Nobody", style=style(), slots=places, seed=seed)

    @pytest.mark.parametrize("slots", [1, 2, 9])
    def test_writes_a_prompt_for_each_slot(self, subject: Writer, slots: int) -> None:
        prompts = subject.write(self.brief(slots))
        assert len(prompts) == slots
        assert all(isinstance(prompt, Prompt) for prompt in prompts)

    def test_leaves_no_prompt_empty(self, subject: Writer) -> None:
        assert all(prompt.text.strip() for prompt in subject.write(self.brief(9)))

    def test_gives_seeds_that_every_provider_takes(self, subject: Writer) -> None:
        assert all(0 <= prompt.seed < 2**31 for prompt in subject.write(self.brief(9)))

    def test_writes_the_same_twice(self, subject: Writer) -> None:
        again = subject.write(self.brief(9))
        assert subject.write(self.brief(9)) == again or not self.deterministic

    def test_writes_a_slot_that_lies_in_no_section(self, subject: Writer) -> None:
        brief = self.brief(2)
        slots = tuple(dataclasses.replace(slot, section=None) for slot in brief.slots)
        assert len(subject.write(dataclasses.replace(brief, slots=slots))) == 2


# -- pictures --------------------------------------------------------------------------------------------------------


class ImageProviderContract(PluginContract):
    """`deterministic`: the same request gives the same bytes. `seeded`: another seed gives another picture."""

    deterministic: ClassVar[bool] = True
    seeded: ClassVar[bool] = False

    def request(self, **changes: Any) -> ImageRequest:
        """What the provider is asked; override it for one that wants special words."""
        return image_request(**changes)

    def test_gives_a_picture_that_is_not_blank(self, subject: ImageProvider) -> None:
        low, high = _pixels(subject.render(self.request())).min(), _pixels(subject.render(self.request())).max()
        assert (low, high) not in {(0, 0), (255, 255)}, "the picture is all black or all white"

    def test_gives_the_same_picture_twice(self, subject: ImageProvider) -> None:
        again = subject.render(self.request())
        assert subject.render(self.request()) == again or not self.deterministic

    def test_gives_another_picture_for_another_seed(self, subject: ImageProvider) -> None:
        if not self.seeded:
            pytest.skip("set seeded = True where the seed changes the picture")
        assert subject.render(self.request(seed=1)) != subject.render(self.request(seed=2))

    def test_identifies_requests_by_plain_values(self, subject: ImageProvider) -> None:
        assert digest(subject.request_identity(self.request())) == digest(subject.request_identity(self.request()))

    def test_gives_one_picture_for_requests_of_one_identity(self, subject: ImageProvider) -> None:
        """The cache holds one picture for both, so what the identity leaves out must not be seen."""
        one, other = self.request(index=0), self.request(index=5)
        if not self.deterministic or subject.request_identity(one) != subject.request_identity(other):
            return
        assert subject.render(one) == subject.render(other), "the picture depends on the index: add it to the identity"

    def test_tells_a_price_or_none(self, subject: ImageProvider) -> None:
        price = subject.price(self.request())
        assert price is None or (isinstance(price, Decimal) and price >= 0)

    def test_gives_one_outcome_for_each_request(self, subject: ImageProvider) -> None:
        requests = [self.request(index=index, seed=index) for index in range(3)]
        outcomes = list(subject.render_all(requests))
        assert sorted(outcome.request.index for outcome in outcomes) == [0, 1, 2]
        assert all((outcome.image is None) != (outcome.error is None) for outcome in outcomes)

    def test_has_no_outcome_for_no_request(self, subject: ImageProvider) -> None:
        assert list(subject.render_all([])) == []

    def test_turns_an_error_into_an_outcome(self, subject: ImageProvider) -> None:
        if type(subject).render_all is not ImageProvider.render_all:
            pytest.skip("it brings its own render_all: test there that a failing request loses no other")
        requests = [self.request(index=index, seed=index) for index in range(3)]
        outcomes = {outcome.request.index: outcome for outcome in _flaky(subject, 1).render_all(requests)}
        assert isinstance(outcomes[1].error, QmvError)
        assert outcomes[0].image
        assert outcomes[2].image


def _pixels(data: bytes) -> npt.NDArray[np.uint8]:
    from qmv.media.picture import read

    assert isinstance(data, bytes), "render() gives the bytes of an image file"
    return read(data, "the picture")


def _flaky(provider: ImageProvider, index: int) -> ImageProvider:
    """The same provider, failing for one request."""
    cls = type(provider)

    def render(self: ImageProvider, request: ImageRequest) -> bytes:
        if request.index == index:
            raise QmvError("trial: this one fails")
        return cls.render(self, request)

    twin = copy.copy(provider)
    object.__setattr__(twin, "__class__", type(cls.__name__, (cls,), {"render": render}))
    return twin


# -- frames ----------------------------------------------------------------------------------------------------------


class MotionContract(PluginContract):
    """A camera that stays on the picture and moves smoothly; the bounds are for shots of a second and more."""

    step_px: ClassVar[float] = 32.0  # the most that a corner moves from frame to frame, at 1920 px
    bend_px: ClassVar[float] = 0.5  # the most that this step changes from frame to frame, at 1920 px
    holds: ClassVar[bool] = False  # the camera may rest for some frames of a shot

    def shots(self) -> Iterator[Shot]:
        """Shots to try, short and long, the first of them as if a chunk began in their middle."""
        for index, (frames, start) in enumerate([(96, -40), (1, 0), (2, 7), (24, 100), (25, 0), (240, 3)]):
            yield song_shot(frames, start=start, index=index)

    def test_stays_inside_the_picture(self, subject: Motion) -> None:
        for shot in self.shots():
            corners = _corners(subject, shot)
            assert math.isfinite(corners.sum())
            assert corners.min() >= -1e-9, f"the camera leaves the picture in a shot of {shot.frames} frames"
            assert corners.max() <= 1 + 1e-9, f"the camera leaves the picture in a shot of {shot.frames} frames"

    def test_shows_some_of_the_picture(self, subject: Motion) -> None:
        for shot in self.shots():
            for frame in (shot.start, shot.end - 1):
                view = subject.camera(shot, frame)
                assert abs(view.xx * view.yy - view.xy * view.yx) > 1e-4, "the view has no area"

    def test_does_not_jump(self, subject: Motion) -> None:
        steps = [abs(_steps(subject, shot, 1)).max() for shot in self.shots() if shot.frames >= 24]
        assert max(steps) <= self.step_px

    def test_moves_smoothly(self, subject: Motion) -> None:
        bends = [abs(_steps(subject, shot, 2)).max() for shot in self.shots() if shot.frames >= 24]
        assert max(bends) <= self.bend_px

    def test_does_not_round_to_pixels(self, subject: Motion) -> None:
        """A slow move has another view at each frame; rounding would hold some and then jump."""
        shot = song_shot(1440)
        views = [subject.camera(shot, frame) for frame in range(shot.start, shot.end)]
        distinct = sum(a != b for a, b in itertools.pairwise(views))
        assert distinct == len(views) - 1 or len(set(views)) == 1 or self.holds

    def test_shows_the_same_twice(self, subject: Motion) -> None:
        for shot in self.shots():
            assert subject.camera(shot, shot.start) == pickle.loads(pickle.dumps(subject)).camera(shot, shot.start)

    def test_depends_on_the_place_in_the_shot_only(self, subject: Motion) -> None:
        """Chunks count a shot's frames from their own first one, and chunks are cached."""
        for shot in self.shots():
            moved = dataclasses.replace(shot, start=shot.start + 1000, end=shot.end + 1000)
            for frame in range(shot.start, shot.end):
                assert subject.camera(shot, frame) == pytest.approx(subject.camera(moved, frame + 1000), abs=1e-9)

    def test_does_not_depend_on_beat_or_words(self, subject: Motion) -> None:
        """These are no part of a chunk's key."""
        shot = song_shot(24)
        other = dataclasses.replace(shot, beat=9, prompt="other words", negative_prompt="others")
        assert subject.camera(shot, 12) == subject.camera(other, 12)


def _corners(motion: Motion, shot: Shot) -> npt.NDArray[np.float64]:
    """Where the four corners of the frame lie in the picture: [frames, 4, 2] in units of the picture."""
    import numpy as np

    views = np.array([motion.camera(shot, frame) for frame in range(shot.start, shot.end)]).reshape(-1, 2, 3)
    corners = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    places: npt.NDArray[np.float64] = np.einsum("fij,cj->fci", views, corners)
    return places


def _steps(motion: Motion, shot: Shot, order: int) -> npt.NDArray[np.float64]:
    """Differences of the corners from frame to frame, in px of a picture 1920 px wide."""
    import numpy as np

    return np.diff(_corners(motion, shot), n=order, axis=0) * 1920


class TransitionContract(PluginContract):
    """From a to b, exactly at both ends."""

    def test_begins_with_the_first_frame(self, subject: Transition) -> None:
        assert _equal(subject.blend(noise_frame(1), noise_frame(2), 0.0), noise_frame(1)), "t=0 must give a, exactly"

    def test_ends_with_the_second_frame(self, subject: Transition) -> None:
        assert _equal(subject.blend(noise_frame(1), noise_frame(2), 1.0), noise_frame(2)), "t=1 must give b, exactly"

    @pytest.mark.parametrize("t", [0.01, 0.25, 0.5, 0.75, 0.99])
    def test_keeps_the_size(self, subject: Transition, t: float) -> None:
        _same_form(subject.blend(noise_frame(1), noise_frame(2), t), noise_frame(1))

    @pytest.mark.parametrize("size", [(2, 2), (36, 64), (16, 38)])
    def test_takes_every_even_size(self, subject: Transition, size: tuple[int, int]) -> None:
        _same_form(subject.blend(noise_frame(1, *size), noise_frame(2, *size), 0.3), noise_frame(1, *size))

    def test_leaves_its_frames_as_they_were(self, subject: Transition) -> None:
        a, b = noise_frame(1), noise_frame(2)
        subject.blend(a, b, 0.4)
        assert _equal(a, noise_frame(1))
        assert _equal(b, noise_frame(2))

    def test_blends_the_same_twice(self, subject: Transition) -> None:
        first, second = (subject.blend(noise_frame(1), noise_frame(2), 0.4) for _ in range(2))
        assert _equal(first, second)

    def test_has_a_length(self, subject: Transition) -> None:
        assert math.isfinite(subject.length_s())
        assert subject.length_s() >= 0


class EffectContract(PluginContract):
    """A new frame of the same size, at any moment of the music."""

    def moments(self) -> Iterator[Moment]:
        """Moments to try: on a beat, between beats, and away from them."""
        for frame, (phase, energy) in enumerate([(0.0, 0.5), (0.5, 0.0), (1.0, 1.0), (None, 0.5), (0.02, 1.0)]):
            yield Moment(frame=frame, time_s=frame / 24, beat_phase=phase, bar_phase=None, energy=energy)
            yield Moment(frame=frame, time_s=frame / 24, beat_phase=phase, bar_phase=phase, energy=energy)

    def test_keeps_the_size(self, subject: Effect) -> None:
        for moment in self.moments():
            _same_form(subject.apply(noise_frame(1), moment), noise_frame(1))

    @pytest.mark.parametrize("size", [(2, 2), (36, 64), (16, 38)])
    def test_takes_every_even_size(self, subject: Effect, size: tuple[int, int]) -> None:
        _same_form(subject.apply(noise_frame(1, *size), next(self.moments())), noise_frame(1, *size))

    def test_leaves_its_frame_as_it_was(self, subject: Effect) -> None:
        """A still picture is one frame object for a whole shot."""
        for moment in self.moments():
            frame = noise_frame(1)
            subject.apply(frame, moment)
            assert _equal(frame, noise_frame(1)), f"the given frame was changed at beat phase {moment.beat_phase}"

    def test_works_away_from_beats(self, subject: Effect) -> None:
        moment = Moment(frame=0, time_s=0.0, beat_phase=None, bar_phase=None, energy=0.5)
        _same_form(subject.apply(noise_frame(1), moment), noise_frame(1))

    def test_does_the_same_twice(self, subject: Effect) -> None:
        for moment in self.moments():
            assert _equal(subject.apply(noise_frame(1), moment), subject.apply(noise_frame(1), moment))


def _equal(a: Frame, b: Frame) -> bool:
    import numpy as np

    return all(np.array_equal(p, q) for p, q in zip((a.y, a.u, a.v), (b.y, b.u, b.v)))


def _same_form(made: Frame, like: Frame) -> None:
    for name in ("y", "u", "v"):
        plane, wanted = getattr(made, name), getattr(like, name)
        assert plane.shape == wanted.shape, f"plane {name} is {plane.shape} instead of {wanted.shape}"
        assert plane.dtype == wanted.dtype, f"plane {name} is {plane.dtype} instead of {wanted.dtype}"


# -- delivery --------------------------------------------------------------------------------------------------------


class StorageContract(PluginContract):
    """Stores a file whole or not at all. Give `plugin` with a fixture, so that each test has a fresh place."""

    keys: ClassVar[tuple[str, ...]] = ("film.mp4", "2026/spring/film.mp4", "Größe, 夜の電車 №1.mp4", "with space.mp4")

    def fetch(self, subject: Storage, key: str, address: str) -> bytes | None:
        """The stored bytes; None where they cannot be read. The default reads an address that is a local path."""
        return Path(address).read_bytes() if Path(address).is_file() else None

    @pytest.fixture
    def film(self, tmp_path: Path) -> Path:
        """A file to store."""
        path = tmp_path / "source" / "film.mp4"
        path.parent.mkdir()
        path.write_bytes(bytes(range(256)) * 64)
        return path

    def test_knows_nothing_before_it_is_stored(self, subject: Storage) -> None:
        assert not any(subject.exists(key) for key in self.keys)

    def test_stores_a_file_and_tells_where(self, subject: Storage, film: Path) -> None:
        for key in self.keys:
            address = subject.put(film, key, {"title": "Größe", "style": "neon"})
            assert isinstance(address, str)
            assert address
            assert subject.exists(key)
            assert self.fetch(subject, key, address) in {None, film.read_bytes()}

    def test_stores_the_same_file_twice(self, subject: Storage, film: Path) -> None:
        first = subject.put(film, self.keys[0], {})
        assert subject.put(film, self.keys[0], {}) == first
        assert subject.exists(self.keys[0])

    def test_leaves_the_source_as_it_was(self, subject: Storage, film: Path) -> None:
        before = film.read_bytes()
        subject.put(film, self.keys[0], {})
        assert film.read_bytes() == before

    def test_keeps_keys_apart(self, subject: Storage, film: Path) -> None:
        subject.put(film, self.keys[0], {})
        assert not any(subject.exists(key) for key in self.keys[1:])

    def test_leaves_nothing_of_a_put_that_fails(self, subject: Storage, tmp_path: Path) -> None:
        with pytest.raises((QmvError, OSError)):
            subject.put(tmp_path / "there is no such file.mp4", self.keys[0], {})
        assert not subject.exists(self.keys[0])
