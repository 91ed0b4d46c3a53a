"""Pictures from any server that speaks `POST /v1/images/generations`, the form of OpenAI's image service, which many
services and local servers share (https://platform.openai.com/docs/api-reference/images/create)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qmv.api import ImageProvider, ImageRequest, Outcome, Purchases, plugin, setting
from qmv.buying.address import check_address, check_key
from qmv.buying.prices import list_price
from qmv.errors import AccessError, PluginError

if TYPE_CHECKING:
    from qmv.buying.seller import Seller

__all__ = ["OpenAICompatible"]

_HERE = ("127.0.0.1", "localhost", "::1", "0.0.0.0")


@plugin
class OpenAICompatible(ImageProvider):
    """One POST a picture. Such services cannot be asked what became of an order, so a dear one is never sent twice."""

    name = "openai_compatible"
    paid = True
    source_type = "trainedAlgorithmicMedia"
    model: str = setting("the server's name of the model", default="gpt-image-1")
    sizes: tuple[str, ...] = setting("the sizes that the server makes, such as 1024x1536; none: any", default=())
    quality: str = setting("the server's word for it; empty: its own", default="")
    response_format: str = setting("b64_json or url; empty where the server refuses to be told", default="b64_json")
    seed: bool = setting("send the seed, which OpenAI's own service refuses", default=True)
    negative_prompt: bool = setting("send the negative prompt, where the server takes one", default=False)
    extra: dict[str, Any] = setting("further parameters by the server's own names", default={})
    idempotent: bool = setting(
        "the server honours Idempotency-Key, so that asking again is safe", default=False, keyed=False
    )
    concurrency: int = setting("pictures in work at a time", default=4, at_least=1, at_most=64, keyed=False)
    deadline_s: float = setting("a picture that takes longer has failed", default=300, unit="s", above=0, keyed=False)
    answer_s: float = setting("how long to wait for one answer", default=180, unit="s", above=0, keyed=False)
    tries: int = setting("how often a broken picture is bought anew", default=3, at_least=1, keyed=False)
    url: str = setting("the address that ends in /v1", default="https://api.openai.com/v1", keyed=False)
    key_env: str = setting("the environment variable that holds the key", default="OPENAI_API_KEY", keyed=False)
    prices: dict[str, Any] = setting("the price list", default={}, keyed=False, knob="prices.openai_compatible")
    price_usd: float | None = setting(
        "the price of a picture, instead of the list's", default=None, at_least=0, at_most=1000, keyed=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_address(self.url, "https://HOST/v1")
        if taken := sorted({"n", "prompt", "model", "size", "seed", "stream"} & {*self.extra}):
            raise ValueError(f"extra must leave {', '.join(taken)} to QMV, or pictures could be paid for in vain")
        if self.response_format not in ("b64_json", "url", ""):
            raise ValueError(f"response_format must be b64_json, url or empty, got {self.response_format!r}")
        for size in self.sizes:
            if not re.fullmatch(r"[1-9]\d{1,4}x[1-9]\d{1,4}", size):
                raise ValueError(f"sizes look like 1024x1536, got {size!r}")

    def ready(self) -> None:
        check_key(self._key(), f"image (openai_compatible): {self.key_env}")
        if not self._here() and not self._key():
            raise AccessError(
                f"image (openai_compatible): {self.key_env} is not set; put {self.key_env}=KEY into a file .env here, "
                "or export it (a server on this machine needs none)."
            )

    def request_identity(self, request: ImageRequest) -> dict[str, Any]:
        width, height = self.size(request)
        identity = {"prompt": request.prompt, "width_px": width, "height_px": height, "seed": request.seed}
        return identity | ({"negative_prompt": request.negative_prompt} if self.negative_prompt else {})

    def size(self, request: ImageRequest) -> tuple[int, int]:
        """The format's own size, or of the `sizes` the one of the nearest shape, the larger one of two."""
        if not self.sizes:
            return request.width_px, request.height_px
        wanted = request.width_px / request.height_px
        sizes = [(int(width), int(height)) for width, height in (size.split("x") for size in self.sizes)]
        return min(sizes, key=lambda size: (max(wanted * size[1] / size[0], size[0] / size[1] / wanted), -size[0]))

    def body(self, request: ImageRequest) -> dict[str, Any]:
        """What is posted for a request."""
        width, height = self.size(request)
        body: dict[str, Any] = {"model": self.model, "prompt": request.prompt, "n": 1, "size": f"{width}x{height}"}
        if self.quality:
            body["quality"] = self.quality
        if self.response_format:
            body["response_format"] = self.response_format
        if self.seed:
            body["seed"] = request.seed
        if self.negative_prompt:
            body["negative_prompt"] = request.negative_prompt
        return body | dict(self.extra)

    def price(self, request: ImageRequest) -> Decimal | None:
        if self.price_usd is not None:
            return Decimal(str(self.price_usd))
        return Decimal(0) if self._here() else list_price(self.prices, self.model, *self.size(request))

    def model_name(self) -> str:
        return self.model

    def product(self, request: ImageRequest) -> str:
        width, height = self.size(request)
        return " ".join(filter(None, (self.name, self.model, f"{width}x{height}", self.quality)))

    def render(self, request: ImageRequest) -> bytes:
        raise PluginError("image (openai_compatible): pictures are bought through render_all, which books them.")

    def render_all(self, requests: Iterable[ImageRequest], purchases: Purchases) -> Iterator[Outcome]:
        from qmv.buying.batch import Terms
        from qmv.buying.thread import buy

        terms = Terms(at_once=self.concurrency, deadline_s=self.deadline_s, tries=self.tries)
        return buy(self._seller, list(requests), purchases, terms)

    def _seller(self) -> Seller:
        from qmv.plugins.image.openai_seller import OpenAISeller

        return OpenAISeller(
            url=self.url,
            key=self._key(),
            key_env=self.key_env,
            model=self.model,
            answer_s=self.answer_s,
            asks=self.idempotent,
            body=self.body,
            size=self.size,
        )

    def _here(self) -> bool:
        return urlsplit(self.url).hostname in _HERE

    def _key(self) -> str:
        return os.environ.get(self.key_env, "").strip()
