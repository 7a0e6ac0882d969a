"""Pi's and OpenClaw's trees: branches, compactions, and what reaches the provider of each kind of entry."""

from __future__ import annotations

import json

from support.transcripts import MODEL, PI_USAGE, pi_line, pi_message
from synrouter_cli.estimate.events import Answered, Kept, Named, Said, Skipped
from synrouter_cli.estimate.pi import read

HEADER = json.dumps({"type": "session", "version": 3, "id": "s1", "cwd": "/home/me/shop"}).encode()


def assistant(ident: str, parent: str, at: float, **rest) -> bytes:
    content = [
        {"type": "thinking", "thinking": "hm", "thinkingSignature": "sig"},
        {"type": "toolCall", "id": f"call-{ident}", "name": "read", "arguments": {"path": "a.py"}},
    ]
    given = {"provider": "anthropic", "model": MODEL, "usage": PI_USAGE, "stopReason": "toolUse", **rest}
    return pi_message(ident, parent, at, "assistant", content, **given)


def result(ident: str, parent: str, at: float) -> bytes:
    content = [{"type": "text", "text": "x = 1"}]
    return pi_message(ident, parent, at, "toolResult", content, toolCallId="call-b", toolName="read", isError=False)


def test_a_turn_is_said_answered_and_its_result_said():
    lines = [HEADER, pi_message("a", None, 0, "user", "hello"), assistant("b", "a", 3), result("c", "b", 4)]
    named, said, answered, results = list(read(lines, Named("file")))
    assert named == Named("s1", "shop")
    assert said.blocks == [{"type": "text", "text": "hello"}]
    assert isinstance(answered, Answered)
    assert (answered.model, answered.provider) == (MODEL, "anthropic")
    assert answered.usage.prompt_tokens == 4310 and answered.usage.cache_write_5m_tokens == 4000
    assert [block["type"] for block in answered.blocks] == ["thinking", "tool_use"]
    assert results.blocks[0]["tool_use_id"] == "call-b"


def test_an_entry_with_an_older_parent_begins_a_branch_there():
    lines = [
        HEADER,
        pi_message("a", None, 0, "user", "hello"),
        assistant("b", "a", 1),
        result("c", "b", 2),
        assistant("d", "c", 3),
        pi_message("e", "b", 4, "user", "rather this"),
    ]
    assert [event for event in read(lines, Named("")) if isinstance(event, Kept)] == [Kept(0, 2)]


def test_a_compaction_leaves_what_stands_from_its_first_kept_entry_on():
    lines = [
        HEADER,
        pi_message("a", None, 0, "user", "hello"),
        assistant("b", "a", 1),
        result("c", "b", 2),
        pi_line("compaction", "d", "c", 3, summary="we talked", firstKeptEntryId="b", tokensBefore=9000),
        pi_message("e", "d", 4, "user", "go on"),
    ]
    found = list(read(lines, Named("")))
    cut = found.index(Kept(1, None))
    assert "we talked" in found[cut + 1].blocks[0]["text"]
    assert found[-1].blocks[0]["text"] == "go on"


def test_files_of_the_first_version_have_no_tree_and_are_read_in_order():
    lines = [
        HEADER,
        b'{"type":"message","message":{"role":"user","content":"hello"}}',
        json.dumps({"type": "message", "message": {"role": "assistant", "model": MODEL, "usage": PI_USAGE}}).encode(),
    ]
    assert [type(event) for event in read(lines, Named(""))] == [Named, Said, Answered]


def test_only_what_the_provider_sees_is_said():
    lines = [
        HEADER,
        pi_line("model_change", "m", None, 0, modelId="x"),
        pi_line("custom", "n", "m", 0, customType="state", data={"secret": 1}),
        pi_line("custom_message", "o", "n", 0, customType="note", content="seen", display=False),
        pi_line("branch_summary", "p", "o", 0, fromId="m", summary="the other branch"),
        pi_message("q", "p", 0, "bashExecution", None, command="ls", output="a.py"),
        pi_message("r", "q", 0, "bashExecution", None, command="ls", output="b.py", excludeFromContext=True),
        pi_line("label", "s", "r", 0, label="here"),
    ]
    said = [event.blocks[0]["text"] for event in read(lines, Named("")) if isinstance(event, Said)]
    assert len(said) == 3
    assert [word in text for word, text in zip(("seen", "other branch", "a.py"), said, strict=True)] == [True] * 3


def test_what_can_t_be_read_is_told():
    assert sum(isinstance(event, Skipped) for event in read([HEADER, b"[1]", b'{"type":'], Named(""))) == 2


def test_an_answer_that_was_broken_off_has_no_usage():
    zero = dict.fromkeys(PI_USAGE, 0)
    lines = [HEADER, pi_message("a", None, 0, "user", "hello"), assistant("b", "a", 1, usage=zero)]
    assert next(event for event in read(lines, Named("")) if isinstance(event, Answered)).usage is None
