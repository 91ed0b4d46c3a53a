"""What is done with the words of a command line before Hydra reads them."""

from __future__ import annotations

from pathlib import Path

from omegaconf import OmegaConf

from qmv.engine.songs import SongSearchPath, is_file, quoted, quoted_addresses, quoted_template

__all__ = ["early", "escaped"]

_QUOTES = "\"'"


def early(key: str, arguments: list[str], config_file: Path) -> list[str]:
    """A setting that is needed before Hydra composes: from the command line, else from config.yaml."""
    for argument in arguments:
        name, _, value = argument.lstrip("+").partition("=")
        if name == key and value:
            return [_home(part.strip().strip(_QUOTES)) for part in value.strip("[]").split(",") if part.strip()]
    config = OmegaConf.to_container(OmegaConf.load(config_file)) if config_file.is_file() else {}
    found = config.get(key) if isinstance(config, dict) else None
    return [str(item) for item in found] if isinstance(found, list) else [str(found)] if found else []


def escaped(argument: str) -> str:
    """A path or an address that Hydra's grammar would read as its own, put into quotes; `~/` is the home folder, as
    in a shell."""
    argument = quoted_template(argument)
    key, _, value = argument.partition("=")
    if key.lstrip("+") in ("song", "song.path", "song.beats_file", "song.lyrics") and "://" in value:
        return quoted_addresses(key, value)
    if key == "outputs" and value.strip(_QUOTES).startswith("~"):
        return f"outputs={quoted(str(Path(value.strip(_QUOTES)).expanduser()))}"
    places = [Path(value).expanduser(), *([Path(SongSearchPath.songs_dir, value)] if key == "song" else [])]
    is_path = key in ("song", "song.beats_file", "song.lyrics", "storyboard") and any(
        is_file(place) for place in places
    )
    if is_path:
        return f"{key}={quoted(value)}"
    if "~/" not in value or key.startswith("-") or set(value) & {*_QUOTES, *"[{("}:
        return argument  # these are Hydra's to read
    return f"{key}={','.join(quoted(_home(part)) if part.startswith('~/') else part for part in value.split(','))}"


def _home(path: str) -> str:
    return str(Path(path).expanduser()) if path.startswith("~/") else path
