"""Pi: a provider of ours beside the user's own, the default model, and a launch that touches neither."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import PureWindowsPath

import pytest

from support.client_files import DAY as TODAY
from support.desk import KEY, Desk
from synrouter_cli.clients.client import PRIVATE, TOKEN
from synrouter_cli.clients.pi import CLIENT, EXTENSION, TRAITS, entry, key_command
from synrouter_cli.errors import EditError
from synrouter_cli.providers import known_models, model

MODELS, SETTINGS = ".pi/agent/models.json", ".pi/agent/settings.json"
URL = "http://127.0.0.1:7477"
THEIRS = {
    MODELS: '{\r\n  // mine\r\n  "providers": {\r\n\t"ollama": {"models": [{"id": "q"}],},\r\n  },\r\n}',
    SETTINGS: '{"theme": "dark",\n "defaultProvider":"anthropic", "defaultModel": "claude-opus-4-8"}',
}


@pytest.fixture
def desk(tmp_path):
    return Desk(CLIENT, tmp_path)


def test_an_empty_home_gets_a_provider_with_every_model_and_is_empty_again(desk):
    plan = desk.configure()
    assert {path: entry[0] for path, entry in desk.files().items()} == {MODELS: "0o600", SETTINGS: "0o600"}
    provider = json.loads(desk.read(MODELS))["providers"]["synrouter"]
    assert {name: provider[name] for name in ("baseUrl", "api", "headers", "compat")} == {
        "baseUrl": URL,
        "api": "anthropic-messages",
        "headers": {"X-Synrouter-Client": "pi"},
        "compat": {"sendSessionAffinityHeaders": True},
    }
    assert [each["id"] for each in provider["models"]] == [each.id for each in known_models(TODAY)]
    assert json.loads(desk.read(SETTINGS)) == {"defaultProvider": "synrouter", "defaultModel": plan.model}
    assert KEY not in desk.read(MODELS) + desk.read(SETTINGS)
    assert CLIENT.points_at(desk.around) == URL
    assert desk.undo() == []
    assert list(desk.home.iterdir()) == []


def test_the_users_files_come_back_byte_for_byte_and_their_model_stays_chosen(desk):
    for path, text in THEIRS.items():
        desk.write(path, text)
    assert desk.configure().model == "claude-opus-4-8"
    assert "// mine" in desk.read(MODELS)
    assert json.loads(desk.read(SETTINGS))["defaultProvider"] == "synrouter"
    desk.configure("claude-haiku-4-5", port=7480)
    assert json.loads(desk.read(SETTINGS))["defaultModel"] == "claude-haiku-4-5"
    desk.undo()
    assert {path: desk.read(path) for path in THEIRS} == THEIRS


def test_what_the_user_did_since_stays(desk):
    desk.configure()
    models = json.loads(desk.read(MODELS))
    models["providers"]["ollama"] = {"baseUrl": "http://127.0.0.1:11434"}
    models["providers"]["synrouter"]["models"].append({"id": "mine"})
    desk.write(MODELS, json.dumps(models))
    desk.write(SETTINGS, '{"defaultProvider": "openai", "defaultModel": "gpt", "theme": "dark"}')
    assert CLIENT.points_at(desk.around) == ""
    assert set(desk.undo()) == {("defaultProvider",), ("defaultModel",)}
    assert json.loads(desk.read(MODELS))["providers"] == {
        "ollama": {"baseUrl": "http://127.0.0.1:11434"},
        "synrouter": {"models": [{"id": "mine"}]},
    }
    assert json.loads(desk.read(SETTINGS)) == {"defaultProvider": "openai", "defaultModel": "gpt", "theme": "dark"}


def test_a_list_of_models_to_start_with_gets_ours_too(desk):
    desk.write(SETTINGS, '{"enabledModels": ["anthropic/*"]}')
    desk.configure()
    assert json.loads(desk.read(SETTINGS))["enabledModels"] == ["anthropic/*", "synrouter/*"]
    desk.undo()
    assert desk.read(SETTINGS) == '{"enabledModels": ["anthropic/*"]}'


def test_its_folder_may_be_named_by_the_environment(tmp_path):
    desk = Desk(CLIENT, tmp_path, {"PI_CODING_AGENT_DIR": "~/elsewhere"})
    desk.configure()
    assert set(desk.files()) == {"elsewhere/models.json", "elsewhere/settings.json"}


@pytest.mark.parametrize("there", [True, False])
def test_the_key_is_what_its_file_holds_and_our_command_is_asked_where_there_is_none(desk, there):
    wish = replace(desk.wish(), token_command=("echo", "asked for the", "key"))
    if there:
        (desk.folder / "own" / "it's the token").write_text(f"{KEY}\n")
    command = key_command(wish, desk.around)
    assert command.startswith("!")
    said = subprocess.run(["sh", "-c", command[1:]], capture_output=True, text=True, check=True)
    assert (said.stdout.strip(), said.stderr) == (KEY if there else "asked for the key", "")


def test_where_the_shell_may_be_any_our_command_alone_is_asked(desk):
    wish = replace(desk.wish(), token_file=PureWindowsPath("C:/token"))
    assert key_command(wish, replace(desk.around, platform="win32")) == f"!{wish.shell_command}"


def test_of_every_model_that_is_known_it_is_told_how_that_thinks():
    assert {each.id for each in known_models(TODAY)} == set(TRAITS)
    told = {each.id: entry(each) for each in known_models(TODAY)}
    assert all(each["reasoning"] for each in told.values())
    budgets = [name for name, each in told.items() if not each["compat"].get("forceAdaptiveThinking")]
    assert budgets == ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"]
    assert told["claude-opus-5-5"]["cost"] == {"input": 4, "output": 20, "cacheRead": 0.2, "cacheWrite": 5}


def test_a_model_that_nobody_knows_is_asked_for_no_thinking_and_has_no_price(desk):
    told = entry(model("z-ai/glm-5.2", TODAY))
    assert (told["reasoning"], told["contextWindow"]) == (False, 200_000)
    assert not {"cost", "compat", "thinkingLevelMap"} & told.keys()
    assert desk.configure("z-ai/glm-5.2").model == "z-ai/glm-5.2"


@pytest.mark.parametrize(("asked", "model"), [("", "claude-opus-4-8"), ("claude-sonnet-4-6", "claude-sonnet-4-6")])
def test_a_launch_brings_an_extension_and_the_key_in_the_environment(desk, asked, model):
    desk.write(SETTINGS, THEIRS[SETTINGS])
    launch = CLIENT.launch(desk.wish(asked), desk.around)
    assert launch.environ == {"SYNROUTER_KEY": TOKEN}
    assert launch.arguments == ("--extension", f"{PRIVATE}/{EXTENSION}", "--model", f"synrouter/{model}")
    provider = launch.private[EXTENSION].partition('"synrouter", ')[2].removesuffix(");\n")
    assert json.loads(provider)["apiKey"] == "$SYNROUTER_KEY"
    assert len(json.loads(provider)["models"]) == len(known_models(TODAY))


def test_what_goes_before_the_files_is_named(desk):
    assert desk.overrides() == []
    desk.write(".pi/agent/auth.json", '{"synrouter": {"type": "api_key", "key": "x"}}')
    (desk.project / ".pi").mkdir()
    (desk.project / ".pi" / "settings.json").write_text('{"defaultProvider": "openai", "theme": "dark"}')
    said = desk.overrides()
    assert ["auth.json" in line or "defaultProvider" in line for line in said] == [True, True]


def test_a_file_that_does_not_parse_is_left_alone(desk):
    desk.write(SETTINGS, '{"theme": "dark", // no comments here\n}')
    before = desk.files()
    with pytest.raises(EditError) as refused:
        desk.configure()
    assert SETTINGS in str(refused.value)
    assert (desk.files(), desk.overrides(), CLIENT.points_at(desk.around)) == (before, [], "")


def test_a_proxy_of_the_environment_is_told_and_gone_past(tmp_path):
    desk = Desk(CLIENT, tmp_path, {"HTTP_PROXY": "http://proxy:3128"})
    assert ["HTTP_PROXY" in line for line in desk.overrides()] == [True]
    assert CLIENT.launch(desk.wish(), desk.around).environ["NO_PROXY"] == "127.0.0.1"
