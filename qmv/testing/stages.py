"""The contract of stages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from qmv.api import (
    Stage,
)
from qmv.artifacts import Artifact
from qmv.plain import dump, files, load
from qmv.testing.base import PluginContract
from qmv.testing.things import stage_context


class StageContract(PluginContract):
    """`given` may be overridden with the inputs by name; then the stage is run as well."""

    same_bytes: ClassVar[bool] = True  # the files of the artifact are the same on a second run

    @pytest.fixture
    def given(self) -> Mapping[str, Artifact] | None:
        """The inputs of `run` by name; None: it is not run."""
        return None

    def test_names_what_it_reads(self, subject: Stage) -> None:
        for name, kind in subject.inputs().items():
            assert isinstance(kind, type), f"{name} wants an artifact class as its annotation, got {kind!r}"
            assert issubclass(kind, Artifact), f"{name} wants an artifact class as its annotation, got {kind!r}"

    def test_names_what_it_makes(self, subject: Stage) -> None:
        assert issubclass(subject.makes(), Artifact)
        assert subject.makes() is not Artifact, "annotate run() with the artifact that it returns"

    def test_makes_what_it_says(self, subject: Stage, given: Mapping[str, Artifact] | None, tmp_path: Path) -> None:
        inputs = _wanted(given)
        assert set(subject.inputs()) - subject.optional() <= set(inputs) <= set(subject.inputs())
        assert isinstance(subject.run(stage_context(tmp_path), **inputs), subject.makes())

    def test_makes_an_artifact_that_can_be_kept(
        self, subject: Stage, given: Mapping[str, Artifact] | None, tmp_path: Path
    ) -> None:
        ctx = stage_context(tmp_path)
        artifact = subject.run(ctx, **_wanted(given))
        assert load(subject.makes(), dump(artifact, ctx.folder, ctx.cache.root), ctx.folder) == artifact
        assert all(file.intact() for file in files(artifact))

    def test_makes_the_same_twice(self, subject: Stage, given: Mapping[str, Artifact] | None, tmp_path: Path) -> None:
        inputs = _wanted(given)
        results = [subject.run(stage_context(tmp_path / run), **inputs) for run in ("one", "two")]
        hashes = [[file.sha256 for file in files(result)] for result in results]
        assert len(hashes[0]) == len(hashes[1])
        assert hashes[0] == hashes[1] or not self.same_bytes

    def test_forecasts_without_making_anything(
        self, subject: Stage, given: Mapping[str, Artifact] | None, tmp_path: Path
    ) -> None:
        ctx = stage_context(tmp_path)
        assert isinstance(subject.forecast(ctx, **_wanted(given)), str)
        assert not [path for path in ctx.folder.rglob("*") if path.is_file()]


def _wanted(given: Mapping[str, Artifact] | None) -> Mapping[str, Artifact]:
    if given is None:
        pytest.skip("override the fixture `given` with the stage's inputs to run it")
    return given
