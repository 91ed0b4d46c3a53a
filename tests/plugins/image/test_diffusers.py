"""The provider diffusers as far as it goes without its packages, which are too heavy for every run of the tests.

`make test-local` tries it with the real ones, in an environment of its own.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from qmv.errors import InputError, PluginError, UnknownName
from qmv.plugins.image.diffusers import Diffusers
from qmv.plugins.image.diffusers_batches import rendered_size
from qmv.plugins.image.diffusers_models import local_folder
from qmv.testing import PluginContract, image_request


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the packages are there: their versions are part of the identity."""
    monkeypatch.setattr(Diffusers, "_version", lambda self, library: "1")
    monkeypatch.setattr("qmv.plugins.image.diffusers.check_installed", lambda: None)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The hub's package, with nothing downloaded. `HF_HUB_OFFLINE`: what the environment says."""
    package, constants = ModuleType("huggingface_hub"), SimpleNamespace(HF_HUB_OFFLINE=False)
    vars(package).update(try_to_load_from_cache=lambda *_, **__: None)
    monkeypatch.setitem(sys.modules, "huggingface_hub", package)
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", constants)
    return constants


def model_in(folder: Path, weights: bytes = b"weights") -> str:
    (folder / "unet").mkdir(parents=True, exist_ok=True)
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}', encoding="utf-8")
    (folder / "unet" / "model.safetensors").write_bytes(weights)
    return str(folder)


@pytest.mark.usefixtures("installed")
class TestDiffusers(PluginContract):
    plugin = Diffusers()


def test_the_packages_to_install_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "diffusers" else find(name))
    sentence = (
        "image (diffusers): needs the package diffusers, which is not installed; install it with: "
        "python -m pip install 'qmv[local]'"
    )
    for use in (Diffusers().ready, Diffusers().identity, lambda: Diffusers().render(image_request())):
        with pytest.raises(PluginError) as caught:
            use()
        assert str(caught.value) == sentence
    (outcome,) = Diffusers().render_all([image_request()])
    assert str(outcome.error) == sentence


# -- identity --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("installed")
def test_a_model_is_known_by_its_files_not_by_its_place(tmp_path: Path) -> None:
    one, two = model_in(tmp_path / "one"), model_in(tmp_path / "two")
    assert Diffusers(model=one).identity() == Diffusers(model=two).identity()
    assert Diffusers(model=model_in(tmp_path / "two", b"others!")).identity() != Diffusers(model=one).identity()


@pytest.mark.usefixtures("installed")
def test_weights_that_were_trained_on_have_another_identity(tmp_path: Path) -> None:
    """Of the same size, and in a file that is too large to be read whole at each run."""
    before = Diffusers(model=model_in(tmp_path, bytes(3_000_000))).identity()
    assert Diffusers(model=model_in(tmp_path, b"\1" * 3_000_000)).identity() != before


@pytest.mark.usefixtures("installed")
def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    before = Diffusers(model=model_in(tmp_path)).identity()
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "note").write_text("downloaded", encoding="utf-8")
    assert Diffusers(model=str(tmp_path)).identity() == before


@pytest.mark.usefixtures("installed")
def test_where_it_runs_does_not_count() -> None:
    there = Diffusers(device="cuda", batch=8, offload=True, offline=True)
    assert there.identity() == Diffusers().identity()
    assert Diffusers(dtype="float16").identity() != Diffusers().identity()
    assert Diffusers(model="made/other").identity() != Diffusers().identity()


@pytest.mark.usefixtures("installed")
def test_the_reference_counts_by_its_bytes(tmp_path: Path) -> None:
    for name, data in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(data)
    a, b, c, none = (Diffusers(reference=each and str(tmp_path / each)).identity() for each in ("a", "b", "c", ""))
    assert a == b
    assert c not in (a, none)
    assert a != none


def test_a_request_counts_by_what_a_model_is_told() -> None:
    """Looks and palettes are for providers that draw."""
    identity, base = Diffusers().request_identity, image_request()
    alike = image_request(index=3, framing="close-up", subject="a pier", look="noir", palette=("#000000",))
    assert identity(alike) == identity(base)
    for change in ({"prompt": "a"}, {"negative_prompt": "b"}, {"seed": 8}, {"width_px": 80}, {"height_px": 80}):
        assert identity(image_request(**change)) != identity(base)


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "steps", "guidance"),
    [
        ("black-forest-labs/FLUX.1-schnell", 4, 0.0),
        ("stabilityai/sd-turbo", 4, 0.0),
        ("made/My_Lightning-2", 4, 0.0),
        ("stabilityai/stable-diffusion-xl-base-1.0", None, None),
        ("made/turbofish", None, None),
    ],
)
def test_quick_models_get_few_steps(model: str, steps: int | None, guidance: float | None) -> None:
    content = Diffusers(model=model).content()
    assert (content["steps"], content["guidance"]) == (steps, guidance)
    content = Diffusers(model=model, steps=9, guidance=2.5).content()
    assert (content["steps"], content["guidance"]) == (9, 2.5)


@pytest.mark.parametrize(
    ("size", "multiple", "longest", "expected"),
    [
        ((1024, 1024), 16, None, (1024, 1024)),
        ((1920, 1080), 16, None, (1920, 1088)),
        ((1920, 1080), 32, None, (1920, 1088)),
        ((1920, 1080), 16, 1024, (1024, 576)),
        ((1080, 1920), 16, 1000, (576, 1008)),
        ((640, 360), 16, 1024, (640, 368)),
        ((16, 4096), 16, 64, (16, 64)),
    ],
)
def test_the_next_larger_size_that_a_model_can_paint(
    size: tuple[int, int], multiple: int, longest: int | None, expected: tuple[int, int]
) -> None:
    assert rendered_size(image_request(width_px=size[0], height_px=size[1]), multiple, longest) == expected


@pytest.mark.parametrize(
    "changes", [{"steps": 0}, {"guidance": -1.0}, {"strength": 0.0}, {"strength": 1.1}, {"batch": 0}]
)
def test_settings_out_of_their_range_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(changes))} must be"):
        Diffusers(**changes)


def test_a_device_that_nobody_has_is_refused() -> None:
    with pytest.raises(UnknownName, match="device: 'tpu' is not known"):
        Diffusers(device="tpu")


# -- the model -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["./nowhere", "/nowhere/at/all", "~/nowhere", "a/b/c", "a b/c", "", "nowhere/"])
def test_a_folder_that_is_not_there_is_a_sentence(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(InputError, match=r"image \(diffusers\): (there is no folder|\. holds no model_index)"):
        local_folder(model)


def test_a_folder_without_a_pipeline_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no model_index\.json, so it is no pipeline of diffusers; name the"):
        local_folder(str(tmp_path))


def test_a_single_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sdxl.safetensors").write_bytes(b"weights")
    with pytest.raises(InputError, match=r"sdxl\.safetensors is a file; name a folder with a model_index\.json"):
        local_folder(str(tmp_path / "sdxl.safetensors"))


@pytest.mark.usefixtures("installed")
def test_readiness_asks_no_network(hub: SimpleNamespace, tmp_path: Path) -> None:
    """The stand-in for the hub has no way to a network: what is not on this machine is left to the download."""
    Diffusers(model=model_in(tmp_path)).ready()
    Diffusers(model="made/tiny").ready()
    sentence = "the model 'made/tiny' is not on this machine, and image.offline or HF_HUB_OFFLINE forbids the network"
    with pytest.raises(InputError, match=sentence):
        Diffusers(model="made/tiny", offline=True).ready()
    hub.HF_HUB_OFFLINE = True
    with pytest.raises(InputError, match=sentence):
        Diffusers(model="made/tiny").ready()


@pytest.mark.usefixtures("installed")
def test_a_reference_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no picture .*a\.png; mend image\.reference"):
        Diffusers(reference=str(tmp_path / "a.png")).ready()
