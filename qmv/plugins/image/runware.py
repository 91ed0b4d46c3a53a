"""Pictures by Runware: FLUX.1 schnell, or any other model of the service (https://runware.ai/docs)."""

from __future__ import annotations

import base64
import functools
import importlib.util
import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmv.api import ImageProvider, ImageRequest, Outcome, Purchases, plugin, setting
from qmv.artifacts import File
from qmv.buying.address import check_address, check_key
from qmv.buying.prices import list_price
from qmv.errors import AccessError, InputError, PluginError

if TYPE_CHECKING:
    from qmv.buying.seller import Seller

__all__ = ["Runware"]

_SCHNELL = "runware:100@1"
_STEP_PX, _LEAST_PX, _MOST_PX = 64, 512, 2048  # sides that the service takes everywhere
_LONGEST_PROMPT = 2000
_OURS = ("taskType", "taskUUID", "numberResults", "deliveryMethod", "webhookURL", "includeCost", "outputType", "apiKey",
         "width", "height", "seed", "positivePrompt", "model")  # fmt: skip


@plugin
class Runware(ImageProvider):
    """Bought once each: orders are on disk before they are sent, and asked for again after a crash."""

    name = "runware"
    paid = True
    source_type = "trainedAlgorithmicMedia"
    model: str = setting("AIR id of the model: runware:100@1 is FLUX.1 schnell", default=_SCHNELL)
    steps: int | None = setting(
        "steps; unset: 4 for schnell, else the model's own", default=None, at_least=1, at_most=100
    )
    cfg_scale: float | None = setting(
        "how closely to follow the prompt; unset: 1 for schnell, else the model's own",
        default=None,
        at_least=0,
        at_most=50,
    )
    scheduler: str = setting("the service's name of a scheduler; empty: the model's own", default="")
    loras: tuple[str, ...] = setting("LoRAs by AIR id, each with a weight behind it: 'civitai:12@34 0.8'", default=())
    seed_image: str = setting("a picture that each one starts from (with strength)", default="", keyed=False)
    strength: float = setting("how far to leave the seed image", default=0.8, at_least=0, at_most=1)
    reference: str = setting(
        "a picture whose subject each one keeps, for models that take one", default="", keyed=False
    )
    check_nsfw: bool = setting("refuse pictures that the service marks as not safe for work", default=False)
    format: str = setting("what the service sends", default="JPG", choices=("JPG", "PNG", "WEBP"))
    extra: dict[str, Any] = setting("further parameters of the service, by its own names", default={})
    transfer: str = setting(
        "fetch files by HTTP, or over the socket", default="url", choices=("url", "base64"), keyed=False
    )
    concurrency: int = setting("pictures in work at a time", default=4, at_least=1, at_most=32, keyed=False)
    deadline_s: float = setting("a picture that takes longer has failed", default=300, unit="s", above=0, keyed=False)
    answer_s: float = setting("without an answer, ask what became of it", default=60, unit="s", above=0, keyed=False)
    tries: int = setting("how often a broken picture is bought anew", default=3, at_least=1, keyed=False)
    url: str = setting("the service's address", default="wss://ws-api.runware.ai/v1", keyed=False)
    key_env: str = setting("the environment variable that holds the key", default="RUNWARE_API_KEY", keyed=False)
    prices: dict[str, Any] = setting("the price list", default={}, keyed=False, knob="prices.runware")
    price_usd: float | None = setting(
        "the price of a picture, instead of the list's", default=None, at_least=0, at_most=1000, keyed=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_address(self.url, "wss://HOST/v1")
        for lora in self.loras:
            _lora(lora)
        if taken := sorted({*_OURS} & {*self.extra}):
            raise ValueError(f"extra must leave {', '.join(taken)} to QMV, or pictures could be paid for in vain")

    # -- what is asked for -------------------------------------------------------------------------------------------

    def content(self) -> dict[str, str] | None:
        files = {"seed_image": self.seed_image, "reference": self.reference}
        hashes = {name: _reading(Path(path).expanduser(), _sha256) for name, path in files.items() if path}
        return hashes or None

    def request_identity(self, request: ImageRequest) -> dict[str, Any]:
        width, height = self.size(request)
        return {
            "prompt": _sent(request.prompt), "negative_prompt": _sent(request.negative_prompt), "seed": request.seed,
            "width_px": width, "height_px": height,
        }  # fmt: skip

    def size(self, request: ImageRequest) -> tuple[int, int]:
        """Width and height that the service is asked for: the format's shape within what it takes, in steps of 64."""
        width, height = request.width_px, request.height_px
        scale = max(1.0, _LEAST_PX / min(width, height))
        scale = min(scale, _MOST_PX / max(width, height))
        return _side(width * scale), _side(height * scale)

    def fields(self, request: ImageRequest) -> dict[str, Any]:
        """The parameters of one task, by the names of the SDK."""
        schnell = self.model == _SCHNELL
        width, height = self.size(request)
        fields: dict[str, Any] = {
            "model": self.model,
            "positivePrompt": _sent(request.prompt),
            "negativePrompt": _sent(request.negative_prompt) or None,
            "width": width,
            "height": height,
            "seed": request.seed or 2**31,  # the service refuses 0
            "steps": self.steps or (4 if schnell else None),
            "CFGScale": self.cfg_scale if self.cfg_scale is not None else (1.0 if schnell else None),
            "scheduler": self.scheduler or None,
            "outputType": "URL" if self.transfer == "url" else "base64Data",
            "outputFormat": self.format,
            "includeCost": True,
        }
        if self.loras:
            from qmv.plugins.image.runware_sdk import sdk

            fields["lora"] = [sdk().ILora(model=model, weight=weight) for model, weight in map(_lora, self.loras)]
        if self.seed_image:
            fields |= {"seedImage": _data_uri(self.seed_image), "strength": self.strength}
        if self.reference:
            fields["referenceImages"] = [_data_uri(self.reference)]
        if self.check_nsfw:
            fields["safety"] = {"checkContent": True}
        if self.extra:
            fields["extraArgs"] = dict(self.extra)
        return {name: value for name, value in fields.items() if value is not None}

    def price(self, request: ImageRequest) -> Decimal | None:
        if self.price_usd is not None:
            return Decimal(str(self.price_usd))
        width, height = self.size(request)
        return list_price(self.prices, self.model, width, height, self.steps)

    def model_name(self) -> str:
        return self.model

    def product(self, request: ImageRequest) -> str:
        width, height = self.size(request)
        steps = f" {self.steps} steps" if self.steps else ""
        return f"{self.name} {self.model} {width}x{height}{steps}"

    # -- buying ------------------------------------------------------------------------------------------------------

    def ready(self) -> None:
        if importlib.util.find_spec("runware") is None or importlib.util.find_spec("httpx") is None:
            raise PluginError(
                "image (runware): needs the packages runware and httpx, which are not installed; install them with: "
                "python -m pip install 'qmv[runware]'"
            )
        check_key(self._key(), f"image (runware): {self.key_env}")
        if not self._key():
            raise AccessError(
                f"image (runware): {self.key_env} is not set; get a key at https://my.runware.ai/keys and put "
                f"{self.key_env}=KEY into a file .env here, or export it (image=canvas needs no key)."
            )
        for file in (self.seed_image, self.reference):
            if file:
                _data_uri(file)
        from qmv.plugins.image.runware_link import try_key

        try_key(key=self._key(), key_env=self.key_env, url=self.url)

    def render(self, request: ImageRequest) -> bytes:
        raise PluginError("image (runware): pictures are bought through render_all, which books them.")

    def render_all(self, requests: Iterable[ImageRequest], purchases: Purchases) -> Iterator[Outcome]:
        from qmv.buying.batch import Terms
        from qmv.buying.thread import buy

        terms = Terms(at_once=self.concurrency, deadline_s=self.deadline_s, tries=self.tries)
        return buy(self._seller, list(requests), purchases, terms)

    def _seller(self) -> Seller:
        from qmv.plugins.image.runware_link import Link
        from qmv.plugins.image.runware_seller import RunwareSeller

        link = Link(key=self._key(), key_env=self.key_env, url=self.url, at_once=self.concurrency)
        return RunwareSeller(link=link, model=self.model, answer_s=self.answer_s, fields=self.fields, size=self.size)

    def _key(self) -> str:
        return os.environ.get(self.key_env, "").strip()


def _lora(text: str) -> tuple[str, float]:
    """AIR id and weight of 'civitai:12@34 0.8'; the weight is 1 where it is left out."""
    model, _, weight = text.strip().partition(" ")
    try:
        return model, float(weight or 1)
    except ValueError as error:
        raise ValueError(f"loras look like 'civitai:12@34 0.8', got {text!r}") from error


def _sent(words: str) -> str:
    """A prompt as it goes out: the service takes no longer one, and the SDK strips it."""
    return words.strip()[:_LONGEST_PROMPT].strip()


def _side(px: float) -> int:
    """The next side that the service takes, never a smaller one unless it would be too large."""
    return int(min(_MOST_PX, max(_LEAST_PX, -(-px // _STEP_PX) * _STEP_PX)))


def _data_uri(path: str) -> str:
    """The picture as the service takes it, whatever the file is like; raises InputError where it is no picture."""
    file = Path(path).expanduser()
    return _encoded(file, _reading(file, lambda path: path.stat().st_mtime_ns))


@functools.lru_cache(maxsize=4)
def _encoded(file: Path, changed_ns: int) -> str:
    from qmv.media.picture import crop_to, png, read

    rgb = read(_reading(file, Path.read_bytes), f"image (runware): {file}")
    height, width = rgb.shape[:2]
    if (longest := max(width, height)) > _MOST_PX:
        rgb = crop_to(rgb, max(1, width * _MOST_PX // longest), max(1, height * _MOST_PX // longest))
    return f"data:image/png;base64,{base64.b64encode(png(rgb)).decode()}"


def _sha256(file: Path) -> str:
    return File.of(file).sha256


def _reading(file: Path, read: Any) -> Any:
    try:
        return read(file)
    except OSError as error:
        raise InputError(f"image (runware): {file} cannot be read ({error.strerror}); name another picture.") from error
