"""What is added to an error for a client that would give up on it, where asking again helps.

Codex (0.169.0, observed) tries a 429 again only where the answer says when; most providers do not. A quota that is used
up does not come back by waiting: then it is left to end at once.

>>> added("codex", 429, {}, b'{"error": {"type": "rate_limit_error"}}')
{'Retry-After': '10'}
>>> added("codex", 429, {}, b'{"error": {"code": "insufficient_quota"}}'), added("kilo", 429, {}, b"")
({}, {})
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

__all__ = ["added", "may_add"]

_ADDED: Final[Mapping[tuple[str, int], tuple[str, str]]] = {("codex", 429): ("Retry-After", "10")}
"""Client and status → a header; in seconds. Codex asks five times more: most limits are by the minute."""
_LASTING: Final = (b"insufficient_quota", b"insufficient_balance", b"billing", b"usage_limit", b"current_quota")
"""Words of an error that no waiting helps with."""
STATUSES: Final = frozenset(status for _, status in _ADDED)


def may_add(status: int, headers: Collection[str]) -> bool:
    """Whether something might be added to an answer with these headers (lower case), so that a look at who asked and at
    its body is worth it."""
    return status in STATUSES and "retry-after" not in headers


def added(client: str, status: int, headers: Collection[str], body: bytes) -> dict[str, str]:
    """Headers to add; `body` is the beginning of the error's."""
    header = _ADDED.get((client, status))
    if header is None or not may_add(status, headers) or any(word in body.lower() for word in _LASTING):
        return {}
    return dict([header])
