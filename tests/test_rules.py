"""Rules of the whole code base: its layers, its light imports, its documentation."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmv.engine.kinds import KINDS
from qmv.hookspecs import __dict__ as hookspecs

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "qmv").rglob("*.py"))
HEAVY = (
    "librosa",
    "moviepy",
    "av",
    "cv2",
    "dotenv",
    "google",
    "httpx",
    "obstore",
    "celery",
    "flask",
    "gevent",
    "redis",
    "opentimelineio",
    "runware",
    "scipy",
    "soundfile",
    "PIL",
    "numba",
    "sklearn",
)

# what a module's name starts with -> the level of its layer; it may import from its own level and below
LAYERS = [
    ("qmv.errors", 0), ("qmv.settings", 1), ("qmv.artifacts", 1), ("qmv.plain", 1), ("qmv.events", 1),
    ("qmv.media", 2), ("qmv.proof", 2), ("qmv.analysis", 2), ("qmv.demo", 2), ("qmv.objects", 2),
    ("qmv.live", 2), ("qmv.companions", 2), ("qmv.handoff", 2), ("qmv.engine.cache", 2), ("qmv.engine.ledger", 2),
    ("qmv.engine.ledger_sums", 2),
    ("qmv.engine.doubts", 2), ("qmv.engine.outbox", 2), ("qmv.engine.parcels", 2), ("qmv.engine.shared_cache", 2),
    ("qmv.engine.inbox", 2), ("qmv.engine.transactions", 2),
    ("qmv.api", 3), ("qmv.buying", 4),
    ("qmv.hookspecs", 4), ("qmv.stages", 5), ("qmv.plugins", 5), ("qmv.engine", 6), ("qmv.testing", 7),
    ("qmv.app", 7), ("qmv.ending", 7), ("qmv.service", 7), ("qmv.commands", 7), ("qmv.__main__", 7), ("qmv", 0),
]  # fmt: skip


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def level_of(module: str) -> int:
    return next(level for prefix, level in LAYERS if module == prefix or module.startswith(prefix + "."))


def imports(path: Path, *, at_top_only: bool = False) -> Iterator[str]:
    """Every module that a file imports, those for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for inner in [node] if at_top_only else ast.walk(node):
            if isinstance(inner, ast.Import):
                yield from (alias.name for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom) and inner.module:
                yield inner.module
                if inner.module.startswith("qmv"):
                    yield from (f"{inner.module}.{a.name}" for a in inner.names if (ROOT / "qmv" / a.name).exists())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_imports_from_its_layer_and_below(path: Path) -> None:
    own = level_of(name_of(path))
    above = [found for found in imports(path) if found.split(".")[0] == "qmv" and level_of(found) > own]
    assert not above


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_hydra_stays_at_the_edge(path: Path) -> None:
    engine = ("hydra_errors", "recorded", "replay", "songs", "sweeps")
    allowed = {"qmv.app", *(f"qmv.engine.{name}" for name in engine)}
    found = {name.split(".")[0] for name in imports(path)} & {"hydra", "omegaconf"}
    assert not found or name_of(path) in allowed or name_of(path).startswith("qmv.engine.config.")


def test_stages_and_plugins_are_imported_by_the_registry_only() -> None:
    users = {
        name_of(path)
        for path in MODULES
        if not name_of(path).startswith(("qmv.stages", "qmv.plugins"))
        for found in imports(path)
        if found.startswith(("qmv.stages", "qmv.plugins"))
    }
    assert not users


def test_the_registry_loads_nothing_heavy() -> None:
    code = (
        "import sys; from qmv.engine.registry import Registry; from qmv.engine.config.options import publish;"
        f"publish(Registry()); print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_hook_is_documented() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    hooks = [name for name in hookspecs if name.startswith("qmv_")]
    assert hooks
    assert [name for name in hooks if name not in text] == []


def test_every_kind_is_documented() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"| {kind} |" not in text] == []


def test_every_public_class_and_module_has_a_docstring() -> None:
    missing = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        missing += [f"{name_of(path)}: module"] if not ast.get_docstring(tree) else []
        missing += [
            f"{name_of(path)}: {node.name}"
            for node in classes
            if not ast.get_docstring(node) and "Event" not in [ast.unparse(base) for base in node.bases]
        ]
    assert not missing


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_every_yaml_of_the_config_says_what_it_is() -> None:
    plain = {"square.yaml", "wide.yaml", "vertical.yaml"}
    users = {"hydra", "song", "style"}  # Hydra's form, and what people add
    files = [path for path in (ROOT / "conf").rglob("*.yaml") if path.name not in plain and not users & {*path.parts}]
    assert [path.name for path in files if "#" not in path.read_text(encoding="utf-8")[:200]] == []
