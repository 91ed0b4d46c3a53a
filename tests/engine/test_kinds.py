"""The kinds of plugins, and classes that are not what their kind wants."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import qmv.api
from qmv import hookspecs
from qmv.engine.kinds import KINDS
from qmv.engine.registry import Registry
from qmv.errors import PluginError
from tests.engine.plugin_texts import HEAD, WRONG


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


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_file_with_a_mistake_is_refused_with_the_reason(
    plugin_file: Callable[[str, str], str], text: str, message: str
) -> None:
    with pytest.raises(PluginError, match=rf"(?s)wrong\.py.*{message}"):
        Registry([plugin_file("wrong.py", HEAD + text)])
