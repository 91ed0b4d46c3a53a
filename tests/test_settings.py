"""Settings of plugins: their fields, ranges and descriptions."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.errors import UnknownName
from qmv.settings import Setting, check, described, plugin, setting


@plugin
class Lamp:
    """A plugin's settings, without a plugin."""

    level: float = setting("how bright", default=0.5, unit="lm", at_least=0, at_most=1)
    above: float = setting("above", default=1.0, above=0)
    count: int = setting("bulbs", default=4, at_least=1)
    mode: str = setting("the light", default="warm", choices=("warm", "cold"))
    colours: list[str] = setting("the colours", default=["red"])
    dimmed: bool = setting("a switch", default=False, at_least=5)
    threads: int = setting("workers", default=1, keyed=False)
    rate: str = setting("follows a knob", default="24", knob="fps")


@plugin
class Needy:
    """One setting without a default, and a plain field."""

    path: str = setting(help="the file")
    plain: int = 3


def test_plugin_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Lamp().level = 0.1  # type: ignore[misc]


def test_plugin_takes_settings_by_name_only() -> None:
    with pytest.raises(TypeError):
        Lamp(0.1)  # type: ignore[misc]


def test_setting_without_a_default_is_required() -> None:
    with pytest.raises(TypeError, match="path"):
        Needy()  # type: ignore[call-arg]


def test_setting_with_a_list_gives_each_plugin_its_own() -> None:
    assert Lamp().colours is not Lamp().colours


def test_setting_that_is_not_keyed_does_not_change_equality() -> None:
    assert Lamp(threads=1) == Lamp(threads=8)


def test_setting_that_is_keyed_changes_equality() -> None:
    assert Lamp(level=0.1) != Lamp(level=0.2)


def test_described_keeps_the_order_of_the_fields() -> None:
    assert list(described(Lamp)) == [
        "level", "above", "count", "mode", "colours", "dimmed", "threads", "rate",
    ]  # fmt: skip


def test_described_tells_help_unit_and_knob() -> None:
    known = described(Lamp)
    assert (known["level"].help, known["level"].unit, known["rate"].knob) == ("how bright", "lm", "fps")


def test_described_has_an_empty_help_for_a_plain_field() -> None:
    assert described(Needy)["plain"] == Setting(help="")


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        (Setting(help="", at_least=0, at_most=1), "at least 0 and at most 1"),
        (Setting(help="", above=0, at_most=1), "above 0 and at most 1"),
        (Setting(help="", at_least=1), "at least 1"),
        (Setting(help="", at_most=0.5), "at most 0.5"),
        (Setting(help="", choices=("a", "b")), "one of a, b"),
        (Setting(help=""), ""),
    ],
)
def test_allowed_puts_the_range_into_words(meta: Setting, words: str) -> None:
    assert meta.allowed == words


@given(st.floats(min_value=0, max_value=1))
def test_check_accepts_every_value_in_the_range(level: float) -> None:
    check(Lamp(level=level))


@given(st.one_of(st.floats(max_value=0, exclude_max=True), st.floats(min_value=1, exclude_min=True)))
def test_check_refuses_every_value_out_of_the_range(level: float) -> None:
    with pytest.raises(ValueError, match=r"level must be at least 0 and at most 1 .*lm.*, got "):
        check(Lamp(level=level))


def test_check_refuses_not_a_number() -> None:
    with pytest.raises(ValueError, match="level must be"):
        check(Lamp(level=math.nan))


def test_check_refuses_the_open_end_of_a_range() -> None:
    with pytest.raises(ValueError, match="above must be above 0, got 0"):
        check(Lamp(above=0.0))


def test_check_refuses_a_whole_number_below_the_least() -> None:
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        check(Lamp(count=0))


def test_check_refuses_an_unknown_choice_with_a_close_match() -> None:
    with pytest.raises(UnknownName, match=r"mode: 'wram' is not known\. Did you mean 'warm'"):
        check(Lamp(mode="wram"))


def test_check_does_not_take_a_switch_for_a_number() -> None:
    check(Lamp(dimmed=True))
