"""Canonical keys: the same for what says the same, in every process."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.engine.cache import digest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_digest_depends_on_the_order_of_a_sequence() -> None:
    assert digest([1, 2]) != digest([2, 1])


def test_digest_takes_tuples_and_lists_for_the_same() -> None:
    assert digest((1, (2, 3))) == digest([1, [2, 3]])


def test_digest_tells_a_number_from_its_text() -> None:
    assert digest(1) != digest("1")


@pytest.mark.parametrize("value", [Fraction(30000, 1001), Decimal("0.10"), Path("/a/b")])
def test_digest_takes_exact_numbers_and_paths_as_text(value: object) -> None:
    assert digest({"x": value}) == digest({"x": str(value)})


def test_digest_refuses_what_has_no_canonical_form() -> None:
    with pytest.raises(TypeError, match="set has no canonical form"):
        digest({"x": {1, 2}})


@given(PLAIN)
def test_digest_is_the_same_after_json(value: Any) -> None:
    assert digest(value) == digest(json.loads(json.dumps(value)))


def test_digest_is_the_same_in_another_process() -> None:
    value = {"b": [1, 2.5, None, True], "a": {"ü": "é"}}
    code = f"from qmv.engine.cache import digest; print(digest({value!r}))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert there.stdout.strip() == digest(value)
