"""A store against the simplest one that could be right, and what it says of its changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.model import Found, Marker, Rendered
from synrouter_cli.cache.store import Entry, Store

MOST = 24


def prompt(name: str, blocks: int, seed: int) -> Rendered:
    """Tools, system and messages, a third each; the messages' entries depend on the settings `seed`."""
    keys = [f"{name}{place}".encode() for place in range(blocks)]
    return Rendered(keys, list(range(blocks)), (blocks // 3, blocks // 3 * 2, blocks), (b"", b"", bytes([seed])))


@dataclass
class Plain:
    """(seed, key) → (lifetime, expiry, owner): every rule said once, everything looked at every time."""

    entries: dict[tuple[bytes, bytes], tuple[float, float, str]] = field(default_factory=dict)

    def live(self, rendered: Rendered, now: float) -> list[int]:
        places = [(rendered.seed(place), key) for place, key in enumerate(rendered.keys)]
        return [place for place, at in enumerate(places) if at in self.entries and self.entries[at][1] > now]

    def begun(self, rendered: Rendered, found: Found, at: float, owner: str) -> None:
        for place in found.renewed:
            ttl, until, who = self.entries[rendered.seed(place), rendered.keys[place]]
            self.entries[rendered.seed(place), rendered.keys[place]] = ttl, max(until, at + ttl), who
        for marker in found.writes:
            ttl = 3600.0 if marker.ttl == "1h" else 300.0
            where = rendered.seed(marker.position), rendered.keys[marker.position]
            if where not in self.entries or self.entries[where][1] <= at + ttl:
                self.entries[where] = ttl, at + ttl, owner


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abc"),  # whose request
        st.sampled_from(["p", "q"]),  # which conversation
        st.integers(3, MOST),
        st.integers(0, 1),
        st.sampled_from([0.0, 1.0, 9.0, 200.0, 400.0, 4000.0]),  # seconds since the last one
        st.sampled_from(["ask", "evict", "prune"]),
    ),
    max_size=30,
)


@given(STEPS)
def test_it_holds_what_the_plain_one_holds_and_says_whose_entries_changed(steps) -> None:
    store, plain, now = Store(), Plain(), 0.0
    for owner, name, blocks, seed, pause, what in steps:
        now += pause
        rendered = prompt(name, blocks, seed)
        before = {who: sorted(_values(store, who)) for who in "abc"}
        store.changed = set()
        live = store.live(rendered, now)
        assert live == plain.live(rendered, now)
        if what == "ask":
            writes = (Marker(blocks // 2, "1h"), Marker(blocks - 1, "5m"))
            found = Found(-1, writes, tuple(m for m in writes if m.position not in live), tuple(live))
            store.begun(rendered, found, now, owner=owner, hour_keeps_five=True)
            plain.begun(rendered, found, now, owner)
        elif what == "evict":
            store.evict(rendered, live[-1:])
            for place in live[-1:]:
                del plain.entries[rendered.seed(place), rendered.keys[place]]
        else:
            store.prune(now)
        changed = {who for who in "abc" if sorted(_values(store, who)) != before[who]}
        assert changed == store.changed & set("abc") if what != "prune" else changed <= store.changed
        assert sum(len(list(store.owned(who))) for who in "abc") == len(store), "each entry has one owner"


def _values(store: Store, owner: str) -> list[tuple[bytes, bytes, float, float]]:
    return [(seed, key, entry.ttl, entry.expires_at) for seed, key, entry in store.owned(owner)]


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_same_is_found_whether_the_prompt_or_the_store_is_the_longer(entries, blocks) -> None:
    store, rendered = Store(), Rendered([b"%d" % n for n in range(blocks)], [0] * blocks, (0, 0, blocks), (b"",) * 3)
    for number in range(entries):
        store.put(b"", b"%d" % (2 * number), Entry(300.0, 300.0 if number % 3 else 100.0))
    expected = [place for place in range(0, min(blocks, 2 * entries), 2) if (place // 2) % 3]
    assert store.live(rendered, 200.0) == expected


def test_what_expired_goes_now_and_then_and_an_entry_that_is_seen_again_takes_its_place() -> None:
    store, rendered = Store(), prompt("p", 3, 0)
    store.put(b"", rendered.keys[0], Entry(300.0, 300.0, 5, "a"))
    store.prune(0.0)
    store.put(b"", rendered.keys[1], Entry(5.0, 5.0, 5, "b"))
    store.prune(6.0)
    assert len(store) == 2 and store.live(rendered, 6.0) == [0]
    store.add(rendered, 1, 300.0, 306.0, 7)
    assert store.live(rendered, 6.0) == [0, 1]
    store.add(rendered, 1, 300.0, 310.0, 9)
    assert [entry.tokens for _, _, entry in store.owned("")] == [7], "one that lives is left as it is"
    store.prune(305.0)
    assert [place.key for place in store.places()] == [rendered.keys[1]]
    store.prune(1.0)
    assert len(store) == 1, "a clock that is set back takes nothing away"
