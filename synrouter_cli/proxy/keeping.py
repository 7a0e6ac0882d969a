"""Cache stores as bytes for the ledger and back, so that a restart forgets nothing that is still alive.

>>> unpack(pack(Pair())) is not None
True
"""

from __future__ import annotations

import msgspec

from synrouter_cli.cache.model import Entry, Store
from synrouter_cli.cache.shadow import Pair

__all__ = ["pack", "unpack"]

_Rows = list[tuple[bytes, bytes, float, float, int, str]]


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
