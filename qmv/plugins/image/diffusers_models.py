"""Where a model of diffusers lies: in a folder of the user's, in the cache of huggingface.co, or on the network.

Loads no torch, so that a missing model is told before anything heavy starts.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import os
import re
from pathlib import Path
from typing import Any

from qmv.errors import AccessError, InputError, PluginError, QmvError, ServiceError

__all__ = ["check_installed", "check_offline", "content_of", "folder_of", "local_folder"]

_WHERE = "image (diffusers)"
_INDEX = "model_index.json"
_PACKAGES = ("diffusers", "torch", "transformers", "accelerate")
_HUB_ID = re.compile(r"[A-Za-z0-9_][\w.-]*(/[\w.-]+)?", re.ASCII)
_PATIENCE_S = 10.0
_SLICE, _SLICES = 1 << 16, 32

log = logging.getLogger("qmv")


def check_installed() -> None:
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise PluginError(
                f"{_WHERE}: needs the package {package}, which is not installed; "
                "install it with: python -m pip install 'qmv[local]'"
            )


def local_folder(model: str) -> Path | None:
    """The folder that `model` names, None where it is an ID of the hub; raises InputError where it is neither."""
    path = Path(model).expanduser()
    if path.is_dir():
        if not (path / _INDEX).is_file():
            raise InputError(
                f"{_WHERE}: {path} holds no {_INDEX}, so it is no pipeline of diffusers; name the folder that holds it."
            )
        return path
    if path.is_file():
        raise InputError(f"{_WHERE}: {path} is a file; name a folder with a {_INDEX}, as save_pretrained() writes it.")
    if not _HUB_ID.fullmatch(model):
        raise InputError(
            f"{_WHERE}: there is no folder {path}; set image.model to one, or to the ID of a model on huggingface.co."
        )
    return None


def content_of(folder: Path) -> list[list[str | int]]:
    """[name, bytes, hash] of each file.

    To read all of a model takes a minute and more at each run. Training changes the weights everywhere, so of a large
    file 32 slices of 64 KiB tell whether it is the same; what is smaller than all of these is read whole.
    """
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    seen = sorted(name for name in names if not any(part.startswith(".") for part in name.parts))
    return [[name.as_posix(), *_sampled(folder / name)] for name in seen]


def _sampled(file: Path) -> tuple[int, str]:
    try:
        size, found = file.stat().st_size, hashlib.sha256()
        with file.open("rb") as stream:
            for at in range(0, size, max(_SLICE, size // _SLICES)):
                stream.seek(at)
                found.update(stream.read(_SLICE))
    except OSError as error:
        raise InputError(f"{_WHERE}: {file} cannot be read ({error.strerror}); mend or remove it.") from error
    return size, found.hexdigest()


def check_offline(hub_id: str, revision: str, *, offline: bool) -> None:
    """Raises InputError for a model that is not here where the network is forbidden."""
    if _is_offline(offline):
        _offline(hub_id, revision)


def _is_offline(offline: bool) -> bool:
    return offline or bool(_hub("constants").HF_HUB_OFFLINE)


def _offline(hub_id: str, revision: str) -> Path:
    why = "image.offline or HF_HUB_OFFLINE forbids the network"
    return _cached(hub_id, revision) or _missing(hub_id, why)


def _cached(hub_id: str, revision: str) -> Path | None:
    """The folder of a model that was downloaded before, or at least begun."""
    found = _hub().try_to_load_from_cache(hub_id, _INDEX, revision=revision or None)
    return Path(found).parent if isinstance(found, str) else None


def folder_of(hub_id: str, revision: str, variant: str, *, offline: bool) -> Path:
    """The folder of a model of the hub, downloaded where it is not here; without a network what is here is taken."""
    if _is_offline(offline):
        return _offline(hub_id, revision)
    try:
        _ask(hub_id, revision)
    except QmvError:
        raise
    except Exception as error:  # each generation of the hub's package has another network library
        cached = _cached(hub_id, revision)
        if cached:
            log.info("%s: huggingface.co cannot be reached; takes %s as it is on this machine", _WHERE, hub_id)
        return cached or _missing(hub_id, f"huggingface.co cannot be reached ({type(error).__name__})", error)
    return _download(hub_id, revision, variant)


def _missing(hub_id: str, why: str, cause: Exception | None = None) -> Path:
    raise InputError(
        f"{_WHERE}: the model '{hub_id}' is not on this machine, and {why}; download it where there is a network with: "
        f"hf download {hub_id}, or name a folder: image.model=FOLDER."
    ) from cause


def _ask(hub_id: str, revision: str) -> None:
    """Raises what keeps the model away, in a sentence where the hub says it; one request, which is not repeated."""
    hub, errors = _hub(), _hub("errors")
    try:
        hub.get_hf_file_metadata(hub.hf_hub_url(hub_id, _INDEX, revision=revision or None), timeout=_PATIENCE_S)
    except errors.GatedRepoError as error:
        raise AccessError(
            f"{_WHERE}: the model '{hub_id}' wants its terms accepted; do so at https://huggingface.co/{hub_id}, then "
            "log in with: hf auth login"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise AccessError(
            f"{_WHERE}: there is no folder '{hub_id}', and huggingface.co has no model of that name or keeps it "
            "private; set image.model to another, or log in with: hf auth login"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise InputError(
            f"{_WHERE}: the model '{hub_id}' has no revision '{revision}'; set image.revision to one that it has."
        ) from error
    except errors.EntryNotFoundError as error:
        raise InputError(
            f"{_WHERE}: the model '{hub_id}' holds no {_INDEX}, so it is no pipeline of diffusers; choose one that is."
        ) from error


def _download(hub_id: str, revision: str, variant: str) -> Path:
    import diffusers

    log.info("%s: takes %s from huggingface.co where it is not on this machine; that can be gigabytes", _WHERE, hub_id)
    try:
        found = diffusers.DiffusionPipeline.download(hub_id, revision=revision or None, variant=variant or None)
    except Exception as error:
        reason = " ".join(str(error).split()).split(". ")[0][:160].rstrip(".")
        raise ServiceError(
            f"{_WHERE}: the download of '{hub_id}' failed ({type(error).__name__}: {reason}); "
            "run it again, it goes on where it stopped."
        ) from error
    return Path(found)


def _hub(part: str = "") -> Any:
    """The hub's own package, or a module of it; it comes with diffusers."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # both are read when the package is imported
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    return importlib.import_module(f"huggingface_hub.{part}" if part else "huggingface_hub")
