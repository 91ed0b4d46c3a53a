"""Finding plugins: built-ins, installed packages and single files, the good and the broken ones."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qmv.api
from qmv import hookspecs
from qmv.engine.registry import KINDS, Registry
from qmv.errors import ConfigError, PluginError, UnknownName
from qmv.events import Event, Notice
from qmv.hookspecs import hookimpl

HEAD = """
from qmv.api import Effect, Stage, Tracker, plugin, setting
from qmv.artifacts import Beats, Song
from qmv.hookspecs import hookimpl
"""
TRACKER = (
    HEAD
    + """
@plugin
class Steady(Tracker):
    name = "steady"

    def track(self, samples, rate_hz, hints): ...

@hookimpl
def qmv_trackers():
    return [Steady]
"""
)

PluginFile = Callable[[str, str], str]


@pytest.fixture
def plugin_file(tmp_path: Path) -> PluginFile:
    """Writes a plugin file and tells its path."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


class EntryPoint:
    """An installed plugin package, as importlib.metadata tells of it."""

    dist = None

    def __init__(self, name: str, load: Callable[[], object]) -> None:
        self.name, self.load = name, load


def install(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: list(points) if group == "qmv" else [])


def missing_library() -> object:
    raise ModuleNotFoundError("No module named 'torch'")


def tracker_module(plugin_file: PluginFile, name: str = "installed.py", text: str = TRACKER) -> Callable[[], object]:
    from qmv.engine.registry import load_file

    path = plugin_file(name, text)
    return lambda: load_file(path)


# -- kinds -----------------------------------------------------------------------------------------------------------


def test_kinds_name_every_plugin_base() -> None:
    bases = {
        cls
        for cls in vars(qmv.api).values()
        if isinstance(cls, type) and issubclass(cls, qmv.api.Plugin) and cls is not qmv.api.Plugin
    }
    assert {base for base, _ in KINDS.values()} == bases


def test_kinds_name_every_hook_that_gives_plugins() -> None:
    hooks = {name for name in vars(hookspecs) if name.startswith("qmv_")} - {"qmv_config_paths", "qmv_event"}
    assert {hook for _, hook in KINDS.values()} == hooks


@pytest.mark.parametrize("kind", KINDS)
def test_kind_is_the_word_that_its_base_class_says(kind: str) -> None:
    assert KINDS[kind][0].kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_kind_has_a_built_in_plugin(kind: str) -> None:
    assert Registry().names(kind)


# -- look-up ---------------------------------------------------------------------------------------------------------


def test_get_gives_the_class_and_its_package() -> None:
    entry = Registry().get("image", "canvas")
    assert (entry.cls.name, entry.package) == ("canvas", "qmv")


def test_get_offers_the_closest_name_for_an_unknown_one() -> None:
    with pytest.raises(UnknownName, match=r"image: 'canvsa' is not known\. Did you mean 'canvas'\? Known: canvas"):
        Registry().get("image", "canvsa")


def test_entries_name_each_plugin_with_its_kind() -> None:
    registry = Registry()
    assert {kind: entry.cls.kind for kind, entry in registry.entries()} == {kind: kind for kind in KINDS}


# -- files -----------------------------------------------------------------------------------------------------------


def test_file_brings_its_plugin(plugin_file: PluginFile) -> None:
    assert "steady" in Registry([plugin_file("steady.py", TRACKER)]).names("tracker")


def test_file_plugin_is_known_by_the_bytes_of_its_file(plugin_file: PluginFile) -> None:
    first = Registry([plugin_file("a/steady.py", TRACKER)]).get("tracker", "steady").cls()
    other = Registry([plugin_file("b/steady.py", TRACKER + "# changed\n")]).get("tracker", "steady").cls()
    assert first.identity() != other.identity()


def test_file_gives_the_same_identity_from_another_place(plugin_file: PluginFile) -> None:
    first = Registry([plugin_file("a/steady.py", TRACKER)]).get("tracker", "steady").cls()
    other = Registry([plugin_file("b/other.py", TRACKER)]).get("tracker", "steady").cls()
    assert first.identity() == other.identity()


def test_file_brings_its_preset_folders(plugin_file: PluginFile) -> None:
    text = HEAD + "@hookimpl\ndef qmv_config_paths():\n    return ['pkg://somewhere.conf']\n"
    assert Registry([plugin_file("presets.py", text)]).config_paths == ["pkg://somewhere.conf"]


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"plugins \(.*nope\.py\): cannot be read \(No such file"):
        Registry([str(tmp_path / "nope.py")])


def test_file_that_is_no_python_file_is_named(plugin_file: PluginFile) -> None:
    with pytest.raises(ConfigError, match=r"notes\.txt\): is no Python file"):
        Registry([plugin_file("notes.txt", "text")])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import no_such_library\n", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise RuntimeError('boom')\n", "RuntimeError: boom"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_file_that_fails_to_import_is_refused_with_the_reason(plugin_file: PluginFile, text: str, reason: str) -> None:
    with pytest.raises(PluginError, match=rf"broken\.py\): failed to import \({reason}"):
        Registry([plugin_file("broken.py", text)])


WRONG = {
    "no name": (
        (
            "@plugin\nclass Nameless(Tracker):\n    def track(self, samples, rate_hz, hints): ...\n\n"
            "@hookimpl\ndef qmv_trackers():\n    return [Nameless]\n"
        ),
        "Nameless wants a `name`",
    ),
    "no decorator": (
        (
            "class Plain(Tracker):\n    name = 'plain'\n    def track(self, samples, rate_hz, hints): ...\n\n"
            "@hookimpl\ndef qmv_trackers():\n    return [Plain]\n"
        ),
        "@plugin decorator",
    ),
    "no method": (
        "@plugin\nclass Idle(Tracker):\n    name = 'idle'\n\n@hookimpl\ndef qmv_trackers():\n    return [Idle]\n",
        "Idle lacks track; a tracker has to define it",
    ),
    "another kind": (
        (
            "@plugin\nclass Steady(Tracker):\n    name = 'steady'\n"
            "    def track(self, samples, rate_hz, hints): ...\n\n"
            "@hookimpl\ndef qmv_effects():\n    return [Steady]\n"
        ),
        "is no Effect",
    ),
    "no class": ("@hookimpl\ndef qmv_trackers():\n    return ['steady']\n", "'steady' is no Tracker"),
    "misspelled hook": ("@hookimpl\ndef qmv_traker():\n    return []\n", "Did you mean 'qmv_trackers'"),
    "no annotation": (
        (
            "@plugin\nclass Step(Stage):\n    name = 'step'\n    def run(self, ctx, song) -> Beats: ...\n\n"
            "@hookimpl\ndef qmv_stages():\n    return [Step]\n"
        ),
        r"run\(\) has no annotation for song",
    ),
    "unknown annotation": (
        (
            "@plugin\nclass Step(Stage):\n    name = 'step'\n    def run(self, ctx, song: 'Sonk') -> Beats: ...\n\n"
            "@hookimpl\ndef qmv_stages():\n    return [Step]\n"
        ),
        "Sonk",
    ),
    "hook that raises": ("@hookimpl\ndef qmv_trackers():\n    raise RuntimeError('boom')\n", "boom"),
    "hook that gives nothing": ("@hookimpl\ndef qmv_trackers():\n    return None\n", "qmv_trackers"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_file_with_a_mistake_is_refused_with_the_reason(plugin_file: PluginFile, text: str, message: str) -> None:
    with pytest.raises(PluginError, match=rf"(?s)wrong\.py.*{message}"):
        Registry([plugin_file("wrong.py", HEAD + text)])


# -- two of one name -------------------------------------------------------------------------------------------------


def test_two_plugins_of_one_name_are_refused_naming_both(plugin_file: PluginFile) -> None:
    files = [plugin_file("one.py", TRACKER), plugin_file("two.py", TRACKER + "# another\n")]
    with pytest.raises(PluginError, match=r"'steady', one from one\.py and one from two\.py"):
        Registry(files)


def test_file_with_the_name_of_a_built_in_is_refused_naming_both(plugin_file: PluginFile) -> None:
    with pytest.raises(PluginError, match=r"'librosa', one from qmv and one from mine\.py"):
        Registry([plugin_file("mine.py", TRACKER.replace('"steady"', '"librosa"'))])


def test_two_files_of_one_file_name_bring_their_plugins(plugin_file: PluginFile) -> None:
    other = TRACKER.replace('"steady"', '"other"')
    registry = Registry([plugin_file("a/mine.py", TRACKER), plugin_file("b/mine.py", other)])
    assert {"steady", "other"} <= set(registry.names("tracker"))


def test_file_named_twice_ends_in_a_sentence(plugin_file: PluginFile) -> None:
    file = plugin_file("mine.py", TRACKER)
    with pytest.raises(PluginError, match=r"mine\.py"):
        Registry([file, file])


# -- installed packages ----------------------------------------------------------------------------------------------


def test_entry_point_brings_its_plugin(monkeypatch: pytest.MonkeyPatch, plugin_file: PluginFile) -> None:
    install(monkeypatch, EntryPoint("steady", tracker_module(plugin_file)))
    assert "steady" in Registry().names("tracker")


def test_broken_entry_point_does_not_stop_a_run_that_needs_it_not(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, EntryPoint("dream", missing_library))
    assert Registry().get("image", "canvas").cls.name == "canvas"


def test_broken_entry_point_is_reported_when_a_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, EntryPoint("dream", missing_library))
    with pytest.raises(ConfigError, match="'dream' failed to load and may hold it: ModuleNotFoundError: No module"):
        Registry().get("image", "dreamer")


def test_entry_point_with_a_mistake_is_reported_in_one_clean_sentence(
    monkeypatch: pytest.MonkeyPatch, plugin_file: PluginFile
) -> None:
    install(monkeypatch, EntryPoint("idle", tracker_module(plugin_file, text=HEAD + WRONG["no method"][0])))
    assert ".." not in Registry().broken_hint()


def test_entry_point_with_a_mistake_leaves_no_observer_behind(
    monkeypatch: pytest.MonkeyPatch, plugin_file: PluginFile, caplog: pytest.LogCaptureFixture
) -> None:
    observer = "@hookimpl\ndef qmv_event(event):\n    raise RuntimeError('seen')\n"
    text = HEAD + WRONG["hook that raises"][0] + observer
    install(monkeypatch, EntryPoint("loud", tracker_module(plugin_file, text=text)))
    Registry().publish(Notice(node="beats", message="hello"))
    assert caplog.records == []


def test_two_entry_points_of_one_plugin_name_are_refused(
    monkeypatch: pytest.MonkeyPatch, plugin_file: PluginFile
) -> None:
    install(
        monkeypatch,
        EntryPoint("first", tracker_module(plugin_file, "first.py")),
        EntryPoint("second", tracker_module(plugin_file, "second.py")),
    )
    with pytest.raises(PluginError, match="one from first and one from second"):
        Registry()


def test_disabled_entry_point_is_left_out(monkeypatch: pytest.MonkeyPatch, plugin_file: PluginFile) -> None:
    install(monkeypatch, EntryPoint("steady", tracker_module(plugin_file)))
    monkeypatch.setenv("QMV_DISABLE_PLUGINS", "other, steady")
    assert "steady" not in Registry().names("tracker")


def test_disabled_entry_point_is_not_even_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, EntryPoint("dream", missing_library))
    monkeypatch.setenv("QMV_DISABLE_PLUGINS", "dream")
    assert Registry().broken == []


# -- observers -------------------------------------------------------------------------------------------------------


class Watcher:
    """Writes down what it sees."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    @hookimpl
    def qmv_event(self, event: Event) -> None:
        self.seen.append(event)


class Failing:
    """An observer with a mistake."""

    @hookimpl
    def qmv_event(self, event: Event) -> None:
        raise RuntimeError("cannot watch")


@pytest.fixture
def notice() -> Notice:
    return Notice(node="beats", message="hello")


def test_observer_sees_what_is_published(notice: Notice) -> None:
    registry, watcher = Registry(), Watcher()
    registry.observe(watcher)
    registry.publish(notice)
    assert watcher.seen == [notice]


def test_observer_that_is_forgotten_sees_nothing(notice: Notice) -> None:
    registry, watcher = Registry(), Watcher()
    registry.observe(watcher)
    registry.forget(watcher)
    registry.publish(notice)
    assert watcher.seen == []


def test_observer_that_raises_is_logged(notice: Notice, caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    registry.observe(Failing())
    with caplog.at_level(logging.WARNING, "qmv"):
        registry.publish(notice)
    assert "failed on Notice" in caplog.text


@pytest.mark.parametrize("order", [(Watcher, Failing), (Failing, Watcher)])
def test_observer_that_raises_does_not_blind_the_others(order: tuple[type, type], notice: Notice) -> None:
    registry = Registry()
    observers: list[Any] = [kind() for kind in order]
    for observer in observers:
        registry.observe(observer)
    registry.publish(notice)
    assert [seen for observer in observers for seen in getattr(observer, "seen", [])] == [notice]
