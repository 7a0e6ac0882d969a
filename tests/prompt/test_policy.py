"""What is pinned with a session, as it is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from synrouter_cli.prompt.limits import LIMITS, limits_of
from synrouter_cli.prompt.policy import Policy

LEVELS = ("observe", "safe", "standard", "max")


@pytest.mark.parametrize("level", LEVELS)
def test_a_policy_is_stored_and_read_again_whole(level: str) -> None:
    own = limits_of(level, over_chars=20_000, tools=[("mcp__db__*", 9_000)])
    policy = replace(Policy.of(level), limits=own, billing_block=False, diagnoses=True, version=7)
    assert Policy.read(msgspec.msgpack.decode(msgspec.msgpack.encode(policy.plain()))) == policy


@pytest.mark.parametrize(
    ("level", "trims", "orders"),
    [("observe", False, False), ("safe", False, False), ("standard", True, False), ("max", True, True)],
)
def test_what_each_level_may_do(level: str, trims: bool, orders: bool) -> None:
    policy = Policy.of(level)
    assert (policy.limits.least > 0, policy.orders_tools) == (trims, orders)
    assert policy.billing_block and not policy.diagnoses and policy.limits == LIMITS[level]


@pytest.mark.parametrize(
    "plain", [None, 5, [], ["safe"], ["safe", "1", [0, 0, []], True, True], ["safe", 1, [0], True, True]]
)
def test_what_is_no_policy_is_refused(plain: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        Policy.read(plain)
