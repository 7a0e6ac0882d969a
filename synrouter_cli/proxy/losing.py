"""What translation had no place for: counted by code in a turn's row, logged once a session and code.

Codes are ours, but for names of fields that only their own dialect knows, which came from outside.

>>> counted([Loss("top_k", "top_k"), Loss("citations", "content.0"), Loss("citations", "content.1")])
{'top_k': 1, 'citations': 2}
>>> with_translation(None, "chat", {"top_k": 1})
'{"upstream_dialect":"chat","losses":{"top_k":1}}'
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from synrouter_cli.ledger.columns import MAX_DETAIL
from synrouter_cli.wire.ir import Loss

__all__ = ["Losing", "counted", "with_translation"]

log = logging.getLogger("synrouter.translation")

MOST_CODES: Final = 20
"""Of one turn; further ones are dropped, a row has only so much room."""
MOST_CHARS: Final = 60
MOST_SESSIONS: Final = 1024


def counted(losses: Iterable[Loss]) -> dict[str, int]:
    """Code → how often."""
    counts: dict[str, int] = {}
    for loss in losses:
        code = _code(loss)
        if code in counts or len(counts) < MOST_CODES:
            counts[code] = counts.get(code, 0) + 1
    return counts


def with_translation(detail: str | None, upstream_dialect: str, counts: Mapping[str, int]) -> str | None:
    """A row's detail with the provider's dialect and the counts in it, as far as there is room; `upstream_dialect` is
    empty where nothing was translated."""
    known = msgspec.json.decode(detail, type=dict[str, object]) if detail else {}
    named = {"upstream_dialect": upstream_dialect} if upstream_dialect else {}
    for more in ({**named, "losses": counts} if counts else named, named):
        text = msgspec.json.encode({**known, **more}).decode()
        if more and len(text) <= MAX_DETAIL:
            return text
    return detail


class Losing:
    """What was logged of which session already."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, set[str]] = OrderedDict()

    def note(self, session: str, losses: Iterable[Loss]) -> None:
        """These were lost in a turn of the session."""
        told = self._told.setdefault(session, set())
        self._told.move_to_end(session)
        for loss in losses:
            code = _code(loss)
            if code not in told and len(told) < MOST_CODES:
                told.add(code)
                log.info("session %s: lost in translation: %s at %s", session, code, _plain(loss.path))
        while len(self._told) > MOST_SESSIONS:
            self._told.popitem(last=False)


def _code(loss: Loss) -> str:
    return _plain(loss.code)


def _plain(text: str) -> str:
    """For a line of a log: short, and nothing but what can be printed."""
    return "".join(one if one.isprintable() else "?" for one in text[:MOST_CHARS])
