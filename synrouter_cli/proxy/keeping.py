"""Cache stores as bytes for the ledger and back, so that a restart forgets nothing that is still alive.

>>> unpack(pack(Pair())) is not None
True
"""

from __future__ import annotations

import msgspec

from synrouter_cli.cache.model import Entry, Store
from synrouter_cli.cache.shadow import Pair

__all__ = ["pack", "unpack"]

_Rows = list[tuple[bytes, bytes, float, float, int]]


def pack(pair: Pair) -> bytes:
    """Both stores: keyed digests, lifetimes and sizes, nothing of a prompt."""
    return msgspec.msgpack.encode([_rows(pair.sent), _rows(pair.client)])


def unpack(value: bytes) -> Pair | None:
    """The pair again, or None where the bytes are none."""
    try:
        stores = msgspec.msgpack.decode(value, type=list[_Rows])
    except msgspec.MsgspecError:
        return None
    if len(stores) != 2:
        return None
    pair = Pair()
    for store, rows in zip((pair.sent, pair.client), stores, strict=True):
        for seed, key, ttl, expires_at, tokens in rows:
            store.entries.setdefault(seed, {})[key] = Entry(ttl, expires_at, tokens)
    return pair


def _rows(store: Store) -> _Rows:
    return [
        (seed, key, entry.ttl, entry.expires_at, entry.tokens)
        for seed, entries in store.entries.items()
        for key, entry in entries.items()
    ]
