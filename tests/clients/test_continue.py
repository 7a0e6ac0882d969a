"""Continue: a model of ours beside the user's own, chosen; the key in `.env`; no question for a key at the start."""

from __future__ import annotations

import json

import pytest
import yaml

from support.desk import KEY, Desk
from synrouter_cli.clients.client import PRIVATE, TOKEN
from synrouter_cli.clients.continue_ import CLIENT
from synrouter_cli.errors import EditError

CONFIG, ENV, CHOSEN = ".continue/config.yaml", ".continue/.env", ".continue/index/globalContext.json"
MARKER = ".continue/.onboarding_complete"
URL = "http://127.0.0.1:7477/v1/"
MINE = {"name": "Mine", "provider": "anthropic", "model": "claude-opus-4-8", "apiKey": "${{ secrets.MY_KEY }}"}
THEIRS = {
    CONFIG: "# mine\nname: Work\nversion: 0.0.1\nschema: v1\nmodels:\n- name: Mine   # the best\n  provider: anthropic\n"
    "  model: claude-opus-4-8\n  apiKey: ${{ secrets.MY_KEY }}\nrules: [ be brief ]\n",
    ENV: "MY_KEY='sk-ant-mine'",
    CHOSEN: '{"cliSelectedModel":"Mine","other":1}',
    MARKER: "2025-05-01",
}


@pytest.fixture
def desk(tmp_path):
    return Desk(CLIENT, tmp_path)


def config(desk: Desk) -> dict[str, object]:
    value: dict[str, object] = yaml.safe_load(desk.read(CONFIG))
    return value


def test_an_empty_home_gets_one_model_whose_key_is_a_secret_and_is_empty_again(desk):
    desk.configure("claude-sonnet-4-6")
    assert {path: entry[0] for path, entry in desk.files().items()} == dict.fromkeys((CONFIG, ENV, MARKER), "0o600")
    assert config(desk) == {
        "name": "Local Config",
        "version": "1.0.0",
        "schema": "v1",
        "models": [
            {
                "name": "synrouter/claude-sonnet-4-6",
                "provider": "anthropic",
                "model": "claude-sonnet-4-6",
                "apiBase": URL,
                "apiKey": "${{ secrets.SYNROUTER_KEY }}",
                "roles": ["chat", "edit", "apply", "summarize"],
                "capabilities": ["tool_use", "image_input"],
                "defaultCompletionOptions": {"contextLength": 1_000_000, "maxTokens": 64_000},
                "requestOptions": {"headers": {"X-Synrouter-Client": "continue"}},
            }
        ],
    }
    assert desk.read(ENV) == f"SYNROUTER_KEY={KEY}\n"
    assert CLIENT.points_at(desk.around) == URL
    assert desk.undo() == []
    assert list(desk.home.iterdir()) == []


def test_the_users_models_stay_ours_is_chosen_and_all_comes_back_byte_for_byte(desk):
    for path, text in THEIRS.items():
        desk.write(path, text)
    before = desk.files()
    assert desk.configure().model == "claude-opus-4-8"
    assert [model["name"] for model in config(desk)["models"]] == ["Mine", "synrouter/claude-opus-4-8"]
    assert json.loads(desk.read(CHOSEN)) == {"cliSelectedModel": "synrouter/claude-opus-4-8", "other": 1}
    assert CLIENT.points_at(desk.around) == URL
    desk.configure("claude-haiku-4-5", port=7480)
    assert [model["name"] for model in config(desk)["models"]] == ["Mine", "synrouter/claude-haiku-4-5"]
    desk.undo()
    assert desk.files() == before


def test_what_the_user_did_since_stays_in_a_file_that_is_still_one(desk):
    desk.configure("claude-sonnet-4-6")
    theirs = config(desk)
    theirs["models"].append(MINE)
    desk.write(CONFIG, yaml.safe_dump(theirs, sort_keys=False))
    desk.write(ENV, desk.read(ENV) + "MY_KEY=sk-ant-mine\n")
    desk.undo()
    assert config(desk) == {"name": "Local Config", "version": "1.0.0", "schema": "v1", "models": [MINE]}
    assert desk.read(ENV) == "MY_KEY=sk-ant-mine\n"
    assert MARKER in desk.files()  # else Continue asks for a key and writes it into the file


def test_models_that_do_not_chat_choose_nothing(desk):
    desk.write(CONFIG, "name: x\nmodels:\n  - name: Fill\n    provider: ollama\n    roles: [autocomplete]\n")
    desk.configure()
    assert CHOSEN not in desk.files()
    assert CLIENT.points_at(desk.around) == URL


def test_its_folder_may_be_named_by_the_environment(tmp_path):
    desk = Desk(CLIENT, tmp_path, {"CONTINUE_GLOBAL_DIR": str(tmp_path / "home" / "c")})
    desk.configure()
    assert set(desk.files()) == {"c/config.yaml", "c/.env", "c/.onboarding_complete"}


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (None, {"name": "Local Config", "version": "1.0.0", "schema": "v1"}),
        ("", {"name": "Local Config", "version": "1.0.0", "schema": "v1"}),
        (THEIRS[CONFIG], {"name": "Work", "version": "0.0.1", "schema": "v1", "rules": ["be brief"]}),
    ],
)
def test_a_launch_has_the_users_configuration_with_our_model_alone(desk, text, rest):
    if text is not None:
        desk.write(CONFIG, text)
    launch = CLIENT.launch(desk.wish("claude-sonnet-4-6"), desk.around)
    value = yaml.safe_load(launch.private["config.yaml"])
    assert [model["model"] for model in value.pop("models")] == ["claude-sonnet-4-6"]
    assert value == rest
    assert (launch.environ, launch.arguments) == ({"SYNROUTER_KEY": TOKEN}, ("--config", f"{PRIVATE}/config.yaml"))


def test_what_goes_before_ours_is_named(desk):
    assert desk.overrides() == []
    (desk.project / ".env").write_text("SYNROUTER_KEY=sk-secret\n")
    said = desk.overrides(SYNROUTER_KEY="sk-secret", ANTHROPIC_API_KEY="sk-secret")
    assert [line.split()[0] for line in said] == ["SYNROUTER_KEY", "ANTHROPIC_API_KEY", str(desk.project / ".env")]
    assert "sk-secret" not in "".join(said)


def test_a_file_that_does_not_parse_is_left_alone(desk):
    desk.write(CONFIG, "name: [")
    before = desk.files()
    with pytest.raises(EditError) as refused:
        desk.configure()
    assert CONFIG in str(refused.value)
    assert (desk.files(), desk.overrides(), CLIENT.points_at(desk.around)) == (before, [], "")


def test_a_proxy_of_the_environment_is_told_and_gone_past(tmp_path):
    desk = Desk(CLIENT, tmp_path, {"HTTP_PROXY": "http://proxy:3128"})
    assert ["HTTP_PROXY" in line for line in desk.overrides()] == [True]
    assert CLIENT.launch(desk.wish(), desk.around).environ["NO_PROXY"] == "127.0.0.1"
