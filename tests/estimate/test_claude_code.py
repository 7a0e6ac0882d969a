"""Claude Code's lines become requests: an answer is one however many lines it has, and cuts are followed."""

from __future__ import annotations

import json

from support.transcripts import ClaudeCode, usage
from synrouter_cli.estimate.claude_code import read
from synrouter_cli.estimate.events import Answered, Kept, Named, Said, Skipped


def events(file: ClaudeCode, name: str = "sess-one"):
    return list(read(file.raw, Named(name)))


def kinds(found) -> list[str]:
    return [type(event).__name__ for event in found]


def answers(found) -> list[Answered]:
    return [event for event in found if isinstance(event, Answered)]


def test_an_answer_of_several_lines_is_one_and_its_last_usage_counts():
    file = ClaudeCode()
    file.person(0)
    file.block(1, "m1", {"type": "thinking", "thinking": "hm", "signature": "s"}, usage(five=9000, output=3))
    file.answer(2, "m1", usage(five=9000, output=3), "I look.")
    file.call(3, "m1", usage(five=9000, output=77), "t1")
    file.result(4, "t1")
    file.answer(6, "m2", usage(read=9000))
    found = events(file)
    assert kinds(found) == ["Named", "Said", "Answered", "Said", "Answered"]
    first, second = answers(found)
    assert [block["type"] for block in first.blocks] == ["thinking", "text", "tool_use"]
    assert (first.usage.cache_write_5m_tokens, first.usage.output_tokens) == (9000, 77)
    assert second.usage.cache_read_tokens == 9000
    assert second.at - first.at == 5


def test_results_between_the_blocks_of_an_answer_come_after_it_in_one_message():
    file = ClaudeCode()
    file.person(0)
    first = file.call(1, "m1", usage(five=9000), "t1")
    second = file.call(2, "m1", usage(five=9000), "t2")
    file.result(3, "t1", parent=first)
    third = file.call(4, "m1", usage(five=9000), "t3", parent=second)
    file.result(5, "t2", parent=second)
    file.result(6, "t3", parent=third)
    file.answer(7, "m2", usage(read=9000))
    found = events(file)
    assert kinds(found) == ["Named", "Said", "Answered", "Said", "Answered"]
    assert [block["id"] for block in found[2].blocks] == ["t1", "t2", "t3"]
    assert [block["tool_use_id"] for block in found[3].blocks] == ["t1", "t2", "t3"]


def test_a_person_who_goes_back_cuts_the_conversation_there():
    file = ClaudeCode()
    file.person(0)
    here = file.answer(1, "m1", usage(five=9000))
    file.person(2, "do this")
    file.answer(3, "m2", usage(read=9000))
    file.person(4, "no, that", parent=here)
    file.answer(5, "m3", usage(read=9000))
    found = events(file)
    assert [event for event in found if isinstance(event, Kept)] == [Kept(0, 2)]


def test_lines_without_a_message_between_do_not_look_like_going_back():
    file = ClaudeCode()
    file.person(0)
    file.answer(1, "m1", usage(five=9000))
    file.add("system", 2, subtype="turn_duration")
    file.add("attachment", 3, attachment={"type": "todo"})
    file.person(4)
    assert [event for event in events(file) if isinstance(event, Kept)] == []


def test_a_compaction_begins_anew_with_its_summary():
    file = ClaudeCode()
    file.person(0)
    file.answer(1, "m1", usage(five=9000))
    file.add("system", 2, parent=None, subtype="compact_boundary", logicalParentUuid=file.last)
    file.person(3, "This session goes on from: …", isCompactSummary=True, isVisibleInTranscriptOnly=True)
    file.answer(4, "m2", usage(five=5000))
    found = events(file)
    assert kinds(found) == ["Named", "Said", "Answered", "Kept", "Said", "Answered"]
    assert found[3] == Kept(2, None)


def test_subagents_in_the_same_file_are_conversations_of_their_own():
    file = ClaudeCode()
    file.person(0)
    main = file.call(1, "m1", usage(five=9000), "task")
    file.add("user", 2, parent=None, message={"role": "user", "content": "look about"}, isSidechain=True)
    file.answer(3, "s1", usage(five=4000), isSidechain=True)
    file.result(4, "task", parent=main)
    file.answer(5, "m2", usage(read=9000))
    found = events(file)
    whose, name = {}, None
    for event in found:
        if isinstance(event, Named):
            name = event
        elif isinstance(event, Answered):
            whose[event.id] = name
    assert whose["m1"] == whose["m2"] == Named("sess-one", "shop")
    assert whose["s1"].session == "sess-one" and whose["s1"].agent
    assert all(len(event.blocks) == 1 for event in found if isinstance(event, Said))


def test_a_subagents_own_file_goes_by_the_session_that_it_names():
    file = ClaudeCode("sess-one", isSidechain=True, agentId="a77")
    file.person(0)
    file.answer(1, "s1", usage(five=4000))
    assert next(read(file.raw, Named("", "", "a77"))) == Named("sess-one", "shop", "a77")


def test_a_line_that_is_cut_off_is_told_and_the_rest_is_read():
    file = ClaudeCode()
    file.person(0)
    file.answer(1, "m1", usage(five=9000))
    file.lines.append('{"type":"user","message":{"role":"us')
    file.lines.append(json.dumps({"type": "user", "isSidechain": "perhaps"}))
    found = events(file)
    assert sum(isinstance(event, Skipped) for event in found) == 2
    assert len(answers(found)) == 1


def test_answers_made_up_by_the_client_are_no_requests():
    file = ClaudeCode()
    file.person(0)
    file.answer(1, "m0", usage(), "API Error: 529", model="<synthetic>")
    file.answer(2, "m0b", usage(), "API Error: 529", isApiErrorMessage=True)
    file.answer(3, "m1", usage(five=9000))
    assert [answer.id for answer in answers(events(file))] == ["m1"]


def test_the_same_line_twice_counts_once_and_other_kinds_do_not_matter():
    file = ClaudeCode()
    file.person(0)
    file.lines.append(json.dumps({"type": "summary", "summary": "secret", "leafUuid": "x"}))
    file.answer(1, "m1", usage(five=9000))
    file.lines.append(file.lines[-1])
    (answer,) = answers(events(file))
    assert len(answer.blocks) == 1


def test_text_cut_in_the_middle_of_an_emoji_is_read():
    file = ClaudeCode()
    file.lines.append('{"type":"user","uuid":"a","message":{"role":"user","content":"cut \\ud83d here"}}')
    assert kinds(events(file)) == ["Named", "Said"]


def test_an_answer_without_usage_or_with_nonsense_has_none():
    file = ClaudeCode()
    file.person(0)
    file.answer(1, "m1", None)
    file.answer(2, "m2", {"input_tokens": -5})
    assert [answer.usage for answer in answers(events(file))] == [None, None]
