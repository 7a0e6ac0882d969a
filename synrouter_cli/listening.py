"""Where the proxy listens, and which Hosts it serves besides this machine's own: nothing more than the user names.

Beyond loopback both are named, the address and at least one Host. 127.0.0.1 is listened on in any case, for our own
commands and for clients on this machine.

>>> Listening("172.17.0.1", ("host.docker.internal",)).binds
('127.0.0.1', '172.17.0.1')
>>> sorted(Listening(HOST, ("box", "box:8080")).hosts(7477))
[b'box:7477', b'box:8080']
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from synrouter_cli.addresses import is_loopback
from synrouter_cli.errors import ConfigError

HOST: Final = "127.0.0.1"

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_WITH_PORT = re.compile(r"([^:]+|\[[^\]]*\]):([0-9]{1,5})")
_LEFT_OUT_PORTS: Final = (80, 443)
"""A client leaves out of its Host what http and https imply."""
_WHOM: Final = {
    "0.0.0.0": "any IPv4 address of this machine",
    "::": "any IPv6 address of this machine",
}


@dataclass(frozen=True, slots=True)
class Listening:
    """An address to listen on, an IP without brackets, and the Hosts to serve besides loopback's own names: each
    `NAME` (at our port) or `NAME:PORT`, as `read_host` gives them."""

    address: str = HOST
    allow_hosts: tuple[str, ...] = ()

    @property
    def exposed(self) -> bool:
        """Whether others than this machine can connect."""
        return not is_loopback(self.address)

    @property
    def binds(self) -> tuple[str, ...]:
        """The addresses to bind. Sockets for IPv6 take no IPv4 here, so `::` does not cover 127.0.0.1."""
        return (self.address,) if self.address in (HOST, "0.0.0.0") else (HOST, self.address)

    def own_hosts(self, port: int) -> frozenset[bytes]:
        """The Hosts, as they come in a header, by which this machine itself may call."""
        names = {HOST, "localhost", "[::1]"} if self.exposed else {HOST, "localhost", "[::1]", _bracketed(self.address)}
        return frozenset(host for name in names for host in _spellings(f"{name}:{port}"))

    def hosts(self, port: int) -> frozenset[bytes]:
        """The Hosts, as they come in a header, by which anybody may call who can connect."""
        entries = (entry if _WITH_PORT.fullmatch(entry) else f"{entry}:{port}" for entry in self.allow_hosts)
        return frozenset(host for entry in entries for host in _spellings(entry))

    def url(self, port: int) -> str:
        return f"http://{_bracketed(self.address)}:{port}"

    def warning(self, port: int) -> str:
        """Who can reach it, and what protects it; empty where nobody but this machine can."""
        if not self.exposed:
            return ""
        reached = _WHOM.get(self.address, self.address)
        return (
            f"open beyond this machine: whoever reaches {reached}, port {port}, can call it as"
            f" {' or '.join(self.allow_hosts)}. Only the local key protects it (synrouter token show), and nothing"
            " is encrypted on the way: neither the key nor what you and the model write."
        )


LOOPBACK_ONLY: Final = Listening()


def read_address(text: str, *, where: str) -> str:
    """`[::1]`, `0.0.0.0` → the address in its usual spelling. Raises ConfigError for anything but an IP address."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        address = None
    if address is None or "%" in bare or getattr(address, "ipv4_mapped", None):
        detail = "expected an IP address of this machine, such as 172.17.0.1 or 0.0.0.0"
        raise ConfigError(where=where, detail=detail, hint=_hint(where))
    return str(address)


def read_host(text: str, *, where: str) -> str:
    """`Box`, `box:8080`, `fd00::1` → `box`, `box:8080`, `[fd00::1]`. Raises ConfigError: only exact names and addresses
    can be allowed, no patterns, no URLs."""
    match = _WITH_PORT.fullmatch(text)
    host, port = (match[1], match[2]) if match else (text, None)
    name = _name(host.lower())
    if name is None or (port is not None and not 0 < int(port) < 65536):
        detail = "expected a Host as clients send it, NAME or NAME:PORT; no pattern, no URL"
        raise ConfigError(where=where, detail=detail, hint=_hint(where))
    return name if port is None else f"{name}:{int(port)}"


def check_exposure(listening: Listening, *, where: str) -> Listening:
    """The same. Raises ConfigError where it would be open beyond this machine to no Host that was named."""
    if listening.exposed and not listening.allow_hosts:
        example = "host.docker.internal" if listening.address in _WHOM else _bracketed(listening.address)
        raise ConfigError(
            where=where,
            detail=f"{listening.address} is reached from other machines or containers; name the Host they call it by",
            hint=f"synrouter up --listen {listening.address} --allow-host {example}",
        )
    return listening


def _name(host: str) -> str | None:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        # digits alone in the last label would be an address that parsers read differently
        fits = _NAME.fullmatch(host) and len(host) < 254 and not host.rpartition(".")[2].isdigit()
        return host if fits else None
    in_brackets = bare != host
    if "%" in bare or (in_brackets and address.version == 4):
        return None
    return _bracketed(str(address))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _spellings(entry: str) -> tuple[bytes, ...]:
    name, _, port = entry.rpartition(":")
    return (entry.encode(), name.encode()) if int(port) in _LEFT_OUT_PORTS else (entry.encode(),)


def _hint(where: str) -> str | None:
    return "synrouter up --help" if where.startswith("--") else None
