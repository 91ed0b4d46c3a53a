"""Runware as a seller: one task a picture over the link, files fetched by HTTP."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from qmv.api import ImageRequest
from qmv.buying.download import Downloads
from qmv.buying.seller import Busy, Doubt, Sold, Spoilt
from qmv.errors import AccessError, InputError
from qmv.plugins.image.runware_errors import GONE, NOT_FOUND, meaning
from qmv.plugins.image.runware_link import Link
from qmv.plugins.image.runware_sdk import sdk

__all__ = ["RunwareSeller"]

_LOOK_UP_S = 10.0


class RunwareSeller:
    """Made and used in one event loop. `fields` gives a request's parameters of the service; `answer_s` is how long an
    order may go without an answer before it is in doubt."""

    name = "runware"
    asks = True

    def __init__(
        self,
        *,
        link: Link,
        model: str,
        answer_s: float,
        fields: Callable[[ImageRequest], dict[str, Any]],
        size: Callable[[ImageRequest], tuple[int, int]],
    ) -> None:
        self._link, self._model, self._answer_s = link, model, answer_s
        self._fields, self._size = fields, size
        self._downloads = Downloads()

    async def order(self, request: ImageRequest, order: str) -> Sold:
        runware = sdk()
        try:
            inference = runware.IImageInference(taskUUID=order, numberResults=1, **self._fields(request))
        except InputError as gone:  # a picture of the user's, which all orders want
            raise AccessError(str(gone)) from gone
        async with self._link.client() as client:
            try:
                images = await self._link.answer(client, client.imageInference(inference), self._answer_s)
            except Doubt as doubt:
                if (error := self._said_of_account(client)) is not None:
                    raise error from doubt
                raise
            except runware.RunwareAPIError as error:
                raise self._meaning(_told(error)) from error
            except Exception as error:
                self._link.doubt(client)
                raise Doubt(f"the connection was lost ({type(error).__name__})") from error
        return _sold(vars(images[0]))

    async def find(self, request: ImageRequest, order: str) -> Sold | None:
        runware = sdk()
        try:
            async with self._link.client() as client:
                try:
                    found = await self._link.answer(client, client.look_up(order, _LOOK_UP_S), _LOOK_UP_S)
                except runware.RunwareAPIError as error:
                    if error.code in NOT_FOUND:
                        return None
                    if error.code in GONE:
                        raise Spoilt("the service keeps the picture no longer") from error
                    raise self._about(_told(error)) from error
                except Doubt:
                    raise
                except Exception as error:
                    self._link.doubt(client)
                    raise Doubt("the service does not say what became of the order") from error
        except Busy as busy:
            if isinstance(busy.__cause__, runware.RunwareAPIError):
                raise  # the order itself failed
            raise Doubt(str(busy)) from busy  # there is no connection to ask over
        if found.get("status") == "processing":
            raise Doubt("the order is still in work")
        return _sold(found)

    async def fetch(self, sold: Sold) -> bytes:
        if not sold.url:
            raise Spoilt("the service gave no picture")
        return await self._downloads.get(sold.url)

    def size(self, request: ImageRequest) -> tuple[int, int] | None:
        return self._size(request)

    async def close(self) -> None:
        await asyncio.gather(self._link.close(), self._downloads.close(), return_exceptions=True)

    def _about(self, error: Mapping[str, Any]) -> Exception:
        """What an answer to the question for an order means: for the order only where it says so by its status; else
        the question failed, and nothing is known of the order."""
        found = self._meaning(error)
        if error.get("status") == "error" or isinstance(found, (AccessError, Doubt)):
            return found
        return Doubt(f"the service does not say what became of the order ({error.get('code')})")

    def _meaning(self, error: Mapping[str, Any]) -> Exception:
        return meaning(error, self._model, self._link.key_env)

    def _said_of_account(self, client: Any) -> Exception | None:
        """The meaning of an error that named no task, where it is about the account; else the order stays in doubt."""
        if not client.account_error:
            return None
        found = self._meaning(client.account_error)
        return found if isinstance(found, AccessError) else None


def _told(error: Any) -> Mapping[str, Any]:
    return error.error_data if isinstance(getattr(error, "error_data", None), dict) else {"code": error.code}


def _sold(found: Mapping[str, Any]) -> Sold:
    cost = found.get("cost")
    unsafe = "the picture is marked as not safe for work; change the prompt or the seed"
    text = found.get("imageBase64Data") or str(found.get("imageDataURI") or "").partition(",")[2]
    try:
        image = base64.b64decode(text, validate=True) if text else None
    except ValueError:
        image = b""
    return Sold(
        image=image,
        url=found.get("imageURL") or "",
        cost=None if cost is None else Decimal(str(cost)),
        unwanted=unsafe if found.get("NSFWContent") else "",
    )
