"""Whose request it is."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from synrouter_cli.identity import Identity
from synrouter_cli.lane import LaneKey
from synrouter_cli.prompt.lasting import Lasting
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt, segment
from synrouter_cli.session import RESERVE, Session
from synrouter_cli.session_memory import stored
from synrouter_cli.sessions import Sessions

OWNER = b"owner"
TO = (b"scope", "m")
ANOTHER = (b"another scope", "another-model")
TOOLS = [{"name": "Bash", "input_schema": {}}]


def prompt(
    *texts: str,
    tools: list[Any] | None = TOOLS,
    max_tokens: int = 100,
    previous: Prompt | None = None,
    system: str = "s",
) -> Prompt:
    """A conversation of user and assistant in turn."""
    messages = [{"role": "assistant" if i % 2 else "user", "content": text} for i, text in enumerate(texts)]
    body = {"model": "m", "max_tokens": max_tokens, "messages": messages, "system": system}
    if tools:
        body["tools"] = tools
    return segment(json.dumps(body).encode(), previous)


def classifier(*texts: str, choice: str = "any") -> Prompt:
    """What Qwen Code asks before it runs a tool."""
    body = {
        "model": "m",
        "max_tokens": 256,
        "tools": [{"name": "respond_in_schema", "input_schema": {}}],
        "tool_choice": {"type": choice},
        "messages": [{"role": "user", "content": text} for text in texts],
    }
    return segment(json.dumps(body).encode())


def ask(sessions: Sessions, identity: Identity, request: Prompt, now: float = 0.0, to: LaneKey = TO) -> Session:
    session = sessions.resolve(OWNER, identity, request, now, to)
    session.settle(session.lane(to[0], "p", to[1]), request, request, now)
    return session


CLAUDE = Identity("claude-code", "s1")
KILO = Identity("kilo", "s1")


def test_a_conversation_with_an_id_is_one_session() -> None:
    sessions = Sessions()
    first = ask(sessions, CLAUDE, prompt("a"))
    assert ask(sessions, CLAUDE, prompt("a", "b", "c")) is first
    assert ask(sessions, CLAUDE, prompt("after compaction")) is first
    assert first.kind == "main"


def test_other_ids_owners_and_clients_are_other_sessions() -> None:
    sessions = Sessions()
    first = ask(sessions, CLAUDE, prompt("a"))
    assert ask(sessions, Identity("claude-code", "s2"), prompt("a")) is not first
    assert ask(sessions, Identity("kilo", "s1"), prompt("a")) is not first
    assert sessions.resolve(b"other", CLAUDE, prompt("a"), 0.0, TO) is not first


@pytest.mark.parametrize(
    ("identity", "request_", "kind"),
    [
        (Identity("claude-code", "s1", "agent-7"), prompt("look"), "subagent"),
        (CLAUDE, prompt("title?", tools=None), "side"),
        (CLAUDE, prompt("quota", max_tokens=1), "side"),
    ],
)
def test_subagents_and_side_requests_leave_the_main_thread_alone(
    identity: Identity, request_: Prompt, kind: str
) -> None:
    sessions = Sessions()
    main = ask(sessions, CLAUDE, prompt("a", "b", "c"))
    memory = (main.newest.line.last, main.ends, main.turn)
    other = ask(sessions, identity, request_)
    assert other is not main and other.kind == kind and other.parent == main.id
    assert (main.newest.line.last, main.ends, main.turn) == memory


def test_without_agent_ids_a_subagent_is_known_by_its_first_message_and_tools() -> None:
    sessions = Sessions()
    kilo = Identity("kilo", "ses_1")
    main = ask(sessions, kilo, prompt("a", "b", "c"))
    other_tools = [{"name": "Grep", "input_schema": {}}]
    sub = ask(sessions, kilo, prompt("explore", tools=other_tools))
    assert sub.kind == "subagent" and sub.parent == main.id
    assert ask(sessions, kilo, prompt("explore", "x", "y", tools=other_tools)) is sub
    assert ask(sessions, kilo, prompt("compacted")) is main, "same tools: the same thread after a compaction"
    assert ask(sessions, kilo, prompt("title", tools=None)).kind == "side"


def test_a_title_that_is_asked_for_first_is_on_the_side_and_the_conversation_the_main_thread() -> None:
    sessions = Sessions()
    identity = Identity("opencode", "ses_1")
    title = ask(sessions, identity, prompt("Title?", "hello", tools=None))
    main = ask(sessions, identity, prompt("hello"))
    assert (title.kind, main.kind) == ("side", "main")
    assert ask(sessions, identity, prompt("hello", "x", "y")) is main
    assert ask(sessions, identity, prompt("Title?", "again", tools=None)) is title


def test_codex_says_which_thread_is_whose() -> None:
    """Its subagents share its session, a compaction asks without tools and begins the thread anew, a title has a
    session of its own."""
    sessions = Sessions()
    main = ask(sessions, Identity("codex", "s1", main=True), prompt("Fix it."))
    title = ask(sessions, Identity("codex", "s9", side=True), prompt("A title for: Fix it."))
    agents = [ask(sessions, Identity("codex", "s1", agent), prompt("Look.")) for agent in ("t2", "t3")]
    summary = ask(sessions, Identity("codex", "s1", main=True), prompt("Fix it.", "ok", "Sum up.", tools=None))
    other_tools = [{"name": "exec", "input_schema": {}}]
    after = ask(sessions, Identity("codex", "s1", main=True), prompt("Summary. Go on.", tools=other_tools))
    assert after is main
    assert [each.kind for each in (main, title, *agents, summary)] == ["main", "side", "subagent", "subagent", "side"]
    assert {each.parent for each in (title, *agents, summary)} == {main.id}
    assert len({each.id for each in (main, title, *agents, summary)}) == 5


def test_a_thread_without_tools_is_the_main_one_where_it_says_so() -> None:
    sessions = Sessions()
    main = ask(sessions, Identity("codex", "s1", main=True), prompt("a", tools=None))
    assert ask(sessions, Identity("codex", "s1", main=True), prompt("anew", tools=None)) is main
    assert main.kind == "main"


def test_a_title_of_nothing_has_no_parent() -> None:
    assert ask(Sessions(), Identity("codex", "s9", side=True), prompt("A title.")).parent is None


def test_a_session_that_names_its_parent_is_its_subagent() -> None:
    sessions = Sessions()
    main = ask(sessions, Identity("kilo", "ses_1"), prompt("a"))
    sub = ask(sessions, Identity("kilo", "ses_2", parent_key="ses_1"), prompt("b"))
    assert sub.kind == "subagent" and sub.parent == main.id


NOBODY = Identity("unknown")


def test_without_an_id_the_longest_common_prefix_decides() -> None:
    sessions = Sessions()
    one = ask(sessions, NOBODY, prompt("hello", "x", "one"))
    two = ask(sessions, NOBODY, prompt("hi", "x", "two"))
    assert one is not two
    assert ask(sessions, NOBODY, prompt("hello", "x", "one", "y", "more")) is one
    assert ask(sessions, NOBODY, prompt("hi", "x", "two", "y", "more")) is two
    assert ask(sessions, NOBODY, prompt("hello", "x", "another way")) is one, "a rewind"


def test_of_two_sessions_that_begin_alike_the_longer_prefix_wins() -> None:
    sessions = Sessions()
    one = ask(sessions, NOBODY, prompt("hello", "x", "one"))
    two = ask(sessions, NOBODY, prompt("hello"))
    assert two is not one, "the first message alone, sent again, starts anew"
    assert ask(sessions, NOBODY, prompt("hello", "other", "way")) in (one, two)
    assert ask(sessions, NOBODY, prompt("hello", "x", "one", "y", "z")) is one


def test_a_retry_is_the_same_session_and_is_linked() -> None:
    sessions = Sessions()
    session = sessions.resolve(OWNER, NOBODY, prompt("hello"), 0.0, TO)
    assert session.repeats(prompt("hello"), 1) is None
    assert sessions.resolve(OWNER, NOBODY, prompt("hello"), 1.0, TO) is session
    assert session.repeats(prompt("hello"), 2) == 1
    assert session.repeats(prompt("hello", "x", "y"), 3) is None


def test_old_sessions_are_not_recognised_by_prefix() -> None:
    sessions = Sessions()
    one = ask(sessions, NOBODY, prompt("hello", "x", "one"), 0.0)
    assert ask(sessions, NOBODY, prompt("hello", "x", "one", "y", "z"), 7 * 3600.0) is not one


def test_memory_is_bounded_by_count_and_by_bytes() -> None:
    sessions = Sessions(most=3, most_body_bytes=500)
    kept = [ask(sessions, Identity("unknown", f"s{i}"), prompt("a" * 200)) for i in range(5)]
    sessions.resolve(OWNER, Identity("unknown", "s4"), prompt("b"), 0.0, TO)
    assert len(sessions) == 3
    assert [s.newest.line.last is not None and s.newest.line.last.body is not None for s in kept[2:]] == [
        False,
        False,
        True,
    ]
    assert kept[2].newest.line.last is not None and kept[2].newest.line.last.keys, "the digests stay"


def test_state_comes_back_after_a_restart() -> None:
    before = Sessions()
    keyed, named = ask(before, CLAUDE, prompt("a", "b", "c"), 5.0), ask(before, NOBODY, prompt("x", "y", "z"), 6.0)
    for session in (keyed, named):
        session.number(0.0)
        session.newest.anchors.learn(session.ends[-1], 4711)
    after = Sessions()
    for session in (keyed, named):
        assert after.restore(stored(session)) is not None
    again = after.resolve(OWNER, CLAUDE, prompt("a", "b", "c", "d", "e"), 7.0, TO)
    assert again.id == keyed.id and again.newest.anchors.exact(keyed.ends[-1]) == 4711
    assert after.resolve(OWNER, NOBODY, prompt("x", "y", "z", "and", "on"), 7.0, TO).id == named.id


@pytest.mark.parametrize("identity", [KILO, NOBODY], ids=["named", "by its beginning"])
def test_whoever_answers_it_is_one_session_of_several_lanes(identity: Identity) -> None:
    sessions = Sessions()
    first = ask(sessions, identity, prompt("a", "b", "c"), 1.0)
    first.newest.anchors.learn(first.ends[-1], 4711)
    assert ask(sessions, identity, prompt("a", "b", "c", "d", "e"), 2.0, ANOTHER) is first
    assert (first.newest.key, first.newest.anchors.items()) == (ANOTHER, [])
    again = Sessions().restore(stored(first))
    assert again is not None and list(again.lanes) == [TO, ANOTHER]
    assert again.newest.key == ANOTHER and again.lanes[TO].anchors.exact(again.lanes[TO].anchors.items()[0][0]) == 4711
    assert ask(sessions, identity, prompt("a", "b", "c", "d", "e", "f", "g"), 3.0) is first
    assert first.newest is first.lanes[TO]


def test_what_a_client_does_to_its_prompts_is_known_wherever_they_go() -> None:
    sessions = Sessions()
    session = ask(sessions, KILO, prompt("a", "b", "carried"))
    session.newest.line.lasting = Lasting(seen=3, carried=1)
    assert session.lane(ANOTHER[0], "q", ANOTHER[1]).line.lasting == Lasting(seen=3, carried=1)


def test_a_resumed_session_is_treated_everywhere_as_the_one_before() -> None:
    sessions = Sessions()
    before = ask(sessions, KILO, prompt("a", "b", "c"))
    before.policy = Policy.of("max")
    here = before.lane(ANOTHER[0], "q", ANOTHER[1])
    here.policy, here.only_cut = replace(Policy.of("max"), billing_block=False), frozenset({b"cut"})
    resumed = Identity("kilo", "s2")
    after = sessions.resolve(OWNER, resumed, prompt("a", "b", "c", "d", "e"), 1.0, TO)
    assert sessions.inherited(after, prompt("a", "b", "c", "d", "e")) is before
    after.goes_on_from(before)
    there = after.lane(ANOTHER[0], "q", ANOTHER[1])
    assert (after.policy, there.policy, there.only_cut) == (before.policy, here.policy, here.only_cut)
    assert not there.known


# ── of an earlier version ──


def of_an_earlier_version(session_id: str, identity: Identity, last: Prompt, **more: Any) -> bytes:
    """As versions wrote it that kept a session at one provider: no lanes, and the provider's scope for the owner."""
    ends = [last.keys[end] for end in last.message_ends()]
    old = {
        "id": session_id,
        "client": identity.client,
        "kind": "main",
        "parent": None,
        "scope": TO[0],
        "reserved": 7,
        "last_at": 5.0,
        "ends": ends,
        "first_key": ends[0],
        "head_key": b"",
        "message_count": len(ends),
        "rate": 1.1,
        "anchors": [(ends[-1], 4711)],
        "policy": Policy.of("max").plain(),
        "tripped": True,
        **more,
    }
    return msgspec.msgpack.encode(old)


@pytest.mark.parametrize(
    ("identity", "session_id"),
    [(KILO, sha256(b"id\0" + TO[0] + b"kilo\0s1\0main").hexdigest()[:12]), (NOBODY, "0123456789ab")],
    ids=["named", "by its beginning"],
)
def test_a_session_of_an_earlier_version_goes_on_where_it_was(identity: Identity, session_id: str) -> None:
    sessions = Sessions()
    assert sessions.restore(of_an_earlier_version(session_id, identity, prompt("a", "b", "c"))) is not None
    session = sessions.resolve(OWNER, identity, prompt("a", "b", "c", "d", "e"), 6.0, TO)
    assert (session.id, session.turn, session.policy) == (session_id, 7, Policy.of("max"))
    lane = session.lane(TO[0], "p", TO[1])
    assert lane.known and lane.policy == Policy.of("max") and lane.breaker.tripped
    assert list(session.lanes) == [TO] and lane.provider == "p"
    assert lane.anchors.items() == [(session.ends[-1], 4711)]
    assert sessions.resolve(OWNER, identity, prompt("a", "b", "c", "d", "e"), 6.0, (b"other key", "m")) is not session


def test_after_a_crash_turn_numbers_show_the_gap_and_none_is_given_twice() -> None:
    before = Sessions()
    session = ask(before, CLAUDE, prompt("a"))
    number, must_store = session.number(100.0)
    assert (number, must_store) == (1, True)
    lying_in_the_ledger = stored(session)
    given, grew = zip(*(session.number(200.0) for _ in range(RESERVE // 16 + 1)), strict=True)
    assert grew[:-1] == (False,) * (len(grew) - 1) and grew[-1], "it grows long before it is used up"
    after = Sessions()
    after.restore(lying_in_the_ledger)
    next_number, _ = after.resolve(OWNER, CLAUDE, prompt("a"), 0.0, TO).number(0.0)
    assert next_number > max(given)


def test_a_session_in_a_hurry_reserves_more_at_a_time() -> None:
    session = ask(Sessions(), CLAUDE, prompt("a"))
    for _ in range(RESERVE):
        session.number(100.0)
    assert session.reserved - session.turn > 3 * RESERVE
    for _ in range(2000):
        session.number(200.0)
    hurried = session.reserve
    session.reserved = session.turn
    session.number(300.0)
    assert session.reserve == RESERVE < hurried


def test_a_clean_end_gives_reserved_numbers_back() -> None:
    before = Sessions()
    session = ask(before, CLAUDE, prompt("a"))
    session.number(0.0)
    after = Sessions()
    after.restore(stored(session, clean=True))
    assert after.resolve(OWNER, CLAUDE, prompt("a"), 0.0, TO).number(0.0)[0] == 2


@pytest.mark.parametrize("junk", [b"", b"\xc1", b"\x90", b"{}"])
def test_a_session_that_cannot_be_read_is_left_out(junk: bytes) -> None:
    assert Sessions().restore(junk) is None


CHANGES = {
    "append only": (("a", "b", "c"), ("a", "b", "c", "d", "e"), 7, -1),
    "a message at the end that moves on": (("a", "b", "carrier"), ("a", "b", "c", "d", "carrier 2"), 6, 4),
    "a rewind far back": (("a", "b", "c", "d", "e", "f", "g"), ("a", "b", "other"), 5, 4),
    "a compaction": (("a", "b", "c", "d", "e", "f", "g"), ("summary",), 3, 2),
}


@pytest.mark.parametrize(("old", "new", "stable_end", "branch"), CHANGES.values(), ids=CHANGES.keys())
def test_what_of_a_prompt_will_last(old: tuple[str, ...], new: tuple[str, ...], stable_end: int, branch: int) -> None:
    sessions = Sessions()
    session = ask(sessions, CLAUDE, prompt(*old))
    sent = prompt(*new)
    change = session.newest.change(sent, session.newest.left_at(sent), likely=lambda: False, thinking_dropped=False)
    assert (change.stable_end, change.branch) == (stable_end, branch)


def test_a_session_whose_tools_change_stays_the_main_one_after_a_restart_too() -> None:
    sessions = Sessions()
    main = ask(sessions, KILO, prompt("a", "b", "c"))
    changed = prompt(
        "a", "b", "c", "d", tools=[*TOOLS, {"name": "mcp__db__query", "input_schema": {}}], system="another prompt"
    )
    assert ask(sessions, KILO, changed) is main
    again = Sessions()
    restored = again.restore(stored(main))
    assert restored is not None
    once_more = prompt("a", "b", "c", "d", "e", tools=[{"name": "Read", "input_schema": {}}], system="a third prompt")
    assert ask(again, KILO, once_more) is restored


def test_without_an_id_a_conversation_goes_on_under_a_changed_system_prompt() -> None:
    sessions = Sessions()
    first = ask(sessions, NOBODY, prompt("a", "b", "c", system="It is 12:03."))
    second = ask(sessions, NOBODY, prompt("a", "b", "c", "d", "e", system="It is 12:04."))
    third = ask(sessions, NOBODY, prompt("a", "b", "c", "d", "e", "f", "g", system="It is 12:05."))
    assert first is second is third
    assert ask(sessions, NOBODY, prompt("a", "other", "talk", system="It is 12:06.")) is not first


QWEN = Identity("qwen")


def test_without_ids_what_an_agent_asks_without_its_tools_is_one_session_beside_the_conversation() -> None:
    sessions = Sessions()
    main = ask(sessions, QWEN, prompt("a"))
    title = ask(sessions, QWEN, prompt("a title for: a", tools=None, system="titles"))
    assert (title.kind, title.parent) == ("side", main.id)
    assert ask(sessions, QWEN, prompt("summarise: a b", tools=None, system="summaries")) is title
    assert ask(sessions, QWEN, prompt("a", "b", "sum it up", tools=None)) is title, "the whole conversation, no tools"
    assert ask(sessions, QWEN, classifier("may it run this?")) is title
    assert ask(sessions, QWEN, classifier("may it run that?")) is title
    assert ask(sessions, QWEN, prompt("a", "b", "c")) is main


def test_a_conversation_with_other_tools_of_its_own_is_none_that_is_beside_another() -> None:
    sessions = Sessions()
    ask(sessions, QWEN, prompt("a"))
    assert ask(sessions, QWEN, classifier("a chat with one tool", choice="auto")).kind == "main"
    assert ask(sessions, QWEN, prompt("hello", tools=[{"name": "Grep", "input_schema": {}}])).kind == "main"


@pytest.mark.parametrize("client", ["unknown", "my-support-bot", "aider"])
def test_without_tools_is_beside_nothing_where_no_conversation_has_tools_or_no_agent_asks(client: str) -> None:
    sessions, bot = Sessions(), Identity(client)
    ask(sessions, bot, prompt("a", tools=None if client == "aider" else TOOLS))
    other = ask(sessions, bot, prompt("b", tools=None))
    assert (other.kind, other.parent) == ("main", None)


def test_a_conversation_of_yesterday_has_nothing_beside_it_any_more() -> None:
    sessions = Sessions()
    ask(sessions, QWEN, prompt("a"))
    late = ask(sessions, QWEN, prompt("b", tools=None), now=7 * 3600.0)
    assert (late.kind, late.parent) == ("main", None)


@pytest.mark.parametrize("key", [None, "own-id"])
def test_a_subagent_that_says_so_belongs_to_the_conversation_that_goes_on(key: str | None) -> None:
    sessions = Sessions()
    one = ask(sessions, Identity("openclaw", "m1"), prompt("a"))
    main = ask(sessions, Identity("openclaw", "m2"), prompt("x"))
    subagent = Identity("openclaw", key, subagent=True)
    sub = ask(sessions, subagent, prompt("dig", system="sub"))
    assert (sub.kind, sub.parent) == ("subagent", main.id)
    assert ask(sessions, Identity("openclaw", "m1"), prompt("a", "b", "c")) is one
    assert ask(sessions, subagent, prompt("dig", "b", "c", system="sub")) is sub
    assert sub.parent == main.id


def test_a_summary_that_says_so_belongs_to_the_conversation_though_neither_has_tools() -> None:
    sessions = Sessions()
    main = ask(sessions, Identity("aider"), prompt("a", tools=None))
    commit = ask(sessions, Identity("aider", side=True), prompt("diff", tools=None, system="commits"))
    assert (commit.kind, commit.parent) == ("side", main.id)
    assert ask(sessions, Identity("aider", side=True), prompt("diff 2", tools=None, system="commits")) is commit


def test_what_says_that_it_is_the_conversation_stays_so_after_a_compaction_with_the_tools_of_before() -> None:
    sessions, claw = Sessions(), Identity("openclaw", "m1", main=True)
    main = ask(sessions, claw, prompt("a"))
    assert ask(sessions, claw, prompt("a", "b", "woken by a subagent", tools=[*TOOLS, *TOOLS])) is main
    assert ask(sessions, claw, prompt("summary", "b", "c")) is main
