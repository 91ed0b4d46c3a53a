"""What run.py is told for one try at a job: the operator's words, the order's, and those that keep videos apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import qmv
from qmv.engine.song_addresses import is_remote
from qmv.errors import ConfigError
from qmv.service.intake.knobs import overrides
from qmv.service.queue.jobs import Claim
from qmv.service.settings import ServiceSettings

__all__ = ["program", "recipe", "tries_of"]


def program(settings: ServiceSettings) -> Path:
    """The run.py to run; raises ConfigError where there is none."""
    named = [Path(settings.program).expanduser()] if settings.program else []
    places = named or [Path("run.py"), Path(qmv.__file__).parents[1] / "run.py"]
    for place in places:
        if place.is_file():
            return place.absolute()
    raise ConfigError(
        f"QMV_SERVICE_PROGRAM: there is no file {places[0]}; name the run.py beside the folder conf/ that videos are "
        "made with, or start in its folder."
    )


def tries_of(settings: ServiceSettings, session: str, n: int) -> Path:
    """Where the folders of a video's tries lie."""
    return settings.folder / "runs" / session / str(n)


def recipe(claim: Claim, settings: ServiceSettings, folder: Path) -> list[str]:
    """The command line of a try in `folder`. What comes later in it wins, as nothing may be said twice to Hydra."""
    outputs = Path(settings.outputs).absolute()
    ours = [
        f"outputs={_quoted(outputs)}", f"session={claim.session}", f"n={claim.n}", f"hydra.run.dir={_quoted(folder)}",
        "run.dry=false",
    ]  # fmt: skip
    if settings.budget_usd is not None:
        ours.append(f"budget_usd={settings.budget_usd}")
    if is_remote(claim.order.song) and claim.order.song.lower().startswith("http"):
        ours.append("song.public_only=true")
    defaults = [*_share(settings), *_storage(settings)]
    return _once([*defaults, *settings.overrides, *overrides(claim.order), *ours])


def _share(settings: ServiceSettings) -> list[str]:
    """The cores of a machine, where several renders work on it."""
    from qmv.engine.parallel import cores

    return [f"run.workers={max(1, cores() // settings.workers)}"] if settings.workers > 1 else []


def _storage(settings: ServiceSettings) -> list[str]:
    """Where videos go unless the operator says otherwise; a folder of a run is no place for them, it is cleared away.

    A session that failed can be asked for again with other songs, so its videos may be replaced.
    """
    words = ["storage.overwrite=true"]
    if settings.videos is not None:
        words += ["storage=folder", f"storage.path={_quoted(settings.videos.parent)}"]
    return words


def _once(words: Iterable[str]) -> list[str]:
    """The last word of each key, in the order of the first ones. Words without a value are taken as they are."""
    kept: dict[str, str] = {}
    for word in words:
        key, sign, _ = _parts(word)
        kept[key if sign else word] = word
    return [*kept.values()]


def _parts(word: str) -> tuple[str, str, str]:
    key, sign, value = word.partition("=")
    return key.lstrip("+"), sign, value


def _quoted(path: Path) -> str:
    """A path as Hydra's grammar takes it, exactly."""
    inside = re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + ('\\"' if found[2] else ""), str(path))
    return '"' + inside.replace("${", r"\${") + '"'
