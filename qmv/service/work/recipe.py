"""What run.py is told for one try at a job: the operator's words, the order's, and those that keep videos apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from qmv.engine.song_addresses import in_bucket, is_remote
from qmv.engine.songs import in_quotes
from qmv.service.intake.knobs import overrides
from qmv.service.queue.jobs import Claim, Order
from qmv.service.settings import PREFIX, ServiceSettings, config_folder

__all__ = ["hidden", "recipe", "song_of", "tries_of"]


def tries_of(settings: ServiceSettings, session: str, n: int) -> Path:
    """Where the folders of a video's tries lie."""
    return settings.folder / "runs" / session / str(n)


def recipe(claim: Claim, settings: ServiceSettings, folder: Path) -> list[str]:
    """The command line of a try in `folder`. What comes later in it wins, as nothing may be said twice to Hydra."""
    order = dataclasses.replace(claim.order, song=song_of(claim.order, settings))
    ours = [
        f"outputs={_quoted(Path(settings.outputs).absolute())}", f"session={claim.session}", f"n={claim.n}",
        f"hydra.run.dir={_quoted(folder)}", "run.dry=false", *_bounds(order, settings),
    ]  # fmt: skip
    if settings.budget_usd is not None:
        ours.append(f"budget_usd={settings.budget_usd}")
    defaults = [*_share(settings), *_storage(settings)]
    return _once([*defaults, *settings.overrides, *overrides(order), *ours])


def song_of(order: Order, settings: ServiceSettings) -> str:
    """The order's song where this machine finds it: an upload's path is told below the service's folder, which machines
    may have in different places. A whole path stays as it is."""
    return order.song if is_remote(order.song) else str(settings.folder / order.song)


def hidden(settings: ServiceSettings) -> tuple[str, ...]:
    """Variables of the environment that a render has no need of: it reads songs of strangers, and runs plugins.

    It tells observers of itself in Redis only where the operator wants it to.
    """
    named = any(key.partition(".")[0] == "observers" for key in settings.words) or _has_observers(settings)
    return (f"{PREFIX}TOKEN",) if named else (f"{PREFIX}TOKEN", "REDIS_URL")


def _has_observers(settings: ServiceSettings) -> bool:
    import yaml

    try:
        values = yaml.safe_load((config_folder(settings) / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):  # which the render will say
        return False
    return isinstance(values, dict) and bool(values.get("observers"))


def _bounds(order: Order, settings: ServiceSettings) -> list[str]:
    """What holds for a song that is fetched, as it holds for one that is sent."""
    if not is_remote(order.song):
        return []
    most = [f"song.most_mb={settings.upload_mb}", f"song.most_minutes={settings.song_minutes}"]
    return most if in_bucket(order.song) else [*most, "song.public_only=true"]


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
    return in_quotes(str(path))
