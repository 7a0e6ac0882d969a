"""Which addresses may be called, and which way: upstream URLs, loopback, proxies and NO_PROXY.

>>> check_upstream("https://api.example.com/v1/", where="config.toml")
'https://api.example.com/v1'
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from synrouter_cli.errors import ConfigError

PROVIDER_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_URL = re.compile(
    r"(https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?((?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*)"
)
_PROXY_URL = re.compile(r"https?://[\x21-\x7e]+")
_WITH_PORT = re.compile(r"([^:]+|\[[^\]]+\]):([0-9]+)")
_PLAIN_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
_PORTS = {"http": 80, "https": 443}


def parse_upstream(spec: str) -> tuple[str, str]:
    """`anthropic=http://127.0.0.1:9911/` → ("anthropic", "http://127.0.0.1:9911")."""
    name, equals, url = spec.partition("=")
    if not equals or not PROVIDER_NAME.fullmatch(name):
        raise ConfigError(where="--upstream", detail="expected NAME=URL", hint="synrouter up --help")
    return name, check_upstream(url, where=f"--upstream {name}")


def check_upstream(url: str, *, where: str) -> str:
    """`url` without trailing slashes. Raises ConfigError unless it is https, or http on loopback,
    with a plain host and path: no user, query or fragment, nothing that parsers read differently."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ConfigError(where=where, detail="not a plain https://HOST[:PORT][/PATH] address")
    scheme, host, port, path = match.groups()
    if scheme == "http" and host.lower() not in _PLAIN_LOOPBACK:
        raise ConfigError(where=where, detail=f"http only goes to loopback; use https://{host}")
    if port and not 0 < int(port) < 65536:
        raise ConfigError(where=where, detail=f"there is no port {port}")
    if host.startswith("[") and not _is_address(host[1:-1]):
        raise ConfigError(where=where, detail=f"{host} is no address")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise ConfigError(where=where, detail="the path must not hold . or ..")
    return url.rstrip("/")


def check_self_loop(upstreams: Mapping[str, str], port: int) -> None:
    """Raise ConfigError where an upstream is this proxy itself."""
    for name, url in upstreams.items():
        parts = urlsplit(url)
        own = parts.port or _PORTS[parts.scheme]
        if own == port and is_loopback(parts.hostname or ""):
            raise ConfigError(where=f"upstream {name}", detail=f"{url} is Synrouter itself")


def is_loopback(host: str) -> bool:
    """Whether `host`, without brackets, is this machine for certain."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


# ── proxies ──


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of the environment. Their URLs may hold a password and stay out of reprs."""

    http: str | None = field(default=None, repr=False)
    https: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()

    def for_url(self, url: str) -> str | None:
        """The proxy to reach `url` through; None is directly. Loopback is always reached directly."""
        parts = urlsplit(url)
        proxy = self.https if parts.scheme == "https" else self.http
        port = parts.port or _PORTS[parts.scheme]
        if proxy is None or bypasses_proxy(parts.hostname or "", port, self.no_proxy):
            return None
        return proxy


def read_proxies(environ: Mapping[str, str]) -> Proxies:
    """http_proxy, https_proxy and no_proxy, lower case before upper. Raises ConfigError for a scheme
    that can't be used, such as socks5; the address itself is not in the message."""

    def read(name: str) -> str | None:
        value = (environ.get(name) or environ.get(name.upper()) or "").strip()
        if not value:
            return None
        url = value if "://" in value else f"http://{value}"
        if not _PROXY_URL.fullmatch(url):
            raise ConfigError(where=name, detail="only http:// and https:// proxies work")
        return url

    listed = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    entries = tuple(entry for entry in re.split(r"[,\s]+", listed.lower()) if entry)
    return Proxies(http=read("http_proxy"), https=read("https_proxy"), no_proxy=entries)


def bypasses_proxy(host: str, port: int, no_proxy: Iterable[str]) -> bool:
    """Whether `host` is reached directly. Entries: `*`, a domain (with its subdomains), an address,
    a network such as 10.0.0.0/8, each but `*` and networks with an optional :port.

    >>> bypasses_proxy("api.corp.example", 443, (".corp.example",))
    True
    """
    host = host.lower().rstrip(".")
    return is_loopback(host) or any(_names(entry.lower(), host, port) for entry in no_proxy)


def _names(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name = entry
    if match := _WITH_PORT.fullmatch(entry):
        name, wanted = match[1], match[2]
        if int(wanted) != port:
            return False
    name = name.strip("[]").removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
