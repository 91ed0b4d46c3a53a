"""Plugins without packaging: single Python files, and what is said of one that cannot be loaded."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pluggy

from qmv import hookspecs
from qmv.errors import ConfigError, PluginError, UnknownName

__all__ = ["load_file", "reason"]


def load_file(file: str) -> ModuleType:
    """The module of a plugin file, under a name that is the same in each process, so that its values can be pickled."""
    path = Path(file)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"plugins ({file}): cannot be read ({error.strerror}); name a Python file.") from error
    sha256 = hashlib.sha256(source).hexdigest()
    name = f"qmv_file_{path.stem}_{sha256[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ConfigError(f"plugins ({file}): is no Python file; name a file that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__qmv_source__"] = sha256
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(f"plugins ({file}): failed to import ({reason(error)}); mend it.") from error
    return module


def reason(error: BaseException) -> str:
    """Why a module or its hooks could not be used, in a line without a full stop."""
    if isinstance(error, pluggy.PluginValidationError) and (match := re.search(r"unknown hook '(\w+)'", str(error))):
        known = [name for name in vars(hookspecs) if name.startswith("qmv_")]
        return str(UnknownName("hook", match[1], known)).rstrip(".")
    text = " ".join(str(error).split()).rstrip(".")
    return text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}"
