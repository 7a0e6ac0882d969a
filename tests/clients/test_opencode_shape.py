"""What OpenCode's and Kilo's modules put into their files, where, and what an undo gives back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.client_files import HOME, LOCAL_KEY, PROJECT, URL
from support.one_machine import Machine
from synrouter_cli.clients import kilo, opencode
from synrouter_cli.clients.client import Client, FileEdit
from synrouter_cli.textedit import Jsonc

CONFIGS = {kilo.CLIENT: HOME / ".config" / "kilo", opencode.CLIENT: HOME / ".config" / "opencode"}
USERS = {
    "nothing": "",
    "an empty object": "{}",
    "comments, tabs and trailing commas": '// mine\n{\n\t"theme": "x", // dark\n\t"model": "anthropic/claude-opus-4-8",\n}\n',
    "line ends of Windows": '{\r\n  "$schema": "https://example.test",\r\n  "permission": {"bash": "deny"}\r\n}\r\n',
    "providers of their own": '{"provider": {"mine": {"npm": "@ai-sdk/openai"}}, "small_model": "mine/x"}',
    "lists of providers": '{"enabled_providers": ["mine"], "disabled_providers": ["synrouter",  "other"]}',
    "we alone disabled": '{"disabled_providers": [ "synrouter" ]}',
    "no lists, but room for them": '{"enabled_providers": [], "disabled_providers": [], "agent": {}}',
}
both = pytest.mark.parametrize("client", CONFIGS, ids=lambda client: client.name)


def said(machine: Machine, name: str) -> dict[str, Any]:
    value: dict[str, Any] = Jsonc.parse(machine.texts[CONFIGS[machine.client] / name]).value
    return value


@both
@pytest.mark.parametrize("text", USERS.values(), ids=USERS)
def test_undo_gives_the_file_back_byte_for_byte(client: Client, text: str):
    path = CONFIGS[client] / "opencode.jsonc"
    machine = Machine(client, {path: text or "{}"})
    machine.configure(models=())
    machine.configure(url="http://127.0.0.1:7500", model="claude-opus-4-8", models=())
    assert said(machine, "opencode.jsonc")["model"] == "synrouter/claude-opus-4-8"
    machine.undo()
    assert machine.texts.get(path, "{}\n").strip() == (text or "{}").strip()


@both
@pytest.mark.parametrize("text", USERS.values(), ids=USERS)
def test_all_that_is_not_ours_stays(client: Client, text: str):
    path = CONFIGS[client] / "opencode.jsonc"
    before = Jsonc.parse(text or "{}").value
    machine = Machine(client, {path: text or "{}"})
    machine.configure(models=())
    after = said(machine, "opencode.jsonc")
    assert after["provider"].pop("synrouter")
    schema = after.pop("$schema")
    assert schema == before.pop("$schema", schema), "where there is none the client puts its own in"
    ours = ("model", "small_model", "enabled_providers", "disabled_providers", "provider")
    assert {key: after[key] for key in after if key not in ours} == {
        key: before[key] for key in before if key not in ours
    }
    assert after["provider"] == before.get("provider", {})


@both
def test_what_the_user_has_changed_since_stays_and_a_models_entry_stays_whole(client: Client):
    path = CONFIGS[client] / "opencode.jsonc"
    machine = Machine(client, {path: "{}"})
    machine.configure()
    entry = ("provider", "synrouter", "models", "claude-opus-4-8")
    changed = Jsonc.parse(machine.texts[path]).set((*entry, "limit", "context"), 5).set(("theme",), "x")
    machine.texts[path] = changed.set(("model",), "mine/model").text
    machine.undo()
    left = said(machine, "opencode.jsonc")
    assert (left.pop("model"), left.pop("theme")) == ("mine/model", "x")
    assert left == {"provider": {"synrouter": {"models": {"claude-opus-4-8": changed.get(entry)}}}}


@both
def test_the_key_is_referred_to_and_the_models_are_described_as_they_are(client: Client):
    machine = Machine(client)
    plan = machine.configure(model="claude-sonnet-4-6")
    assert (plan.model, machine.points_at()) == ("claude-sonnet-4-6", f"{URL}/v1")
    assert LOCAL_KEY not in "".join(machine.texts.values())
    [path] = [path for path in machine.texts if path.suffix == ".jsonc"]
    config = said(machine, path.name)
    provider = config["provider"]["synrouter"]
    assert provider["npm"] == "@ai-sdk/anthropic"
    assert provider["options"] == {
        "baseURL": f"{URL}/v1",
        "apiKey": f"{{file:{HOME}/.synrouter/token}}",
        "headers": {"x-synrouter-client": client.name},
    }
    sonnet = provider["models"]["claude-sonnet-4-6"]
    assert sonnet["limit"] == {"context": 1_000_000, "output": 64_000}
    assert sonnet["cost"] == {"input": 3.0, "output": 15.0, "cache_read": 0.3, "cache_write": 3.75}
    assert sonnet["modalities"]["input"] == ["text", "image", "pdf"]
    assert config["small_model"].removeprefix("synrouter/") in provider["models"]
    assert config["$schema"].startswith("https://")


@both
def test_a_path_that_no_reference_can_spell_means_the_key_itself(client: Client):
    machine = Machine(client)
    machine.configure(token_file=HOME / "odd}folder" / "token")
    assert LOCAL_KEY in "".join(machine.texts.values())
    [changes] = [changes for _, changes in machine.changes.values()]
    assert LOCAL_KEY not in repr(changes)


@both
def test_the_last_file_that_exists_is_edited_and_lists_in_the_others_let_us_in(client: Client):
    folder = CONFIGS[client]
    first, last = folder / "config.json", folder / "opencode.json"
    texts = {first: '{"enabled_providers": ["mine"], "disabled_providers": ["synrouter"]}', last: "{}"}
    machine = Machine(client, dict(texts))
    machine.configure(models=())
    assert json.loads(machine.texts[first]) == {"enabled_providers": ["mine", "synrouter"]}
    assert json.loads(machine.texts[last])["model"].startswith("synrouter/")
    assert machine.overrides() == []
    machine.undo()
    assert machine.texts.get(first) == texts[first]


@both
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("anthropic/claude-opus-4-8", "claude-opus-4-8"),
        ("kilo/anthropic/claude-opus-4.8", "claude-opus-4-8"),
        ("openai/gpt-6-sol", "claude-sonnet-5-5"),
    ],
)
def test_the_model_that_the_user_has_is_kept_where_it_is_known(client: Client, theirs: str, ours: str):
    path = CONFIGS[client] / "opencode.json"
    assert Machine(client, {path: json.dumps({"model": theirs})}).configure(models=()).model == ours


@both
@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("opencode.json", '{"model": "openai/gpt-6-sol"}', "chooses the model openai/gpt-6-sol"),
        ("opencode.jsonc", '{"enabled_providers": ["openai"]}', "does not enable synrouter"),
        ("opencode.json", '{"disabled_providers": ["synrouter"]}', "disables synrouter"),
        (
            "opencode.json",
            '{"provider": {"synrouter": {"options": {"baseURL": "http://x"}}}}',
            "points synrouter elsewhere",
        ),
        ("opencode.json", '{"agent": {"plan": {"model": "openai/gpt-6-sol"}}}', "agent plan"),
        ("opencode.json", "{ not JSON", None),
        ("opencode.json", '{"model": "synrouter/claude-opus-4-8", "agent": {"plan": {}}, "mode": []}', None),
    ],
)
def test_a_projects_file_that_goes_before_ours_is_told_of(client: Client, name: str, text: str, word: str | None):
    machine = Machine(client)
    machine.configure(models=())
    machine.texts[PROJECT / name] = text
    told = machine.overrides()
    assert len(told) == (word is not None)
    assert all(str(PROJECT / name) in sentence and str(word) in sentence for sentence in told)


@both
@pytest.mark.parametrize("variable", ["CONFIG", "CONFIG_DIR", "CONFIG_CONTENT"])
def test_a_variable_that_goes_before_ours_is_told_of_without_its_value(client: Client, variable: str):
    prefix = {"kilo": "KILO", "opencode": "OPENCODE"}[client.name]
    theirs = '{"model": "openai/gpt-6-sol", "provider": {"x": {"options": {"apiKey": "sk-secret"}}}}'
    value = {"CONFIG": "/elsewhere/opencode.json", "CONFIG_DIR": "/elsewhere", "CONFIG_CONTENT": theirs}[variable]
    machine = Machine(client, environ={f"{prefix}_{variable}": value})
    machine.configure(models=())
    machine.texts[PROJECT / "x"] = ""
    machine.texts |= {type(HOME)("/elsewhere/opencode.json"): theirs}
    [told] = machine.overrides()
    assert (f"{prefix}_{variable}" if variable == "CONFIG_CONTENT" else "/elsewhere/opencode.json") in told
    assert "sk-secret" not in told


@both
def test_an_agents_own_model_in_the_file_itself_is_told_of(client: Client):
    machine = Machine(client, {CONFIGS[client] / "opencode.json": '{"agent": {"plan": {"model": "openai/x"}}}'})
    machine.configure(models=())
    [told] = machine.overrides()
    assert "agent plan" in told and "openai/x" in told


def launched(machine: Machine, **fields: Any) -> dict[str, Any]:
    launch = machine.launch(**fields)
    [content] = [value for name, value in launch.environ.items() if name.endswith("_CONFIG_CONTENT")]
    assert LOCAL_KEY not in content and not launch.arguments and not launch.private
    value: dict[str, Any] = json.loads(content)
    return value


@both
def test_a_launch_says_all_in_one_variable_and_lets_us_into_every_list(client: Client):
    texts = {
        CONFIGS[client] / "opencode.json": '{"enabled_providers": ["mine"], "agent": {"plan": {"model": "mine/x"}}}',
        PROJECT / "opencode.json": '{"disabled_providers": ["synrouter", "other"]}',
    }
    content = launched(Machine(client, texts), model="claude-opus-4-8")
    assert (content["enabled_providers"], content["disabled_providers"]) == (["mine", "synrouter"], ["other"])
    assert content["agent"] == {"plan": {"model": "synrouter/claude-opus-4-8"}}
    assert content["provider"]["synrouter"]["options"]["baseURL"] == f"{URL}/v1"
    assert "permission" not in content


@both
def test_a_launch_keeps_what_the_user_has_in_that_variable(client: Client):
    prefix = {"kilo": "KILO", "opencode": "OPENCODE"}[client.name]
    theirs = '{"permission": {"bash": "deny"}, "model": "mine/x", "provider": {"mine": {"npm": "y"}}}'
    content = launched(Machine(client, environ={f"{prefix}_CONFIG_CONTENT": theirs}))
    assert content["permission"] == {"bash": "deny"}
    assert content["model"] == "synrouter/claude-sonnet-5-5"
    assert set(content["provider"]) == {"mine", "synrouter"}


@both
@pytest.mark.parametrize("junk", ["[]", "{", "null"])
def test_a_launch_begins_anew_where_that_variable_holds_no_object(client: Client, junk: str):
    prefix = {"kilo": "KILO", "opencode": "OPENCODE"}[client.name]
    content = launched(Machine(client, environ={f"{prefix}_CONFIG_CONTENT": junk}))
    assert set(content) == {"provider", "model", "small_model"}


@both
def test_permissions_and_obsolete_keys_are_never_written(client: Client):
    plan = Machine(client).configure()
    paths = [edit.path for file in plan.files if isinstance(file, FileEdit) for edit in file.edits]
    assert {path[0] for path in paths} == {"$schema", "provider", "model", "small_model"}
