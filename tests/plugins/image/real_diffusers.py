"""The provider diffusers with its real packages and tiny pipelines of random weights: `make test-local`.

The packages need a gigabyte, so pytest does not collect this file by itself: its name says so.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from qmv.api import ImageRequest, Outcome
from qmv.errors import ConfigError
from qmv.media.picture import png, read
from qmv.plugins.image.diffusers import Diffusers
from qmv.plugins.image.diffusers_batches import Wishes, in_batches
from qmv.plugins.image.diffusers_pipelines import Source, forget, kept, quiet
from qmv.testing import ImageProviderContract, image_request
from tests.plugins.image.small_hub import hub
from tests.plugins.image.tiny_pipelines import save_flux, save_stable_diffusion

ROOT = Path(__file__).parents[3]
WISHES = Wishes(steps=2, guidance=None, reference=None, strength=0.6, max_side_px=None)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders: `sd` and `flux` paint, `other` is sd with other weights, `checked` refuses every picture."""
    folder = tmp_path_factory.mktemp("models")
    with quiet():
        save_stable_diffusion(folder / "sd")
        save_stable_diffusion(folder / "other", seed=2)
        save_stable_diffusion(folder / "checked", checked=True)
        save_flux(folder / "flux")
    return folder


@pytest.fixture(autouse=True, scope="module")
def nothing_kept() -> Iterator[None]:
    yield
    forget()


def provider(model: Path, **settings: Any) -> Diffusers:
    return Diffusers(**{"model": str(model), "steps": 3, "device": "cpu"} | settings)


def requests(count: int, **changes: Any) -> list[ImageRequest]:
    words = ("wide shot of a lighthouse", "two dancers", "close up of an empty pier, restless")
    return [image_request(index=n, seed=n, prompt=words[n % 3], **changes) for n in range(count)]


def pixels(outcome: Outcome) -> np.ndarray:
    assert outcome.image, outcome.error
    return read(outcome.image).astype(int)


class TestStableDiffusion(ImageProviderContract):
    seeded = True

    @pytest.fixture
    def plugin(self, models: Path) -> Diffusers:
        return provider(models / "sd")


class TestFlux(ImageProviderContract):
    seeded = True

    @pytest.fixture
    def plugin(self, models: Path) -> Diffusers:
        return provider(models / "flux", batch=2)


@pytest.mark.parametrize("model", ["sd", "flux"])
def test_a_picture_hardly_depends_on_its_batch(models: Path, model: str) -> None:
    """To one of 256 levels: a larger array is added up in another order."""
    wanted = requests(5, height_px=64)
    alone = [pixels(each) for each in provider(models / model).render_all(wanted)]
    together = list(provider(models / model, batch=3).render_all(wanted))
    assert [each.request for each in together] == wanted
    assert max(abs(a - pixels(b)).max() for a, b in zip(alone, together)) <= 1
    assert min(abs(alone[0] - other).mean() for other in alone[1:]) > 10


@pytest.mark.parametrize("size", [(64, 36), (50, 50), (16, 64)])
@pytest.mark.parametrize("model", ["sd", "flux"])
def test_pictures_are_as_large_as_the_format_wants(models: Path, model: str, size: tuple[int, int]) -> None:
    request = image_request(width_px=size[0], height_px=size[1])
    height, width, _ = read(provider(models / model).render(request)).shape
    assert all(0 <= made - wanted < 16 for made, wanted in zip((width, height), size))


def test_pictures_are_smaller_where_a_longest_side_is_given(models: Path) -> None:
    request = image_request(width_px=256, height_px=128)
    assert read(provider(models / "sd", max_side_px=64).render(request)).shape == (32, 64, 3)


def test_requests_of_two_sizes_are_not_one_batch(models: Path) -> None:
    wanted = requests(2, height_px=64) + requests(2, height_px=32)
    made = [pixels(each).shape[0] for each in provider(models / "sd", batch=4).render_all(wanted)]
    assert made == [64, 64, 32, 32]


def test_the_negative_prompt_is_heard_where_the_pipeline_takes_one(models: Path) -> None:
    one, other = (provider(models / "sd").render(image_request(negative_prompt=text)) for text in ("text", "night"))
    assert one != other


def test_a_picture_starts_from_the_reference(models: Path, tmp_path: Path) -> None:
    """The less is painted over, the closer it stays to what the reference gives with hardly any painting."""
    (tmp_path / "a.png").write_bytes(png(np.random.default_rng(1).integers(0, 255, (40, 90, 3), dtype=np.uint8)))
    made = [
        read(provider(models / "sd", reference=str(tmp_path / "a.png"), strength=strength, steps=20).render(request))
        for strength in (0.05, 0.3, 1.0)
        for request in requests(1)
    ]
    far = [abs(made[0].astype(int) - other).mean() for other in made[1:]]
    assert made[0].shape == (48, 64, 3)
    assert far[0] < far[1]


def test_one_pipeline_is_held_at_a_time(models: Path) -> None:
    source = functools.partial(
        Source, revision="", variant="", dtype="auto", device="cpu", offload=False, offline=False, redraws=False
    )
    first = kept(source(model=str(models / "sd")))
    assert kept(source(model=str(models / "sd"))) is first
    kept(source(model=str(models / "other")))
    assert kept(source(model=str(models / "sd"))) is not first


# -- memory ----------------------------------------------------------------------------------------------------------


def in_small_memory(models: Path, room: int, count: int) -> tuple[list[Outcome], list[int]]:
    """What becomes of requests on a device with room for so many, and the sizes of the batches that were tried."""
    tried: list[int] = []

    class Small(StableDiffusionPipeline):
        @functools.wraps(StableDiffusionPipeline.__call__)
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            tried.append(len(kwargs["prompt"]))
            if len(kwargs["prompt"]) > room:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return super().__call__(*args, **kwargs)

    with quiet():
        pipeline = Small.from_pretrained(models / "sd")
    pipeline.set_progress_bar_config(disable=True)
    return list(in_batches(pipeline, WISHES, requests(count), 8)), tried


def test_a_batch_is_halved_until_memory_holds_it(models: Path) -> None:
    outcomes, tried = in_small_memory(models, room=3, count=9)
    assert tried == [8, 4, 2, 2, 2, 2, 1]
    assert [each.request.index for each in outcomes] == list(range(9))
    assert all(each.image for each in outcomes)


def test_a_picture_that_memory_does_not_hold_is_an_error_of_its_own(models: Path) -> None:
    outcomes, tried = in_small_memory(models, room=0, count=3)
    assert tried == [3, 1, 1, 1]
    assert ["memory ended at picture" in str(each.error) for each in outcomes] == [True] * 3


# -- what goes wrong -------------------------------------------------------------------------------------------------


def refused(plugin: Diffusers, **changes: Any) -> str:
    outcomes = list(plugin.render_all(requests(2, **changes)))
    assert [each.request.index for each in outcomes] == [0, 1]
    assert all(each.image is None for each in outcomes)
    return str(outcomes[0].error)


def test_a_picture_that_the_safety_checker_blackened_is_an_error(models: Path) -> None:
    assert "picture 1 was blackened by the model's safety checker" in refused(provider(models / "checked", batch=2))


def test_a_setting_that_the_pipeline_has_no_use_for_is_named(models: Path) -> None:
    pipeline = kept(provider(models / "sd")._source())

    class Plain:
        def __call__(self, prompt: list[str], generator: Any) -> None: ...

    assert "num_inference_steps" in WISHES.arguments(pipeline, requests(1))
    with pytest.raises(ConfigError, match="Plain has no num_inference_steps; leave its setting out"):
        WISHES.arguments(Plain(), requests(1))


def test_a_pipeline_that_paints_no_words_is_refused(tmp_path: Path) -> None:
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    unet = UNet2DModel(
        sample_size=8, block_out_channels=(8, 8), norm_num_groups=4, layers_per_block=1,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip
    with quiet():
        DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path)
    assert "the model is a DDPMPipeline, which makes no pictures from words" in refused(provider(tmp_path))


def test_a_model_without_its_weights_is_refused(models: Path, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_bytes((models / "sd" / "model_index.json").read_bytes())
    assert f"the model in {tmp_path} cannot be loaded" in refused(provider(tmp_path))


def test_a_device_that_is_not_there_is_refused(models: Path) -> None:
    device = "mps" if torch.cuda.is_available() else "cuda"
    assert f"device={device} is not on this machine" in refused(provider(models / "sd", device=device))


def test_a_failure_inside_the_pipeline_is_an_error_of_its_batch(models: Path) -> None:
    with quiet():
        pipeline = StableDiffusionPipeline.from_pretrained(models / "sd")
    pipeline.text_encoder = None
    first, second = in_batches(pipeline, WISHES, requests(2), 1)
    assert "image (diffusers): picture 1 failed (AttributeError: 'NoneType' object has no" in str(first.error)
    assert "image (diffusers): picture 2 failed (AttributeError: 'NoneType' object has no" in str(second.error)


def test_a_reference_that_is_no_picture_is_named(models: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture", encoding="utf-8")
    said = refused(provider(models / "sd", reference=str(tmp_path / "a.png")))
    assert f"image (diffusers): {tmp_path / 'a.png'}: cannot be read as a picture" in said


# -- the hub ---------------------------------------------------------------------------------------------------------

_ASK = """
import json, sys
from qmv.errors import QmvError
from qmv.plugins.image.diffusers import Diffusers
from qmv.testing import image_request

said = []
for line in sys.argv[1:]:
    model, _, revision = line.partition("@")
    plugin = Diffusers(model=model, revision=revision, steps=2, device="cpu")
    try:
        plugin.ready()
        said.append("a picture" if plugin.render(image_request()) else "")
    except QmvError as error:
        said.append(f"{type(error).__name__}: {error}")
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def ask(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., list[str]]]:
    """Asks a hub on this machine for models in a process of its own, and gives what became of each; the hub is read
    from the environment when its package is imported. Nothing but the answer may be said.
    """
    home = tmp_path_factory.mktemp("home")
    with hub(models / "sd") as address:

        def asked(*names: str, **environment: str) -> list[str]:
            done = subprocess.run(
                [sys.executable, "-c", _ASK, *names],
                env=os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(home)} | environment,
                cwd=ROOT, capture_output=True, text=True, check=True,
            )  # fmt: skip
            assert done.stderr == ""
            found: list[str] = json.loads(done.stdout)
            return found

        yield asked


def test_a_model_of_the_hub_is_downloaded_once(ask: Callable[..., list[str]]) -> None:
    """Then it is there without a network, and where the network is forbidden."""
    assert ask("made/tiny") == ["a picture"]
    assert ask("made/tiny", HF_HUB_OFFLINE="1") == ["a picture"]
    assert ask("made/tiny", HF_ENDPOINT="http://127.0.0.1:9") == ["a picture"]


def test_what_the_hub_refuses_is_a_sentence(ask: Callable[..., list[str]]) -> None:
    gated, unknown, plain, revision = ask("made/gated", "made/unknown", "made/plain", "made/tiny@nowhere")
    assert gated.startswith("AccessError: image (diffusers): the model 'made/gated' wants its terms accepted")
    assert unknown.startswith("AccessError: image (diffusers): there is no folder 'made/unknown', and")
    assert plain.startswith("InputError: image (diffusers): the model 'made/plain' holds no model_index.json")
    assert revision.startswith("InputError: image (diffusers): the model 'made/tiny' has no revision 'nowhere'")


def test_a_model_that_cannot_be_had_is_a_sentence(ask: Callable[..., list[str]]) -> None:
    here = "InputError: image (diffusers): the model 'made/other' is not on this machine, and"
    cure = "download it where there is a network with: hf download made/other, or name a folder: image.model=FOLDER."
    (forbidden,) = ask("made/other", HF_HUB_OFFLINE="1")
    assert forbidden == f"{here} image.offline or HF_HUB_OFFLINE forbids the network; {cure}"
    (unreachable,) = ask("made/other", HF_ENDPOINT="http://127.0.0.1:9")
    assert unreachable == f"{here} huggingface.co cannot be reached (ConnectError); {cure}"


# -- a whole run -----------------------------------------------------------------------------------------------------


def test_a_run_makes_a_video_of_its_pictures(
    models: Path, song: Path, clicks_plugin: Path, run_cli: Callable[..., Any]
) -> None:
    line = ["image=diffusers", f"image.model={models / 'sd'}", "image.steps=2", "image.device=cpu", "image.batch=2"]
    line += [f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "width=64", "height=64"]
    ended = run_cli(*line)
    assert ended.rc == 0, ended.stderr
    assert ended.video.is_file()
    assert "Warning" not in ended.stderr
    again = run_cli(*line)
    manifest = json.loads((again.video.parent / "manifest.json").read_text(encoding="utf-8"))
    assert {stage["node"]: stage["cached"] for stage in manifest["stages"]}["pictures"] is True


def test_a_run_without_its_model_ends_in_a_sentence(
    song: Path, clicks_plugin: Path, run_cli: Callable[..., Any], tmp_path: Path
) -> None:
    ended = run_cli(
        "image=diffusers", "image.model=made/other", f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks",
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert ended.rc == 1
    assert len(ended.errors) == 1
    assert "the model 'made/other' is not on this machine" in ended.errors[0]
    assert "Traceback" not in ended.stderr
