"""What Runware is asked for, what that costs, and what is told before any work."""

from __future__ import annotations

import base64
import http.server
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from qmv.errors import AccessError, ConfigError, InputError, PluginError
from qmv.media.picture import png, read
from qmv.plugins.image import runware_link, runware_sdk
from qmv.plugins.image.runware import Runware
from qmv.testing import image_request
from qmv.testing.base import PluginContract
from tests.fakes.runware.process import FakeRunware
from tests.plugins.image.buying import bought, wanted

LIST = {"runware:100@1": {"usd": 0.0006, "width": 512, "height": 512, "steps": 4}}


class TestRunware(PluginContract):
    plugin = Runware(loras=("civitai:1@2 0.5",), extra={"acceleration": "high"})


# -- the task that the service receives ------------------------------------------------------------------------------


def received(fake: FakeRunware, folder: Path, settings: dict[str, Any], **request: Any) -> dict[str, Any]:
    """The task of one picture, as it came."""
    changes = {"prompt": "a lighthouse", "width_px": 512, "height_px": 512} | request
    found = bought(Runware(url=fake.url, **settings), [image_request(**changes)], folder / "money")
    assert found.sentences == set()
    [task] = [line["request"] for line in fake.received() if line["taskType"] == "imageInference"]
    return dict(task)


def test_schnell_is_asked_for_in_four_steps_and_with_every_field_that_tells(
    runware: FakeRunware, tmp_path: Path
) -> None:
    task = received(runware, tmp_path, {}, seed=7, negative_prompt="text")
    assert task.pop("taskUUID")
    assert task == {
        "taskType": "imageInference", "model": "runware:100@1", "positivePrompt": "a lighthouse",
        "negativePrompt": "text", "width": 512, "height": 512, "seed": 7, "steps": 4, "CFGScale": 1.0,
        "numberResults": 1, "outputType": "URL", "outputFormat": "JPG", "includeCost": True, "deliveryMethod": "sync",
    }  # fmt: skip


def test_another_model_decides_itself_what_is_not_set(runware: FakeRunware, tmp_path: Path) -> None:
    task = received(runware, tmp_path, {"model": "runware:101@1"}, negative_prompt="")
    assert not {"steps", "CFGScale", "scheduler", "negativePrompt", "seedImage", "strength", "lora"} & {*task}


def test_settings_reach_the_service_by_its_own_names(runware: FakeRunware, tmp_path: Path) -> None:
    settings = {
        "model": "runware:101@1", "steps": 12, "cfg_scale": 3.5, "scheduler": "Euler", "loras": ("civitai:1@2 0.5",),
        "check_nsfw": True, "format": "PNG", "extra": {"acceleration": "high"},
    }  # fmt: skip
    task = received(runware, tmp_path, settings)
    assert {name: task[name] for name in ("model", "steps", "CFGScale", "scheduler", "outputFormat")} == {
        "model": "runware:101@1", "steps": 12, "CFGScale": 3.5, "scheduler": "Euler", "outputFormat": "PNG",
    }  # fmt: skip
    assert task["lora"] == [{"model": "civitai:1@2", "weight": 0.5}]
    assert task["safety"] == {"checkContent": True}
    assert task["acceleration"] == "high"


def test_a_scale_of_zero_is_a_scale(runware: FakeRunware, tmp_path: Path) -> None:
    assert received(runware, tmp_path, {"cfg_scale": 0})["CFGScale"] == 0


def test_seed_zero_which_the_service_refuses_has_a_stand_in(runware: FakeRunware, tmp_path: Path) -> None:
    assert received(runware, tmp_path, {}, seed=0)["seed"] == 2**31


def test_a_prompt_is_cut_where_the_service_would_refuse_it(runware: FakeRunware, tmp_path: Path) -> None:
    task = received(runware, tmp_path, {}, prompt="fog " * 1000, negative_prompt="x" * 5000)
    assert (len(task["positivePrompt"].strip()), len(task["negativePrompt"])) == (1999, 2000)


def test_pictures_come_over_the_socket_where_that_is_wanted(runware: FakeRunware, tmp_path: Path) -> None:
    request = image_request(width_px=512, height_px=512)
    found = bought(Runware(url=runware.url, transfer="base64", format="PNG"), [request], tmp_path)
    assert read(found.outcomes[0].image or b"").shape == (512, 512, 3)
    assert runware.stats()["images_fetched"] == 0


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.WEBP"])
def test_pictures_of_the_user_go_along_as_data(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.new("RGB", (64, 36), (200, 30, 30)).save(path)
    fields = Runware(seed_image=str(path), strength=0.6, reference=str(path)).fields(image_request())
    head, _, data = fields["seedImage"].partition(",")
    assert (head, fields["strength"], fields["referenceImages"]) == (
        "data:image/png;base64",
        0.6,
        [fields["seedImage"]],
    )
    assert abs(read(base64.b64decode(data)).astype(int) - (200, 30, 30)).max() <= 3  # JPEG and WEBP round


def test_large_picture_of_the_user_is_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    Image.new("RGB", (4096, 100)).save(path)
    uri = Runware(seed_image=str(path)).fields(image_request())["seedImage"]
    assert read(base64.b64decode(uri.partition(",")[2])).shape == (50, 2048, 3)


def test_a_file_that_is_no_picture_is_told_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNWARE_API_KEY", "test-key")
    (tmp_path / "a.png").write_bytes(b"none")
    with pytest.raises(InputError, match=r"image \(runware\): .*a.png: cannot be read as a picture"):
        Runware(reference=str(tmp_path / "a.png")).ready()


def test_pictures_of_the_user_reach_the_service(runware: FakeRunware, tmp_path: Path) -> None:
    path = tmp_path / "seed.png"
    path.write_bytes(png(np.full((36, 64, 3), 90, np.uint8)))
    task = received(runware, tmp_path, {"seed_image": str(path), "reference": str(path)})
    assert {"seedImage", "referenceImages"} <= {*task}
    assert task["strength"] == 0.8


# -- its size --------------------------------------------------------------------------------------------------------

_NOBODY = "ws://127.0.0.1:9/v1"  # where nobody listens
SIDES = st.integers(16, 8192)


@given(SIDES, SIDES)
def test_sides_are_what_the_service_takes_everywhere(width_px: int, height_px: int) -> None:
    sides = Runware().size(image_request(width_px=width_px, height_px=height_px))
    assert all(side % 64 == 0 and 512 <= side <= 2048 for side in sides)


@given(SIDES, SIDES)
def test_the_shape_is_kept_within_one_step_a_side(width_px: int, height_px: int) -> None:
    width, height = Runware().size(image_request(width_px=width_px, height_px=height_px))
    shape = width_px / height_px
    if 1 / 4 <= shape <= 4:  # of the service's own limits
        assert (width - 64) / height < shape < width / (height - 64)
    else:
        assert (width, height) == ((2048, 512) if shape > 1 else (512, 2048))


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ((1920, 1080), (1920, 1088)),
        ((1080, 1920), (1088, 1920)),
        ((1024, 1024), (1024, 1024)),
        ((64, 36), (960, 512)),
        ((3840, 2160), (2048, 1152)),
        ((16, 8192), (512, 2048)),
        ((2048, 512), (2048, 512)),
    ],
)
def test_sizes_that_people_ask_for(asked: tuple[int, int], size: tuple[int, int]) -> None:
    assert Runware().size(image_request(width_px=asked[0], height_px=asked[1])) == size


# -- its price and its identity --------------------------------------------------------------------------------------


def square(side_px: int, **changes: Any) -> Any:
    return image_request(width_px=side_px, height_px=side_px, **changes)


def test_the_price_is_the_lists_in_proportion_to_area_and_steps() -> None:
    assert Runware(prices=LIST).price(square(512)) == Decimal("0.0006")
    assert Runware(prices=LIST).price(square(1024)) == Decimal("0.0024")
    assert Runware(prices=LIST, steps=8).price(square(512)) == Decimal("0.0012")


def test_the_price_is_of_the_size_that_is_bought_not_of_the_format() -> None:
    assert Runware(prices=LIST).price(square(64)) == Decimal("0.0006")


def test_the_users_price_goes_before_the_lists_and_is_not_scaled() -> None:
    assert Runware(prices=LIST, price_usd=0.05).price(square(1024)) == Decimal("0.05")
    assert Runware(prices=LIST, price_usd=0).price(square(1024)) == 0


def test_a_model_that_is_not_listed_has_no_price() -> None:
    assert Runware(prices=LIST, model="civitai:1@2").price(square(512)) is None


def test_a_broken_list_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="'runware:100@1' cannot be read"):
        Runware(prices={"runware:100@1": "cheap"}).price(square(512))


def test_a_product_is_what_costs_the_same() -> None:
    assert Runware().product(square(64)) == "runware runware:100@1 512x512"
    assert Runware(steps=8, model="a:1@2").product(square(1000)) == "runware a:1@2 1024x1024 8 steps"


def test_what_changes_no_pixel_is_not_in_the_identity() -> None:
    quick = Runware(
        transfer="base64", concurrency=9, deadline_s=9, answer_s=9, tries=9, url="wss://other/v1", key_env="MINE",
        prices=LIST, price_usd=1,
    )  # fmt: skip
    assert quick.identity() == Runware().identity()
    one, other = (image_request(index=index, framing=str(index), palette=("#000000",)) for index in (1, 2))
    assert Runware().request_identity(one) == Runware().request_identity(other)


def test_what_changes_a_pixel_is_in_the_identity() -> None:
    changes: list[dict[str, Any]] = [
        {"model": "a:1@2"}, {"steps": 5}, {"cfg_scale": 2.0}, {"scheduler": "Euler"}, {"loras": ("a:1@2 1.0",)},
        {"strength": 0.5}, {"check_nsfw": True}, {"format": "PNG"}, {"extra": {"acceleration": "high"}},
    ]  # fmt: skip
    found = [str(Runware(**change).identity()) for change in [{}, *changes]]
    assert len({*found}) == len(found)
    asked = [{}, {"prompt": "b"}, {"negative_prompt": "b"}, {"seed": 8}, {"width_px": 1024}, {"height_px": 1024}]
    ones = [str(Runware().request_identity(image_request(**{"width_px": 512, "height_px": 512} | a))) for a in asked]
    assert len({*ones}) == len(ones)


@pytest.mark.parametrize("name", ["seed_image", "reference"])
def test_a_picture_of_the_user_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    for file, data in (("a.png", b"one"), ("b.png", b"one"), ("c.png", b"two")):
        (tmp_path / file).write_bytes(data)
    a, b, c = (Runware(**{name: str(tmp_path / file)}).identity() for file in ("a.png", "b.png", "c.png"))
    assert a == b
    assert a not in (c, Runware().identity())


def test_a_picture_to_start_from_is_not_one_to_keep_the_subject_of(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"one")
    path = str(tmp_path / "a.png")
    assert Runware(seed_image=path).identity() != Runware(reference=path).identity()


# -- ready -----------------------------------------------------------------------------------------------------------


def test_ready_is_silent_where_all_is_well(runware: FakeRunware) -> None:
    Runware(url=runware.url).ready()
    assert runware.received() == []
    assert runware.stats()["authenticated"] == 1


@pytest.mark.parametrize("package", ["runware", "httpx"])
def test_ready_names_the_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PluginError) as told:
        Runware().ready()
    assert str(told.value) == (
        "image (runware): needs the packages runware and httpx, which are not installed; install them with: "
        "python -m pip install 'qmv[runware]'"
    )


def test_ready_tells_the_other_package_of_the_same_name(monkeypatch: pytest.MonkeyPatch, runware: FakeRunware) -> None:
    runware_sdk.sdk()  # the real one
    import runware as package

    monkeypatch.setattr(package, "__version__", "1.8.0")
    for cached in (runware_sdk.sdk, runware_sdk.client_class):
        cached.cache_clear()
    with pytest.raises(PluginError, match=r"needs the package runware in version 0\.5\.24, got 1\.8\.0; uninstall"):
        Runware(url=runware.url).ready()


@pytest.mark.parametrize("key", ["", "   "])
def test_ready_names_the_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(AccessError) as told:
        Runware(key_env="MY_KEY").ready()
    assert str(told.value) == (
        "image (runware): MY_KEY is not set; get a key at https://my.runware.ai/keys and put MY_KEY=KEY into a file "
        ".env here, or export it (image=canvas needs no key)."
    )


@pytest.mark.parametrize("closes", [False, True])
def test_ready_tells_a_wrong_key_before_anything(
    runware: FakeRunware, monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    runware.tell(refused_key_closes=closes)
    monkeypatch.setenv("MY_KEY", "not-the-key")
    with pytest.raises(AccessError) as told:
        Runware(url=runware.url, key_env="MY_KEY").ready()
    assert str(told.value) == (
        "image (runware): the key is refused; put a valid one into MY_KEY, from https://my.runware.ai/keys."
    )
    assert runware.received() == []


def test_ready_does_not_stop_for_a_service_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNWARE_API_KEY", "test-key")
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))  # and never listening
        Runware(url=f"ws://127.0.0.1:{kept.getsockname()[1]}/v1").ready()


def test_ready_does_not_wait_for_a_service_that_never_answers(
    runware: FakeRunware, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runware_link, "_TRY_S", 0.3)
    runware.tell(auth="never")
    Runware(url=runware.url).ready()


def test_ready_does_not_wait_for_a_name_server_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()

    def no_answer(*_: Any, **__: Any) -> None:
        answers.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    for name in ("_TRY_S", "_LEAVE_S"):
        monkeypatch.setattr(runware_link, name, 0.2)
    monkeypatch.setenv("RUNWARE_API_KEY", "test-key")
    monkeypatch.setattr(socket, "getaddrinfo", no_answer)
    Runware(url="wss://images.invalid/v1").ready()
    [trying] = [thread for thread in threading.enumerate() if thread.name == "trying the key"]  # it went on without it
    answers.set()
    trying.join()


@pytest.mark.parametrize("url", ["https://ws-api.runware.ai/v1", "nonsense", "wss://", "ws://a b/", "ws://h:99999/"])
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url must be an address such as wss://HOST/v1, got "):
        Runware(url=url)


@pytest.mark.parametrize("name", ["numberResults", "taskUUID", "deliveryMethod"])
def test_extra_parameters_leave_alone_what_the_books_stand_on(name: str) -> None:
    with pytest.raises(ValueError, match=f"^extra must leave {name} to QMV"):
        Runware(extra={name: 3})


def test_loras_have_a_weight_or_one(runware: FakeRunware, tmp_path: Path) -> None:
    task = received(runware, tmp_path, {"loras": ("civitai:1@2 0.5", "civitai:3@4")})
    assert task["lora"] == [{"model": "civitai:1@2", "weight": 0.5}, {"model": "civitai:3@4", "weight": 1.0}]
    with pytest.raises(ValueError, match="loras look like"):
        Runware(loras=("a:1@2 much",))


def test_prompts_that_go_out_the_same_are_the_same_picture() -> None:
    long = "a house " * 300
    same = [image_request(prompt=long + end) for end in ("", " and more", "   ")]
    assert len({str(Runware().request_identity(request)) for request in same}) == 1


@pytest.fixture
def gate(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of something that answers each connection with a status."""

    class Gate(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(request.param)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"ws://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("gate", [401, 403], indirect=True)
def test_ready_tells_a_connection_that_is_refused(monkeypatch: pytest.MonkeyPatch, gate: str) -> None:
    monkeypatch.setenv("RUNWARE_API_KEY", "test-key")
    with pytest.raises(AccessError, match=r"is refused \(HTTP 40[13]\); check RUNWARE_API_KEY and image\.url\.$"):
        Runware(url=gate).ready()


@pytest.mark.parametrize("gate", [503], indirect=True)
def test_a_service_that_is_overloaded_stops_nothing_until_the_deadline(
    monkeypatch: pytest.MonkeyPatch, gate: str, hurry: None, tmp_path: Path
) -> None:
    monkeypatch.setenv("RUNWARE_API_KEY", "test-key")
    provider = Runware(url=gate, deadline_s=1)
    provider.ready()
    found = bought(provider, wanted(1), tmp_path)
    assert "did not come within 1 s (the service cannot be reached (HTTP 503))" in found.sentences.pop()
    assert found.sums.spent == 0


def test_ready_looks_for_the_users_pictures_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNWARE_API_KEY", "test-key")
    with pytest.raises(InputError, match=r"nowhere\.png cannot be read \(No such file or directory\); name another"):
        Runware(seed_image=str(tmp_path / "nowhere.png"), url=_NOBODY).ready()
    with pytest.raises(InputError, match="cannot be read"):
        Runware(reference=str(tmp_path), url=_NOBODY).ready()


def test_a_single_picture_cannot_slip_past_the_books() -> None:
    with pytest.raises(PluginError, match="bought through render_all"):
        Runware().render(image_request())


# -- a whole run -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_buys_its_pictures_and_writes_the_key_nowhere(
    runware: FakeRunware, song: Path, run_cli: Callable[..., Any], clicks_plugin: Path
) -> None:
    runware.tell(key="the-secret-itself")
    line = [f"song={song}", f"plugins=[{clicks_plugin}]", "tracker=clicks", "graph=pictures", "hydra.verbose=true"]
    image = ["image=runware", f"image.url={runware.url}", "width=512", "height=512"]
    env = {"RUNWARE_API_KEY": "the-secret-itself"}
    ended = run_cli(*line, *image, env=env)
    assert ended.errors == []
    assert ended.rc == 0
    charged = len(runware.ledger())
    assert charged > 0
    assert {(charge.width_px, charge.height_px, charge.steps) for charge in runware.ledger()} == {(512, 512, 4)}
    assert run_cli(*line, *image, env=env).rc == 0
    assert len(runware.ledger()) == charged  # the second run has them already
    logs = ended.found("run.log")
    assert any("websockets.client" in log.read_text(encoding="utf-8") for log in logs)  # which was asked to tell all
    texts = [ended.stdout.encode(), ended.stderr.encode(), *(p.read_bytes() for p in ended.found("*") if p.is_file())]
    assert not [text for text in texts if b"the-secret-itself" in text]
