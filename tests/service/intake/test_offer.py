"""What an installation offers: its styles and choices, those of its plugins, and what the operator leaves of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qmv.errors import ConfigError, UnknownName
from qmv.service.intake.offer import Offer
from qmv.service.settings import ServiceSettings
from qmv.service.web.previews import preview

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = '''
from pathlib import Path

from qmv.api import Transition, plugin, setting
from qmv.hookspecs import hookimpl


@plugin
class Melt(Transition):
    """One picture melts into the next."""

    name = "melt"

    def blend(self, first, second, part):
        return first


@plugin
class Masked(Transition):
    """Cannot be chosen by its name alone."""

    name = "masked"
    mask: str = setting("a picture")

    def blend(self, first, second, part):
        return first


@hookimpl
def qmv_transitions():
    return [Melt, Masked]


@hookimpl
def qmv_config_paths():
    return [str(Path(__file__).parent / "conf")]
'''


def test_the_own_styles_and_defaults_are_offered() -> None:
    offer = Offer.read(ServiceSettings())
    assert [*offer.styles] == ["cosmos", "neon", "noir", "papercut", "watercolor"]
    assert (offer.style, offer.styles["neon"].palette[0]) == ("neon", "#07031a")
    assert offer.checked_style(None) == offer.checked_style("") == "neon"
    defaults = {option["name"]: option["default"] for option in offer.options()}
    assert {name: defaults[name] for name in ("fps", "format", "seed", "image", "brief", "bpm")} == {
        "fps": "24", "format": "square", "seed": 0, "image": "canvas", "brief": "", "bpm": None,
    }  # fmt: skip
    assert {*offer.options()[0]} == {
        "name", "type", "default", "choices", "at_least", "at_most", "unit", "help", "longest",
    }  # fmt: skip


def test_a_third_partys_styles_and_transitions_are_offered(tmp_path: Path) -> None:
    plugin = tmp_path / "melting.py"
    plugin.write_text(PLUGIN, encoding="utf-8")
    style = tmp_path / "conf" / "style" / "lava.yaml"
    style.parent.mkdir(parents=True)
    style.write_text("name: lava\nprompt: '{shot}, lava'\nsubjects: [a rock]\n", encoding="utf-8")
    offer = Offer.read(ServiceSettings(overrides=(f"plugins=[{plugin}]",)))
    assert preview(offer.styles["lava"], tmp_path / "previews").startswith(b"\xff\xd8")
    assert "melt" in offer.knobs["transition"].choices
    assert "masked" not in offer.knobs["transition"].choices


def test_a_style_that_starts_from_another_is_offered_with_what_it_does_not_say(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "run.py").write_text("", encoding="utf-8")
    (tmp_path / "conf" / "style" / "sunset.yaml").write_text(
        'defaults: [neon, _self_]\nname: sunset\npalette: ["#100000", "#ff4000"]\n', encoding="utf-8"
    )
    styles = Offer.read(ServiceSettings(program=str(tmp_path / "run.py"))).styles
    assert styles["sunset"].palette == ("#100000", "#ff4000")
    assert styles["sunset"].prompt == styles["neon"].prompt


@pytest.mark.parametrize(
    ("text", "words"),
    [("name: [", "cannot be read"), ("[a]", "holds no settings"), ("defaults: neon", "holds no settings"),
     ("name: x", "needs at least a prompt"), ("defaults: [broken]", "needs at least a prompt")],
)  # fmt: skip
def test_a_style_that_cannot_be_used_is_told(tmp_path: Path, text: str, words: str) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "run.py").write_text("", encoding="utf-8")
    (tmp_path / "conf" / "style" / "broken.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"style \(.*broken\.yaml\): .*{words}"):
        Offer.read(ServiceSettings(program=str(tmp_path / "run.py")))


def test_another_program_has_its_own(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "run.py").write_text("", encoding="utf-8")
    for name in ("noir", "neon"):
        (tmp_path / "conf" / "style" / f"{name}.yaml").unlink()
    (tmp_path / "conf" / "format" / "tall.yaml").write_text("width: 64\nheight: 640\n", encoding="utf-8")
    offer = Offer.read(ServiceSettings(program=str(tmp_path / "run.py")))
    assert ([*offer.styles], offer.style) == (["cosmos", "papercut", "watercolor"], "cosmos")
    assert "tall" in offer.knobs["format"].choices


def test_the_operators_overrides_are_the_defaults() -> None:
    offer = Offer.read(ServiceSettings(overrides=("fps=30", "style=noir", "format=wide", "brief=about us")))
    told = {option["name"]: option["default"] for option in offer.options()}
    assert (told["fps"], told["format"], told["brief"], offer.style) == ("30", "wide", "about us", "noir")


def test_the_operator_keeps_it_to_some() -> None:
    offer = Offer.read(ServiceSettings(offered=("style=noir,neon", "transition=cut", "brief=", "image="),
        images=("canvas", "runware")))  # fmt: skip
    assert ([*offer.styles], offer.knobs["transition"].choices) == (["noir", "neon"], ("cut",))
    assert not {"brief", "image"} & {*offer.knobs}
    with pytest.raises(UnknownName, match=r"style: .cosmos. is not known\. Known: neon, noir"):
        offer.checked_style("cosmos")


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ("stile=noir", "QMV_SERVICE_OFFERED: is NAME=CHOICE,CHOICE or NAME=, got 'stile=noir'; names: style, "),
        ("style", "QMV_SERVICE_OFFERED: is NAME="),
        ("style=nior", "QMV_SERVICE_OFFERED: style: 'nior' is not known. Did you mean 'noir'"),
        ("brief=a,b", "QMV_SERVICE_OFFERED: brief: 'a' is not known"),
    ],
)
def test_what_cannot_be_kept_to_is_one_sentence(offered: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Offer.read(ServiceSettings(offered=(offered,)))


@pytest.mark.parametrize("style", [1, ["noir"], "../noir", "noir\n", "n" * 100_000, "Noir"])
def test_other_styles_are_refused(style: object) -> None:
    with pytest.raises(UnknownName, match="Known: cosmos, neon") as told:
        Offer.read(ServiceSettings()).checked_style(style)
    assert len(str(told.value)) < 300
