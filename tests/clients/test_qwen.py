"""Qwen Code: models beside the user's own, the key in `env` of the same file, nothing to export."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.client_files import LOCAL_KEY, PROJECT, URL, wish
from support.client_worlds import Disk
from synrouter_cli.clients.client import PRIVATE
from synrouter_cli.clients.client import TOKEN as PLACEHOLDER
from synrouter_cli.clients.qwen import CLIENT, KEY, SYSTEM
from synrouter_cli.textedit import Jsonc

FILE = "/home/me/.qwen/settings.json"
SAME_MODEL = '{"id": "claude-sonnet-5-5", "envKey": "THEIRS", "baseUrl": "https://api.anthropic.com"}'
USERS = {
    "empty": "{}\n",
    "spaces of its own": "{ }",
    "the same model elsewhere": f"""{{
  // mine
  "modelProviders": {{ "anthropic": [ {SAME_MODEL} ], "openai": [] }},
  "env": {{ "THEIRS": "abc" }},
  "security": {{ "auth": {{ "selectedType": "openai", "apiKey": "mine" }} }},
  "model": {{ "name": "gpt-6-sol" }},
  "$version": 4,
}}
""",
    "no model chosen": '{\r\n\t"ui": {"theme": "Dark"},\r\n\t"tools": {"approvalMode": "default"}\r\n}\r\n',
}


def settings(disk: Disk, path: str = FILE) -> Any:
    return Jsonc.parse(disk.files[path]).value


@pytest.mark.parametrize("text", USERS.values(), ids=USERS)
def test_undo_gives_the_file_back_byte_for_byte(text: str):
    disk = Disk({FILE: text})
    disk.configure(CLIENT, wish())
    assert disk.files[FILE] != text
    disk.undo()
    assert disk.files == {FILE: text}


def test_the_user_s_own_models_and_settings_stay():
    disk = Disk({FILE: USERS["the same model elsewhere"]})
    disk.configure(CLIENT, wish())
    after = settings(disk)
    first, *ours = after["modelProviders"]["anthropic"]
    assert first == json.loads(SAME_MODEL)
    assert [entry["id"] for entry in ours] == [each.id for each in wish().models]
    assert after["modelProviders"]["openai"] == []
    assert after["security"]["auth"] == {"selectedType": "anthropic", "apiKey": "mine"}
    assert after["env"] == {"THEIRS": "abc", KEY: LOCAL_KEY}


def test_ours_is_chosen_by_its_address_too():
    disk = Disk({FILE: USERS["the same model elsewhere"]})
    plan = disk.configure(CLIENT, wish())
    assert settings(disk)["model"] == {"name": plan.model, "baseUrl": URL}


def test_each_model_has_its_limits_and_names_the_client():
    disk = Disk()
    disk.configure(CLIENT, wish("claude-haiku-4-5"))
    entries = {entry["id"]: entry for entry in settings(disk)["modelProviders"]["anthropic"]}
    assert entries["claude-haiku-4-5"] == {
        "id": "claude-haiku-4-5",
        "name": "Claude Haiku 4.5 (Synrouter)",
        "baseUrl": URL,
        "envKey": KEY,
        "generationConfig": {
            "contextWindowSize": 200_000,
            "samplingParams": {"max_tokens": 64_000},
            "customHeaders": {"x-synrouter-client": "qwen"},
        },
    }
    assert settings(disk)["model"]["name"] == "claude-haiku-4-5"


def test_a_model_that_the_user_added_since_stays():
    disk = Disk({FILE: "{}\n"})
    disk.configure(CLIENT, wish())
    mine = json.loads(SAME_MODEL)
    disk.files[FILE] = Jsonc.parse(disk.files[FILE]).append(("modelProviders", "anthropic"), mine).text
    disk.undo()
    assert settings(disk) == {"modelProviders": {"anthropic": [mine]}}


def test_another_port_leaves_nothing_of_the_first():
    disk = Disk({FILE: "{}\n"})
    disk.configure(CLIENT, wish(url="http://127.0.0.1:7001"))
    disk.configure(CLIENT, wish())
    assert "7001" not in disk.files[FILE]
    disk.undo()
    assert disk.files == {FILE: "{}\n"}


@pytest.mark.parametrize(
    ("files", "environ", "path"),
    [
        ({}, {"QWEN_HOME": "/q"}, "/q/settings.json"),
        ({"/home/me/.env": "QWEN_HOME=/r\n"}, {}, "/r/settings.json"),
        ({"/home/me/.qwen/.env": "QWEN_HOME=~/s\n", "/home/me/.env": "QWEN_HOME=/r\n"}, {}, "/home/me/s/settings.json"),
        ({"/home/me/.env": "QWEN_HOME=/r\n"}, {"QWEN_HOME": "/q"}, "/q/settings.json"),
        ({"/home/me/.env": "not = a 'file\nof this kind"}, {}, FILE),
    ],
)
def test_the_folder_is_the_one_that_the_client_takes(files: dict[str, str], environ: dict[str, str], path: str):
    disk = Disk(dict(files), environ)
    disk.configure(CLIENT, wish())
    assert set(disk.files) - set(files) == {path}


def test_run_goes_before_the_user_s_and_the_project_s_settings():
    assert CLIENT.launch is not None
    launch = CLIENT.launch(wish(), Disk({FILE: USERS["the same model elsewhere"]}).around)
    assert launch.environ == {SYSTEM: f"{PRIVATE}/settings.json", KEY: PLACEHOLDER}
    assert launch.arguments == ()
    private = json.loads(launch.private["settings.json"])
    assert private["model"] == {"name": "claude-sonnet-5-5", "baseUrl": URL}
    assert PLACEHOLDER not in launch.private["settings.json"]


@pytest.mark.parametrize(
    "disk",
    [Disk({"/etc/qwen-code/settings.json": "{}"}), Disk(environ={SYSTEM: "/corp/settings.json"})],
    ids=["the system's", "one that is named"],
)
def test_run_leaves_settings_of_the_system_in_force(disk: Disk):
    assert CLIENT.launch is not None
    launch = CLIENT.launch(wish("claude-opus-5-5"), disk.around)
    assert SYSTEM not in launch.environ
    assert (launch.environ["ANTHROPIC_BASE_URL"], launch.environ["ANTHROPIC_MODEL"]) == (URL, "claude-opus-5-5")
    assert launch.arguments == ("--auth-type", "anthropic")
    assert launch.notes


def test_where_it_points_is_the_address_of_the_chosen_model():
    assert CLIENT.points_at is not None
    disk = Disk()
    assert CLIENT.points_at(disk.around) == ""
    disk.configure(CLIENT, wish())
    assert CLIENT.points_at(disk.around) == URL
    disk.files[FILE] = Jsonc.parse(disk.files[FILE]).set(("security", "auth", "selectedType"), "openai").text
    assert CLIENT.points_at(disk.around) == ""


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (f"{PROJECT}/.env", f"{KEY}=x\n", KEY),
        (f"{PROJECT}/.qwen/.env", f"{KEY}=x\n", KEY),
        ("/home/me/.env", f"{KEY}=x\n", KEY),
        (f"{PROJECT}/.qwen/settings.json", '{"modelProviders": {"anthropic": []}}', "modelProviders"),
        (f"{PROJECT}/.qwen/settings.json", '{"modelProviders": {"openai": []}}', ""),
        (f"{PROJECT}/.qwen/settings.json", '{"security": {"auth": {"selectedType": "openai"}}}', "selectedType"),
        ("/etc/qwen-code/settings.json", '{"env": {"SYNROUTER_KEY": "x"}}', KEY),
    ],
)
def test_what_goes_before_the_user_s_file_is_told(path: str, text: str, told: str):
    assert CLIENT.overrides is not None
    sentences = list(CLIENT.overrides(wish(), Disk({path: text}).around))
    assert [told in sentence and path in sentence for sentence in sentences] == [True] * bool(told)


def test_a_key_in_the_environment_is_told_without_its_value():
    assert CLIENT.overrides is not None
    [sentence] = CLIENT.overrides(wish(), Disk(environ={KEY: "secret"}).around)
    assert KEY in sentence
    assert "secret" not in sentence
