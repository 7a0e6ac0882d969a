"""Long results keep their head and tail, at the same places whatever stands around them; all else stays as it came."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synrouter_cli.prompt.body import apply_edits, inverse_edits
from synrouter_cli.prompt.calls import Call
from synrouter_cli.prompt.limits import LIMITS, Limits, limits_of
from synrouter_cli.prompt.segments import Prompt, segment
from synrouter_cli.prompt.tool_names import COMMAND, READ, UNKNOWN
from synrouter_cli.prompt.trim import Trimmed, trimmed

SMALL = Limits(1_000, 500)
OURS = re.compile(r"\[… ([\d,]+) characters in ([\d,]+) lines? are left out here; [^\]]+\]\n")
MARK = {"cache_control": {"type": "ephemeral"}}
LONG = "".join(f"line {number} of the output\n" for number in range(200))


def call(name: str = "Bash", key: str = "t", **arguments: Any) -> dict[str, Any]:
    use = {"type": "tool_use", "id": key, "name": name, "input": arguments or {"command": "make"}}
    return {"role": "assistant", "content": [use]}


def answer(content: Any = LONG, key: str = "t", **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": key, "content": content, **more}]}


def texts(*values: str, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": value, **more} for value in values]


def request(*messages: Any, ascii_only: bool = True, **more: Any) -> bytes:
    value = {"model": "m", **more, "messages": messages}
    return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def loads(body: bytes) -> Any:
    return json.loads(body.decode("utf-8", "surrogatepass"))


def sent(body: bytes, limits: Limits = SMALL) -> Any:
    """The messages after trimming."""
    return loads(apply_edits(body, trimmed(segment(body), limits).edits))["messages"]


def result_of(*messages: Any, limits: Limits = SMALL) -> Any:
    return sent(request(*messages), limits)[-1]["content"][0]["content"]


def is_cut(*messages: Any, limits: Limits = SMALL) -> bool:
    return bool(trimmed(segment(request(*messages)), limits).cuts)


def missing_of(new: str, original: str) -> tuple[str, str, int, int]:
    """Head, tail, and the numbers of characters and lines that our line tells."""
    ours = OURS.search(new)
    assert ours is not None
    characters, lines = (int(ours[group].replace(",", "")) for group in (1, 2))
    head, tail = new[: ours.start()], new[ours.end() :]
    if len(head) + characters + len(tail) == len(original) + 1:
        assert head.endswith("\n")  # a line that goes on was ended before ours
        head = head[:-1]
    return head, tail, characters, lines


# ── what is cut ──


def test_head_and_tail_stay_and_a_line_says_what_is_missing() -> None:
    numbered = "".join(f"{number:03}\n" for number in range(500))
    assert result_of(call(), answer(numbered)) == (
        "".join(f"{number:03}\n" for number in range(75))
        + "[… 1,500 characters in 375 lines are left out here; if they matter, ask for them with a narrower command,"
        " e.g. with head, tail, grep or sed -n]\n" + "".join(f"{number:03}\n" for number in range(450, 500))
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [("Bash", "sed -n"), ("Grep", "search again"), ("WebFetch", "a part of it")],
)
def test_the_line_says_what_to_do_with_this_kind_of_tool(name: str, advice: str) -> None:
    assert advice in result_of(call(name), answer())


CUT = {
    "a command": (call(), answer()),
    "a search": (call("Grep", pattern="x"), answer()),
    "a list of one text": (call(), answer(texts(LONG))),
    "one text of a list": (call(), answer(texts("short", LONG))),
    "a text with a marker": (call(), answer(texts(LONG, **MARK))),
    "no error": (call(), answer(is_error=False)),
    "an error that is null": (call(), answer(is_error=None)),
    "a call before another message": (call(), {"role": "system", "content": "note"}, answer()),
    "a call in two assistant messages": (call(), {"role": "assistant", "content": "hm"}, answer()),
    "a tool behind a gateway": (call("use_mcp_tool", tool_name="list_issues"), answer()),
    "the second of two calls": (
        {"role": "assistant", "content": [*call("Read", "a")["content"], *call("Bash", "b")["content"]]},
        answer(key="b"),
    ),
}
LEFT_ALONE = {
    "a short result": (call(), answer("x" * 1_000)),
    "a file read": (call("Read", file_path="a"), answer()),
    "a command that reads a file": (call(command="cat a"), answer()),
    "a tool that nobody knows": (call("mcp__linear__get_issue"), answer()),
    "a file read behind a gateway": (call("use_mcp_tool", tool_name="read_file"), answer()),
    "an error": (call(), answer(is_error=True)),
    "an odd error": (call(), answer(is_error="yes")),
    "a result with an image": (
        call(), answer([*texts(LONG), {"type": "image", "source": {"type": "base64", "data": "x" * 5_000}}]),
    ),
    "a result with a document": (call(), answer([*texts(LONG), {"type": "document", "source": {}}])),
    "many short texts": (call(), answer(texts(*["x" * 400] * 10))),
    "a result without a call": (answer(),),
    "a result of another call": (call(key="other"), answer()),
    "a result of an earlier turn's call": (
        call(), answer("short"), {"role": "assistant", "content": "hm"}, answer(),
    ),
    "a call after its result": (answer(), call()),
    "a call without a name": (
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "input": {}}]}, answer(),
    ),
    "a result of a server's tool": (
        call(),
        {"role": "assistant", "content": [{"type": "web_search_tool_result", "tool_use_id": "t", "content": LONG}]},
    ),
    "a result without content": (
        call(), {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "x": LONG}]},
    ),
    "odd content": (call(), answer({"text": LONG})),
    "an odd text in the content": (call(), answer([{"type": "text", "text": [LONG]}])),
    "an odd id": (call(key=5), answer(key=5)),  # type: ignore[arg-type]
    "a user's text": (call(), {"role": "user", "content": texts(LONG)}),
    "an assistant's text": ({"role": "assistant", "content": LONG},),
}  # fmt: skip


@pytest.mark.parametrize("messages", CUT.values(), ids=CUT.keys())
def test_a_long_result_is_cut(messages: tuple[Any, ...]) -> None:
    assert is_cut(*messages)


@pytest.mark.parametrize("messages", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_everything_else_is_left_alone(messages: tuple[Any, ...]) -> None:
    assert not is_cut(*messages)


@pytest.mark.parametrize(
    ("level", "chars", "kept"),
    [("observe", 10**6, None), ("safe", 10**6, None), ("standard", 32_000, None), ("standard", 32_001, 16_000),
     ("max", 16_000, None), ("max", 16_001, 8_000)],
)  # fmt: skip
def test_a_level_says_from_where_on_and_what_stays(level: str, chars: int, kept: int | None) -> None:
    made = trimmed(segment(request(call(), answer("x" * chars))), LIMITS[level])
    assert made.removed_chars == (0 if kept is None else chars - kept)


@pytest.mark.parametrize(
    ("tools", "name", "kind", "expected"),
    [
        ((), "Bash", COMMAND, (1_000, 500)),
        ((), "any", UNKNOWN, (0, 0)),
        ((("bash", 4_000),), "Bash", COMMAND, (4_000, 2_000)),
        ((("Bash", 0),), "Bash", COMMAND, (0, 0)),
        ((("mcp__db__*", 4_000),), "mcp__db__get", UNKNOWN, (4_000, 2_000)),
        ((("*", 4_000), ("Bash", 2_000)), "Bash", COMMAND, (2_000, 1_000)),
        ((("B*", 4_000), ("*", 2_000)), "Bash", COMMAND, (4_000, 2_000)),
        ((("*", 4_000), ("Read", 2_000)), "Read", READ, (0, 0)),
    ],
)
def test_a_tools_own_limit_goes_before_the_levels(tools: Any, name: str, kind: str, expected: tuple[int, int]) -> None:
    assert Limits(1_000, 500, tools).for_call(Call(name, kind)) == expected


def test_a_tools_own_limit_cuts_where_the_level_does_not() -> None:
    limits = Limits(0, 0, (("mcp__linear__*", 1_000),))
    assert is_cut(call("mcp__linear__get_issue"), answer(), limits=limits)
    assert not is_cut(call(), answer(), limits=limits)


def test_limits_are_stored_as_plain_values() -> None:
    limits = limits_of("max", tools=[("Bash", 5_000)])
    assert limits == Limits(16_000, 8_000, (("Bash", 5_000),))
    assert Limits.of(msgspec.msgpack.decode(msgspec.msgpack.encode(limits.plain()))) == limits
    with pytest.raises(msgspec.ValidationError):
        Limits.of([1, "x", []])


@pytest.mark.parametrize(
    ("set_by_user", "expected"),
    [({}, (32_000, 16_000)), ({"over_chars": 9_000}, (9_000, 4_500)), ({"keep_chars": 900}, (32_000, 900)),
     ({"over_chars": 9_000, "keep_chars": 900}, (9_000, 900)), ({"over_chars": 0}, (0, 0))],
)  # fmt: skip
def test_what_the_user_sets_stands_in_place_of_the_levels_own(set_by_user: Any, expected: tuple[int, int]) -> None:
    limits = limits_of("standard", **set_by_user)
    assert (limits.over_chars, limits.keep_chars) == expected
    assert limits_of("safe", **set_by_user) == LIMITS["safe"]


def test_nothing_is_cut_by_a_version_that_is_not_known() -> None:
    assert trimmed(segment(request(call(), answer())), SMALL, version=99).cuts == ()


def test_version_1_cuts_what_it_has_always_cut() -> None:
    """Where this fails, sessions under way would change: what is new needs a new version instead."""
    lines = "".join(f"{number} caf\u00e9 \U0001f600\r\n" for number in range(3_000))
    calls = ("Bash", "Grep", "WebFetch", "Read", "exec_command", "mcp__x__list_all", "mcp__x__get", "find", "Execute")
    messages = [m for n, name in enumerate(calls) for m in (call(name, f"t{n}"), answer(lines[n:], f"t{n}"))]
    messages += [call(key="u"), answer("z" * 90_000, "u"), call(key="v", command="cat x"), answer(lines, "v")]
    body = request(*messages)
    digests = [
        sha256(apply_edits(body, trimmed(segment(body), limits, version=1).edits)).hexdigest()[:16]
        for limits in (LIMITS["standard"], LIMITS["max"], Limits(5_000, 4_900, (("mcp__*", 2_000),)))
    ]
    assert digests == ["950c81923a01a588", "6ef487b4a64db98c", "807e55aaa61f94d2"]


# ── properties ──

AWKWARD = ("\n", "\r\n", "\\", '"', "\\n", "\u00e9", "\u4e2d", "\U0001f600", "\t", "\x00", "a", "some words ", "\\u00e9", "/",
           "\ud800", "\udc00", "\x7f\x1b[0m", "x" * 150, "\n" * 20)  # fmt: skip
awkward_texts = st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=40).map(lambda parts: "".join(parts) * 40)


def encoded(text: str, style: str) -> str:
    """A JSON string of the text in one of the ways in which clients write it."""
    if style == "ascii":
        return json.dumps(text)
    if style == "raw":
        return json.dumps(text, ensure_ascii=False)
    units = text.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + '"'


def body_of(text: str, style: str, as_list: bool) -> bytes:
    literal = encoded(text, style)
    content = f'[{{"type":"text","text":{literal}, "cache_control":null}}]' if as_list else literal
    head = request(call())[:-2].decode()
    tail = f',{{"role":"user","content":[{{"content": {content} ,"tool_use_id":"t","type":"tool_result"}}]}}]}}'
    return (head + tail).encode("utf-8", "surrogatepass")


def content_of(message: Any) -> str:
    content = message["content"][0]["content"]
    return str(content if isinstance(content, str) else content[0]["text"])


@given(awkward_texts, st.sampled_from(("ascii", "raw", "escapes")), st.booleans(), st.integers(200, 900))
def test_what_is_kept_is_a_prefix_and_a_suffix_and_the_numbers_are_true(
    text: str, style: str, as_list: bool, keep: int
) -> None:
    body = body_of(text, style, as_list)
    original = content_of(loads(body)["messages"][-1])
    assume(not OURS.search(original))
    prompt = segment(body)
    made = trimmed(prompt, Limits(1_000, keep))
    new_body = apply_edits(body, made.edits)
    new = content_of(loads(new_body)["messages"][-1])
    if len(original) <= 1_000:
        assert new_body == body
        return
    head, tail, characters, lines = missing_of(new, original)
    assert original.startswith(head)
    assert original.endswith(tail)
    missing = original[len(head) : len(original) - len(tail)]
    assert characters == len(missing) == made.removed_chars
    assert lines == missing.count("\n") + (not missing.endswith("\n"))
    assert len(head) + len(tail) <= keep
    assert len(new) <= 1_000  # so that it is not cut again
    assert len(new_body) < len(body)


@given(awkward_texts, st.sampled_from(("ascii", "raw", "escapes")), st.booleans())
def test_nothing_else_changes_and_the_inverse_edits_bring_the_body_back(text: str, style: str, as_list: bool) -> None:
    body = body_of(text, style, as_list)
    edits = trimmed(segment(body), SMALL).edits
    new = apply_edits(body, edits)
    assert apply_edits(new, inverse_edits(body, edits)) == body
    assert trimmed(segment(new), SMALL).cuts == ()
    for edit in edits:
        assert new.startswith(body[: edit.offset])
        assert new.endswith(body[edit.offset + edit.length :])
    before, after = loads(body), loads(new)
    for value in (before, after):
        inner = value["messages"][-1]["content"][0]
        if as_list:
            inner["content"][0].pop("text")
        else:
            inner.pop("content")
    assert before == after


@given(awkward_texts, st.sampled_from(("ascii", "raw", "escapes")))
def test_a_string_and_a_list_of_one_text_are_cut_to_the_same_text(text: str, style: str) -> None:
    both = [content_of(sent(body_of(text, style, as_list))[-1]) for as_list in (False, True)]
    assert both[0] == both[1]


@given(
    st.lists(st.sampled_from(("\r\n", "word ", "a longer part of a line, ")), min_size=1).map(lambda p: "".join(p) * 99)
)
def test_cuts_are_at_line_ends_where_lines_are_short(text: str) -> None:
    assume(len(text) > 1_000 and max(map(len, text.split("\r\n"))) < 90)
    head, tail, _, _ = missing_of(content_of(sent(body_of(text, "ascii", False))[-1]), text)
    assert head.endswith("\r\n")
    assert text[: len(text) - len(tail)].endswith("\r\n")
    assert len(head) > 150
    assert len(tail) > 100


@pytest.mark.parametrize("style", ["ascii", "raw", "escapes"])
@pytest.mark.parametrize("unit", ["\U0001f600", "\r\n\r", "\u00e9", "\\", '"', "\ud83d", "\udc00a", "\x1b"])
@pytest.mark.parametrize("shift", range(3))
def test_no_cut_is_inside_an_escape_a_character_or_a_line_end(unit: str, style: str, shift: int) -> None:
    text = "y" * shift + unit * 2_000
    head, tail, _, _ = missing_of(content_of(sent(body_of(text, style, False))[-1]), text)
    assert text.startswith(head)
    assert text.endswith(tail)
    for before, after in ((head, text[len(head)]), (text[: len(text) - len(tail)], tail[0])):
        assert not (before.endswith("\r") and after == "\n")


def test_halves_of_a_pair_that_came_as_bytes_stay_together() -> None:
    for shift in range(3):
        body = body_of("y" * shift + "\ud83d\ude00" * 2_000, "raw", False)
        new = apply_edits(body, trimmed(segment(body), SMALL).edits)
        assert new.count(b"\xed\xa0\xbd") == new.count(b"\xed\xb8\x80") == new.count(b"\xed\xa0\xbd\xed\xb8\x80") > 200


def test_one_giant_line_is_cut_between_two_characters() -> None:
    head, tail, characters, lines = missing_of(result_of(call(), answer("x" * 5_000)), "x" * 5_000)
    assert (len(head), len(tail), characters, lines) == (300, 200, 4_500, 1)


def test_a_short_first_line_before_a_giant_one_does_not_take_the_head_away() -> None:
    text = "Output:\n" + "x" * 5_000 + "\ndone\n"
    head, _, _, _ = missing_of(result_of(call(), answer(text)), text)
    assert len(head) == 300


# ── histories ──

results = st.tuples(
    st.sampled_from(("Bash", "Read", "Grep", "mcp__a__b")), st.sampled_from((3, 100, 200)), st.booleans()
)


def history(made: list[tuple[str, int, bool]]) -> list[Any]:
    messages: list[Any] = [{"role": "user", "content": "go"}]
    for number, (name, lines, as_list) in enumerate(made):
        text = "".join(f"{number}: a line of what came out\n" for _ in range(lines))
        messages += [call(name, f"t{number}"), answer(texts(text) if as_list else text, f"t{number}")]
    return messages


def marked(messages: list[Any]) -> list[Any]:
    """The same with a marker on the last block."""
    if not isinstance(messages[-1]["content"], list):
        return messages
    last = messages[-1]["content"][-1]
    return [*messages[:-1], {**messages[-1], "content": [*messages[-1]["content"][:-1], {**last, **MARK}]}]


@given(st.lists(results, max_size=6), st.lists(results, max_size=3), st.integers(0, 6))
def test_the_same_history_becomes_the_same_bytes_after_appends_rewinds_and_restarts(
    first: Any, more: Any, rewound_to: int
) -> None:
    turns = (len(first), len(first + more), min(rewound_to, len(first)), len(first))
    lengths = [1 + 2 * count for count in turns]
    everything = history(first + more)
    whole = sent(request(*everything))
    previous: tuple[Prompt, Trimmed] | None = None
    for turn, length in enumerate(lengths):
        body = request(*marked(everything[:length]), system="s" * turn)
        prompt = segment(body, previous[0] if previous else None)
        made = trimmed(prompt, SMALL, earlier=previous)
        assert made == trimmed(prompt, SMALL) == trimmed(segment(body), SMALL)
        new = loads(apply_edits(body, made.edits))["messages"]
        if length > 1:
            new[-1]["content"][-1].pop("cache_control")
        assert new == whole[:length]
        previous = prompt, made


def test_cuts_are_taken_over_and_move_with_their_messages() -> None:
    tool = {"name": "Bash", "input_schema": {}}
    body = request(*history([("Bash", 100, False)]), tools=[tool])
    prompt = segment(body)
    before = trimmed(prompt, SMALL)
    longer = request(*history([("Bash", 100, False), ("Bash", 100, False)]), tools=[tool, tool], system="new")
    after = segment(longer, prompt)
    made = trimmed(after, SMALL, earlier=(prompt, before))
    assert made == trimmed(segment(longer), SMALL)
    assert [cut.block for cut in made.cuts] == [
        cut.block + shift for cut, shift in zip(before.cuts * 2, (2, 4), strict=True)
    ]


def test_what_was_looked_at_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    whole = history([("Bash", 100, False), ("Read", 100, False), ("Grep", 100, True)])
    prompt = segment(request(*whole[:5]))
    before = trimmed(prompt, SMALL)
    from synrouter_cli.prompt import trim

    look = trim.call_answered
    monkeypatch.setattr(trim, "call_answered", lambda *given: (seen.append(given[1]), look(*given))[1])
    trimmed(segment(request(*whole), prompt), SMALL, earlier=(prompt, before))
    assert seen == [6]


@pytest.mark.parametrize("other", [{"limits": Limits(900, 400)}, {"version": 2}])
def test_cuts_made_by_other_rules_are_not_taken_over(other: dict[str, Any]) -> None:
    prompt = segment(request(call(), answer()))
    rules = {"limits": SMALL, **other}
    assert trimmed(prompt, **rules, earlier=(prompt, trimmed(prompt, SMALL))) == trimmed(prompt, **rules)


def test_only_what_was_cut_stays_cut_where_nothing_new_may_be() -> None:
    first, more = [("Bash", 100, False)], [("Bash", 100, False), ("Bash", 200, False)]
    prompt = segment(request(*history(first)))
    before = trimmed(prompt, SMALL)
    kept = frozenset(prompt.blocks[cut.block].digest[:8] for cut in before.cuts)
    longer = segment(request(*history(more)), prompt)
    for earlier in (None, (prompt, before), (prompt, trimmed(prompt, SMALL, only=kept))):
        assert trimmed(longer, SMALL, earlier=earlier, only=kept).cuts == before.cuts
    nothing = trimmed(prompt, SMALL, only=frozenset())
    assert nothing.cuts == ()
    assert len(trimmed(longer, SMALL, earlier=(prompt, nothing)).cuts) == 2


def test_markers_change_no_cut() -> None:
    plain = history([("Bash", 100, True), ("Grep", 100, False)])
    results_of = [[content_of(m) for m in sent(request(*messages))[2::2]] for messages in (plain, marked(plain))]
    inside = [*plain[:2], answer(texts(plain[2]["content"][0]["content"][0]["text"], **MARK), "t0"), *plain[3:]]
    results_of.append([content_of(m) for m in sent(request(*inside))[2::2]])
    assert results_of[0] == results_of[1] == results_of[2]
    assert all(map(OURS.search, results_of[0]))


def test_the_last_of_two_equal_keys_counts() -> None:
    literal = json.dumps(LONG)
    body = (
        request(call())[:-2]
        + (
            f',{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":"x","c\\u006fntent":{literal}}}]}}]}}'
        ).encode()
    )
    assert len(sent(body)[-1]["content"][0]["content"]) < 1_000


def test_a_lone_surrogate_elsewhere_in_the_body_is_no_hindrance() -> None:
    body = request({"role": "user", "content": "\ud800"}, call(command="make \udfff"), answer("\ud83d" + LONG))
    new = apply_edits(body, trimmed(segment(body), SMALL).edits)
    assert OURS.search(content_of(loads(new)["messages"][-1]))
    assert b"\\ud800" in new
    assert b"make \\udfff" in new


def test_a_prompt_whose_body_is_gone_is_not_cut() -> None:
    prompt = segment(request(call(), answer()))
    prompt.forget_body()
    assert trimmed(prompt, SMALL).edits == ()
