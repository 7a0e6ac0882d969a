"""What changed between two requests of a session, by names, places and sizes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.changes import (
    CAUSES,
    HOWS,
    MOST_NAMES,
    Difference,
    MessageChange,
    NamesChange,
    SystemChange,
    ToolsChange,
)
from synrouter_cli.prompt.difference import changed_line, compare
from synrouter_cli.prompt.prompt import Prompt
from synrouter_cli.prompt.segments import segment
from synrouter_cli.prompt.volatile import KINDS, TextPlace

CANARY = "CANARY-of-the-prompt"
MARK = {"cache_control": {"type": "ephemeral"}}


def tool(name: str, text: str = "does it", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": text, "input_schema": {"type": "object"}, **more}


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **more}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": [text(c) if isinstance(c, str) else c for c in content]}


def answer(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [text(c) if isinstance(c, str) else c for c in content]}


TOOLS = [tool("Bash"), tool("Edit"), tool("Read")]
SYSTEM = [text("x-anthropic-billing-header: cc_version=2; cch=11111;"), text("Be careful.\nToday: 2025-11-21\nEnd.")]
HISTORY = [user("one"), answer("two"), user("three"), answer("four"), user("five"), answer("six"), user("seven")]


def request(**changes: Any) -> dict[str, Any]:
    made = {"model": "claude-opus-4-8", "tools": TOOLS, "system": SYSTEM, "messages": HISTORY, "max_tokens": 9}
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def prompt(value: dict[str, Any], *, keeps_thinking: bool = True) -> Prompt:
    return segment(json.dumps(value).encode(), keeps_thinking=lambda model: keeps_thinking, secret=b"s")


def difference(before: dict[str, Any], after: dict[str, Any], **more: Any) -> Difference:
    return compare(prompt(before), prompt(after), **more)


NOTHING_NEW = {
    "the same": request(),
    "one turn more": request(messages=[*HISTORY, answer("eight"), user("nine")]),
    "a marker": request(system=[SYSTEM[0], {**SYSTEM[1], **MARK}]),
    "a string for a list": request(messages=[{"role": "user", "content": "one"}, *HISTORY[1:]]),
    "a deferred tool": request(tools=[tool("Agent", defer_loading=True), *TOOLS]),
    "another maximum": request(max_tokens=64),
}


@pytest.mark.parametrize("after", NOTHING_NEW.values(), ids=NOTHING_NEW)
def test_what_voids_no_cache_is_no_difference(after: dict[str, Any]) -> None:
    found = difference(request(), after)
    assert found == Difference()
    assert (found.cause(), found.to_detail()) == ("", {})


# ── tools ──


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([*TOOLS, tool("mcp__db__query")], ToolsChange(added=("mcp__db__query",), first=3, before=3, after=4)),
        (TOOLS[:2], ToolsChange(removed=("Read",), first=2, before=3, after=2)),
        (None, ToolsChange(removed=("Bash", "Edit", "Read"), first=0, before=3, after=0)),
        ([TOOLS[1], TOOLS[0], TOOLS[2]], ToolsChange(reordered=True, first=0, before=3, after=3)),
        (
            [TOOLS[0], tool("Edit", "does it now"), TOOLS[2]],
            ToolsChange(changed=("Edit",), first=1, before=3, after=3, at=(1, 1)),
        ),
        (
            [TOOLS[0], tool("Grep"), tool("Read", "reads")],
            ToolsChange(("Grep",), ("Edit",), ("Read",), first=1, before=3, after=3, at=(2, 2)),
        ),
        (
            [{"type": "web_search_20250305", "max_uses": 3}, *TOOLS],
            ToolsChange(added=("web_search_20250305",), first=0, before=3, after=4),
        ),
    ],
)
def test_tools_that_came_went_changed_and_moved_are_named(tools: Any, expected: ToolsChange) -> None:
    found = difference(request(), request(tools=tools))
    assert found == Difference(tools=expected)
    assert found.cause() == "tools"


@pytest.mark.parametrize("gone", ["before", "after", "both"])
def test_without_a_body_names_are_left_out_but_not_the_place(gone: str) -> None:
    before, after = prompt(request()), prompt(request(tools=[*TOOLS[:2], tool("New"), TOOLS[2]], system="other"))
    for name, value in (("before", before), ("after", after)):
        if gone in (name, "both"):
            value.forget_body()
    found = compare(before, after)
    assert found.tools == ToolsChange(added=("New",) if gone == "before" else (), first=2, before=3, after=4)
    assert found.system is not None
    assert (found.system.block, found.system.place, found.system.kind) == (0, None, None)
    assert changed_line(before, after, found) == ""


# ── system ──

TODAY = text("Be careful.\nToday: 2025-11-22\nEnd.")
BILLED = text("x-anthropic-billing-header: cc_version=2; cch=22222;")


@pytest.mark.parametrize(
    ("system", "block", "how", "place", "kind"),
    [
        ([SYSTEM[0], TODAY], 1, "changed", TextPlace(2, 17), "clock"),
        ([BILLED, SYSTEM[1]], 0, "changed", TextPlace(1, 47), "cch"),
        ([BILLED, TODAY], 1, "changed", TextPlace(2, 17), "clock"),
        ([SYSTEM[0], text("new"), SYSTEM[1]], 1, "inserted", None, None),
        ([*SYSTEM, text("new")], 2, "inserted", None, None),
        ([SYSTEM[1]], 0, "removed", None, None),
        ([SYSTEM[0]], 1, "removed", None, None),
    ],
)
def test_a_changed_system_block_is_found_with_line_and_kind(
    system: Any, block: int, how: str, place: TextPlace | None, kind: str | None
) -> None:
    found = difference(request(), request(system=system))
    assert found.cause() == "system"
    assert found.system is not None
    assert (found.system.block, found.system.how, found.system.place, found.system.kind) == (block, how, place, kind)
    assert found.message is None
    sizes = found.system.before, found.system.after
    assert [size > 0 for size in sizes] == [how != "inserted", how != "removed"]


# ── messages ──

RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "12 files"}
CALL = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}

MESSAGES: dict[str, tuple[list[Any], list[Any], tuple[str, int, int, str]]] = {
    "a message was edited": (HISTORY, [*HISTORY[:2], user("THREE"), *HISTORY[3:]], ("changed", 2, 0, "text")),
    "a result was cleared": (
        [user("one"), answer(CALL), user(RESULT, "and?"), answer("six"), user("seven")],
        [user("one"), answer(CALL), user({**RESULT, "content": "gone"}, "and?"), answer("six"), user("seven")],
        ("changed", 2, 0, "tool_result"),
    ),
    "the newest message was rewritten": (
        HISTORY,
        [*HISTORY[:6], user("7"), answer("eight"), user("nine")],
        ("changed", 6, 0, "text"),
    ),
    "the newest message was asked anew": (HISTORY, [*HISTORY[:6], user("7")], ("changed", 6, 0, "text")),
    "the history was cut": (HISTORY, HISTORY[:3], ("rewind", 3, 0, "text")),
    "the history was cut and continued": (HISTORY, [*HISTORY[:2], user("3")], ("rewind", 2, 0, "text")),
    "a reminder moved along": (
        [*HISTORY, user("Reminder.")],
        [*HISTORY, answer("eight"), user("Reminder.")],
        ("inserted", 7, 0, "text"),
    ),
    "a reminder vanished": (
        [user("one", "Reminder."), answer("two"), user("three")],
        [user("one"), answer("two"), user("three"), answer("four")],
        ("removed", 0, 1, "text"),
    ),
    "the client dropped thinking": (
        [user("one"), answer(THOUGHT, CALL), user(RESULT)],
        [user("one"), answer(CALL), user(RESULT), answer("four")],
        ("removed", 1, 0, "thinking"),
    ),
    "the second half was rewritten": (
        [user("word " * 300), answer("two"), user("three"), answer("word " * 250), user("five")],
        [user("word " * 300), answer("two"), user("three"), answer("four")],
        ("changed", 3, 0, "text"),
    ),
    "a long answer was rewritten, and what followed it dropped": (
        [user("word " * 100), answer("word " * 300), *HISTORY[2:5]],
        [user("word " * 100), answer("other " * 300), user("three")],
        ("changed", 1, 0, "text"),
    ),
    "a summary in place of it all": (
        [user("word " * 200), *HISTORY[1:]],
        [user("Summary."), answer("two")],
        ("compaction", 0, 0, "text"),
    ),
    "a summary behind the first message": (
        [HISTORY[0], answer("word " * 300), *HISTORY[2:]],
        [HISTORY[0], answer("Summary."), user("go on")],
        ("compaction", 1, 0, "text"),
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), MESSAGES.values(), ids=MESSAGES)
def test_what_became_of_the_history(before: list[Any], after: list[Any], expected: tuple[str, int, int, str]) -> None:
    found = difference(request(messages=before), request(messages=after))
    assert (found.tools, found.system, found.cause()) == (None, None, "message")
    change = found.message
    assert change is not None
    assert (change.how, change.index, change.block, change.what) == expected
    assert (change.messages_before, change.messages_after) == (len(before), len(after))
    assert found.history_left == (change.how in ("rewind", "compaction"))


def test_thinking_that_the_provider_leaves_out_is_told_from_a_change() -> None:
    before = request(messages=[user("one"), answer(THOUGHT, CALL), user(RESULT)])
    after = request(messages=[*before["messages"], answer("done"), user("more")])
    found = compare(prompt(before, keeps_thinking=False), prompt(after, keeps_thinking=False))
    assert found.message is not None
    assert (found.message.how, found.message.index, found.message.what) == ("thinking", 1, "thinking")
    assert difference(before, after) == Difference()


def test_a_block_in_the_place_of_left_out_thinking_was_put_in() -> None:
    before = request(messages=[user("one"), answer(THOUGHT, "two"), user("three")])
    after = request(messages=[user("one"), answer("new", "two"), user("three")])
    found = compare(prompt(before, keeps_thinking=False), prompt(after, keeps_thinking=False))
    assert found.message is not None
    assert (found.message.how, found.message.index, found.message.block) == ("inserted", 1, 0)


def test_the_sizes_of_a_changed_block_are_given_and_the_kind_of_its_change() -> None:
    after = [user("one at 12:03"), *HISTORY[1:]]
    before = [user("one at 12:02"), *HISTORY[1:]]
    found = difference(request(messages=before), request(messages=after)).message
    assert found is not None
    size = len(json.dumps(text("one at 12:03")))
    assert (found.before, found.after, found.place, found.kind) == (size, size, TextPlace(1, 12), "clock")


# ── model, betas, settings ──

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


@pytest.mark.parametrize(
    ("before", "after", "names", "reach_system"),
    [
        ({}, {"thinking": {"type": "enabled", "budget_tokens": 9}}, ("thinking",), False),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
            {"thinking": {"type": "enabled", "budget_tokens": 8}},
            ("thinking.budget_tokens",),
            False,
        ),
        (
            {"output_config": {"effort": "high"}},
            {"output_config": {"effort": "low"}},
            ("output_config.effort",),
            False,
        ),
        ({}, {"tool_choice": {"type": "any"}}, ("tool_choice",), False),
        ({}, {"speed": "fast"}, ("speed",), True),
        ({}, {"messages": [*HISTORY, user(IMAGE)]}, ("images",), False),
        ({}, {"messages": [*HISTORY, user(text("x", citations={"enabled": True}))]}, ("citations",), True),
    ],
)
def test_changed_settings_are_named_and_how_far_they_reach(
    before: dict[str, Any], after: dict[str, Any], names: tuple[str, ...], reach_system: bool
) -> None:
    found = difference(request(**before), request(**after))
    assert found == Difference(settings=names, settings_reach_system=reach_system)
    assert found.cause() == "settings"


def test_another_model_and_other_betas_are_named() -> None:
    found = difference(
        request(), request(model="claude-haiku-4-5"), betas_before=["a", "b", "a"], betas_after=["c", "b"]
    )
    assert found == Difference(model=("claude-opus-4-8", "claude-haiku-4-5"), betas=NamesChange(("c",), ("a",)))
    assert found.cause() == "model"
    assert Difference(betas=found.betas).cause() == "betas"


TOOLS_CHANGE = ToolsChange(first=0, before=1, after=2)
SYSTEM_CHANGE = SystemChange(0, "changed", 1, 2)


@pytest.mark.parametrize(
    ("found", "cause", "cause_where_settings_reach_head"),
    [
        (Difference(tools=TOOLS_CHANGE, system=SYSTEM_CHANGE, settings=("speed",)), "tools", "settings"),
        (Difference(system=SYSTEM_CHANGE, settings=("thinking",)), "system", "settings"),
        (Difference(system=SYSTEM_CHANGE, settings=("speed",), settings_reach_system=True), "settings", "settings"),
        (Difference(model=("a", "b"), tools=TOOLS_CHANGE), "model", "model"),
    ],
)
def test_the_cause_is_what_comes_first_in_a_cached_prefix(
    found: Difference, cause: str, cause_where_settings_reach_head: str
) -> None:
    assert found.cause() == cause
    assert found.cause(settings_reach_head=True) == cause_where_settings_reach_head


# ── the changed line ──


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (request(tools=[tool("Bash", "runs it"), *TOOLS[1:]]), "description: runs it"),
        (request(system=[SYSTEM[0], TODAY]), "Today: 2025-11-22"),
        (request(messages=[user("uno"), *HISTORY[1:]]), "uno"),
        (request(messages=[user("password=hunter2"), *HISTORY[1:]]), "password=‹…›"),
        (request(messages=[user("one"), answer(THOUGHT, "two"), *HISTORY[2:]]), "thinking: hm"),
        (request(messages=HISTORY[:3]), ""),
        (request(tools=TOOLS[:2]), ""),
        (request(model="claude-haiku-4-5"), ""),
        (request(), ""),
    ],
)
def test_the_changed_line_is_that_of_the_first_change(after: dict[str, Any], line: str) -> None:
    one, two = prompt(request()), prompt(after)
    assert changed_line(one, two, compare(one, two)) == line


def test_a_lone_surrogate_is_no_obstacle() -> None:
    before = prompt(request(system="a \ud83d b"))
    after = prompt(request(system="a \ud83d c"))
    found = compare(before, after)
    assert found.system is not None
    assert found.system.place == TextPlace(1, 5)
    assert changed_line(before, after, found).endswith("c")


# ── the detail ──

NAMES = st.lists(st.text(max_size=80) | st.just(CANARY + " said: \x1b[31m"), max_size=30).map(tuple)
PLACES = st.none() | st.builds(TextPlace, st.integers(1, 10**7), st.integers(1, 10**9))
COUNTS = st.integers(0, 10**9)
ANY_KIND = st.none() | st.sampled_from(KINDS)
DIFFERENCES = st.builds(
    Difference,
    model=st.none() | st.tuples(st.text(max_size=300), st.text(max_size=300)),
    betas=st.none() | st.builds(NamesChange, NAMES, NAMES),
    settings=NAMES,
    settings_reach_system=st.booleans(),
    tools=st.none() | st.builds(ToolsChange, NAMES, NAMES, NAMES, st.booleans(), COUNTS, COUNTS, COUNTS),
    system=st.none() | st.builds(SystemChange, COUNTS, st.sampled_from(HOWS), COUNTS, COUNTS, PLACES, ANY_KIND),
    message=st.none()
    | st.builds(
        MessageChange,
        COUNTS,
        st.sampled_from(HOWS),
        st.text(max_size=90),
        COUNTS,
        st.text(max_size=90),
        COUNTS,
        COUNTS,
        COUNTS,
        COUNTS,
        PLACES,
        ANY_KIND,
    ),
)


@given(DIFFERENCES)
def test_a_detail_is_small_and_plain_whatever_changed(found: Difference) -> None:
    detail = found.to_detail()
    written = json.dumps(detail)
    assert len(written) < 1500
    assert written.isascii() and "\\u" not in written
    groups = [detail.get("settings", []), *(detail.get(part, {}).get(group, []) for part, group in GROUPS)]
    assert sum(map(len, groups)) <= MOST_NAMES
    left_out = sum(map(len, (found.settings, *(name_group(found, *group) for group in GROUPS)))) - MOST_NAMES
    assert detail.get("more_names", 0) == max(0, left_out)
    assert found.cause() in ("", *CAUSES)
    assert bool(found.cause()) == bool(detail)


GROUPS = (("betas", "added"), ("betas", "removed"), ("tools", "added"), ("tools", "removed"), ("tools", "changed"))


def name_group(found: Difference, part: str, group: str) -> tuple[str, ...]:
    return getattr(getattr(found, part), group, ())


BLOCKS = st.sampled_from([text("a"), text(CANARY), text(f"{CANARY} 12:03"), text("c\nd"), CALL, RESULT, THOUGHT, IMAGE])
MESSAGE_LISTS = st.lists(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["user", "assistant"]),
        st.lists(BLOCKS, min_size=0, max_size=3),
    ),
    max_size=6,
)
REQUESTS = st.builds(
    lambda tools, system, messages: request(tools=tools, system=system, messages=messages),
    st.lists(st.sampled_from([*TOOLS, tool("Edit", "other"), tool("D", defer_loading=True)]), max_size=4),
    st.lists(st.sampled_from([*SYSTEM, TODAY, BILLED]), max_size=3),
    MESSAGE_LISTS,
)


@given(REQUESTS, REQUESTS, st.booleans(), st.booleans())
def test_any_two_requests_can_be_compared(
    one: dict[str, Any], other: dict[str, Any], keeps_thinking: bool, has_body: bool
) -> None:
    before, after = prompt(one, keeps_thinking=keeps_thinking), prompt(other, keeps_thinking=keeps_thinking)
    if not has_body:
        before.forget_body()
    found = compare(before, after)
    assert len(changed_line(before, after, found)) <= 80
    assert CANARY not in json.dumps(found.to_detail())
    assert (after.shared_with(before.keys) == len(before.keys)) <= (found.cause() in ("", "settings"))
    assert compare(before, before) == Difference()
