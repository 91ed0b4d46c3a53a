"""Finding plugins, the good and the broken ones, and those who watch a run."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable
from typing import Any

import pytest

from qmv.engine.kinds import KINDS
from qmv.engine.plugin_files import load_file
from qmv.engine.registry import Registry
from qmv.errors import ConfigError, PluginError, UnknownName
from qmv.events import Event, Notice
from qmv.hookspecs import hookimpl
from tests.engine.plugin_texts import HEAD, TRACKER, WRONG

PluginFile = Callable[[str, str], str]


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
    path = plugin_file(name, text)
    return lambda: load_file(path)


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
