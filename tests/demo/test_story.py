"""The story holds together: every prompt has an answer of its own, every tool is there, something goes wrong."""

from __future__ import annotations

import json

from synrouter_cli.cache.model import TTL_SECONDS
from synrouter_cli.demo.props import TOOL_SECONDS, system_prompt, tool_result, tool_schemas
from synrouter_cli.demo.script import Step
from synrouter_cli.demo.story import PEOPLE, SCRIPT, STORY_S, SUBAGENT
from synrouter_cli.prompt.tokens import estimate_block

SAID = [said for person in (*PEOPLE, SUBAGENT) for said in person.says]
STEPS = [step for rule in SCRIPT.rules for step in rule.steps]


def answers_to(text: str) -> tuple[Step, ...]:
    return next(rule.steps for rule in SCRIPT.rules if rule.when in text)


def test_every_prompt_meets_a_rule_of_its_own_and_every_rule_a_prompt():
    met = [[rule.when for rule in SCRIPT.rules if rule.when in said.text] for said in SAID]
    assert all(len(rules) == 1 for rules in met), met
    assert sorted(rule for [rule] in met) == sorted(rule.when for rule in SCRIPT.rules)


def test_an_answer_ends_with_words_and_no_tool():
    for rule in SCRIPT.rules:
        *before, last = rule.steps
        assert last.say and not last.tools
        assert all(step.tools for step in before), rule.when


def test_every_tool_that_is_called_is_offered_and_answers():
    calls = [call for step in STEPS for call in step.tools]
    assert {call.name for call in calls} == set(TOOL_SECONDS)
    for call in calls:
        assert call.name == "Agent" or tool_result(call) == tool_result(call) != ""
    assert {tool["name"] for tool in tool_schemas("claude-code")} == set(TOOL_SECONDS)


def test_there_is_a_pause_that_outlives_an_entry_a_subagent_and_an_error():
    assert any(TTL_SECONDS["5m"] < said.after_s < TTL_SECONDS["1h"] for said in SAID)
    assert any(call.name == "Agent" for step in STEPS for call in step.tools)
    assert any(step.fault for step in STEPS)


def test_the_agents_mark_in_three_ways():
    assert [person.marks for person in PEOPLE] == ["well", "none", "one"]


def test_the_first_minutes_have_something_to_show():
    waits = sorted(person.says[0].after_s for person in PEOPLE)
    assert waits[0] == 0 and waits[1] < STORY_S / 10


def test_the_head_is_long_enough_to_be_cached_by_any_model():
    for person in (*PEOPLE, SUBAGENT):
        head = json.dumps([system_prompt(person.client), tool_schemas(person.client)]).encode()
        assert estimate_block("text", head) > 4096


def test_clients_have_heads_of_their_own():
    assert len({system_prompt(person.client) for person in PEOPLE}) == len(PEOPLE)
