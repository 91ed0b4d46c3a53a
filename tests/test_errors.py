"""The errors' sentences, and that they cross process borders."""

from __future__ import annotations

import errno
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmv.errors import (
    ConfigError,
    InputError,
    OutputError,
    PluginError,
    ProofError,
    QmvError,
    UnknownName,
    output_error,
)

NAMES = st.text(min_size=1, max_size=12)


@pytest.mark.parametrize("kind", [ConfigError, InputError, OutputError, PluginError, ProofError, UnknownName])
def test_every_error_is_a_qmv_error(kind: type[Exception]) -> None:
    assert issubclass(kind, QmvError)


def test_unknown_name_is_a_config_error() -> None:
    assert issubclass(UnknownName, ConfigError)


def test_unknown_name_offers_the_closest_name() -> None:
    assert "Did you mean 'neon'?" in str(UnknownName("style", "nion", ["noir", "neon"]))


def test_unknown_name_makes_no_guess_where_nothing_is_close() -> None:
    assert "Did you mean" not in str(UnknownName("style", "xyz", ["noir", "neon"]))


def test_unknown_name_lists_the_known_names_in_order() -> None:
    assert str(UnknownName("style", "xyz", ["noir", "neon"])).endswith("Known: neon, noir.")


def test_unknown_name_says_that_none_is_known() -> None:
    assert str(UnknownName("style", "xyz", [])).endswith("Known: none.")


@given(NAMES, NAMES, st.lists(NAMES, max_size=5))
def test_unknown_name_survives_pickling(what: str, name: str, known: list[str]) -> None:
    error = UnknownName(what, name, known)
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), str(copied), copied.name) == (UnknownName, str(error), name)


@pytest.mark.parametrize("kind", [ConfigError, InputError, OutputError, PluginError, ProofError])
def test_error_survives_pickling(kind: type[Exception]) -> None:
    copied = pickle.loads(pickle.dumps(kind("a sentence.")))
    assert (type(copied), str(copied)) == (kind, "a sentence.")


def test_output_error_tells_of_a_full_disk() -> None:
    assert "the disk is full" in str(output_error(OSError(errno.ENOSPC, "No space left on device", "/out/a.png")))


def test_output_error_names_the_file() -> None:
    assert str(output_error(OSError(errno.ENOSPC, "No space left", "/out/a.png"))).startswith("outputs (/out/a.png): ")


def test_output_error_does_without_a_file_name() -> None:
    assert str(output_error(OSError(errno.ENOSPC, "No space left on device"))).startswith("outputs: ")


@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EFBIG],
)
def test_output_error_names_the_way_out(number: int) -> None:
    assert "outputs=FOLDER" in str(output_error(OSError(number, "refused")))


def test_output_error_leaves_other_errors_alone() -> None:
    assert output_error(OSError(errno.ECONNRESET, "Connection reset by peer")) is None
