"""The scripted model: its answer follows from the request alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synrouter_cli.demo.script import TOOL_RESULTS, Script, ScriptError, newest_prompt

LISTING = {"name": "Bash", "input": {"command": "ls"}}
SCRIPT = Script.parse(
    [
        {"when": "files", "steps": [{"say": "I look.", "tools": [LISTING]}, {"say": "Two files."}]},
        {"when": "", "steps": [{"say": "Hello."}]},
    ]
)
ASKED = {"role": "user", "content": [{"type": "text", "text": "which files?"}]}
ANSWERED = {"role": "assistant", "content": [{"type": "tool_use"}]}


def test_steps_follow_each_other_as_tool_results_come_back():
    assert SCRIPT.step([ASKED], {"Bash"}).tools[0].name == "Bash"
    assert SCRIPT.step([ASKED, ANSWERED, TOOL_RESULTS], {"Bash"}).say == "Two files."


def test_a_new_prompt_starts_its_own_rule_from_the_first_step():
    hello = {"role": "user", "content": "hello"}
    assert SCRIPT.step([ASKED, ANSWERED, TOOL_RESULTS, ANSWERED, hello], {"Bash"}).say == "Hello."


def test_past_the_last_step_the_model_is_done():
    history = [ASKED, *[ANSWERED, TOOL_RESULTS] * 5]
    assert SCRIPT.step(history, {"Bash"}).say == "Done."


def test_a_tool_that_is_not_offered_is_not_called():
    step = SCRIPT.step([ASKED], set())
    assert (step.tools, step.say) == ((), "I look.")


def test_system_entries_and_texts_beside_results_are_no_prompt():
    results = {
        "role": "user",
        "content": [*TOOL_RESULTS["content"], {"type": "text", "text": "a reminder"}],
    }
    system = {"role": "system", "content": "files"}
    assert newest_prompt([ASKED, ANSWERED, results, system]) == ("which files?", 1)


def test_what_a_client_puts_last_by_itself_is_no_prompt():
    carrier = {"role": "user", "content": "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nno files"}
    assert newest_prompt([ASKED, carrier]) == ("which files?", 0)
    assert newest_prompt([ASKED, ANSWERED, TOOL_RESULTS, carrier]) == ("which files?", 1)


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ({}, "a script is a list"),
        ([{"when": "x"}], r"rules\[0\]"),
        ([{"steps": ["hello"]}], r"rules\[0\]\.steps\[0\]"),
        ([{"steps": [{"sya": "x"}]}], "unknown sya"),
        ([{"steps": [{"tools": [{"name": "Bash"}]}]}], "a name and an input"),
    ],
)
def test_a_script_that_is_none_is_refused_with_its_place(script, place):
    with pytest.raises(ScriptError, match=place):
        Script.parse(script)


def test_a_file_that_is_not_json_is_refused_with_its_name(tmp_path: Path):
    file = tmp_path / "steps.json"
    file.write_text("[{]")
    with pytest.raises(ScriptError, match=r"steps\.json"):
        Script.load(file)
    file.write_text(json.dumps([]))
    assert Script.load(file) == Script()
