"""How the service is set up: by variables of the environment, which `qmv serve` also writes for its own processes.

Each field is QMV_SERVICE_<FIELD>. REDIS_URL, QMV_SERVICE_TOKEN and LOG_LEVEL stand for themselves; the first two are
secrets, so no field holds them.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qmv
from qmv.errors import ConfigError, UnknownName
from qmv.objects.places import CLOUDS
from qmv.service.queue.board import Limits
from qmv.settings import check, described, plugin, setting

if TYPE_CHECKING:
    from qmv.service.queue.board import Board

__all__ = ["PREFIX", "ServiceSettings", "config_folder", "open_board", "program", "redis_url", "token", "words_of"]

PREFIX = "QMV_SERVICE_"
_NAMES = ("images", "buckets", "proxies")  # lists of names, which hold no comma


@plugin
class ServiceSettings:
    """What the operator decides; nothing of it can be changed from outside."""

    host: str = setting("the address to listen on; others than this machine need a token", default="127.0.0.1")
    port: int = setting("the port; 0: any that is free", default=8000, at_least=0, at_most=65535)
    workers: int = setting("renders at once on this machine, without Redis", default=1, at_least=0, at_most=256)
    outputs: str = setting("the folder for everything that is kept: cache, songs, videos, state", default="outputs")
    program: str = setting("run.py, whose conf/ the videos are made with; '': the one here", default="")
    overrides: tuple[str, ...] = setting("settings of run.py for every video, such as storage=gcs", default=())
    images: tuple[str, ...] = setting("image providers that outsiders may choose; the first is the default",
        default=("canvas",))  # fmt: skip
    offered: tuple[str, ...] = setting("choices that outsiders are kept to, such as style=neon,noir; NAME= takes a "
        "setting away", default=())  # fmt: skip
    buckets: tuple[str, ...] = setting("gs://, s3:// and az:// addresses under which songs may be named", default=())
    web_songs: bool = setting("whether songs may be named by https:// addresses of public hosts", default=True)
    budget_usd: float | None = setting("the most that one video may spend on pictures", default=None, unit="US dollars",
        at_least=0)  # fmt: skip
    upload_mb: float = setting("the most that one song may have", default=100.0, unit="MB", above=0, at_most=10_000)
    songs: int = setting("the most songs of one session", default=20, at_least=1, at_most=1000)
    song_minutes: float = setting("the longest song", default=15.0, unit="minutes", above=0, at_most=600)
    running: int = setting("the most videos in work at once, on all machines; 0: as workers there are", default=0,
        at_least=0)  # fmt: skip
    session_running: int = setting("the same of one session", default=2, at_least=0)
    open: int = setting("the most videos that wait or are in work", default=1000, at_least=1)
    attempts: int = setting("tries before a video is parked", default=4, at_least=1, at_most=100)
    lease_s: float = setting("without a sign of life for so long, a job goes to another worker", default=15.0, unit="s",
        at_least=2, at_most=600)  # fmt: skip
    job_minutes: float = setting("a render that takes longer is stopped", default=120.0, unit="minutes", above=0)
    keep_days: float = setting("sessions and their uploads are forgotten after it", default=7.0, unit="days", above=0)
    starts_per_minute: int = setting("the most sessions that one client may start", default=30, at_least=1,
        unit="per minute")  # fmt: skip
    reads_per_minute: int = setting("the most other requests of one client", default=3000, at_least=1,
        unit="per minute")  # fmt: skip
    listeners: int = setting("the most that listen to events at once", default=2000, at_least=1)
    connections: int = setting("the most connections of one client", default=2000, at_least=1)
    proxies: tuple[str, ...] = setting("addresses or networks of proxies, whose X-Forwarded-For and X-Forwarded-Proto "
        "are believed", default=())  # fmt: skip
    local: bool = setting("whether to listen on all addresses without a token, on a network of your own", default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", self.host.strip().strip("[]"))  # an IPv6 address may come as URLs have it
        check(self)
        for address in self.buckets:
            _check_bucket(address)
        for name in self.proxies:
            _check_network(name)

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> ServiceSettings:
        """Raises ConfigError for a variable that is unknown or out of its range."""
        environ = os.environ if environ is None else environ
        given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
        values: dict[str, Any] = {}
        kinds = {field.name: str(field.type) for field in dataclasses.fields(cls)}
        for name, text in given.items():
            field = name.removeprefix(PREFIX).lower()
            if field == "token":
                continue
            if field not in kinds:
                known = (f"{PREFIX}{known.upper()}" for known in (*described(cls), "token"))
                raise UnknownName("environment", name, known)
            values[field] = _value(name, text, kinds[field])
        try:
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{PREFIX}*: {error}.") from error

    def environ(self) -> dict[str, str]:
        """The variables that `read` makes the same settings of."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {f"{PREFIX}{name.upper()}": _text(value) for name, value in values.items() if value is not None}

    @property
    def folder(self) -> Path:
        """For what the service itself keeps: uploads, the folders of runs, its state."""
        return Path(self.outputs).absolute() / "service"

    @property
    def words(self) -> dict[str, str]:
        """The operator's overrides by key; values as they are written, without quotes around them."""
        parts = (word.partition("=") for word in self.overrides)
        return {key.lstrip("+"): value.strip("'\"") for key, _, value in parts}

    @property
    def videos(self) -> Path | None:
        """The folder in which finished videos lie by session; None where they are stored elsewhere."""
        words = self.words
        if words.get("storage", "folder") != "folder":
            return None
        return Path(words.get("storage.path", self.outputs)).expanduser().absolute() / "videos"

    @property
    def limits(self) -> Limits:
        return Limits(
            running=self.running, session_running=self.session_running, open=self.open, attempts=self.attempts,
            losses=self.attempts, lease_s=self.lease_s, keep_s=self.keep_days * 86400,
        )  # fmt: skip


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


def config_folder(settings: ServiceSettings) -> Path:
    """The folder conf/ that the videos are made with."""
    return program(settings).parent / "conf"


def redis_url() -> str:
    """'' for the queue in a file of this machine."""
    return os.environ.get("REDIS_URL", "").strip()


def token() -> str:
    return os.environ.get(f"{PREFIX}TOKEN", "").strip()


def words_of(field: str, text: str) -> tuple[str, ...]:
    """The words of a setting that is a list, from a variable or a flag: with spaces between, also with commas where
    they are names. Raises ValueError for a quote that is not closed."""
    words = shlex.split(text)
    if field in _NAMES:
        words = [part.strip() for word in words for part in word.split(",")]
    return tuple(word for word in words if word)


def open_board(settings: ServiceSettings, *, wait_s: float = 10.0) -> Board:
    """In Redis where REDIS_URL is set, else in a file of this machine; where others write in that for longer than
    `wait_s`, it raises Unavailable."""
    if url := redis_url():
        from qmv.service.queue.redis_board import RedisBoard

        return RedisBoard(url, settings.limits)
    from qmv.service.queue.sqlite_board import SqliteBoard

    return SqliteBoard(settings.folder / "state.sqlite", settings.limits, wait_s=wait_s)


def _check_network(name: str) -> None:
    import ipaddress

    try:
        ipaddress.ip_network(name, strict=False)
    except ValueError as error:
        raise ValueError(f"proxies are addresses or networks such as 10.0.0.0/8, got '{name}'") from error


def _check_bucket(address: str) -> None:
    scheme, _, rest = address.partition("://")
    if scheme.lower() not in CLOUDS or not rest.strip("/"):
        raise ValueError(f"buckets are addresses such as gs://BUCKET/FOLDER, s3:// or az://, got '{address}'")


def _text(value: Any) -> str:
    return shlex.join(value) if isinstance(value, tuple) else str(value)


def _value(name: str, text: str, kind: str) -> Any:
    """A variable's text as its field has it."""
    text = text.strip()
    try:
        if kind.startswith("tuple"):
            return words_of(name.removeprefix(PREFIX).lower(), text)
        if kind == "bool":
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}[
                text.lower()
            ]
        if kind == "int":
            return int(text)
        return float(text) if "float" in kind else text
    except (KeyError, ValueError) as error:
        words = {"bool": "true or false", "int": "a whole number"}.get(kind, "a number")
        words = "words, with quotes that are closed" if kind.startswith("tuple") else words
        raise ConfigError(f"{name}: must be {words}, got '{text}'.") from error
