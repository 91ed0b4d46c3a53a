"""Pictures by a model on this machine: any text-to-image pipeline of the package diffusers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.api import ImageProvider, ImageRequest, Outcome, plugin, setting
from qmv.artifacts import File
from qmv.errors import InputError, PluginError, QmvError
from qmv.plugins.image.diffusers_batches import Wishes, in_batches
from qmv.plugins.image.diffusers_models import check_installed, check_offline, content_of, local_folder
from qmv.plugins.image.diffusers_pipelines import Source, kept

if TYPE_CHECKING:
    from qmv.api.purchases import Purchases

__all__ = ["Diffusers"]

_QUICK = frozenset({"schnell", "turbo", "lightning"})  # distilled to a few steps, without guidance
_QUICK_STEPS, _QUICK_GUIDANCE = 4, 0.0
_DTYPES = ("auto", "float32", "float16", "bfloat16")


@plugin
class Diffusers(ImageProvider):
    """A model of diffusers on this machine, from a folder or by its ID on huggingface.co; free, best on a GPU.

    Words beyond what the model's text encoder takes (77 tokens for Stable Diffusion) are not seen.
    """

    name = "diffusers"
    libraries = ("diffusers", "torch", "transformers")
    source_type = "trainedAlgorithmicMedia"
    model: str = setting(
        "a folder with a model_index.json, or an ID on huggingface.co", default="black-forest-labs/FLUX.1-schnell",
        keyed=False,  # content() has it: a folder by its files, not by its place
    )  # fmt: skip
    revision: str = setting("of an ID: branch, tag or commit; empty: its main branch", default="")
    variant: str = setting("of the weights' files, such as fp16; empty: the plain ones", default="")
    steps: int | None = setting(
        "of denoising; null: 4 for a model called schnell, turbo or lightning, else the pipeline's own",
        default=None, at_least=1, at_most=1000,
    )  # fmt: skip
    guidance: float | None = setting(
        "how closely it follows the words; null: 0 for a model called schnell, turbo or lightning, else the pipeline's",
        default=None, at_least=0, at_most=100,
    )  # fmt: skip
    reference: str = setting("a picture to start each from instead of from noise; empty: none", default="", keyed=False)
    strength: float = setting("how much of the reference is painted over", default=0.6, above=0, at_most=1)
    max_side_px: int | None = setting(
        "the longer side at most, scaled up afterwards; null: the format's", default=None, unit="px",
        at_least=64, at_most=8192,
    )  # fmt: skip
    dtype: str = setting("of the numbers; auto: float32 on a CPU, bfloat16 elsewhere", default="auto", choices=_DTYPES)
    device: str = setting("where it runs", default="auto", choices=("auto", "cuda", "mps", "cpu"), keyed=False)
    batch: int = setting("pictures at a time; halved when memory ends", default=1, at_least=1, at_most=64, keyed=False)
    offload: bool = setting("keep on the GPU only the part that works: slower, smaller", default=False, keyed=False)
    offline: bool = setting("take only what is on this machine", default=False, keyed=False)

    def content(self) -> dict[str, Any]:
        folder, wishes = local_folder(self.model), self._wishes()
        return {
            "model": content_of(folder) if folder else self.model,
            "steps": wishes.steps,
            "guidance": wishes.guidance,
            "reference": File.of(wishes.reference).sha256 if wishes.reference else None,
        }

    def model_name(self) -> str:
        return self.model if (folder := local_folder(self.model)) is None else folder.resolve().name

    def request_identity(self, request: ImageRequest) -> dict[str, Any]:
        return {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "seed": request.seed,
            "width_px": request.width_px,
            "height_px": request.height_px,
        }

    def ready(self) -> None:
        check_installed()
        self._reference()
        if local_folder(self.model) is None:
            check_offline(self.model, self.revision, offline=self.offline)

    def render(self, request: ImageRequest) -> bytes:
        outcome = next(self.render_all([request]))
        if outcome.image is None:
            raise outcome.error or PluginError(f"image (diffusers): {request.place} did not come.")
        return outcome.image

    def render_all(self, requests: Iterable[ImageRequest], purchases: Purchases | None = None) -> Iterator[Outcome]:
        """In batches. A picture's noise comes from its own seed alone, so its batch changes what it shows by no more
        than rounding does.
        """
        wanted = list(requests)
        if not wanted:
            return
        try:
            check_installed()
            pipeline = kept(self._source())
        except QmvError as error:
            yield from (Outcome(request=request, error=error) for request in wanted)
            return
        yield from in_batches(pipeline, self._wishes(), wanted, self.batch)

    def _version(self, library: str) -> str:
        check_installed()
        return super()._version(library)

    def _source(self) -> Source:
        return Source(
            model=self.model,
            revision=self.revision,
            variant=self.variant,
            dtype=self.dtype,
            device=self.device,
            offload=self.offload,
            offline=self.offline,
            redraws=bool(self.reference),
        )

    def _wishes(self) -> Wishes:
        """With what suits the model where the user leaves it open; a pipeline's own steps are those of a slow model."""
        quick = bool(_QUICK & set(re.split(r"[^a-z]+", Path(self.model).expanduser().name.lower())))
        return Wishes(
            steps=_QUICK_STEPS if quick and self.steps is None else self.steps,
            guidance=_QUICK_GUIDANCE if quick and self.guidance is None else self.guidance,
            reference=self._reference(),
            strength=self.strength,
            max_side_px=self.max_side_px,
        )

    def _reference(self) -> Path | None:
        path = Path(self.reference).expanduser()
        if self.reference and not path.is_file():
            raise InputError(f"image (diffusers): there is no picture {path}; mend image.reference, or leave it empty.")
        return path if self.reference else None
