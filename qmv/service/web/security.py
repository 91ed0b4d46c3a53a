"""Who may ask: the token, the cookie that stands for it, and which page of which host a request comes from.

The cookie holds a signature that the token makes, never the token. Of X-Forwarded-* only
what the operator's proxies say is believed, by the server already.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from typing import ClassVar
from urllib.parse import urlsplit

from flask import Flask, Response, request

from qmv.service.settings import ServiceSettings
from qmv.service.web.problems import Problem, answer
from qmv.service.web.throttle import Throttle

__all__ = ["COOKIE", "Guard"]

COOKIE = "qmv_login"
_COOKIE_S = 30 * 86400
_SAFE = ("GET", "HEAD")
_LOCAL_ENDS = (".localhost", ".local", ".internal", ".home.arpa")  # names that no stranger can register


class Guard:
    """Looks at each request before its view does; only the clock and the count of reads come before it."""

    challenge: ClassVar = {"WWW-Authenticate": 'Bearer realm="qmv"'}

    def __init__(
        self, token: str, settings: ServiceSettings, throttle: Throttle, *,
        open_routes: frozenset[str]
    ) -> None:  # fmt: skip
        self._token, self._throttle, self._open = token.encode(), throttle, open_routes
        self._own_host = settings.host.strip("[]").lower()

    def watch(self, app: Flask) -> None:
        app.before_request(self.look)

    @property
    def has_token(self) -> bool:
        return bool(self._token)

    @property
    def needs_token(self) -> bool:
        """Whether this very request lacks what other routes want."""
        return self.has_token and not self._knows_token(_bearer())

    def look(self) -> Response | None:
        self._check_host()
        if request.method not in _SAFE:
            self._check_origin()
        if request.endpoint in self._open or not self.has_token:
            return None
        bearer = _bearer()
        if self._knows_token(bearer):  # before guesses are looked at: those of a neighbour must not lock anybody out
            return None
        if bearer is not None:
            self._throttle.check_guesses()
            self._throttle.count_guess()
        return answer(
            401,
            "The token is missing or wrong; send 'Authorization: Bearer TOKEN', or log in by POST /api/login.",
            self.challenge,
        )

    # -- the token ---------------------------------------------------------------------------------------------------

    def is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self._token)

    def log_in(self, response: Response) -> None:
        until = int(time.time()) + _COOKIE_S
        secure = request.is_secure or request.headers.get("Origin", "").startswith("https://")  # behind a proxy
        response.set_cookie(
            COOKIE, f"{until}.{self._signed(until)}", max_age=_COOKIE_S, httponly=True, samesite="Strict", secure=secure
        )

    def log_out(self, response: Response) -> None:
        response.delete_cookie(COOKIE, httponly=True, samesite="Strict")

    def _knows_token(self, bearer: str | None) -> bool:
        if bearer is not None:
            return self.is_token(bearer)
        return self._is_own(request.cookies.get(COOKIE, ""))

    def _is_own(self, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        if not (until.isascii() and until.isdecimal() and len(until) <= 12 and int(until) > time.time()):
            return False
        return hmac.compare_digest(signature.encode("utf-8", "replace"), self._signed(int(until)).encode())

    def _signed(self, until: int) -> str:
        return hmac.new(self._token, f"qmv login until {until}".encode(), hashlib.sha256).hexdigest()

    # -- where a request comes from ----------------------------------------------------------------------------------

    def _check_host(self) -> None:
        """Without a token, a page of another site must not reach the service under a name of its own (DNS rebinding):
        an address by its number is fine, and so is a name that only this network gives."""
        host = _name(request.environ.get("HTTP_HOST", ""))
        if self._token or not host or host == self._own_host or _is_local(host):
            return
        raise Problem(
            403, "This service has no token and answers under its own address only; use that one, or set a token."
        )

    def _check_origin(self) -> None:
        """A page of another site must not send anything in the name of who visits it."""
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site is not None:
            foreign = site not in ("same-origin", "none")
        else:
            foreign = origin is not None and urlsplit(origin).netloc.lower() != request.environ.get("HTTP_HOST", "")
        if foreign:
            raise Problem(403, "This request comes from a page of another site; send it from the service's own page.")


def _bearer() -> str | None:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else None


def _name(host: str) -> str:
    """The host without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _is_local(host: str) -> bool:
    if "." not in host or host.endswith(_LOCAL_ENDS):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
