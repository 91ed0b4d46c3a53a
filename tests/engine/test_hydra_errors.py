"""Hydra's own errors, put into one sentence each."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue

from qmv.engine.hydra_errors import sentence
from qmv.engine.registry import Broken, Registry
from qmv.errors import ConfigError, InputError, OutputError, QmvError

Compose = Callable[..., tuple[Any, Registry]]


@pytest.fixture
def said(compose: Compose) -> Callable[..., str]:
    """What a user reads for overrides that do not compose."""

    def say(*overrides: str) -> str:
        with pytest.raises(Exception) as caught:  # noqa: PT011
            compose(*overrides)
        return str(sentence(caught.value, Registry()))

    return say


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("style=nion", "style: 'nion' is not known. Did you mean 'neon'? Known: "),
        ("image=canvsa", "image: 'canvsa' is not known. Did you mean 'canvas'? Known: canvas, diffusers, "),
        ("tracker=xyz", "tracker: 'xyz' is not known. Known: beat_this, librosa, superflux."),
        ("quality=ultra", "quality: 'ultra' is not known. Known: draft, high, standard."),
        ("graph=nope", "graph: 'nope' is not known. Known: music_video, pictures, storyboard."),
        ("experiment=nope", "experiment: 'nope' is not known. Known: "),
        ("stage@stages.video=nope", "stage: 'nope' is not known. Known: assemble_"),
        ("song=nope", "Or give the path of a song: song=path/to/track.mp3."),
        ("beats_per_imag=2", "key: 'beats_per_imag' is not known. Did you mean 'beats_per_image'?"),
        (
            "motion.zom=1",
            "key: 'motion.zom' is not known. Did you mean 'motion.zoom'?",
        ),
        ("song.titel=x", "key: 'song.titel' is not known. Did you mean 'song.title'?"),
        (
            "run.dryy=true",
            "'run.dryy' is not known. Did you mean 'run.dry'? Known: run.cache_url, run.dry, run.workers.",
        ),
        ("stile=neon", "'stile' is not known. Did you mean 'style'?"),
        ("~stages.nope", "stages.nope"),
        ("effects.flash=1", "'effects.flash' is not known"),
        ("song", "'song': cannot be read as KEY=VALUE"),
        ("song=a[b", "'song=a[b': cannot be read as KEY=VALUE"),
    ],
)
def test_sentence_says_what_is_wrong_and_what_is_known(said: Callable[..., str], override: str, words: str) -> None:
    assert words in said(override)


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("min_images=two", "min_images", "two"),
        ("width=1e9", "width", "1000000000.0"),
        ("run.dry=maybe", "dry", "maybe"),
        ("motion.zoom=wide", "zoom", "wide"),
        ("song.start_s=early", "start_s", "early"),
    ],
)
def test_sentence_for_a_wrong_type_names_the_key_and_the_value(
    said: Callable[..., str], override: str, key: str, value: str
) -> None:
    words = said(override)
    assert (key in words, value in words, "$" in words) == (True, True, False)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["image=folder", "image.path=null"],
            "image.path: must have a value, got null; give it one with image.path=PATH.",
        ),
        (["fps=null"], "fps: must have a value, got null; give it one with fps=FPS."),
        (["image=???"], "image: has no value yet; choose one with image=NAME; known: canvas, diffusers, folder, "),
        (["song=???"], "known: demo. Or give the path of a song: song=path/to/track.mp3."),
    ],
)
def test_sentence_for_no_value_says_how_to_give_one(said: Callable[..., str], overrides: list[str], words: str) -> None:
    assert words in said(*overrides)


def test_sentence_for_a_key_inside_a_group_lists_the_keys_of_that_group(said: Callable[..., str]) -> None:
    assert "beats_per_image" not in said("effects.flash=1")


def test_sentence_for_two_values_without_a_sweep_says_how_to_sweep(said: Callable[..., str]) -> None:
    assert said("style=neon,noir") == (
        "style=neon,noir: several values make a sweep; add -m, or put the value into quotes within the shell's own: "
        "'style=\"one, two\"'."
    )


@pytest.mark.parametrize(
    "override", ["style=nion", "min_images=two", "song=a,b", "foo=1", "~nothing", "song", "stages.video.crf=x"]
)
def test_sentence_is_one_line(said: Callable[..., str], override: str) -> None:
    assert "\n" not in said(override)


def test_sentence_tells_of_plugins_that_failed_to_load(compose: Compose) -> None:
    registry = Registry()
    registry.broken.append(Broken(package="dream", reason="ModuleNotFoundError: No module named 'torch'"))
    with pytest.raises(Exception) as caught:  # noqa: PT011
        compose("image=dreamer")
    assert "Plugin 'dream' failed to load and may hold it" in str(sentence(caught.value, registry))


def test_sentence_for_a_value_that_is_missing_when_it_is_read_says_how_to_give_one() -> None:
    cfg = OmegaConf.create({"outputs": "???"})
    with pytest.raises(MissingMandatoryValue) as caught:
        cfg.outputs  # noqa: B018
    assert str(sentence(caught.value, None)) == "outputs: has no value yet; give it one with outputs=OUTPUTS."


# -- other errors ----------------------------------------------------------------------------------------------------


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def test_sentence_keeps_our_own_error() -> None:
    error = InputError("song (a.mp3): the file is empty.")
    assert sentence(error, None) is error


def test_sentence_finds_our_own_error_behind_another() -> None:
    error = InputError("song (a.mp3): the file is empty.")
    assert sentence(raised(HydraException("Error in job"), error), None) is error


def test_sentence_tells_of_a_full_disk() -> None:
    found = sentence(raised(HydraException("Error"), OSError(errno.ENOSPC, "No space left")), None)
    assert (type(found), "the disk is full" in str(found)) == (OutputError, True)


def test_sentence_takes_hydras_own_words_where_it_knows_none() -> None:
    assert str(sentence(HydraException("two\n  lines"), None)) == "two lines"


def test_sentence_calls_what_nobody_foresaw_unexpected() -> None:
    found = sentence(RuntimeError("boom"), None)
    assert (type(found), str(found).startswith("unexpected (RuntimeError): boom;")) == (QmvError, True)


def test_sentence_for_a_wrong_setting_is_a_config_error(compose: Compose) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        compose("style=nion")
    assert isinstance(sentence(caught.value, None), ConfigError)
