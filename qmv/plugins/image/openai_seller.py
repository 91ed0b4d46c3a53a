"""A server of OpenAI's images form as a seller."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from qmv.api import ImageRequest
from qmv.buying.download import Downloads
from qmv.buying.seller import Busy, Doubt, Refused, Sold, Spoilt
from qmv.errors import AccessError

__all__ = ["OpenAISeller"]

_WHERE = "image (openai_compatible)"
_NO_MONEY = ("insufficient_quota", "billing_hard_limit_reached", "insufficient_credits")


class OpenAISeller:
    """Made and used in one event loop. `asks`: the server answers a repeated Idempotency-Key with its first answer."""

    name = "openai_compatible"

    def __init__(
        self,
        *,
        url: str,
        key: str,
        key_env: str,
        model: str,
        answer_s: float,
        asks: bool,
        body: Callable[[ImageRequest], dict[str, Any]],
        size: Callable[[ImageRequest], tuple[int, int]],
    ) -> None:
        import httpx

        self.asks, self._key_env = asks, key_env
        self._url, self._model, self._body, self._size = url.rstrip("/"), model, body, size
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(answer_s, connect=10.0))
        self._downloads = Downloads()

    async def order(self, request: ImageRequest, order: str) -> Sold:
        import httpx

        try:
            answer = await self._client.post(
                f"{self._url}/images/generations", json=self._body(request), headers={"Idempotency-Key": order}
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise AccessError(
                f"{_WHERE}: image.url is no address of a server ({error}); it looks like http://HOST/v1."
            ) from error
        except httpx.ConnectError as error:
            if isinstance(_cause(error), ssl.SSLError):
                raise AccessError(f"{_WHERE}: no safe connection to image.url can be made ({error}).") from error
            raise Busy(f"{self._url} cannot be reached ({error or type(error).__name__})") from error
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Busy(f"{self._url} cannot be reached ({error or type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise Doubt(f"the answer was lost ({type(error).__name__})") from error
        if answer.status_code != 200:
            raise self._meaning(answer.status_code, answer.headers.get("retry-after", ""), _error_of(answer))
        try:
            items = answer.json()["data"]
            return _sold(items[0]) if items else Sold()
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Doubt("the server's answer cannot be read") from error

    async def find(self, request: ImageRequest, order: str) -> Sold | None:
        try:
            return await self.order(request, order)
        except Busy as busy:  # which is about asking again, not about the first time
            raise Doubt(str(busy)) from busy

    async def fetch(self, sold: Sold) -> bytes:
        if not sold.url:
            raise Spoilt("the server gave no picture")
        return await self._downloads.get(sold.url)

    def size(self, request: ImageRequest) -> tuple[int, int] | None:
        return self._size(request)

    async def close(self) -> None:
        await self._client.aclose()
        await self._downloads.close()

    def _meaning(self, status: int, retry_after: str, error: Mapping[str, Any]) -> Exception:
        code, message = str(error.get("code") or error.get("type") or ""), str(error.get("message") or "")[:300]
        told = f"HTTP {status} {code}".strip()
        if code in _NO_MONEY or status == 402:
            return AccessError(
                f"{_WHERE}: the account has no money left ({told}); top it up, then run the same command again: what "
                "was made is kept."
            )
        if status in (401, 403):
            return AccessError(f"{_WHERE}: the key is refused ({told}); put a valid one into {self._key_env}.")
        if status == 404:
            return AccessError(
                f"{_WHERE}: {self._url} has no model '{self._model}', or no images at all ({told}); set image.model or "
                "image.url."
            )
        if status == 429:
            wait_s = float(retry_after) if re.fullmatch(r"\d+(\.\d+)?", retry_after, re.ASCII) else None
            return Busy(f"the server wants fewer orders ({told})", wait_s=wait_s, everyone=True)
        if status in (408, 502, 504, 520, 524):  # a gateway does not know what the server behind it did
            return Doubt(f"the server gave up waiting (HTTP {status})")
        if status >= 500:
            return Busy(f"the server failed ({told})")
        said = ": ".join(filter(None, (told, " ".join(message.split()))))
        return Refused(f"the server refuses the request ({said})")


def _cause(error: BaseException) -> BaseException:
    """The first error of a chain."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


def _error_of(answer: Any) -> Mapping[str, Any]:
    """What OpenAI's form calls `error`; local servers built on FastAPI say `detail`."""
    try:
        body = answer.json()
        error = body.get("error") or body.get("detail") or {}
    except (ValueError, AttributeError):
        return {}
    return error if isinstance(error, Mapping) else {"message": str(error)}


def _sold(item: Mapping[str, Any]) -> Sold:
    text = str(item.get("b64_json") or "").rpartition(",")[2]  # some servers send a data URI
    try:
        image = base64.b64decode(text, validate=True) if text else None
    except ValueError:
        image = b""
    return Sold(image=image, url=item.get("url") or "")
