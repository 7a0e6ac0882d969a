"""The cache at breakpoints, and where breakpoints go in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.cache.breakpoints import FACTS, Breakpoints, begun, look_up, met
from synrouter_cli.cache.model import Marker, Rendered, bill
from synrouter_cli.cache.placing import Placed, Placing, own, place
from synrouter_cli.cache.store import Store
from synrouter_cli.demo.openai.caching import Cache, breakpoints
from synrouter_cli.demo.openai.prompt import Mark, Prompt

LIFE = 1800.0


def marks(*places: int) -> tuple[Marker, ...]:
    return tuple(Marker(at, "30m") for at in places)


def rendered(count: int) -> Rendered:
    return Rendered([b"%d" % at for at in range(count)], list(range(count)), (0, 0, count), (b"s", b"s", b"s"))


def implicit(newest: int, *ends: int, own: tuple[int, ...] = ()) -> Breakpoints:
    return Breakpoints(marks(*own), Marker(newest, "30m"), ends)


TOKENS = [1100 * (at + 1) for at in range(10)]
FORM = rendered(10)


def written(asked: Breakpoints, store: Store | None = None, now: float = 0.0) -> Store:
    store = store if store is not None else Store()
    begun(store, FORM, look_up(FORM, asked, store, FACTS, now, TOKENS), FACTS, now, TOKENS)
    return store


# ── the model ──


def test_the_providers_own_breakpoint_is_written_beside_the_latest_three_of_the_request() -> None:
    asked = implicit(9, own=(0, 1, 2, 3))
    assert [mark.position for mark in asked.written(FACTS)] == [1, 2, 3, 9]
    assert [mark.position for mark in Breakpoints(marks(0, 1, 2, 3, 4), None).written(FACTS)] == [1, 2, 3, 4]
    assert [mark.position for mark in implicit(3, own=(0, 1, 3)).written(FACTS)] == [0, 1, 3]


def test_an_entry_is_read_at_its_exact_place_alone() -> None:
    store = written(implicit(4))
    assert look_up(FORM, Breakpoints(marks(4), None), store, FACTS, 1.0, TOKENS).hit == 4
    assert look_up(FORM, Breakpoints(marks(3, 5), None), store, FACTS, 1.0, TOKENS).hit == -1
    assert look_up(FORM, implicit(9, 2, 4, 6), store, FACTS, 1.0, TOKENS).hit == 4
    assert look_up(FORM, implicit(9), store, FACTS, 1.0, TOKENS).hit == -1


def test_explicit_mode_without_breakpoints_neither_reads_nor_writes() -> None:
    found = look_up(FORM, Breakpoints((), None, (4,)), written(implicit(4)), FACTS, 1.0, TOKENS)
    assert found.hit == -1 and not found.writes and bill(found, TOKENS).input == TOKENS[-1]


def test_what_is_shorter_than_the_minimum_is_not_cached() -> None:
    tokens = [500, 1000, 1100]
    found = met(Breakpoints(marks(0, 1, 2), None), (0, 1), FACTS, tokens)
    assert found.hit == -1 and [mark.position for mark in found.writes] == [2]


def test_an_entry_lives_from_its_last_use_and_only_what_was_used_is_renewed() -> None:
    store = written(implicit(4, own=(1,)))
    written(implicit(9, 4), store, LIFE - 1)
    assert store.live(FORM, LIFE + 1) == [4, 9]
    assert store.live(FORM, 2 * LIFE) == []


def test_a_breakpoint_before_what_is_read_is_no_write_and_has_an_entry_afterwards() -> None:
    store = written(implicit(4))
    found = look_up(FORM, implicit(4, 4, own=(2,)), store, FACTS, 1.0, TOKENS)
    assert found.hit == 4 and not found.writes and bill(found, TOKENS).write_5m == 0
    begun(store, FORM, found, FACTS, 1.0, TOKENS)
    assert store.live(FORM, 2.0) == [2, 4]


def test_only_the_latest_breakpoints_are_looked_at() -> None:
    facts: Any = replace(FACTS, remembered=3)  # type: ignore[type-var]
    asked = implicit(9, *range(9))
    assert asked.looked_at(facts) == [7, 8, 9]


@given(data=st.data())
def test_the_model_is_the_simulated_providers_cache(data: st.DataObject) -> None:
    """The same requests on both: what is read and written, request by request."""
    cache, store, now = Cache(), Store(), 0.0
    places = st.sets(st.integers(0, 9), max_size=4).map(sorted)
    for _ in range(data.draw(st.integers(1, 6))):
        now += data.draw(st.sampled_from([1.0, 900.0, 1700.0, 2000.0]))
        length, own, ours = data.draw(st.integers(1, 10)), data.draw(places), data.draw(st.booleans())
        own = [at for at in own if at < length]
        prompt = _prompt(length, own)
        looked = breakpoints(cache, "shard", prompt, now, mode="explicit" if ours else "implicit", ttl="30m")
        form, tokens = rendered(length), TOKENS[:length]
        asked = Breakpoints(marks(*own), None if ours else Marker(length - 1, "30m"), tuple(range(length)))
        found = look_up(form, asked, store, FACTS, now, tokens)
        split = bill(found, tokens)
        assert (split.read, split.write_5m) == (looked.cached, looked.written)
        cache.begun(looked, now)
        begun(store, form, found, FACTS, now, tokens)


def _prompt(length: int, own: list[int]) -> Prompt:
    ends = tuple(4 * tokens for tokens in TOKENS[:length])
    data = b"".join(b"%04d" % at * 1100 for at in range(length))
    return Prompt(data, ends, ends, tuple(Mark(ends[at]) for at in own), b"seed")


# ── the planner ──


def situation(**changed: Any) -> Placing:
    usual: dict[str, Any] = {
        "rendered": FORM,
        "markable": [True] * 10,
        "safe": [True] * 10,
        "tokens": TOKENS,
        "live": (),
        "facts": FACTS,
        "newest": 9,
        "ends": tuple(range(10)),
        "stable_end": 10,
        "soon": 0.9,
    }
    return Placing(**{**usual, **changed})


def at(placed: Placed) -> list[int]:
    return [mark.position for mark in placed.asked.marks]


def test_a_session_that_grows_is_left_to_the_provider() -> None:
    placed = place(situation())
    assert not placed.ours and placed.asked == own(situation())


def test_the_head_is_marked_where_it_may_be_read_again() -> None:
    placed = place(situation(head=1, shared=0.02))
    assert at(placed) == [1] and not placed.asked.explicit
    assert bill(placed.found, TOKENS) == bill(met(own(situation()), (), FACTS, TOKENS), TOKENS)


def test_what_lives_is_marked_too_where_that_changes_no_form() -> None:
    assert at(place(situation(live=(1, 4, 6), head=1))) == [1, 4, 6]
    assert at(place(situation(live=(1, 4, 6), safe=[False] * 10, head=1))) == [1]


def test_before_an_end_that_will_not_last_a_breakpoint_stands_alone() -> None:
    placed = place(situation(stable_end=8, live=(3,)))
    assert placed.asked.explicit and at(placed) == [3, 7]
    assert placed.found.hit == 3 and [mark.position for mark in placed.found.writes] == [7]


def test_where_nothing_takes_a_breakpoint_and_the_end_will_not_last_nothing_is_written() -> None:
    placed = place(situation(markable=[False] * 10, stable_end=8))
    assert placed.asked.explicit and at(placed) == [] and placed.reason == "too little of it will be read again"


def test_a_request_that_nobody_continues_reads_what_lives_and_writes_nothing() -> None:
    placed = place(situation(soon=0.0, live=(5,)))
    assert placed.asked.explicit and at(placed) == [5] and not placed.found.writes and placed.found.hit == 5
    assert place(situation(soon=0.0)).reason == "nobody continues this request: nothing is written"


def test_a_prompt_below_the_minimum_is_left_alone() -> None:
    placed = place(situation(tokens=[100 * (at + 1) for at in range(10)], soon=0.0, head=1, shared=0.5))
    assert not placed.ours


SITUATIONS = st.builds(
    situation,
    markable=st.lists(st.booleans(), min_size=10, max_size=10),
    safe=st.just([False] * 10),
    live=st.sets(st.integers(0, 9)).map(lambda found: tuple(sorted(found))),
    newest=st.integers(-1, 9),
    ends=st.sets(st.integers(0, 9)).map(lambda found: tuple(sorted(found))),
    stable_end=st.integers(0, 10),
    soon=st.floats(0, 1),
    shared=st.floats(0, 1),
)


@given(s=SITUATIONS)
def test_no_plan_asks_for_what_is_refused_or_too_much(s: Placing) -> None:
    placed = place(s)
    assert all(s.markable[place] for place in at(placed))
    assert len(placed.asked.written(FACTS)) <= FACTS.max_writes
    assert at(placed) == sorted(set(at(placed)))
    assert placed == place(s)


@given(s=SITUATIONS)
def test_where_all_that_lasts_is_sure_to_be_read_no_plan_is_dearer_over_this_turn_and_the_next(s: Placing) -> None:
    """The next request adds nothing and asks for what this one left."""
    sure = replace(s, soon=1.0, shared=0.0, markable=[True] * 10, ends=tuple(range(10)), stable_end=10)

    def both(asked: Breakpoints) -> float:
        total = 0.0
        store = Store()
        begun(store, FORM, met(Breakpoints(marks(*sure.live), None), (), FACTS, TOKENS), FACTS, 0.0, TOKENS)
        for now in (1.0, 2.0):
            found = look_up(FORM, asked, store, FACTS, now, TOKENS)
            split = bill(found, TOKENS)
            total += split.read * 0.1 + split.write_5m * 1.25 + split.input
            begun(store, FORM, found, FACTS, now, TOKENS)
        return total

    assert both(place(sure).asked) <= both(own(sure)) + 1e-6


@pytest.mark.parametrize("soon", [0.1, 0.2, 0.25, 0.5])
def test_a_write_is_left_out_below_the_chance_at_which_it_pays(soon: float) -> None:
    placed = place(situation(soon=soon))
    assert placed.asked.explicit is (soon < 0.25 / 1.15)
