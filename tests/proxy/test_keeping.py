"""What of the cache stores outlives a restart, and that a turn writes no more of it than it changed."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from support.bench import Bench, body
from support.memory import Memory
from synrouter_cli.cache.shadow import Pair
from synrouter_cli.cache.store import Entry, Store
from synrouter_cli.proxy.keeping import keep_pair, restore_pairs

NOW = 1_790_000_000.0


def entries(store: Store) -> dict[tuple[bytes, bytes], tuple[float, float, int, str]]:
    return {
        (seed, key): (entry.ttl, entry.expires_at, entry.tokens, entry.owner)
        for seed, held in store.entries.items()
        for key, entry in held.items()
    }


def alive(store: Store, now: float) -> dict[tuple[bytes, bytes], tuple[float, float, int, str]]:
    return {where: entry for where, entry in entries(store).items() if entry[1] > now}


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["sent", "client"]),
        st.sampled_from(["put", "drop", "keep"]),
        st.integers(0, 1),
        st.integers(0, 12),
        st.sampled_from(["", "a", "b", "c"]),
        st.sampled_from([300.0, 3600.0]),
        st.sampled_from([0.0, 5.0, 60.0, 500.0]),
    ),
    max_size=40,
)


@given(CHANGES)
def test_a_restart_finds_what_was_alive_when_it_was_kept_last(changes) -> None:
    memory, pair, now = Memory(), Pair(), NOW
    for side, what, seed, key, owner, ttl, pause in changes:
        now += pause
        store = getattr(pair, side)
        if what == "put":
            store.put(bytes([seed]), bytes([key]), Entry(ttl, now + ttl, key, owner))
        elif what == "drop":
            store.drop(bytes([seed]), bytes([key]))
        else:
            keep_pair(memory, "pair", pair, now)
    keep_pair(memory, "pair", pair, now)
    found = restore_pairs(memory, now).get("pair", Pair())
    assert alive(found.sent, now) == alive(pair.sent, now)
    assert alive(found.client, now) == alive(pair.client, now)
    assert found.take_changed() == set(), "what was just read need not be written"


def test_a_turn_writes_what_it_changed_and_not_what_other_sessions_have() -> None:
    bench = Bench()
    first = bench.ask(body(30), **{"x-claude-code-session-id": "11111111-1111-1111-1111-111111111111"})
    other = body(3)
    other["system"] = [{"type": "text", "text": "Another agent. " * 3000, "cache_control": {"type": "ephemeral"}}]
    kept = {key: value for (kind, key), value in bench.ledger.kept.items() if kind == "cache"}
    second = bench.ask(other, **{"x-claude-code-session-id": "22222222-2222-2222-2222-222222222222"})
    assert first.session != second.session
    now = {key: value for (kind, key), value in bench.ledger.kept.items() if kind == "cache"}
    assert {key: now[key] for key in kept} == kept
    assert [key.split(" ")[1] for key in now if key not in kept] == [second.session]


def test_what_an_earlier_version_kept_in_one_row_goes_on() -> None:
    memory = Memory()
    rows = [
        (b"s", b"k1", 300.0, NOW + 200, 5, "a"),
        (b"s", b"k2", 3600.0, NOW + 2000, 9, "b"),
        (b"s", b"k3", 300.0, NOW - 1, 9, "a"),
    ]
    memory.remember("cache", "0123", msgspec.msgpack.encode([rows, rows[:1], False]))
    for _ in range(2):
        pair = restore_pairs(memory, NOW)["0123"]
        assert set(entries(pair.sent)) == {(b"s", b"k1"), (b"s", b"k2")} and set(entries(pair.client)) == {
            (b"s", b"k1")
        }
        assert pair.hours is False
        assert {key for _, key in memory.kept} == {"0123 a", "0123 b"}


def test_that_an_hour_is_not_given_is_remembered_without_any_entry() -> None:
    memory, pair = Memory(), Pair(hours=False)
    pair.sent.put(b"s", b"k", Entry(300.0, NOW + 300, 5, "a"))
    keep_pair(memory, "pair", pair, NOW, "b")
    assert restore_pairs(memory, NOW)["pair"].hours is False
    pair.sent.drop(b"s", b"k")
    keep_pair(memory, "pair", pair, NOW, "a")
    assert restore_pairs(memory, NOW) == {} and memory.kept == {}, "but no longer than anything lives"


def test_rows_that_are_none_and_dead_ones_are_forgotten() -> None:
    memory = Memory()
    memory.remember("cache", "damaged a", b"\xff\x00")
    memory.remember("cache", "dead a", msgspec.msgpack.encode([[(b"s", b"k", 300.0, NOW - 1, 5, "a")], [], True]))
    assert restore_pairs(memory, NOW) == {}
    assert memory.kept == {}
