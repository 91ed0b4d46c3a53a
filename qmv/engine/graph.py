"""Orders the stages and gives each its cache key; every mistake in the graph is found before any work.

An edge is a parameter name: a stage whose `run` has a parameter `beats` reads what the node `beats` makes.
"""

from __future__ import annotations

import difflib
import graphlib
from collections.abc import Mapping
from dataclasses import dataclass

from qmv.api import Stage
from qmv.artifacts import Artifact
from qmv.engine.cache import digest
from qmv.errors import ConfigError

__all__ = ["Node", "plan"]


@dataclass(frozen=True, kw_only=True)
class Node:
    """A stage in its place: the nodes and roots that it reads, and the key of what it will make."""

    name: str
    stage: Stage
    sources: tuple[str, ...]
    key: str


def plan(
    stages: Mapping[str, Stage],
    roots: Mapping[str, tuple[type[Artifact], str]],
    results: Mapping[str, str] | None = None,
) -> list[Node]:
    """The stages in an order in which each comes after what it reads; `roots` gives type and key of what is given.

    `results` are digests of what some nodes made: who reads those hangs on the result, not on how it was made.
    Raises ConfigError for an unknown input, an input of another type, or a circle.
    """
    makes = {name: stage.makes() for name, stage in stages.items()} | {n: kind for n, (kind, _) in roots.items()}
    for name, stage in stages.items():
        for source, wanted in stage.inputs().items():
            if source in makes or source not in stage.optional():
                _check_edge(name, stage, source, wanted, makes)
    try:
        reads = {
            name: [node for node in (*stage.inputs(), *stage.after) if node in stages] for name, stage in stages.items()
        }
        order = list(graphlib.TopologicalSorter(reads).static_order())
    except graphlib.CycleError as error:
        raise ConfigError(
            f"stages: {' -> '.join(error.args[1])} is a circle; a stage cannot wait for itself."
        ) from error
    keys = {name: key for name, (_, key) in roots.items()}
    nodes = []
    for name in order:
        stage = stages[name]
        sources = tuple(source for source in stage.inputs() if source in makes)
        inputs = {source: (results or {}).get(source, keys[source]) for source in sources}
        keys[name] = digest({"stage": stage.identity(), "inputs": inputs})
        nodes.append(Node(name=name, stage=stage, sources=sources, key=keys[name]))
    return nodes


def _check_edge(name: str, stage: Stage, source: str, wanted: type, makes: Mapping[str, type]) -> None:
    where = f"stages.{name} ({stage.name})"
    if source not in makes:
        close = difflib.get_close_matches(source, makes, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise ConfigError(
            f"{where}: reads '{source}', which nothing makes.{hint} Made: {', '.join(sorted(makes))}; "
            f"add a stage with stage@stages.{source}=NAME, or drop this one with ~stages.{name}."
        )
    if not issubclass(makes[source], wanted):
        raise ConfigError(
            f"{where}: wants '{source}' to be {wanted.__name__}, but it is {makes[source].__name__}; "
            "put a stage there that makes the wanted type."
        )
