"""A translated turn in words: from which dialect to which, and what had no place there.

>>> turn = Turn("s", 1, 0.0, "ok", dialect="chat", provider="anthropic",
...             detail='{"upstream_dialect": "anthropic", "losses": {"verbosity": 2}}')
>>> way(turn), left_out(turn)
('from Chat Completions to Anthropic Messages (anthropic)', ['The target has no choice of verbosity. (2 times)'])
"""

from __future__ import annotations

from typing import Any, Final

from synrouter_cli.commands.verdict_words import detail_of
from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.wire.losses import sentence

__all__ = ["left_out", "losses", "upstream_dialect", "way"]

_DIALECTS: Final = {"anthropic": "Anthropic Messages", "chat": "Chat Completions", "responses": "Responses"}


def upstream_dialect(turn: Turn) -> str | None:
    """The provider's dialect; None for a turn that was not translated."""
    said = detail_of(turn).get("upstream_dialect")
    return said if isinstance(said, str) else None


def losses(turn: Turn) -> list[dict[str, Any]]:
    """Each `code` with its `count` and the `sentence` that says what it means."""
    counts = detail_of(turn).get("losses")
    if not isinstance(counts, dict):
        return []
    known = [(code, count) for code, count in counts.items() if isinstance(count, int)]
    return [{"code": code, "count": count, "sentence": sentence(code)} for code, count in known]


def way(turn: Turn) -> str:
    """From where to where; "" for a turn that was not translated."""
    to = upstream_dialect(turn)
    return f"from {_name(turn.dialect)} to {_name(to)} ({clean(turn.provider)})" if to is not None else ""


def left_out(turn: Turn) -> list[str]:
    """A sentence for each kind of loss."""
    return [clean(_times(loss)) for loss in losses(turn)]


def _name(dialect: str) -> str:
    return _DIALECTS.get(dialect, clean(dialect))


def _times(loss: dict[str, Any]) -> str:
    return f"{loss['sentence']} ({loss['count']:,} times)" if loss["count"] > 1 else str(loss["sentence"])
