"""The plan of a run: its nodes with their keys, and what they have made so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from qmv.api import Stage
from qmv.artifacts import Artifact, Song, Style
from qmv.engine.artifact_cache import ArtifactCache
from qmv.engine.cache import digest
from qmv.engine.graph import Node, plan
from qmv.engine.inputs import root_keys
from qmv.engine.manifest import StageRecord
from qmv.plain import content

__all__ = ["RunPlan"]


@dataclass(kw_only=True)
class RunPlan:
    """What is to be done, in order. `records` stand beside the nodes and go into the manifest."""

    stages: Mapping[str, Stage]
    style: Style
    nodes: list[Node] = field(default_factory=list)
    records: list[StageRecord] = field(default_factory=list)
    values: dict[str, Artifact] = field(default_factory=dict)  # the song, the style, and what nodes have made
    results: dict[str, str] = field(default_factory=dict)  # of nodes whose readers hang on what they made

    def begin(self, song: Song) -> None:
        """Plans everything for a song, with nothing made; raises ConfigError for a mistake in the graph, and what a
        stage raises that can foresee its failure."""
        self.values, self.results = {"song": song, "style": self.style}, {}
        self.nodes = plan(self.stages, root_keys(song, self.style))
        for node in self.nodes:
            node.stage.foresee(song)
        self.records = [StageRecord(node=node.name, stage=node.stage.name, key=node.key) for node in self.nodes]

    @property
    def song(self) -> Song:
        return cast(Song, self.values["song"])

    def known(self, node: Node) -> dict[str, Artifact]:
        """What there is by now of what a node reads."""
        return {source: self.values[source] for source in node.sources if source in self.values}

    def rekey(self, made: Node) -> None:
        """Gives new keys to the nodes behind one, where they hang on what it made."""
        artifact = self.values.get(made.name)
        if artifact is None or not (made.stage.by_result or artifact.provisional):
            return
        self.results[made.name] = digest(content(artifact))
        self.nodes = plan(self.stages, root_keys(self.song, self.style), self.results)
        for node, record in zip(self.nodes, self.records):
            record.key = node.key

    def made_before(self, made: ArtifactCache) -> set[str]:
        """The nodes that an earlier run has made for this one."""
        trial, found = dataclasses.replace(self, values=dict(self.values), results={}), set()
        for place in range(len(self.nodes)):
            node = trial.nodes[place]
            if node.stage.cached and (artifact := made.read(node)) is not None:
                found.add(node.name)
                trial.values[node.name] = artifact
                trial.rekey(node)
        return found
