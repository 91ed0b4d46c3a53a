"""The config's own keys, their types and their defaults; those of plugins are the fields of their classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

__all__ = ["ProveSettings", "RunSettings", "Schema", "SongSettings", "StyleSettings"]


@dataclass
class SongSettings:
    """A song: a path, and what the user knows better than the file's tags and the tracker (docs/song.md).

    Times are seconds of the file.
    """

    path: str = MISSING
    title: str | None = None
    artist: str | None = None
    start_s: float = 0.0
    end_s: float | None = None
    window: str | None = None
    bpm: float | None = None
    tempo_range: list[float] | None = None
    meter: str | None = None
    downbeat_s: float | None = None
    offset_s: float = 0.0
    beats_file: str | None = None
    lyrics: str | None = None
    most_mb: float = 500.0
    most_minutes: float | None = None
    public_only: bool = False


@dataclass
class StyleSettings:
    """A look in words and colours, as conf/style/*.yaml give it."""

    name: str = MISSING
    prompt: str = MISSING
    negative_prompt: str = ""
    look: str = "neon"
    palette: list[str] = field(default_factory=lambda: ["#101018", "#404060", "#8080a0", "#f0f0f0"])
    shots: list[str] = field(default_factory=lambda: ["wide shot", "medium shot", "close-up"])
    subjects: list[str] = MISSING
    moods: list[str] = field(default_factory=list)


@dataclass
class RunSettings:
    """How this machine runs, none of which changes a result. `workers`: 0 means one a core.

    `cache_url` is the address of a cache that machines share (docs/shared_cache.md); '': there is none.
    """

    dry: bool = False
    workers: int = 0
    cache_url: str = ""


@dataclass
class ProveSettings:
    """What to do with a video that is out of sync: `on_fail` is fail or warn."""

    on_fail: str = "fail"


@dataclass
class Schema:
    """The top level of the config: the knobs that people sweep, and one node for each kind of plugin."""

    song: SongSettings = field(default_factory=SongSettings)
    style: StyleSettings = field(default_factory=StyleSettings)
    beats_per_image: Any = MISSING  # a number, or a mapping by energy or section
    min_images: int = MISSING
    fps: str = MISSING
    width: int = MISSING
    height: int = MISSING
    seed: int = MISSING
    brief: str = ""
    subject: str = ""
    palette: Any = None  # words, or a list of '#rrggbb'
    storyboard: str | None = None
    on_missing: str = "fail"
    budget_usd: float | None = None
    prices: dict[str, Any] = field(default_factory=dict)
    tracker: Any = None
    writer: Any = None
    image: Any = None
    fallback: Any = None
    motion: Any = None
    transition: Any = None
    effects: dict[str, Any] = field(default_factory=dict)
    encoder: Any = None
    storage: Any = None
    session: str = ""
    n: int | None = None
    licence: str = ""
    observers: Any = field(default_factory=list)  # names, or mappings with a name
    audio: str = "aac"
    audio_kbps: int = 256
    loudness_lufs: float | None = None
    quality: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, Any] = field(default_factory=dict)
    prove: ProveSettings = field(default_factory=ProveSettings)
    run: RunSettings = field(default_factory=RunSettings)
    outputs: str = "outputs"
    songs_dir: str | None = None
    plugins: list[str] = field(default_factory=list)
