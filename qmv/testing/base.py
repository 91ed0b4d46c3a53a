"""What holds for a plugin of any kind."""

from __future__ import annotations

import copy
import functools
import os
import pickle
import subprocess
import sys
import typing
from typing import Any

import pytest

from qmv.api import (
    Plugin,
)
from qmv.engine.cache import digest
from qmv.settings import described

HEAVY = ("av", "cv2", "google", "librosa", "moviepy", "runware", "torch")
"""Libraries that no plugin may load before it works: `python run.py --help` imports every plugin."""


class PluginContract:
    """What holds for a plugin of any kind. Give `plugin` as an instance, or as a fixture of that name."""

    plugin: Any = None

    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest) -> Any:
        """The plugin to try, wherever the author gave it."""
        if isinstance(self.plugin, Plugin):
            return self.plugin
        if self.plugin is None:
            pytest.fail(f"{type(self).__name__} wants `plugin = YourPlugin(...)`, or a fixture called plugin")
        return request.getfixturevalue("plugin")

    def test_is_a_frozen_dataclass(self, subject: Plugin) -> None:
        cls = type(subject)
        assert "__dataclass_params__" in vars(cls), f"put @plugin above class {cls.__name__}"
        assert cls.__dataclass_params__.frozen, f"{cls.__name__} must be frozen: use @plugin"  # type: ignore[attr-defined]
        hash(subject)

    def test_has_a_name_that_a_config_can_use(self, subject: Plugin) -> None:
        assert isinstance(subject.name, str)
        assert subject.name.replace("_", "a").replace("-", "a").isalnum(), f"choose a plain name, got {subject.name!r}"
        assert subject.name == subject.name.lower(), f"names are lower case, got {subject.name!r}"

    def test_has_a_docstring(self, subject: Plugin) -> None:
        doc = type(subject).__doc__ or ""
        assert doc.strip(), f"{type(subject).__name__} wants a docstring; the list of plugins shows its first line"
        assert not doc.startswith(f"{type(subject).__name__}("), "the docstring is the one that dataclass made up"

    def test_explains_each_setting(self, subject: Plugin) -> None:
        plugins = {name for name, hint in typing.get_type_hints(type(subject)).items() if _holds_plugins(hint)}
        silent = [name for name, meta in described(type(subject)).items() if name not in plugins and not meta.help]
        assert not silent, f"write help for {', '.join(silent)}: setting('one line', default=...)"

    def test_has_an_identity_of_plain_values(self, subject: Plugin) -> None:
        assert digest(subject.identity()) == digest(subject.identity())

    def test_gives_equal_instances_an_equal_identity(self, subject: Plugin) -> None:
        twin = copy.deepcopy(subject)
        assert twin == subject
        assert twin.identity() == subject.identity()

    def test_can_be_pickled(self, subject: Plugin) -> None:
        twin = pickle.loads(pickle.dumps(subject))
        assert twin == subject
        assert twin.identity() == subject.identity()

    def test_loads_no_heavy_library_when_imported(self, subject: Plugin) -> None:
        loaded = _heavy_imports(type(subject).__module__)
        assert not loaded, f"import {', '.join(loaded)} inside the method that uses it"


def _holds_plugins(hint: Any) -> bool:
    inner = typing.get_args(hint) or (hint,)
    return any(isinstance(part, type) and issubclass(part, Plugin) for part in inner)


_IMPORT = """
import importlib, importlib.util, sys
name, file, *heavy = sys.argv[1:]
try:
    importlib.import_module(name)
except ImportError:
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
print(*(library for library in heavy if library in sys.modules))
"""


@functools.cache
def _heavy_imports(module: str) -> tuple[str, ...]:
    """Which of HEAVY a fresh Python has loaded after importing a module."""
    file = str(sys.modules[module].__file__)
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, module, file, *HEAVY],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{module} cannot be imported on its own: {done.stderr}"
    return tuple(done.stdout.split())
