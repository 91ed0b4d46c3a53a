"""Requests in batches through a pipeline of diffusers, each with an outcome of its own."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from qmv.api import ImageRequest, Outcome
from qmv.errors import ConfigError, PluginError, QmvError
from qmv.plugins.image.diffusers_pipelines import free_memory, multiple_of, out_of_memory, paint, takes

__all__ = ["Wishes", "in_batches", "rendered_size"]

_WHERE = "image (diffusers)"

log = logging.getLogger("qmv")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What holds for all pictures; None is left to the pipeline."""

    steps: int | None
    guidance: float | None
    reference: Path | None
    strength: float
    max_side_px: int | None

    def arguments(self, pipeline: Any, group: list[ImageRequest]) -> dict[str, Any]:
        """What the pipeline is called with; raises ConfigError for a wish that it cannot fulfil."""
        import torch

        known = takes(pipeline)
        width, height = rendered_size(group[0], multiple_of(pipeline), self.max_side_px)
        offered: dict[str, Any] = {
            "negative_prompt": [request.negative_prompt for request in group],
            "width": width,
            "height": height,
            "output_type": "pil",
        }
        wanted: dict[str, Any] = {
            "prompt": [request.prompt for request in group],
            # a CPU's noise: the same on every device
            "generator": [torch.Generator("cpu").manual_seed(request.seed) for request in group],
        }
        if self.steps is not None:
            wanted["num_inference_steps"] = self.steps
        if self.guidance is not None:
            wanted[_guidance_of(known)] = self.guidance
        if self.reference:
            wanted |= {"image": [_cropped(self.reference, width, height)] * len(group), "strength": self.strength}
        if lost := [name for name in wanted if name not in known]:
            kind = type(pipeline).__name__
            raise ConfigError(f"{_WHERE}: {kind} has no {lost[0]}; leave its setting out, or choose another model.")
        return {name: value for name, value in offered.items() if name in known} | wanted


def _guidance_of(known: Mapping[str, Any]) -> str:
    """Some pipelines call it true_cfg_scale and keep guidance_scale, without a value, for models yet to come."""
    usual = known.get("guidance_scale")
    return "true_cfg_scale" if "true_cfg_scale" in known and (not usual or usual.default is None) else "guidance_scale"


def _cropped(reference: Path, width: int, height: int) -> Any:
    from PIL import Image

    from qmv.media.picture import crop_to, read

    return Image.fromarray(crop_to(read(reference, f"{_WHERE}: {reference}"), width, height))


def rendered_size(request: ImageRequest, multiple_px: int, max_side_px: int | None) -> tuple[int, int]:
    """(width, height) that a model can paint: the format, made smaller where a longest side is given, rounded up."""
    longer = max(request.width_px, request.height_px)
    limit = min(longer, max_side_px or longer)
    width, height = (
        -(-side * limit // (longer * multiple_px)) * multiple_px for side in (request.width_px, request.height_px)
    )
    return width, height


def in_batches(pipeline: Any, wishes: Wishes, requests: Iterable[ImageRequest], at_once: int) -> Iterator[Outcome]:
    """An outcome a request, in their order. Where memory ends, batches are halved from there on."""
    waiting = deque(requests)
    while waiting:
        group = _alike(waiting, at_once)
        made = _outcomes(pipeline, wishes, group)
        if made is None:
            at_once = len(group) // 2
            log.info("%s: memory does not hold %d pictures at a time; %d from here on", _WHERE, len(group), at_once)
            continue
        for _ in group:
            waiting.popleft()
        yield from made


def _alike(waiting: deque[ImageRequest], at_once: int) -> list[ImageRequest]:
    """The first ones, as far as they have one size: a batch is one array."""
    size = (waiting[0].width_px, waiting[0].height_px)
    return list(takewhile(lambda one: (one.width_px, one.height_px) == size, islice(waiting, at_once)))


def _outcomes(pipeline: Any, wishes: Wishes, group: list[ImageRequest]) -> list[Outcome] | None:
    """An outcome for each; None where memory is too small for so many."""
    try:
        pictures = paint(pipeline, wishes.arguments(pipeline, group), len(group))
    except Exception as error:
        if not out_of_memory(error):
            return [Outcome(request=request, error=_failed(request, error)) for request in group]
    else:
        return [_outcome(request, *picture) for request, picture in zip(group, pictures)]
    free_memory()  # out here, since the error holds what the call had made
    if len(group) > 1:
        return None
    request = group[0]
    return [
        Outcome(
            request=request,
            error=PluginError(
                f"{_WHERE}: memory ended at {request.place} of {request.width_px}x{request.height_px}; "
                "set image.max_side_px to less, image.dtype=float16 or image.offload=true."
            ),
        )
    ]


def _failed(request: ImageRequest, error: Exception) -> QmvError:
    if isinstance(error, QmvError):
        return error
    log.error("%s: picture %d failed", _WHERE, request.index, exc_info=error)
    reason = " ".join(str(error).split())[:200].rstrip(".")
    return PluginError(
        f"{_WHERE}: {request.place} failed ({type(error).__name__}: {reason}); the details are in run.log."
    )


def _outcome(request: ImageRequest, rgb: Any, filtered: bool) -> Outcome:
    from qmv.media.picture import png

    picture = f"{_WHERE}: {request.place}"
    if filtered:
        return Outcome(
            request=request,
            error=PluginError(
                f"{picture} was blackened by the model's safety checker; change the prompt or the seed, or choose "
                "another model."
            ),
        )
    if not rgb.any():
        return Outcome(
            request=request,
            error=PluginError(
                f"{picture} came out all black, as where numbers overflow; set image.dtype=bfloat16 or "
                "image.dtype=float32."
            ),
        )
    return Outcome(request=request, image=png(rgb))
