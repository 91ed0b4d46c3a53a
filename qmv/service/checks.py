"""What `qmv serve` makes sure of before it starts: so a mistake is one sentence, and no night of retries."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from qmv.engine.song_addresses import is_loopback
from qmv.errors import ConfigError, OutputError, output_error
from qmv.service.intake.offer import Offer
from qmv.service.queue.board import Unavailable
from qmv.service.settings import PREFIX, ServiceSettings, open_board, program, redis_url, token

__all__ = ["check_all", "check_clouds", "check_door", "check_overrides", "free_port"]

_NEEDS = ("flask", "flask_limiter", "gevent", "prometheus_client")
_NEEDS_FOR_REDIS = ("celery", "redis")
_LIBRARIES = {"gcs": ("google.cloud.storage", "gcs"), "object_store": ("obstore", "object-store")}  # of storages
_KEPT_BY = {"gs": "gcs", "s3": "object_store", "az": "object_store"}
_OF_SETTINGS = ("", "ConfigError", "PluginError", "UnknownName")  # '': before the run began
_COMPOSES_WITHIN_S = 120
_SECOND_HZ = 8000
_TOKEN_SIGNS = 16


def check_all(settings: ServiceSettings) -> None:
    """Raises ConfigError or OutputError for the first thing that the service could not work with."""
    _check_extra()
    _check_workers(settings)
    check_door(settings)
    check_clouds(settings)
    Offer.read(settings)
    _check_folder(settings)
    _check_board(settings)
    check_overrides(settings)


def check_door(settings: ServiceSettings) -> None:
    """Raises ConfigError where others could make this machine work, and pay for pictures, without a token, or with one
    that they can guess."""
    if 0 < len(token()) < _TOKEN_SIGNS:
        raise ConfigError(
            f"{PREFIX}TOKEN: has {len(token())} signs and can be guessed; give it at least {_TOKEN_SIGNS} random ones, "
            "such as openssl rand -hex 32 prints."
        )
    if settings.local or token() or is_loopback(settings.host.lower()):
        return
    raise ConfigError(
        f"serve: {settings.host or 'every address'} can be reached from other machines, and there is no token; set "
        f"{PREFIX}TOKEN to a long random text, or say --local ({PREFIX}LOCAL=true) where everybody on the network may "
        "use it."
    )


def free_port(settings: ServiceSettings) -> int:
    """The port to listen on, chosen here for port 0; raises ConfigError where it is taken or none of this machine."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            if sys.platform != "win32":  # there it would allow what it allows to detect elsewhere
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            return int(tried.getsockname()[1])
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"serve: cannot listen on {settings.host}, port {settings.port} ({reason}); end what listens there, or "
            "choose another with --port, 0 for any that is free."
        ) from error


def check_clouds(settings: ServiceSettings) -> None:
    """Raises ConfigError where the library is missing that storing the videos, or fetching songs, would want."""
    storage = settings.words.get("storage", "")
    wanted = {storage: f"storage={storage}"}
    wanted |= {_KEPT_BY[address.partition("://")[0].lower()]: f"buckets ({address})" for address in settings.buckets}
    for name, where in wanted.items():
        library, extra = _LIBRARIES.get(name, ("", ""))
        if library and not _is_installed(library):
            raise ConfigError(f"serve: {where} needs {library}, which is not installed; pip install 'qmv[{extra}]'.")


def _check_extra() -> None:
    needs = _NEEDS + (_NEEDS_FOR_REDIS if redis_url() else ())
    missing = [name.replace("_", "-") for name in needs if not _is_installed(name)]
    if missing:
        raise ConfigError(f"serve: {', '.join(missing)} is not installed; pip install 'qmv[service]'.")


def _is_installed(library: str) -> bool:
    try:
        return importlib.util.find_spec(library) is not None
    except ModuleNotFoundError:  # nor is what it would be a part of
        return False


def _check_workers(settings: ServiceSettings) -> None:
    if not settings.workers and not redis_url():
        raise ConfigError(
            "serve: --workers 0 leaves nobody to render, as there is no REDIS_URL by which workers of other machines "
            "could be reached; give it at least 1."
        )


def _check_folder(settings: ServiceSettings) -> None:
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.folder):
            pass
    except OSError as error:
        raise output_error(error) or OutputError(
            f"outputs ({settings.outputs}): cannot be used ({error.strerror}); name another folder with --outputs."
        ) from error


def _check_board(settings: ServiceSettings) -> None:
    try:
        board = open_board(settings)
        board.counts()
        if warning := board.warning():
            print(f"warning: {warning}", file=sys.stderr)
        board.close()
    except Unavailable as error:
        raise ConfigError(str(error)) from error


def check_overrides(settings: ServiceSettings) -> None:
    """Plans a video of one silent second with the operator's words, as all videos are made with them; raises
    ConfigError for one that is wrong."""
    from qmv.engine.songs import in_quotes

    run_py = program(settings)
    if not settings.overrides:
        return
    with tempfile.TemporaryDirectory(prefix="qmv-") as folder:
        song, place = Path(folder) / "second.wav", Path(folder) / "run"
        with wave.open(str(song), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(_SECOND_HZ)
            sound.writeframes(bytes(2 * _SECOND_HZ))
        paths = {"song.path": song, "outputs": folder, "hydra.run.dir": place}
        ours = [*(f"{key}={in_quotes(str(path))}" for key, path in paths.items()), "run.dry=true"]
        try:
            ended = subprocess.run(
                [sys.executable, str(run_py), *settings.overrides, *ours],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_COMPOSES_WITHIN_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:  # something slow that may still be right
            return
        if ended.returncode == 0:
            return
        manifest = place / "manifest.json"
        kind = json.loads(manifest.read_bytes()).get("error_kind", "") if manifest.is_file() else ""
        words = [line.removeprefix("error: ") for line in ended.stderr.splitlines() if line.startswith("error: ")]
        if kind in _OF_SETTINGS:
            raise ConfigError(words[-1] if words else f"serve: {run_py} cannot be run with these settings.")
