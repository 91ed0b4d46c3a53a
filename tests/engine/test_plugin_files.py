"""Plugins in single files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qmv.engine.registry import Registry
from qmv.errors import ConfigError, PluginError
from tests.engine.plugin_texts import HEAD, TRACKER

PluginFile = Callable[[str, str], str]


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
