"""The built-in plugins, registered through the same hooks that third parties use; named as strings, loaded late."""

from __future__ import annotations

import importlib
from typing import Any

from qmv.hookspecs import hookimpl

_STAGES = (
    "qmv.stages.track_beats:TrackBeats",
    "qmv.stages.write_storyboard:WriteStoryboard",
    "qmv.stages.paint_pictures:PaintPictures",
    "qmv.stages.assemble_video:AssembleVideo",
    "qmv.stages.assemble_moviepy:AssembleMoviepy",
    "qmv.stages.prove_sync:ProveSync",
    "qmv.stages.hand_off:HandOffEdit",
    "qmv.stages.deliver:Deliver",
)
_TRACKERS = (
    "qmv.plugins.tracker.superflux:Superflux",
    "qmv.plugins.tracker.librosa:Librosa",
    "qmv.plugins.tracker.beat_this:BeatThis",
)
_WRITERS = ("qmv.plugins.writer.template:Template", "qmv.plugins.writer.gemini:Gemini")
_IMAGE_PROVIDERS = (
    "qmv.plugins.image.canvas:Canvas",
    "qmv.plugins.image.diffusers:Diffusers",
    "qmv.plugins.image.folder:Folder",
    "qmv.plugins.image.openai_compatible:OpenAICompatible",
    "qmv.plugins.image.runware:Runware",
)
_MOTIONS = ("qmv.plugins.motion.still:Still", "qmv.plugins.motion.ken_burns:KenBurns")
_TRANSITIONS = (
    "qmv.plugins.transition.cut:Cut",
    "qmv.plugins.transition.crossfade:Crossfade",
    "qmv.plugins.transition.dip:Dip",
    "qmv.plugins.transition.wipe:Wipe",
)
_EFFECTS = (
    "qmv.plugins.effect.flash:Flash",
    "qmv.plugins.effect.grain:Grain",
    "qmv.plugins.effect.pulse:Pulse",
    "qmv.plugins.effect.vignette:Vignette",
)
_ENCODERS = (
    "qmv.plugins.encoder.x264:X264",
    "qmv.plugins.encoder.x265:X265",
    "qmv.plugins.encoder.svt_av1:SvtAv1",
    "qmv.plugins.encoder.nvenc:Nvenc",
    "qmv.plugins.encoder.qsv:Qsv",
    "qmv.plugins.encoder.vaapi:Vaapi",
    "qmv.plugins.encoder.videotoolbox:Videotoolbox",
    "qmv.plugins.encoder.auto:Auto",
)
_STORAGES = (
    "qmv.plugins.storage.folder:Folder",
    "qmv.plugins.storage.gcs:Gcs",
    "qmv.plugins.storage.object_store:ObjectStoreStorage",
)
_OBSERVERS = ("qmv.plugins.observer.redis:Redis",)


def _classes(paths: tuple[str, ...]) -> list[Any]:
    split = (path.split(":") for path in paths)
    return [getattr(importlib.import_module(module), name) for module, name in split]


@hookimpl
def qmv_stages() -> list[Any]:
    return _classes(_STAGES)


@hookimpl
def qmv_trackers() -> list[Any]:
    return _classes(_TRACKERS)


@hookimpl
def qmv_writers() -> list[Any]:
    return _classes(_WRITERS)


@hookimpl
def qmv_image_providers() -> list[Any]:
    return _classes(_IMAGE_PROVIDERS)


@hookimpl
def qmv_motions() -> list[Any]:
    return _classes(_MOTIONS)


@hookimpl
def qmv_transitions() -> list[Any]:
    return _classes(_TRANSITIONS)


@hookimpl
def qmv_effects() -> list[Any]:
    return _classes(_EFFECTS)


@hookimpl
def qmv_encoders() -> list[Any]:
    return _classes(_ENCODERS)


@hookimpl
def qmv_storages() -> list[Any]:
    return _classes(_STORAGES)


@hookimpl
def qmv_observers() -> list[Any]:
    return _classes(_OBSERVERS)
