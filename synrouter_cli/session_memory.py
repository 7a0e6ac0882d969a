"""A session as bytes for the ledger and back: keyed digests, counts and names, nothing that was said in it.

Earlier versions kept a session at one provider only, and wrote what is now a lane's beside the rest.

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
from synrouter_cli.lane import Lane
from synrouter_cli.prompt.order import Order
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.session import Session

__all__ = ["restored", "stored"]


ANCHORS = 64


class _StoredLane(msgspec.Struct):
    """A lane as it lies there."""

    scope: bytes
    provider: str
    model: str
    at: float
    rate: float
    anchors: list[tuple[bytes, int]]
    policy: Any = None
    only_cut: list[bytes] | None = None
    tripped: bool = False
    unsteady: bool = False
    answered: str | None = None


class _Stored(msgspec.Struct):
    """A session as it lies in the ledger."""

    id: str
    client: str
    kind: str
    parent: str | None
    scope: bytes
    """The owner; in earlier versions provider and credential."""
    reserved: int
    last_at: float
    ends: list[bytes]
    first_key: bytes
    head_key: bytes
    message_count: int
    rate: float = 1.0
    anchors: list[tuple[bytes, int]] = []
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
    lanes: list[_StoredLane] = []
    midway: bool = False


def stored(session: Session, *, clean: bool = False) -> bytes:
    """A session as bytes for the ledger. `clean` gives the reserved turn numbers back."""
    return msgspec.msgpack.encode(
        _Stored(
            id=session.id,
            client=session.client,
            kind=session.kind,
            parent=session.parent,
            scope=session.owner,
            reserved=session.turn if clean else session.reserved,
            last_at=session.last_at,
            ends=session.ends,
            first_key=session.first_key,
            head_key=session.head_key,
            message_count=session.message_count,
            policy=session.policy.plain() if session.policy is not None else None,
            order=(session.order.names, session.order.layers),
            gaps=(astuple(session.gaps.loops), astuple(session.gaps.returns)),
            stopped=session.stopped,
            over=session.over,
            opening=session.opening,
            lost=session.gaps.lost,
            lanes=[_stored_lane(lane) for lane in session.lanes.values()],
            midway=session.midway,
        )
    )


def _stored_lane(lane: Lane) -> _StoredLane:
    return _StoredLane(
        lane.scope,
        lane.provider,
        lane.model,
        lane.at,
        lane.anchors.rate,
        lane.anchors.items()[-ANCHORS:],
        lane.policy.plain() if lane.policy is not None else None,
        sorted(lane.only_cut) if lane.only_cut is not None else None,
        lane.breaker.tripped,
        lane.breaker.unsteady,
        lane.answered,
    )


def restored(data: bytes) -> Session | None:
    """The session again; None where the bytes are none."""
    try:
        return _session(msgspec.msgpack.decode(data, type=_Stored))
    except msgspec.MsgspecError:
        return None


def _session(row: _Stored) -> Session:
    lanes = [_lane(lane) for lane in row.lanes or [_earlier_lane(row)]]
    return Session(
        row.id,
        row.client,
        row.kind,
        row.parent,
        row.scope,
        turn=row.reserved,
        reserved=row.reserved,
        last_at=row.last_at,
        lanes={lane.key: lane for lane in lanes},
        midway=row.midway,
        ends=row.ends,
        first_key=row.first_key,
        head_key=row.head_key,
        message_count=row.message_count,
        restored=True,
        policy=_policy(row.policy),
        order=Order(*row.order),
        gaps=History(Seen(*row.gaps[0]), Seen(*row.gaps[1]), row.lost),
        stopped=row.stopped,
        over=row.over,
        opening=row.opening,
    )


def _earlier_lane(row: _Stored) -> _StoredLane:
    """The one place that an earlier version knew of; which model it asked stood in the turns alone."""
    return _StoredLane(
        row.scope,
        "",
        "",
        row.last_at,
        row.rate,
        row.anchors,
        row.policy,
        row.only_cut,
        row.tripped,
        row.unsteady,
        row.answered,
    )


def _lane(row: _StoredLane) -> Lane:
    return Lane(
        row.scope,
        row.provider,
        row.model,
        row.at,
        policy=_policy(row.policy),
        only_cut=frozenset(row.only_cut) if row.only_cut is not None else None,
        breaker=Breaker(tripped=row.tripped, unsteady=row.unsteady),
        anchors=Anchors(row.rate, row.anchors),
        answered=row.answered,
    )


def _policy(plain: Any) -> Policy | None:
    return Policy.read(plain) if plain is not None else None
