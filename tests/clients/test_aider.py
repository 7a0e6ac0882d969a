"""Aider's configuration: the user's file, the two of ours that it names, and what an undo leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from support.client_files import HOME, LOCAL_KEY, PROJECT, URL
from support.one_machine import Machine
from synrouter_cli.clients.aider import CLIENT
from synrouter_cli.clients.client import PRIVATE, TOKEN
from synrouter_cli.errors import EditError

FILE = HOME / ".aider.conf.yml"
SETTINGS = HOME / ".aider" / "synrouter.model.settings.yml"
METADATA = HOME / ".aider" / "synrouter.model.metadata.json"
BASE = f"ANTHROPIC_API_BASE={URL}"

SAMPLE = """\
# Aider, as I like it
model: sonnet          # the alias
set-env:
    - OPENAI_API_BASE=http://127.0.0.1:11434
    # more to come
anthropic-api-key: sk-ant-mine
cache-prompts: false
dark-mode: true
"""
TEXTS = {
    "nothing yet": None,
    "only remarks": "##########\n# all defaults\n",
    "a sample of everything": SAMPLE,
    "one variable, no list": "set-env: A=b   # alone\nvim: true\n",
    "a list in brackets": "set-env: [A=b, C=d]\n",
    "an address of the user's own": "set-env:\n- ANTHROPIC_API_BASE=https://relay.example\n- A=b\n",
    "that address last": "set-env:\n- A=b\n- ANTHROPIC_API_BASE=https://relay.example\n",
    "Windows line ends": "model: gpt-6\r\nvim: true\r\n",
}


def machine(text: str | None, **environ: str) -> Machine:
    return Machine(CLIENT, {} if text is None else {FILE: text}, environ)


def conf(aider: Machine) -> dict[str, Any]:
    return yaml.safe_load(aider.texts[FILE])


def entry(aider: Machine, model: str) -> dict[str, Any]:
    [found] = [each for each in yaml.safe_load(aider.texts[SETTINGS]) if each["name"] == f"anthropic/{model}"]
    return found


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("times", [1, 2])
def test_aider_finds_address_key_and_model_and_an_undo_gives_the_file_back_byte_for_byte(text: str | None, times: int):
    aider = machine(text)
    for _ in range(times):
        aider.configure()

    found = conf(aider)
    before = yaml.safe_load(text or "") or {}
    assert found["set-env"][-1] == BASE
    theirs = before.get("set-env", [])
    assert found["set-env"][:-1] == ([theirs] if isinstance(theirs, str) else theirs) or "relay" in str(theirs)
    assert (found["anthropic-api-key"], found["cache-prompts"]) == (LOCAL_KEY, True)
    assert found["model"] == "anthropic/claude-sonnet-5-5"
    assert before.keys() <= found.keys()
    assert (found["model-settings-file"], found["model-metadata-file"]) == (str(SETTINGS), str(METADATA))
    assert aider.points_at() == URL

    aider.undo()
    assert aider.texts == machine(text).texts


@pytest.mark.parametrize(
    ("theirs", "asked", "used"),
    [
        ("openrouter/anthropic/claude-opus-4.6", "", "claude-opus-4-6"),
        ("opus", "", "claude-sonnet-5-5"),
        ("claude-opus-4-8", "claude-haiku-4-5", "claude-haiku-4-5"),
    ],
)
def test_the_model_is_the_one_asked_for_else_theirs_where_it_is_known(theirs: str, asked: str, used: str):
    aider = machine(f"model: {theirs}\n")
    assert aider.configure(model=asked).model == used
    assert conf(aider)["model"] == f"anthropic/{used}"


def test_each_known_model_gets_what_aider_would_not_know():
    aider = machine(None)
    aider.configure()
    assert entry(aider, "claude-opus-4-8") == {
        "name": "anthropic/claude-opus-4-8",
        "edit_format": "diff",
        "use_repo_map": True,
        "cache_control": True,
        "use_temperature": False,
        "accepts_settings": [],
        "weak_model_name": "anthropic/claude-haiku-5-5",
        "editor_model_name": "anthropic/claude-opus-4-8",
        "editor_edit_format": "editor-diff",
        "extra_params": {"max_tokens": 128000, "extra_headers": {"X-Synrouter-Client": "aider"}},
    }
    assert json.loads(aider.texts[METADATA])["anthropic/claude-opus-4-8"] == {
        "max_tokens": 128000,
        "max_input_tokens": 1000000,
        "max_output_tokens": 128000,
        "litellm_provider": "anthropic",
        "mode": "chat",
        "supports_vision": True,
        "supports_prompt_caching": True,
        "input_cost_per_token": 5e-06,
        "output_cost_per_token": 2.5e-05,
        "cache_read_input_token_cost": 5e-07,
        "cache_creation_input_token_cost": 6.25e-06,
    }


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-sonnet-4-5", True),
        ("claude-opus-4-6", True),
        ("claude-sonnet-4-6", True),
        ("claude-opus-4-7", False),
        ("claude-sonnet-5", False),
        ("claude-haiku-5-5", False),
    ],
)
def test_a_temperature_and_a_thinking_budget_go_only_to_models_that_take_them(model: str, takes: bool):
    aider = machine(None)
    aider.configure()
    found = entry(aider, model)
    assert (found["use_temperature"], found["accepts_settings"]) == (takes, ["thinking_tokens"] if takes else [])


def test_files_of_settings_that_the_user_has_named_stay_named():
    aider = machine("model-settings-file: /home/me/mine.yml\nweak-model: gpt-6-mini\n")
    plan = aider.configure()
    assert conf(aider)["model-settings-file"] == "/home/me/mine.yml"
    assert conf(aider)["model-metadata-file"] == str(METADATA)
    assert SETTINGS not in aider.texts
    assert [word for word in ("model-settings-file", "weak-model") if word in " ".join(plan.notes)] == [
        "model-settings-file",
        "weak-model",
    ]


def test_what_the_user_changed_since_stays():
    aider = machine(SAMPLE)
    aider.configure()
    aider.texts[FILE] = aider.texts[FILE].replace("dark-mode: true", "dark-mode: false\nvim: true")
    aider.texts[FILE] = aider.texts[FILE].replace("cache-prompts: true", "cache-prompts: null")
    aider.undo()
    expected = SAMPLE.replace("dark-mode: true", "dark-mode: false\nvim: true")
    assert aider.texts[FILE] == expected.replace("cache-prompts: false", "cache-prompts: null")


def test_run_needs_no_file_of_the_users_and_goes_before_all_that_they_say():
    aider = machine("model: gpt-6\nset-env: ANTHROPIC_API_BASE=https://relay.example\n")
    started = aider.launch(model="claude-opus-4-8")
    assert started.environ == {"ANTHROPIC_API_BASE": URL, "AIDER_ANTHROPIC_API_KEY": TOKEN}
    assert started.arguments == (
        *("--model", "anthropic/claude-opus-4-8", "--cache-prompts"),
        *("--model-settings-file", f"{PRIVATE}/{SETTINGS.name}", "--model-metadata-file", f"{PRIVATE}/{METADATA.name}"),
    )
    entries = yaml.safe_load(started.private[SETTINGS.name])
    assert {each["extra_params"]["api_base"] for each in entries} == {URL}
    assert "anthropic/claude-opus-4-8" in json.loads(started.private[METADATA.name])


def test_run_keeps_the_model_of_the_projects_file_where_it_is_known():
    texts = {FILE: "model: gpt-6\n", PROJECT / ".aider.conf.yml": "model: claude-opus-4-6\n"}
    assert Machine(CLIENT, texts).launch().arguments[:2] == ("--model", "anthropic/claude-opus-4-6")


def test_run_says_which_of_the_users_files_it_leaves_out():
    [note] = machine("model-settings-file: mine.yml\n").launch().notes
    assert note.startswith("mine.yml, the user's model-settings-file")
    aider = machine(None)
    aider.configure()
    assert aider.launch().notes == ()


def test_overrides_are_named():
    texts = {
        PROJECT / ".aider.conf.yml": "model: gpt-6\nvim: true\n",
        PROJECT / ".env": "export AIDER_SET_ENV=A=b\nOPENAI_API_KEY=x\n",
        HOME / ".env": "# AIDER_MODEL=x\nAIDER_MODEL=x\n",
    }
    said = Machine(CLIENT, texts, {"AIDER_ANTHROPIC_API_KEY": "sk-ant-mine"}).overrides()
    places = ["AIDER_ANTHROPIC_API_KEY", f"{HOME / '.env'} sets AIDER_MODEL"]
    places += [f"{PROJECT / '.env'} sets AIDER_SET_ENV", f"{PROJECT / '.aider.conf.yml'} goes before"]
    assert [place for place, sentence in zip(places, said, strict=True) if sentence.startswith(place)] == places
    assert "sk-ant-mine" not in " ".join(said)
    assert machine(SAMPLE).overrides() == []


def test_a_file_that_does_not_parse_is_refused():
    with pytest.raises(EditError, match="line 2, column 1"):
        machine("set-env: [x\n").configure()


@pytest.mark.parametrize("text", ["", "set-env: A=b\n", "set-env:\n- A=b\n", "set-env: 3\n"])
def test_where_aider_has_no_address_it_points_nowhere(text: str):
    assert machine(text).points_at() == ""


def test_a_home_that_is_a_project_too_is_looked_at_once():
    texts = {HOME / ".env": "AIDER_MODEL=x\n", FILE: "model: x\n"}
    assert len(Machine(CLIENT, texts, project=HOME).overrides()) == 1
