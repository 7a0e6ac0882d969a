"""Requests are replayed at their times and lengths; two runs differ in markers only."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest

from support.transcripts import MODEL, ClaudeCode, cached, usage
from synrouter_cli.estimate import replay
from synrouter_cli.estimate.claude_code import read
from synrouter_cli.estimate.conversation import LAYOUTS, NOTHING, Conversation, Head
from synrouter_cli.estimate.events import Answered, Event, Named, Said, Skipped
from synrouter_cli.estimate.figures import priced
from synrouter_cli.estimate.replay import Habits, Turn, habits_of, replayed
from synrouter_cli.estimate.synrouter import Memory, Synrouter
from synrouter_cli.estimate.upstream import Upstream
from synrouter_cli.wire.usage import Usage


def turns(events: Iterable[Event], client: str = "claude-code", seen: set[str] | None = None) -> list[Turn]:
    found = list(events)
    made = replayed(found, habits_of(found, client), client, set() if seen is None else seen)
    return [turn for turn in made if isinstance(turn, Turn)]


def of(file: ClaudeCode) -> list[Event]:
    return list(read(file.raw, Named("sess-one")))


def usd(found: list[Turn]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    money = [priced(turn) for turn in found]
    return tuple(sum(getattr(m, name) for m in money) for name in ("cost", "no_cache", "observe", "safe"))


def uncached(count: int = 8) -> ClaudeCode:
    file = ClaudeCode()
    file.person(0.0, "find the fault " * 50)
    for turn in range(count):
        file.call(10.0 * turn + 5, f"m{turn}", usage(20_000 + 400 * turn), f"t{turn}")
        file.result(10.0 * turn + 9, f"t{turn}")
    file.answer(10.0 * count, "last", usage(20_000 + 400 * count))
    return file


def test_a_session_that_was_cached_well_costs_what_was_reported_and_safe_no_more():
    cost, no_cache, observe, safe = usd(turns(of(cached())))
    assert observe == cost
    assert safe <= observe < no_cache


def test_every_turn_keeps_its_length_and_its_answer():
    found = turns(of(cached(turns=9)))
    assert len(found) == 10
    for turn in found:
        for modelled in (turn.observe, turn.safe):
            assert modelled.prompt_tokens == turn.usage.prompt_tokens
            assert modelled.output_tokens == turn.usage.output_tokens


def test_a_client_that_caches_nothing_pays_in_full_and_gains_with_synrouter():
    found = turns(of(uncached()))
    cost, no_cache, observe, safe = usd(found)
    assert cost == no_cache == observe
    assert safe < observe / 2
    assert sum(turn.safe.cache_read_tokens for turn in found[1:]) > 0


def test_observe_is_the_clients_own_request_sent_through_synrouter_byte_by_byte():
    talk, head = Conversation(), Head.of(9000)
    upstream, alone, synrouter = Upstream(MODEL), Upstream(MODEL), Synrouter("observe", Memory())
    for turn in range(6):
        talk.say("user", [{"type": "text", "text": f"step {turn} " * 300}])
        body = talk.body(b'"claude-opus-4-8"', head, LAYOUTS["claude-code"], "5m")
        sent = synrouter.sends(body, 400.0 * turn, MODEL)
        assert sent.body == body
        split = upstream.answer(sent.body, 400.0 * turn, total=12_000 + 700 * turn)
        sent.answered(split)
        assert split == alone.answer(body, 400.0 * turn, total=12_000 + 700 * turn)
        talk.say("assistant", [{"type": "text", "text": "done"}])


def test_what_the_provider_lost_was_lost_for_both():
    file = cached(turns=4)
    file.person(45.0)
    file.answer(50.0, "evicted", usage(0, 0, 22_000))
    file.person(55.0)
    file.answer(60.0, "after", usage(0, 22_000, 500))
    evicted, after = turns(of(file))[-2:]
    assert evicted.observe.cache_read_tokens == evicted.safe.cache_read_tokens == 0
    assert after.observe.cache_read_tokens > 0 and after.safe.cache_read_tokens > 0


def test_a_head_that_was_warm_at_first_was_warm_for_both():
    file = ClaudeCode()
    file.person(0.0)
    file.answer(5.0, "m1", usage(0, 15_000, 6_000))
    file.person(9.0)
    file.answer(12.0, "m2", usage(0, 21_000, 300))
    first = turns(of(file))[0]
    assert first.observe == first.usage
    assert first.safe.cache_read_tokens == 15_000


def test_the_head_is_what_the_first_usage_leaves_for_it(monkeypatch):
    asked = []

    class Spy:
        @staticmethod
        def of(tokens: int, shared: int = 0) -> Head:
            asked.append((tokens, shared))
            return Head.of(tokens, shared)

    monkeypatch.setattr(replay, "Head", Spy)
    file = ClaudeCode()
    file.person(0.0, "word " * 3000)
    file.answer(1.0, "none", None)
    file.person(2.0, "word " * 3000)
    file.answer(5.0, "m1", usage(0, 12_000, 18_000))
    file.person(9.0)
    file.answer(12.0, "m2", usage(0, 30_000, 300))
    turns(of(file))
    said = Conversation()
    said.say("user", [{"type": "text", "text": "word " * 3000}])
    said.say("assistant", [{"type": "text", "text": "Done."}])
    said.say("user", [{"type": "text", "text": "word " * 3000}])
    assert asked == [(30_000 - said.tokens(), 12_000)]


def test_an_answer_that_was_counted_before_is_replayed_and_not_counted():
    file = cached(turns=3)
    seen = {"msg_0", "msg_1"}
    found = turns(of(file), seen=seen)
    assert [turn.usage for turn in found] == [turn.usage for turn in turns(of(file))[2:]]
    assert found[0].observe.cache_read_tokens > 0
    assert seen == {"msg_0", "msg_1", "msg_2", "msg_3"}


def test_each_model_has_a_cache_of_its_own():
    file = ClaudeCode()
    file.person(0.0)
    file.answer(5.0, "m1", usage(0, 0, 20_000))
    file.person(6.0)
    file.answer(9.0, "m2", usage(0, 0, 20_300), model="claude-haiku-4-5")
    file.person(10.0)
    file.answer(12.0, "m3", usage(0, 20_000, 600))
    found = turns(of(file))
    assert [turn.observe.cache_read_tokens > 0 for turn in found] == [False, False, True]
    assert [turn.model for turn in found] == [MODEL, "claude-haiku-4-5", MODEL]


def test_a_subagent_does_not_disturb_the_main_thread():
    file = cached(turns=3)
    file.add("user", 31.0, parent=None, message={"role": "user", "content": "look about"}, isSidechain=True)
    file.answer(32.0, "s1", usage(0, 0, 5000), isSidechain=True)
    file.person(33.0)
    file.answer(34.0, "m9", usage(0, 21_200, 300))
    found = turns(of(file))
    assert [turn.usage for turn in found if turn.name.agent] == [Usage(0, 0, 5000, 0, 50, service_tier="standard")]
    last = [turn for turn in found if not turn.name.agent][-1]
    assert last.observe.cache_read_tokens == pytest.approx(21_200, rel=0.02)


def test_models_of_others_are_reported_and_not_modelled():
    events = [
        Named("s"),
        Said("user", [{"type": "text", "text": "hi"}], 1.0),
        Answered("a", "gpt-5.5", Usage(900), at=2.0),
    ]
    (turn,) = turns(events, "pi")
    assert (turn.group, turn.usage, turn.observe, turn.safe) == ("openai", Usage(900), None, None)


def test_usage_without_a_prompt_is_no_usage():
    events = [
        Named("s"),
        Said("user", [{"type": "text", "text": "hi"}]),
        Answered("a", MODEL, Usage(output_tokens=9), at=2.0),
    ]
    assert [turn.usage for turn in turns(events)] == [None]


def test_lines_that_were_skipped_are_handed_on():
    assert list(replayed([Named("s"), Skipped()], {}, "pi", set())) == [Skipped()]


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ([Usage(9000)], Habits(NOTHING, "5m", 0)),
        ([Usage(cache_write_5m_tokens=9000)], Habits(LAYOUTS["pi"], "5m", 0)),
        ([Usage(0, 0, 10, 9000), Usage(0, 9010), Usage(0, 700)], Habits(LAYOUTS["pi"], "1h", 700)),
    ],
    ids=["nothing", "5m", "1h"],
)
def test_how_a_client_cached_is_read_from_what_it_reported(reported, expected):
    events = [Named("s"), *(Answered(str(n), MODEL, usage) for n, usage in enumerate(reported))]
    assert habits_of(events, "pi") == {Named("s"): expected}


def test_clocks_that_go_back_do_no_harm():
    file = ClaudeCode()
    file.person(100.0)
    file.answer(90.0, "m1", usage(0, 0, 20_000))
    file.person(50.0)
    file.answer(60.0, "m2", usage(0, 20_000, 300))
    first, second = turns(of(file))
    assert second.at >= first.at and second.observe.cache_read_tokens > 0
