"""Files that a service made, fetched by HTTP."""

from __future__ import annotations

from typing import Any

from qmv.buying.seller import Doubt, Spoilt

__all__ = ["Downloads"]

_MOST_BYTES = 64 * 1024 * 1024
_GONE = (400, 401, 403, 404, 410)


class Downloads:
    """Lives in one event loop; connections are kept and used again."""

    def __init__(self) -> None:
        import httpx

        timeout = httpx.Timeout(30.0, connect=10.0)
        self._client: Any = httpx.AsyncClient(timeout=timeout, follow_redirects=True)

    async def get(self, url: str) -> bytes:
        """The whole file; raises Doubt where another try may help, Spoilt where it is gone or no picture."""
        import httpx

        try:
            async with self._client.stream("GET", url) as answer:
                if answer.status_code in _GONE:
                    raise Spoilt(f"the picture's file is not there (HTTP {answer.status_code})")
                if answer.status_code != 200:
                    raise Doubt(f"the picture's file cannot be fetched (HTTP {answer.status_code})")
                data = bytearray()
                async for piece in answer.aiter_bytes():
                    data += piece
                    if len(data) > _MOST_BYTES:
                        raise Spoilt(f"the picture's file is larger than {_MOST_BYTES >> 20} MiB")
                return bytes(data)
        except (
            httpx.InvalidURL,
            httpx.UnsupportedProtocol,
            ValueError,
            ExceptionGroup,
        ) as error:  # such as a port 99999
            raise Spoilt("the picture's address is none") from error
        except httpx.HTTPError as error:
            raise Doubt(f"the picture's file cannot be fetched ({type(error).__name__})") from error

    async def close(self) -> None:
        await self._client.aclose()
