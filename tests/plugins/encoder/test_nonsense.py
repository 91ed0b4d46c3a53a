"""Encoder plugins that are wrong: one sentence that names the plugin, before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmv.engine.registry import Registry
from qmv.errors import PluginError
from qmv.plugins.encoder.x264 import X264
from tests.conftest import Ended

FAULTY = """
from qmv.api import Coding, Encoder, Levels, plugin, setting
from qmv.hookspecs import hookimpl


@plugin
class Faulty(Encoder):
    "Gives what it is told to."

    name = "faulty"
    levels = Levels(("only", 20), ("only", 20), ("only", 20))
    presets = ("only",)
    gives: str = setting("an expression")

    def coding(self):
        return eval(self.gives)


@hookimpl
def qmv_encoders():
    return [Faulty]
"""

WRONG = {
    "{}['speed']": r"coding\(\) failed \(KeyError: 'speed'\); mend the plugin",
    "None": r"coding\(\) must give a Coding, got None; mend the plugin",
    "{'codec': 'libx264'}": r"coding\(\) must give a Coding, got \{'codec': 'libx264'\}; mend the plugin",
    "Coding(codec='libx999', options=())": r"libx999 does not work .*\(FFmpeg: this build has no encoder of",
    "Coding(codec='libx264', options=(('crf', 18),))": r"libx264 does not work .*expected str, got int",
    "Coding(codec='libx264', options=(('preset', 'warp'),))": r"libx264 does not work .*preset.*warp",
    "Coding(codec='libx264', options=(), pixel_format='rgb')": r"libx264 does not work .*not a pixel format: 'rgb'",
    "Coding(codec=None, options=())": r"None does not work .*\(FFmpeg: .*\)",
    "Coding(codec='aac', options=())": r"aac does not work .*\(FFmpeg: .*\)",
}


@pytest.fixture
def faulty(tmp_path: Path) -> Callable[[str], Any]:
    """The plugin file's encoder, whose coding() gives this."""
    path = tmp_path / "faulty.py"
    path.write_text(FAULTY, encoding="utf-8")
    cls: Any = Registry([str(path)]).get("encoder", "faulty").cls
    return lambda gives: cls(gives=gives)


@pytest.mark.parametrize(("gives", "message"), WRONG.items(), ids=WRONG)
def test_identity_of_a_faulty_encoder_is_a_sentence(faulty: Callable[[str], Any], gives: str, message: str) -> None:
    with pytest.raises(PluginError, match=rf"^encoder \(faulty\): {message}") as caught:
        faulty(gives).identity()
    assert "\n" not in str(caught.value)


def test_identity_of_a_sound_encoder_from_a_file_is_given(faulty: Callable[[str], Any]) -> None:
    gives = "Coding(codec='libx264', options=(('crf', '18'),))"
    assert faulty(gives).identity()["settings"]["codec"] == "libx264"
    assert faulty(gives).identity() != X264().identity()


def test_run_with_a_faulty_encoder_ends_with_one_sentence_before_any_work(
    run_cli: Callable[..., Ended], song: Path, tmp_path: Path
) -> None:
    path = tmp_path / "faulty.py"
    path.write_text(FAULTY, encoding="utf-8")
    ended = run_cli(f"song={song}", f"plugins=[{path}]", "encoder=faulty", "encoder.gives='1 / 0'")
    sentence = "error: encoder (faulty): coding() failed (ZeroDivisionError: division by zero); mend the plugin."
    assert (ended.rc, ended.errors) == (1, [sentence])
    assert "Traceback" not in ended.stderr
    assert not ended.found("artifact.json")
