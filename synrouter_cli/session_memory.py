"""A session as bytes for the ledger and back: keyed digests, counts and names, nothing that was said in it.

>>> restored(stored(Session("0123456789ab", "kilo", "main"))).client
'kilo'
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import msgspec

from synrouter_cli.cache.anchors import Anchors
from synrouter_cli.cache.breaker import Breaker
from synrouter_cli.cache.gaps import History, Seen
from synrouter_cli.prompt.order import Order
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.session import Session

__all__ = ["restored", "stored"]


class _Stored(msgspec.Struct):
    """A session as it lies in the ledger."""

    id: str
    client: str
    kind: str
    parent: str | None
    scope: bytes
    reserved: int
    last_at: float
    ends: list[bytes]
    first_key: bytes
    head_key: bytes
    message_count: int
    rate: float
    anchors: list[tuple[bytes, int]]
    policy: Any = None
    only_cut: list[bytes] | None = None
    order: tuple[tuple[str, ...], tuple[int, ...]] = ((), ())
    gaps: tuple[tuple[int, int, int], tuple[int, int, int]] = ((0, 0, 0), (0, 0, 0))
    stopped: str | None = None
    over: bool = False
    tripped: bool = False
    opening: bytes = b""
    unsteady: bool = False
    answered: str | None = None
    lost: int = 0


def stored(session: Session, *, clean: bool = False) -> bytes:
    """A session as bytes for the ledger. `clean` gives the reserved turn numbers back."""
    return msgspec.msgpack.encode(
        _Stored(
            session.id,
            session.client,
            session.kind,
            session.parent,
            session.scope,
            session.turn if clean else session.reserved,
            session.last_at,
            session.ends,
            session.first_key,
            session.head_key,
            session.message_count,
            session.anchors.rate,
            session.anchors.items()[-64:],
            session.policy.plain() if session.policy is not None else None,
            sorted(session.only_cut) if session.only_cut is not None else None,
            (session.order.names, session.order.layers),
            (astuple(session.gaps.loops), astuple(session.gaps.returns)),
            session.stopped,
            session.over,
            session.breaker.tripped,
            session.opening,
            session.breaker.unsteady,
            session.answered,
            session.gaps.lost,
        )
    )


def restored(data: bytes) -> Session | None:
    """The session again; None where the bytes are none."""
    try:
        return _session(msgspec.msgpack.decode(data, type=_Stored))
    except msgspec.MsgspecError:
        return None


def _session(row: _Stored) -> Session:
    return Session(
        row.id,
        row.client,
        row.kind,
        row.parent,
        row.scope,
        turn=row.reserved,
        reserved=row.reserved,
        last_at=row.last_at,
        ends=row.ends,
        first_key=row.first_key,
        head_key=row.head_key,
        message_count=row.message_count,
        anchors=Anchors(row.rate, row.anchors),
        restored=True,
        policy=Policy.read(row.policy) if row.policy is not None else None,
        only_cut=frozenset(row.only_cut) if row.only_cut is not None else None,
        order=Order(*row.order),
        gaps=History(Seen(*row.gaps[0]), Seen(*row.gaps[1]), row.lost),
        stopped=row.stopped,
        over=row.over,
        breaker=Breaker(tripped=row.tripped, unsteady=row.unsteady),
        opening=row.opening,
        answered=row.answered,
    )
