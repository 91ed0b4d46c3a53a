"""What outsiders may set, and that it reaches the config exactly as it was given, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from qmv.errors import ConfigError, UnknownName
from qmv.service.intake.knobs import KNOBS, checked, overrides, schema
from qmv.service.intake.offer import Offer
from qmv.service.queue.jobs import Order
from qmv.service.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[3]
# what a grammar could read as more than a text, and everything else that can be printed
SIGNS = st.one_of(st.sampled_from("'\"\\${}[](),:=+~@|#!&?*%<> \t/.-_0"), st.characters(exclude_categories=("C", "Z")))
WORDS = st.sampled_from(
    ["null", "true", "1", "1e3", "nan", "?" * 3, "oc.env:HOME", "\\", '\\"', "'", "a\\", "a b", "glob(*)", "range(3)",
     "choice(a,b)", "_target_: os.system", "+a=b", "~style", "a,b", "[a,b]", "{a: b}", "$", "{", "$$", "\\\\$ {x}"]
)  # fmt: skip
TEXTS = st.lists(st.one_of(SIGNS, WORDS), min_size=1, max_size=30).map("".join)


@pytest.fixture(scope="module")
def offer() -> Offer:
    return Offer.read(ServiceSettings())


@pytest.fixture
def composed(compose: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """The config that run.py makes of an order, plain, with all that can be looked up looked up."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from omegaconf import OmegaConf

    from qmv.engine.config.arguments import escaped
    from qmv.engine.songs import expanded

    compose()  # publishes the plugins

    def config(order: Order) -> dict[str, Any]:
        from hydra.core.global_hydra import GlobalHydra

        GlobalHydra.instance().clear()
        words = [expanded(escaped(word)) for word in overrides(order)]
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3", job_name="test"):
            plain: Any = OmegaConf.to_container(hydra_compose("config", overrides=words), resolve=True)
        return dict(plain)

    return config


def taken(knobs: Any, name: str, value: str) -> bool:
    try:
        return checked(knobs, {name: value}) == {name: value}
    except ConfigError:
        return False


# -- what arrives ----------------------------------------------------------------------------------------------------


@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS))
@example(texts=("\\", '\\"', "\\\\", '"'))
@example(texts=("a\\' ", "' \\", '\\\\"', "x=y"))
def test_a_text_arrives_as_it_was_given(
    composed: Callable[..., dict[str, Any]], offer: Offer, texts: tuple[str, str, str, str]
) -> None:
    given_ = dict(zip(("brief", "subject", "licence", "palette"), (text[:200] for text in texts), strict=True))
    given_ = {name: text for name, text in given_.items() if taken(offer.knobs, name, text)}
    settings = checked(offer.knobs, given_)
    title = texts[0].replace("${", "$ {").replace("\t", " ").replace("???", "? ? ?")
    config = composed(Order(song="/a b/x.mp3", title="x", style="noir", settings={**settings, "song.title": title}))
    assert {name: config[name] for name in given_} == given_
    assert (config["song"]["path"], config["song"]["title"], config["style"]["name"]) == ("/a b/x.mp3", title, "noir")


@hypothesis_settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_the_grammar_reads_each_text_as_one_value(text: str) -> None:
    """Without composing, so with more texts."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    text = text.replace("${", "$ {").replace("???", "? ? ?")
    words = overrides(Order(song="a.mp3", title="", style="neon", settings={"brief": text, "palette": [text, "b"]}))
    read = {word.key_or_group: word.value() for word in OverridesParser.create().parse_overrides(words)}
    found = OmegaConf.to_container(OmegaConf.create({name: read[name] for name in ("brief", "palette")}), resolve=True)
    assert found == {"brief": text, "palette": [text, "b"]}


def test_each_setting_arrives_at_its_place(composed: Callable[..., dict[str, Any]], offer: Offer) -> None:
    settings = checked(
        offer.knobs,
        {
            "beats_per_image": 2, "min_images": 3.0, "fps": 29.97, "format": "wide", "quality": "draft", "seed": 7,
            "motion": "deep_ken_burns", "transition": "slow_crossfade", "image": "canvas", "window": "best 30",
            "bpm": 120, "loudness_lufs": -14, "palette": "#102030, #ff8800",
        },
    )  # fmt: skip
    config = composed(Order(song="https://example.com/a,b.mp3", title="", style="neon", settings=settings))
    assert (config["beats_per_image"], config["min_images"], config["fps"], config["seed"]) == (2, 3, "29.97", 7)
    assert (config["width"] > config["height"], config["quality"]["scale"] <= 1) == (True, True)
    assert (config["motion"]["zoom"], config["transition"]["duration_s"]) == (0.2, 1.2)
    assert (config["song"]["window"], config["song"]["bpm"], config["loudness_lufs"]) == ("best 30", 120.0, -14.0)
    assert (config["palette"], config["image"]["name"]) == (["#102030", "#ff8800"], "canvas")
    assert config["song"]["path"] == "https://example.com/a,b.mp3"


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["_target_", "style._target_", "hydra.run.dir", "hydra/launcher", "run.cache_url", "outputs", "storage", "plugins",
     "stages.paint.model", "song", "song.path", "song.lyrics", "storyboard", "budget_usd", "session", "n", "+a",
     "~seed", "seed=1 outputs", "", "prices", "observers", "x" * 100_000],
)  # fmt: skip
def test_other_names_are_refused(offer: Offer, name: str) -> None:
    with pytest.raises(UnknownName, match="Known: beats_per_image, bpm, brief") as told:
        checked(offer.knobs, {name: "1"})
    assert len(str(told.value)) < 500


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("seed", True, "must be a whole number, 0 to 2147483647, got True"),
        ("seed", "1", "must be a whole number"),
        ("seed", 1.5, "must be a whole number"),
        ("seed", -1, "must be 0 to 2147483647, got -1"),
        pytest.param("seed", 10**5000, "must be a whole number", id="huge"),
        ("beats_per_image", 65, r"must be 1 to 64 \(beats\), got 65"),
        ("beats_per_image", {"calm": 8}, "must be a whole number"),
        ("bpm", float("nan"), "must be a number"),
        ("bpm", float("inf"), "must be a number"),
        ("brief", "a" * 501, "has 501 signs, at most 500 are taken"),
        ("brief", ["a"], "must be a text"),
        ("brief", "a\nb", r"a sign that cannot be shown \(U\+000A\)"),
        ("brief", "a\x00b", r"U\+0000"),
        ("brief", "a\u202eb", r"U\+202E"),
        ("brief", "a\ud800b", r"U\+D800"),
        ("brief", "${oc.env:HOME}", r"must not hold '\${'"),
        ("subject", "\\${oc.env:HOME}", r"must not hold '\${'"),
        ("subject", "???", "means nothing here"),
        ("window", "worst 30", "write 'best 30'"),
        ("palette", ["#102030", "${x}"], "is words, such as"),
        ("palette", ["#102030"], "has 1 colours; give 2 to 8"),
        ("palette", "#102030 and red", "is words, such as"),
        ("fps", 1000, "'1000' is not known"),
        ("fps", "24 seed=1", "is not known"),
        ("quality", "../../secret", "is not known"),
        ("image", "runware", "'runware' is not known. Known: canvas"),
        ("motion", ["still"], "is not known"),
    ],
)
def test_wrong_values_are_one_sentence(offer: Offer, name: str, value: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        checked(offer.knobs, {name: value})
    assert str(told.value).startswith(f"settings.{name}: ")
    assert str(told.value).isprintable()


def test_settings_that_are_no_object_are_refused(offer: Offer) -> None:
    for given_ in ([], "seed=1", 3, True):
        with pytest.raises(ConfigError, match="are an object of names and values"):
            checked(offer.knobs, given_)


def test_what_is_left_empty_is_left_to_its_default(offer: Offer) -> None:
    assert checked(offer.knobs, {"seed": None, "brief": "", "fps": None}) == {}
    assert checked(offer.knobs, None) == {}


@pytest.mark.parametrize("name", [*KNOBS])
def test_a_huge_number_is_refused(offer: Offer, name: str) -> None:
    for value in (10**400, -(10**400), 10**5000, 1e308):
        with pytest.raises(ConfigError) as told:
            checked(offer.knobs, {name: value})
        assert len(str(told.value)) < 500


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5),
       name=st.sampled_from([*KNOBS]))  # fmt: skip
def test_whatever_json_holds_is_taken_or_refused_in_one_line(offer: Offer, name: str, value: object) -> None:
    try:
        settings, told = checked(offer.knobs, {name: value}), ""
    except ConfigError as error:
        settings, told = {}, str(error)
    assert (told == "" or told.isprintable(), len(told) < 500) == (True, True)
    assert all("${" not in word and "\n" not in word for word in overrides(order(settings)))


def order(settings: dict[str, Any]) -> Order:
    return Order(song="a.mp3", title="a", style="neon", settings=settings)


def test_the_schema_says_the_same(offer: Offer) -> None:
    told = schema(offer.knobs)
    assert (told["additionalProperties"], [*told["properties"]]) == (False, [*KNOBS])
    assert told["properties"]["seed"]["maximum"] == 2**31 - 1
    assert told["properties"]["brief"]["maxLength"] == 500
    assert told["properties"]["quality"]["enum"] == ["draft", "high", "standard"]
