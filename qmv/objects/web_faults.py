"""What can be wrong on the way to a web server: final faults as sentences, the others as trouble that may pass."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from qmv.errors import InputError, ServiceError

__all__ = ["Trouble", "trouble_of"]


class Trouble(Exception):
    """Another try may help, after `wait_s`. `reached`: the server is there."""

    def __init__(self, what: str, *, wait_s: float = 0.0, reached: bool = True) -> None:
        super().__init__(what)
        self.wait_s, self.reached = wait_s, reached


def trouble_of(error: Exception, where: str) -> Trouble:
    """The trouble that an error of httpx is; raises a QmvError where another try would be in vain."""
    import httpx

    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "no TLS"
            raise ServiceError(
                f"{where}: there is no secure connection to the server ({reason}); check the address, and the clock "
                "of this machine."
            ) from error
        if isinstance(cause, socket.gaierror):
            if cause.errno in (socket.EAI_AGAIN, getattr(socket, "EAI_FAIL", None)):
                return Trouble("the host's name cannot be looked up (is the network away?)", reached=False)
            raise ServiceError(f"{where}: the host was not found; check the address, and the network.") from error
        if isinstance(cause, ConnectionRefusedError):
            return Trouble("the server refuses connections", reached=False)
    # httpx says the same of an address that an answer leads to, but as a fault of the protocol
    no_address = any(isinstance(cause, (httpx.InvalidURL, httpx.UnsupportedProtocol)) for cause in _causes(error))
    if no_address or isinstance(error, UnicodeError):  # a host that no name can be
        raise InputError(f"{where}: is, or leads to, no address; check it.") from error
    if isinstance(error, (httpx.ConnectTimeout, httpx.ConnectError)):
        return Trouble("the server cannot be reached", reached=False)
    if isinstance(error, httpx.TimeoutException):
        return Trouble("the server does not answer in time")
    if isinstance(error, httpx.ProxyError):
        return Trouble("the proxy of this machine's settings cannot be used", reached=False)
    return Trouble("the connection breaks off")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__
