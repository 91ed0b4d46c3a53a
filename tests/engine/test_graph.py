"""The order of stages, their keys, and the mistakes that are found before any work."""

from __future__ import annotations

import dataclasses

import pytest

from qmv.api import IDENTITY, Affine, Context, Effect, Motion, Stage, plugin, setting
from qmv.artifacts import Artifact, Beats, Shot, Song, Storyboard, Style, Video
from qmv.engine.graph import Node, plan
from qmv.errors import ConfigError, PluginError

ROOTS: dict[str, tuple[type[Artifact], str]] = {"song": (Song, "song-1"), "style": (Style, "style-1")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BarBeats(Beats):
    """A kind of Beats."""


@plugin
class Listen(Stage):
    name = "listen"
    sharpness: float = setting("changes the result", default=1.0)
    threads: int = setting("does not", default=1, keyed=False)

    def run(self, ctx: Context, song: Song) -> Beats: ...  # type: ignore[empty-body]


@plugin
class ListenToBars(Stage):
    name = "listen_to_bars"

    def run(self, ctx: Context, song: Song) -> BarBeats: ...  # type: ignore[empty-body]


@plugin
class Write(Stage):
    name = "write"
    effects: tuple[Effect, ...] = ()

    def run(self, ctx: Context, style: Style, beats: Beats) -> Storyboard: ...  # type: ignore[empty-body]


@plugin
class Film(Stage):
    name = "film"

    def run(self, ctx: Context, storyboard: Storyboard, song: Song) -> Video: ...  # type: ignore[empty-body]


@plugin
class Waits(Stage):
    name = "waits"

    def run(self, ctx: Context, video: Video) -> Beats: ...  # type: ignore[empty-body]


@plugin
class Watch(Stage):
    name = "watch"

    def run(self, ctx: Context, beats: Beats) -> Beats: ...  # type: ignore[empty-body]


@plugin
class HandsOver(Stage):
    name = "hands_over"
    after = ("watched",)

    def run(self, ctx: Context, beats: Beats) -> Video: ...  # type: ignore[empty-body]


@plugin
class Glow(Effect):
    name = "glow"
    strength: float = setting("how bright", default=0.5)

    def apply(self, frame, at): ...  # type: ignore[no-untyped-def]


def keys(stages: dict[str, Stage], roots: dict[str, tuple[type[Artifact], str]] = ROOTS) -> dict[str, str]:
    return {node.name: node.key for node in plan(stages, roots)}


def order(nodes: list[Node]) -> list[str]:
    return [node.name for node in nodes]


# -- order -----------------------------------------------------------------------------------------------------------


def test_plan_puts_each_stage_after_what_it_reads() -> None:
    stages = {"video": Film(), "storyboard": Write(), "beats": Listen()}
    assert order(plan(stages, ROOTS)) == ["beats", "storyboard", "video"]


def test_plan_puts_a_stage_after_one_that_it_only_waits_for() -> None:
    """Whichever comes first in the config, and also where the graph has no such node."""
    stages = {"beats": Listen(), "loud": HandsOver(), "watched": Watch()}
    assert order(plan(stages, ROOTS)) == ["beats", "watched", "loud"]
    assert order(plan({"beats": Listen(), "loud": HandsOver()}, ROOTS)) == ["beats", "loud"]


def test_plan_names_what_each_stage_reads() -> None:
    nodes = plan({"beats": Listen(), "storyboard": Write()}, ROOTS)
    assert [node.sources for node in nodes] == [("song",), ("style", "beats")]


def test_plan_takes_a_subtype_where_a_type_is_wanted() -> None:
    assert order(plan({"beats": ListenToBars(), "storyboard": Write()}, ROOTS)) == ["beats", "storyboard"]


# -- mistakes --------------------------------------------------------------------------------------------------------


def test_plan_offers_the_closest_name_for_an_unknown_input() -> None:
    with pytest.raises(ConfigError, match=r"reads 'beats', which nothing makes\. Did you mean 'beat'\?"):
        plan({"beat": Listen(), "storyboard": Write()}, ROOTS)


def test_plan_says_how_to_mend_an_unknown_input() -> None:
    with pytest.raises(ConfigError, match=r"stage@stages\.beats=NAME, or drop this one with ~stages\.storyboard"):
        plan({"storyboard": Write()}, ROOTS)


def test_plan_refuses_an_input_of_another_type() -> None:
    with pytest.raises(ConfigError, match=r"stages\.video \(film\): wants 'storyboard' to be Storyboard, but .* Beats"):
        plan({"storyboard": Listen(), "video": Film()}, ROOTS)


def test_plan_refuses_a_base_type_where_its_subtype_is_wanted() -> None:
    @plugin
    class Picky(Stage):
        name = "picky"

        def run(self, ctx: Context, beats: BarBeats) -> Storyboard: ...  # type: ignore[empty-body]

    with pytest.raises(ConfigError, match="wants 'beats' to be BarBeats, but it is Beats"):
        plan({"beats": Listen(), "storyboard": Picky()}, ROOTS)


def test_plan_refuses_a_circle_and_shows_it() -> None:
    stages = {"beats": Waits(), "storyboard": Write(), "video": Film()}
    with pytest.raises(ConfigError, match=r"stages: \w+ -> \w+ -> \w+ -> \w+ is a circle"):
        plan(stages, ROOTS)


def test_plan_refuses_a_stage_that_waits_for_itself() -> None:
    with pytest.raises(ConfigError, match="beats -> beats is a circle"):
        plan({"beats": plugin(type("Own", (Stage,), {"name": "own", "run": _reads_beats}))()}, ROOTS)


def _reads_beats(self: Stage, ctx: Context, beats: Beats) -> Beats: ...  # type: ignore[empty-body]


# -- keys ------------------------------------------------------------------------------------------------------------


def test_key_is_the_same_for_the_same_plan() -> None:
    assert keys({"beats": Listen(sharpness=2)}) == keys({"beats": Listen(sharpness=2)})


def test_key_changes_with_a_setting() -> None:
    assert keys({"beats": Listen(sharpness=1)}) != keys({"beats": Listen(sharpness=2)})


def test_key_does_not_change_with_a_setting_that_is_not_keyed() -> None:
    assert keys({"beats": Listen(threads=1)}) == keys({"beats": Listen(threads=8)})


def test_key_changes_with_the_version_of_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys({"beats": Listen()})
    monkeypatch.setattr(Listen, "version", 2)
    assert keys({"beats": Listen()}) != before


def test_key_changes_with_the_stage_that_makes_the_same() -> None:
    assert keys({"beats": Listen()}) != keys({"beats": ListenToBars()})


def test_key_changes_with_the_key_of_a_root() -> None:
    assert keys({"beats": Listen()}) != keys({"beats": Listen()}, ROOTS | {"song": (Song, "song-2")})


def test_key_does_not_change_with_a_root_that_is_not_read() -> None:
    assert keys({"beats": Listen()}) == keys({"beats": Listen()}, ROOTS | {"style": (Style, "style-2")})


def test_key_changes_with_a_setting_of_a_stage_before() -> None:
    first, second = ({"beats": Listen(sharpness=s), "storyboard": Write()} for s in (1, 2))
    assert keys(first)["storyboard"] != keys(second)["storyboard"]


def test_key_does_not_change_with_a_stage_after() -> None:
    alone, followed = {"beats": Listen()}, {"beats": Listen(), "storyboard": Write()}
    assert keys(alone)["beats"] == keys(followed)["beats"]


def test_key_does_not_depend_on_the_order_of_the_config() -> None:
    assert keys({"beats": Listen(), "storyboard": Write()}) == keys({"storyboard": Write(), "beats": Listen()})


def test_key_changes_with_a_setting_of_a_plugin_inside_the_stage() -> None:
    first, second = ({"beats": Listen(), "storyboard": Write(effects=(Glow(strength=s),))} for s in (0.1, 0.2))
    assert keys(first)["storyboard"] != keys(second)["storyboard"]


def test_key_changes_with_the_order_of_effects() -> None:
    dim, bright = Glow(strength=0.1), Glow(strength=0.2)
    first, second = ({"beats": Listen(), "storyboard": Write(effects=e)} for e in ((dim, bright), (bright, dim)))
    assert keys(first)["storyboard"] != keys(second)["storyboard"]


def test_key_of_a_plugin_whose_library_is_missing_is_a_sentence() -> None:
    @plugin
    class Far(Motion):
        """Needs what nobody has."""

        name = "far"
        libraries = ("no-such-library",)

        def camera(self, shot: Shot, frame: int) -> Affine:
            return IDENTITY

    with pytest.raises(PluginError, match=r"motion \(far\): needs the package no-such-library.*pip install"):
        Far().identity()


# -- keys by results -------------------------------------------------------------------------------------------------

STAGES: dict[str, Stage] = {"beats": Listen(), "storyboard": Write(), "video": Film()}


def keys_with(results: dict[str, str], stages: dict[str, Stage] = STAGES) -> dict[str, str]:
    return {node.name: node.key for node in plan(stages, ROOTS, results)}


def test_key_of_who_reads_a_result_hangs_on_it_and_on_nothing_before_it() -> None:
    one, two = (keys_with({"beats": "made"}, STAGES | {"beats": Listen(sharpness=s)}) for s in (1, 2))
    assert one["beats"] != two["beats"]
    assert (one["storyboard"], one["video"]) == (two["storyboard"], two["video"])


def test_key_changes_with_the_result_that_is_read_and_so_do_those_after() -> None:
    one, two = keys_with({"beats": "made"}), keys_with({"beats": "made otherwise"})
    assert one["beats"] == two["beats"]
    assert one["storyboard"] != two["storyboard"]
    assert one["video"] != two["video"]


def test_key_does_not_change_with_a_result_that_is_not_read() -> None:
    one, two = keys_with({"storyboard": "made"}), keys_with({"storyboard": "made otherwise"})
    assert (one["beats"], one["storyboard"]) == (two["beats"], two["storyboard"])
    assert one["video"] != two["video"]


def test_key_without_results_hangs_on_how_things_are_made() -> None:
    assert keys_with({}) == keys(STAGES)
    assert keys_with({"storyboard": "made"})["video"] != keys(STAGES)["video"]


def test_key_hangs_on_a_result_and_on_the_roots_that_are_read_beside_it() -> None:
    other = ROOTS | {"song": (Song, "song-2")}
    one, two = ({node.name: node.key for node in plan(STAGES, roots, {"beats": "made"})} for roots in (ROOTS, other))
    assert one["storyboard"] == two["storyboard"]
    assert one["video"] != two["video"]
