"""Requests to this machine go past the environment's proxy."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from synrouter_cli.clients.client import Surroundings
from synrouter_cli.clients.loopback import past_proxy, proxy_in_between


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, None),
        ({"HTTP_PROXY": " "}, None),
        ({"HTTP_PROXY": "http://proxy:3128"}, "127.0.0.1"),
        ({"all_proxy": "socks5://proxy", "NO_PROXY": "corp.example, .local"}, "corp.example,.local,127.0.0.1"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "a", "NO_PROXY": "127.0.0.1"}, "a,127.0.0.1"),
        ({"http_proxy": "http://proxy:3128", "NO_PROXY": "localhost 127.0.0.1"}, None),
        ({"http_proxy": "http://proxy:3128", "NO_PROXY": "*"}, None),
    ],
)
def test_only_a_proxy_that_would_get_our_requests_is_told_of_and_gone_past(
    environ: dict[str, str], expected: str | None
):
    around = Surroundings(
        PurePosixPath("/h"), PurePosixPath("/p"), environ, "linux", lambda path: None, lambda path: False
    )
    assert past_proxy(around) == ({"NO_PROXY": expected, "no_proxy": expected} if expected else {})
    assert len(list(proxy_in_between(around))) == (expected is not None)
