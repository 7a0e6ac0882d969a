"""What keep-warm pings have cost, against their budgets of a session and of a day (UTC); known again after a restart.

A ping is booked as estimated when it is sent and put right when its cost is known, so that several under way can't
overdraw together.

>>> from decimal import Decimal
>>> spending = Spending(KeepWarm(True, Decimal("0.50"), Decimal(5)))
>>> spending.book("a", 0.0, 300_000_000_000)
>>> spending.left("a", 0.0), spending.left("b", 0.0)
(200000000000, 500000000000)
>>> spending.book("b", 86_400.0, 0)
>>> spending.left("a", 86_400.0)
200000000000
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final

import msgspec

from synrouter_cli import meter
from synrouter_cli.config_file import KeepWarm

__all__ = ["Spending"]

log = logging.getLogger("synrouter.warming")

MOST_SESSIONS: Final = 512


class _Spent(msgspec.Struct):
    """Pico-USD: on the `day` (ISO), and by session, the latest last."""

    day: str = ""
    of_day: int = 0
    of_session: dict[str, int] = {}


class Spending:
    """Money in pico-USD, times in epoch seconds."""

    def __init__(self, budgets: KeepWarm) -> None:
        self._session = meter.to_pico(budgets.session_usd)
        self._day = meter.to_pico(budgets.day_usd)
        self._spent = _Spent()

    def left(self, session_id: str, now: float) -> int:
        """What a ping of this session may still cost."""
        spent = self._spent
        of_day = spent.of_day if spent.day == _day_of(now) else 0
        return min(self._session - spent.of_session.get(session_id, 0), self._day - of_day)

    def book(self, session_id: str, now: float, pusd: int) -> None:
        """So much more was spent; less where it is negative."""
        spent, day = self._spent, _day_of(now)
        if spent.day != day:
            spent.day, spent.of_day = day, 0
        spent.of_day += pusd
        spent.of_session[session_id] = spent.of_session.pop(session_id, 0) + pusd
        while len(spent.of_session) > MOST_SESSIONS:
            del spent.of_session[next(iter(spent.of_session))]

    def packed(self) -> bytes:
        """For the ledger: numbers and sessions' ids."""
        return msgspec.msgpack.encode(self._spent)

    def restore(self, packed: bytes) -> None:
        """What `packed` gave before a restart; bytes that are none are left out."""
        try:
            self._spent = msgspec.msgpack.decode(packed, type=_Spent)
        except msgspec.MsgspecError:
            log.warning("what keep-warm has spent can't be read")


def _day_of(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()
