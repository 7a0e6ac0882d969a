"""What holds for every test: no network but loopback, an own environment, the same examples each run."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")

_OURS_OR_THE_USERS = ("SYNROUTER_", "ANTHROPIC_", "CLAUDE_CODE_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "WS_PROXY", "WSS_PROXY")


def _refuse_other_hosts(event: str, args: tuple[object, ...]) -> None:
    """A test that would reach another host fails instead: an audit hook, as the interpreter raises them."""
    if event == "socket.connect":
        connecting, address = args
        if not isinstance(address, tuple) or not isinstance(connecting, socket.socket):
            return
        host = str(address[0])
    elif event == "socket.getaddrinfo":
        host = args[0].decode() if isinstance(args[0], bytes) else str(args[0] or "localhost")
    else:
        return
    if host not in ("localhost", "") and not _is_local(host):
        raise PermissionError(f"tests reach loopback only, not {host}")


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified or _is_this_machines(address)


def _is_this_machines(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it can be bound here: what is sent to an address of this machine's own never leaves it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            asking.bind((str(address), 0))
        except OSError:
            return False
    return True


sys.addaudithook(_refuse_other_hosts)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A home of the test's own: the keys, configuration and ledger of whoever runs it are left alone."""
    for name in list(os.environ):
        if name.startswith(_OURS_OR_THE_USERS) or name.upper() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("SYNROUTER_HOME", str(tmp_path / "synrouter-home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    yield
