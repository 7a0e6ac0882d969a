"""The simulated provider's books: a line for every request, whichever dialect it speaks.

>>> books = Books(lambda: 1.0)
>>> books.line("messages", {"X-Session-Id": "ses_1"}).request_id[-2:], books.lines[0].session
('01', 'ses_1')
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Answered", "Books"]

_SESSION_HEADERS: Final = (
    "x-claude-code-session-id",
    "x-session-id",
    "session_id",
    "session-id",
    "x-session-affinity",
    "x-grok-conv-id",
)
_AGENT_HEADER: Final = "x-claude-code-agent-id"
_KEPT_LINES: Final = 100_000


@dataclass(slots=True)
class Answered:
    """A line of the provider's books: times in seconds, `complete` once the whole answer was sent."""

    at: float
    request_id: str
    endpoint: str
    session: str
    agent: str
    status: int = 200
    model: str = ""
    tools: int = 0
    """How many the request offers."""
    streamed: bool = False
    complete: bool = False
    usage: dict[str, Any] = field(default_factory=dict)
    dialect: str = "anthropic"
    cached: int = 0
    """Tokens of the prompt that were read from the cache."""
    written: int = 0
    """Tokens of the prompt whose writing into the cache is billed."""
    cache_key: str = ""
    """A digest of `prompt_cache_key`."""


class Books:
    """The latest lines. `clock` gives the time in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.lines: deque[Answered] = deque(maxlen=_KEPT_LINES)
        self._clock = clock
        self._count = 0

    def line(self, endpoint: str, headers: Mapping[str, str], dialect: str = "anthropic") -> Answered:
        """A new line for a request that has come."""
        self._count += 1
        sent = {name.lower(): value for name, value in headers.items()}
        line = Answered(
            at=self._clock(),
            request_id=f"req_{self._count:024d}",
            endpoint=endpoint,
            session=next((sent[name] for name in _SESSION_HEADERS if name in sent), ""),
            agent=sent.get(_AGENT_HEADER, ""),
            dialect=dialect,
        )
        self.lines.append(line)
        return line
