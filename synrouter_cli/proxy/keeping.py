"""What outlives a restart: cache stores as bytes for the ledger and back, and the sessions that are still of use.

A pair of stores is a row for each session that wrote into it, so that a turn writes what it changed alone.

>>> pack(Pair(), "session") is None
True
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from synrouter_cli.cache.shadow import Pair
from synrouter_cli.cache.store import Entry, Store
from synrouter_cli.ledger.rows import Turn
from synrouter_cli.sessions import Sessions

__all__ = ["LedgerPort", "keep_pair", "pack", "restore_pairs", "restore_sessions", "take_up"]

MOST_RESTORED: Final = 1024
REMEMBERED_SECONDS: Final = 7 * 86400.0
"""A session that nobody has continued for so long begins anew, with turn numbers behind those in the ledger."""

_Rows = list[tuple[bytes, bytes, float, float, int, str]]


class Memory(Protocol):
    """The part of a ledger that remembers values by (kind, key)."""

    def remember(self, kind: str, key: str, value: bytes) -> None: ...
    def forget(self, kind: str, key: str) -> None: ...


class LedgerPort(Memory, Protocol):
    """What turns need of a ledger."""

    def record(self, turn: Turn) -> None: ...
    def recall(self, kind: str, *, limit: int = 10_000) -> list[tuple[str, bytes, float]]: ...
    def last_turn(self, session: str) -> int: ...


class _Kept(msgspec.Struct, array_like=True):
    sent: _Rows
    client: _Rows
    hours: bool = True


def keep_pair(ledger: Memory, key: str, pair: Pair, now: float, *owners: str) -> None:
    """Have the ledger remember what changed in both stores since this was called last, and what of these owners is
    there."""
    pair.prune(now)
    for owner in sorted({*pair.take_changed(), *owners}):
        value = pack(pair, owner)
        if value is None:
            ledger.forget("cache", f"{key} {owner}")
        else:
            ledger.remember("cache", f"{key} {owner}", value)


def pack(pair: Pair, owner: str) -> bytes | None:
    """What a session wrote into both stores: keyed digests, lifetimes and sizes, nothing of a prompt. None where there
    is nothing to remember."""
    kept = _Kept(_rows(pair.sent, owner), _rows(pair.client, owner), pair.hours)
    return msgspec.msgpack.encode(kept) if kept.sent or kept.client or not kept.hours else None


def take_up(pair: Pair, value: bytes) -> bool:
    """Put what was packed back into the stores; False where the bytes are none."""
    try:
        kept = msgspec.msgpack.decode(value, type=_Kept)
    except msgspec.MsgspecError:
        return False
    pair.hours = pair.hours and kept.hours
    for store, rows in ((pair.sent, kept.sent), (pair.client, kept.client)):
        for seed, key, ttl, expires_at, tokens, owner in rows:
            known = store.entries.get(seed, {}).get(key)
            if known is None or known.expires_at < expires_at:
                store.put(seed, key, Entry(ttl, expires_at, tokens, owner))
    return True


def _rows(store: Store, owner: str) -> _Rows:
    return [
        (seed, key, entry.ttl, entry.expires_at, entry.tokens, entry.owner) for seed, key, entry in store.owned(owner)
    ]


def restore_sessions(ledger: LedgerPort, sessions: Sessions, now: float) -> None:
    """Bring the latest sessions back, and forget the rest for good."""
    for place, (key, value, at) in enumerate(ledger.recall("session")):
        if place >= MOST_RESTORED or now - at > REMEMBERED_SECONDS:
            ledger.forget("session", key)
        else:
            sessions.restore(value)


def restore_pairs(ledger: LedgerPort, now: float) -> dict[str, Pair]:
    """The stores in which something is still alive at `now`; what is not is forgotten for good."""
    found: dict[str, Pair] = {}
    whole: list[str] = []
    no_hours: dict[str, str] = {}
    for row, value, _ in ledger.recall("cache"):
        key = row.partition(" ")[0]
        alone = Pair()
        if take_up(alone, value) and alone.prune(now):
            take_up(found.setdefault(key, Pair()), value)
            whole += [key] if row == key else []
        elif not alone.hours:
            no_hours[row] = key
        else:
            ledger.forget("cache", row)
    for row, key in no_hours.items():
        if key in found:
            found[key].hours = False
        else:
            ledger.forget("cache", row)
    for key, pair in found.items():
        pair.prune(now)
        if key in whole:  # as earlier versions kept it
            keep_pair(ledger, key, pair, now)
            ledger.forget("cache", key)
        else:
            pair.take_changed()
    return found
