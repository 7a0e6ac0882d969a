"""What can go wrong on the way to a provider, and what is tried again then.

The library's exceptions become ours here, and nowhere else.

A request is sent again only when it can't have reached the provider (no address, no connection), or
when a kept connection turned out to be closed before a single byte came back.

>>> RETRIES["refused"]
(0.1, 0.4)
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Final

import aiohttp

from synrouter_cli.errors import SynrouterError, TooBusy, UpstreamTimeout, UpstreamUnreachable
from synrouter_cli.proxy.live import Stopping

RETRIES: Final[Mapping[str, tuple[float, ...]]] = {
    "dns": (0.2,),
    "refused": (0.1, 0.4),
    "timeout": (0.0,),
    "stale": (0.0,),
}
"""Kind of failure → how long to wait before each further attempt, in seconds."""

_PERMANENT: Final = frozenset(("certificate", "tls", "proxy", "redirect"))
_NEVER_SENT: Final = frozenset(("certificate", "descriptors", "dns", "proxy", "refused", "timeout", "tls"))
_NO_DESCRIPTORS: Final = (errno.EMFILE, errno.ENFILE)


class UpstreamCertificate(UpstreamUnreachable):
    """{provider} can't be trusted: {detail}"""

    next_command = "SSL_CERT_FILE=/path/to/your/ca.pem synrouter up"


class UpstreamRedirect(UpstreamUnreachable):
    """{provider} answered {status}, a redirect to another address, which is not followed."""

    next_command = "synrouter up --upstream {provider}=https://THE-RIGHT-ADDRESS"


class NoDescriptors(TooBusy):
    """This system has no file descriptors left for another connection."""

    http_status = 503
    next_command = "ulimit -n 4096; synrouter up"


class Failure(Exception):
    """No answer came. `error` is what the client is told."""

    def __init__(self, kind: str, error: SynrouterError, attempts: int = 1) -> None:
        super().__init__(kind)
        self.kind = kind
        self.error = error
        self.attempts = attempts

    @property
    def permanent(self) -> bool:
        """Whether the same request would fail again until somebody changes something."""
        return self.kind in _PERMANENT

    @property
    def never_sent(self) -> bool:
        """Whether there was no connection to send the request on: it can't have cost anything."""
        return self.kind in _NEVER_SENT


class Broken(Exception):
    """An answer that had begun did not come to its end.

    `kind` is reset | eof | idle_timeout | stopping.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Reset(Exception):
    """A connection broke before the head of an answer was here; `unanswered` if not a byte came."""

    def __init__(self, *, unanswered: bool) -> None:
        super().__init__()
        self.unanswered = unanswered


def diagnose(
    exception: Exception, provider: str, *, reused: bool, connect_timeout_s: float, idle_timeout_s: float
) -> Failure:
    """What the library raised on a request to `provider`, on a connection `reused` from the pool or not."""
    kind, detail = _kind(exception, reused=reused)
    if kind == "descriptors":
        return Failure(kind, NoDescriptors())
    if kind in ("timeout", "idle_timeout"):
        seconds = connect_timeout_s if kind == "timeout" else idle_timeout_s
        return Failure(kind, UpstreamTimeout(provider=provider, seconds=f"{seconds:g}"))
    error = UpstreamCertificate if kind == "certificate" else UpstreamUnreachable
    return Failure(kind, error(provider=provider, detail=detail))


def unanswered(broken: Broken, provider: str, *, idle_timeout_s: float) -> Failure:
    """What the client is told where an answer broke off before any of it was passed on."""
    if broken.kind == "stopping":
        return Failure(broken.kind, Stopping())
    if broken.kind == "idle_timeout":
        return Failure(broken.kind, UpstreamTimeout(provider=provider, seconds=f"{idle_timeout_s:g}"))
    return Failure(broken.kind, UpstreamUnreachable(provider=provider, detail="it broke off its answer."))


def _kind(exception: Exception, *, reused: bool) -> tuple[str, str]:
    """The kind of failure and how to say it. Never the exception's own text: some hold headers."""
    match exception:
        case Reset(unanswered=unanswered):
            kind = "stale" if reused and unanswered else "reset"
            return kind, "it closed the connection before it answered."
        case aiohttp.ClientConnectorDNSError():
            return "dns", f"there is no address for {exception.host}."
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(exception.certificate_error, "verify_message", "") or "it is not valid"
            return "certificate", f"its certificate was refused ({reason})."
        case aiohttp.ClientProxyConnectionError():
            return "refused", "the proxy of HTTPS_PROXY refuses connections."
        case aiohttp.ClientHttpProxyError():
            return "proxy", f"the proxy of HTTPS_PROXY answered {exception.status}."
        case aiohttp.ConnectionTimeoutError():
            return "timeout", ""
        case aiohttp.SocketTimeoutError():
            return "idle_timeout", ""
        case OSError(errno=number) if number in _NO_DESCRIPTORS:
            return "descriptors", ""
        case aiohttp.ClientSSLError():
            return "tls", "it does not speak TLS as expected."
        case aiohttp.ClientConnectorError():
            return "refused", _unconnected(exception)
        case aiohttp.ClientResponseError():
            return "garbage", "what it answered is not HTTP."
        case _:
            return "reset", f"the connection failed ({type(exception).__name__})."


def _unconnected(exception: aiohttp.ClientConnectorError) -> str:
    """Why there is no connection, and to where; the library's words are of a tuple of Python's."""
    host, port, number = exception.host, exception.port, exception.errno
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if number == errno.ECONNREFUSED:
        return f"{place} refuses the connection."
    reason = os.strerror(number) if number else "the connection failed"  # of several addresses, each for its own reason
    return f"{place}: {reason}."
