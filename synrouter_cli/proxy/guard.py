"""Who may come in: everything about a request's head is checked here, before a byte of its body is read.

Nothing is ever decided by a URL that was put together from headers. The tokens are compared in
constant time, as bytes. Only the constant routes are open without one. The control API is for this machine alone: its
peers and its Hosts are loopback's own, wherever else the proxy listens.

>>> head = Head("GET", "/healthz", (1, 1), ((b"Host", b"127.0.0.1:7477"),), peer="127.0.0.1")
>>> head.values(b"host")
(b'127.0.0.1:7477',)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

from synrouter_cli import routing
from synrouter_cli.addresses import is_loopback
from synrouter_cli.errors import ForeignOrigin, InvalidRequest, MissingToken, NotLocal, UpgradeRequired, WrongHost
from synrouter_cli.listening import LOOPBACK_ONLY, Listening

RawHeaders = tuple[tuple[bytes, bytes], ...]

KEY_HEADER: Final = b"x-synrouter-key"
LOCAL_TOKEN: Final = re.compile(rb"sk-sr-(?:local|control)-")
# A browser names the site a request comes from; another port of this machine is "same-site".
_FOREIGN_SITES: Final = (b"cross-site", b"same-site")


class Tokens(Protocol):
    """The two local tokens; both comparisons take the same time whatever they are given."""

    def is_client(self, presented: bytes) -> bool: ...

    def is_control(self, presented: bytes) -> bool: ...

    def reload(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Head:
    """A request's line and headers, as they came, and the address they came from (empty: nobody knows)."""

    method: str
    target: str
    version: tuple[int, int]
    headers: RawHeaders = field(repr=False)
    peer: str = ""
    _by_name: dict[bytes, list[bytes]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.headers:
            self._by_name.setdefault(name.lower(), []).append(value)

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """Every value of the header `name` (given in lower case), in order."""
        return tuple(self._by_name.get(name, ()))


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may come in: where it goes, and whether its own credential goes with it."""

    match: routing.Match
    query: str
    keeps_credential: bool

    @property
    def provider(self) -> str:
        return self.match.route.provider


class Guard:
    """The door of one listening port."""

    def __init__(self, tokens: Tokens, *, port: int, listening: Listening = LOOPBACK_ONLY) -> None:
        self._tokens = tokens
        self._own_hosts = listening.own_hosts(port)
        self._hosts = listening.hosts(port)

    def admit(self, head: Head) -> Admitted:
        """Let the request in. Raises the SynrouterError that says why not."""
        _check_form(head)
        local = self._check_host(head)
        _check_origin(head)
        _check_upgrade(head)
        path, query = routing.split_target(head.target)
        match = routing.match(head.method, path)
        if match is not None and match.route.action == "constant":
            return Admitted(match, query, False)
        control = path.startswith(routing.CONTROL_PREFIX)
        if control and not local:
            raise NotLocal()
        keeps_credential = self._check_token(head, control=control)
        if match is None:
            raise routing.not_served(path, head.method)
        return Admitted(match, query, keeps_credential)

    def _check_host(self, head: Head) -> bool:
        """Whether it comes from this machine by one of loopback's own names. Raises WrongHost.

        From elsewhere such a name is not believed: only what the user allowed is served there.
        """
        hosts = head.values(b"host")
        host = hosts[0].lower() if len(hosts) == 1 else b""
        local = is_loopback(head.peer) and host in self._own_hosts
        if not local and host not in self._hosts:
            raise WrongHost()
        return local

    def _check_token(self, head: Head, *, control: bool) -> bool:
        """Whether the token came as x-synrouter-key, which leaves the other headers to the client's own
        credential. Raises MissingToken. A wrong x-synrouter-key is not made good by another header."""
        fits = self._tokens.is_control if control else self._tokens.is_client
        keys = head.values(KEY_HEADER)
        presented = keys or [*head.values(b"x-api-key"), *map(bearer, head.values(b"authorization"))]
        if not any(fits(value) for value in presented):
            raise MissingToken()
        return bool(keys)


def bearer(value: bytes) -> bytes:
    """The token of an Authorization header's value; empty where it is of another scheme."""
    scheme, _, token = value.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _check_form(head: Head) -> None:
    if head.version != (1, 1):
        raise InvalidRequest(detail="Only HTTP/1.1 is served.")
    if head.method == "CONNECT" or not head.target.startswith("/"):
        raise InvalidRequest(detail="This is no forward proxy: send the path alone.")
    if any(value.strip().lower() != b"chunked" for value in head.values(b"transfer-encoding")):
        raise InvalidRequest(detail="The only Transfer-Encoding that is served is chunked.")
    if LOCAL_TOKEN.search(head.target.encode("utf-8", "replace")):
        raise InvalidRequest(detail="The local token belongs into a header, not into the address.")


def _check_origin(head: Head) -> None:
    if head.values(b"origin"):
        raise ForeignOrigin()
    if any(site.strip().lower() in _FOREIGN_SITES for site in head.values(b"sec-fetch-site")):
        raise ForeignOrigin()


def _check_upgrade(head: Head) -> None:
    if any(b"websocket" in value.lower() for value in head.values(b"upgrade")):
        raise UpgradeRequired()
