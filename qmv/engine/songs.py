"""Every song is an option of the config group `song`: `song=a/b.mp3`, `-m 'song=glob(*)' songs_dir=FOLDER`, an address.

A Hydra ConfigSource of our own, with the search path `songs://FOLDER`. The demo song is an option of it too, listed
where no folder is named; `expanded` turns a glob over a folder into the list of its songs.
"""

from __future__ import annotations

import re
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from qmv.engine.song_addresses import encoded, hide_address, is_remote, split_list
from qmv.errors import ConfigError

__all__ = [
    "AUDIO_SUFFIXES", "DEMO", "expanded", "in_quotes", "is_file", "quoted", "quoted_addresses", "quoted_template",
    "register",
]  # fmt: skip

AUDIO_SUFFIXES = (".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".oga", ".aif", ".aiff")
DEMO = "demo"


class SongSource(ConfigSource):
    """Answers `song/<path>.yaml` for audio files; `self.path` is the folder that bare names are looked up in."""

    @staticmethod
    def scheme() -> str:
        return "songs"

    def available(self) -> bool:
        return True

    def is_group(self, config_path: str) -> bool:
        return config_path in ("", "song")

    def is_config(self, config_path: str) -> bool:
        name = _song_name(config_path)
        # a path that does not exist is an option too: the run then says so in words of its own
        return name is not None and (name == DEMO or "/" in name or _is_audio(name) or is_file(Path(name)))

    def load_config(self, config_path: str) -> ConfigResult:
        name = _song_name(config_path)
        if name is None:
            raise ConfigLoadError(f"Config not found: {config_path}")
        path = name
        if name != DEMO and self.path and not is_remote(name) and is_file(inside := Path(self.path) / name):
            path = str(inside)
        return ConfigResult(
            config=OmegaConf.create({"path": path.replace("${", r"\${")}),
            path=f"{self.scheme()}://{self.path}",
            provider=self.provider,
            header={"package": "song"},
        )

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        if config_path == "":
            return [] if results_filter == ObjectType.CONFIG else ["song"]
        if config_path != "song" or results_filter == ObjectType.GROUP:
            return []
        if not self.path:
            return [DEMO]
        return _songs_in(Path(self.path))


class SongSearchPath(SearchPathPlugin):
    """Puts the songs, and the preset folders of plugins, on Hydra's search path."""

    songs_dir = ""
    config_paths: tuple[str, ...] = ()

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append("qmv-songs", f"songs://{self.songs_dir}")
        for path in self.config_paths:
            search_path.append("qmv-plugin", path)


def register(songs_dir: str, config_paths: tuple[str, ...]) -> None:
    """Tells Hydra of the songs of a folder ('' for none) and of the plugins' presets."""
    SongSearchPath.songs_dir, SongSearchPath.config_paths = songs_dir, config_paths
    plugins = Plugins.instance()
    plugins.register(SongSource)
    plugins.register(SongSearchPath)


def expanded(argument: str) -> str:
    """`song=glob(...)` as the list of the folder's songs, where a folder is named; anything else as it is.

    Hydra's own glob would take the YAMLs of conf/song too, and write names into the grammar without quotes. Raises
    ConfigError where nothing fits.
    """
    folder = SongSearchPath.songs_dir
    if not folder or not re.match(r"song=glob\(", argument):
        return argument
    value = OverridesParser.create().parse_override(argument).value()
    names: list[str] = value.filter(_songs_in(Path(folder))) if isinstance(value, Glob) else []
    if not names:
        raise ConfigError(f"songs_dir ({folder}): holds no song for {argument}; known: {', '.join(AUDIO_SUFFIXES)}.")
    return "song=" + ",".join(quoted(name) for name in names)


def quoted(name: str) -> str:
    """A name as Hydra's grammar takes it, whatever characters it has; in quotes only where it needs them."""
    return name if re.fullmatch(r"[\w./-]+", name, re.ASCII) else in_quotes(name)


def in_quotes(text: str) -> str:
    """A text as Hydra's grammar takes it, exactly, and as nothing but a text.

    Backslashes count there before a quote and at the end only.
    """
    inside = re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + ('\\"' if found[2] else ""), text)
    return '"' + inside.replace("${", r"\${") + '"'


def quoted_addresses(key: str, value: str) -> str:
    """An override whose value has addresses, each as Hydra's grammar takes it; what is secret in them is hidden."""
    if value[:1] in ("'", '"', "["):  # as somebody wrote it who knows the grammar
        for address in re.findall(r"""[A-Za-z][A-Za-z0-9+.-]*://[^"'\s]*""", value):
            hide_address(address)
        return f"{key}={value}"
    parts = split_list(value)
    for part in parts:
        hide_address(encoded(part))
        hide_address(part)
    return f"{key}=" + ",".join(quoted(encoded(part)) if is_remote(part) else part for part in parts)


def quoted_template(argument: str) -> str:
    """`stages.x.key={style}/{n}.mp4` with quotes around the template, whose braces Hydra would read as a mapping."""
    key, _, value = argument.partition("=")
    is_template = key.startswith("stages.") and key.endswith(".key") and "{" in value and value[0] not in "'\""
    return f"{key}={quoted(value)}" if is_template else argument


def is_file(path: Path) -> bool:
    """False also for a name that is longer than names can be."""
    try:
        return path.is_file()
    except OSError:
        return False


def _songs_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if _is_audio(file.name)) if folder.is_dir() else []


def _song_name(config_path: str) -> str | None:
    """The option of the group `song` in Hydra's spelling of it."""
    if not config_path.startswith("song/"):
        return None
    return config_path.removeprefix("song/").removesuffix(".yaml")


def _is_audio(name: str) -> bool:
    return Path(name).suffix.lower() in AUDIO_SUFFIXES
