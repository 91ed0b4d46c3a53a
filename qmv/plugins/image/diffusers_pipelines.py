"""Pipelines of diffusers: loaded once, kept for the process, and called for a batch of pictures."""

from __future__ import annotations

import gc
import importlib
import inspect
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmv.errors import ConfigError, InputError, PluginError
from qmv.plugins.image.diffusers_models import folder_of, local_folder

__all__ = ["Source", "forget", "free_memory", "kept", "multiple_of", "out_of_memory", "paint", "quiet", "takes"]

_WHERE = "image (diffusers)"
_SMALLER = "set image.dtype=float16 or image.offload=true, or choose a smaller model"
_MULTIPLE_PX = 16  # transformers see 2 x 2 values of a latent that is an eighth of the picture
_pipelines: dict[Source, Any] = {}

log = logging.getLogger("qmv")


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a loaded pipeline depends on. `redraws`: it starts from a picture instead of from noise."""

    model: str
    revision: str
    variant: str
    dtype: str
    device: str
    offload: bool
    offline: bool
    redraws: bool


def kept(source: Source) -> Any:
    """The pipeline, loaded where the process does not hold it; one at a time, since a GPU seldom has room for two."""
    if source not in _pipelines:
        forget()
        with quiet():
            _pipelines[source] = _load(source)
    return _pipelines[source]


def forget() -> None:
    """Gives up the pipeline that the process holds."""
    if _pipelines:
        _pipelines.clear()
        free_memory()


def _load(source: Source) -> Any:
    import diffusers
    import torch

    device = _device(source.device)
    dtype = getattr(torch, _dtype(device) if source.dtype == "auto" else source.dtype)
    folder = local_folder(source.model) or folder_of(
        source.model, source.revision, source.variant, offline=source.offline
    )
    family = diffusers.AutoPipelineForImage2Image if source.redraws else diffusers.DiffusionPipeline
    log.info("%s: loads %s as %s on %s", _WHERE, source.model, dtype, device)
    try:
        made = family.from_pretrained(folder, torch_dtype=dtype, variant=source.variant or None, local_files_only=True)
        if source.offload and device != "cpu":
            made.enable_model_cpu_offload(device=device)
        else:
            made.to(device)
    except Exception as error:
        raise _unloadable(source, folder, device, error) from error
    made.set_progress_bar_config(disable=True)
    if hasattr(getattr(made, "vae", None), "enable_slicing"):
        made.vae.enable_slicing()  # the memory of one picture for a batch, and the same pixels as alone
    return made


def _unloadable(source: Source, folder: Path, device: str, error: Exception) -> Exception:
    if out_of_memory(error):
        return InputError(f"{_WHERE}: the model {source.model} does not fit into the memory of {device}; {_SMALLER}.")
    use = "as one that starts from a picture (image.reference) " if source.redraws else ""
    again = "" if local_folder(source.model) else f" completely, with: hf download {source.model}"
    reason = _reason(error)
    return InputError(
        f"{_WHERE}: the model in {folder} cannot be loaded {use}({reason}); save or download it again{again}, "
        "or set image.model to another."
    )


def _reason(error: Exception) -> str:
    """An error of a library in a line."""
    words = " ".join(str(error).split()).split(". ")[0][:160].rstrip(".")
    return f"{type(error).__name__}: {words}"


def _device(wanted: str) -> str:
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name in there if there[name])
    if not there[wanted]:
        raise ConfigError(
            f"{_WHERE}: device={wanted} is not on this machine, or torch was installed without it; use device=auto."
        )
    return wanted


def _dtype(device: str) -> str:
    """bfloat16 has the range of float32, so that no model overflows to black; CPUs are quick with float32 only."""
    import torch

    if device == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "float16"
    return "float32" if device == "cpu" else "bfloat16"


def takes(pipeline: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of its call; raises ConfigError for one that makes no pictures from words."""
    found = inspect.signature(pipeline.__call__).parameters
    if "prompt" not in found or "generator" not in found:
        raise ConfigError(
            f"{_WHERE}: the model is a {type(pipeline).__name__}, which makes no pictures from words and a seed; "
            "set image.model to a text-to-image model."
        )
    return found


def multiple_of(pipeline: Any) -> int:
    """What width and height must be multiples of."""
    return max(_MULTIPLE_PX, int(getattr(pipeline, "vae_scale_factor", 0) or 0))


def paint(pipeline: Any, arguments: Mapping[str, Any], count: int) -> list[tuple[Any, bool]]:
    """(picture [height, width, 3], whether the model's own filter has blackened it) for each of the batch."""
    import numpy as np

    with quiet():
        made = pipeline(**arguments)
    images = getattr(made, "images", None)
    if not isinstance(images, list) or len(images) != count:
        raise PluginError(
            f"{_WHERE}: {type(pipeline).__name__} gave no list of {count} pictures; "
            "set image.model to a text-to-image model."
        )
    blackened = getattr(made, "nsfw_content_detected", None) or [False] * count
    return [(np.asarray(image.convert("RGB")), bool(flag)) for image, flag in zip(images, blackened)]


def out_of_memory(error: BaseException) -> bool:
    """Each device says it in its own way."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("out of memory", "not enough memory", "can't allocate memory")
    )


def free_memory() -> None:
    """Gives back what a failed call left on the device."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the libraries' bars, warnings and notes off the terminal; errors come as exceptions."""
    os.environ.setdefault("DISABLE_TELEMETRY", "1")
    for library in ("diffusers", "transformers"):
        notes = importlib.import_module(f"{library}.utils.logging")
        notes.set_verbosity(logging.CRITICAL)
        notes.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
