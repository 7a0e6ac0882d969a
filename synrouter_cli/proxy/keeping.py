"""What outlives a restart: cache stores as bytes for the ledger and back, and the sessions that are still of use.

>>> unpack(pack(Pair())) is not None
True
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from synrouter_cli.cache.model import Entry, Store
from synrouter_cli.cache.shadow import Pair
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.sessions import Sessions

__all__ = ["LedgerPort", "pack", "restore_pairs", "restore_sessions", "unpack"]

MOST_RESTORED: Final = 1024
REMEMBERED_SECONDS: Final = 7 * 86400.0
"""A session that nobody has continued for so long begins anew, with turn numbers behind those in the ledger."""

_Rows = list[tuple[bytes, bytes, float, float, int, str]]


class LedgerPort(Protocol):
    """What turns need of a ledger."""

    def record(self, turn: Turn) -> None: ...
    def remember(self, kind: str, key: str, value: bytes) -> None: ...
    def recall(self, kind: str, *, limit: int = 10_000) -> list[tuple[str, bytes, float]]: ...
    def forget(self, kind: str, key: str) -> None: ...
    def last_turn(self, session: str) -> int: ...


class _Kept(msgspec.Struct, array_like=True):
    sent: _Rows
    client: _Rows
    hours: bool = True


def pack(pair: Pair) -> bytes:
    """Both stores: keyed digests, lifetimes and sizes, nothing of a prompt."""
    return msgspec.msgpack.encode(_Kept(_rows(pair.sent), _rows(pair.client), pair.hours))


def unpack(value: bytes) -> Pair | None:
    """The pair again, or None where the bytes are none."""
    try:
        kept = msgspec.msgpack.decode(value, type=_Kept)
    except msgspec.MsgspecError:
        return None
    pair = Pair(hours=kept.hours)
    for store, rows in ((pair.sent, kept.sent), (pair.client, kept.client)):
        for seed, key, ttl, expires_at, tokens, owner in rows:
            store.entries.setdefault(seed, {})[key] = Entry(ttl, expires_at, tokens, owner)
    return pair


def _rows(store: Store) -> _Rows:
    return [
        (seed, key, entry.ttl, entry.expires_at, entry.tokens, entry.owner)
        for seed, entries in store.entries.items()
        for key, entry in entries.items()
    ]


def restore_sessions(ledger: LedgerPort, sessions: Sessions, now: float) -> None:
    """Bring the latest sessions back, and forget the rest for good."""
    for place, (key, value, at) in enumerate(ledger.recall("session")):
        if place >= MOST_RESTORED or now - at > REMEMBERED_SECONDS:
            ledger.forget("session", key)
        else:
            sessions.restore(value)


def restore_pairs(ledger: LedgerPort, now: float) -> dict[str, Pair]:
    """The stores in which something is still alive at `now`; the others are forgotten for good."""
    found: dict[str, Pair] = {}
    for key, value, _ in ledger.recall("cache"):
        pair = unpack(value)
        if pair is not None and pair.prune(now):
            found[key] = pair
        else:
            ledger.forget("cache", key)
    return found
