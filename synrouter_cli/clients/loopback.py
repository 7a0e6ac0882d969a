"""Some clients send requests to this machine through the environment's HTTP proxy too, unless NO_PROXY says not to.

>>> from pathlib import PurePosixPath as P
>>> around = Surroundings(P("/h"), P("/p"), {"HTTP_PROXY": "http://proxy"}, "linux", {}.get, {}.__contains__)
>>> past_proxy(around)
{'NO_PROXY': '127.0.0.1', 'no_proxy': '127.0.0.1'}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from synrouter_cli.clients.client import Surroundings

HOST: Final = "127.0.0.1"
PROXIES: Final = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
"""Those that are asked for plain HTTP."""
_BETWEEN = re.compile(r"[\s,]+")


def past_proxy(around: Surroundings) -> dict[str, str]:
    """The variables with which requests to us go past the proxy; none where they do already, or there is no proxy."""
    if not any(around.environ.get(name, "").strip() for name in PROXIES):
        return {}
    direct = around.environ.get("no_proxy") or around.environ.get("NO_PROXY") or ""
    hosts = [host for host in _BETWEEN.split(direct) if host]
    if "*" in hosts or HOST in hosts:
        return {}
    # some read the one, some the other, and some the other first
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join([*hosts, HOST]))


def proxy_in_between(around: Surroundings) -> Iterator[str]:
    """A sentence where the environment's proxy would get the requests that are meant for us."""
    if past_proxy(around):
        name = next(name for name in PROXIES if around.environ.get(name, "").strip())
        yield f"{name} is set, and requests to this machine would go there too: add {HOST} to NO_PROXY"
