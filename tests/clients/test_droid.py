"""Droid: custom models beside the user's own, one of them the default."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.client_files import LOCAL_KEY, PROJECT, URL, wish
from support.client_worlds import Disk
from synrouter_cli.clients.client import PRIVATE
from synrouter_cli.clients.client import TOKEN as PLACEHOLDER
from synrouter_cli.clients.droid import CLIENT, ID, KEY, RUNTIME
from synrouter_cli.textedit import Jsonc

FILE = "/home/me/.factory/settings.json"
MINE = '{"model": "m", "displayName": "Mine", "baseUrl": "https://example.test", "apiKey": "k", "provider": "openai"}'
USERS = {
    "empty": "{}\n",
    "models of their own": f"""{{
  // mine
  "customModels": [ // those that I like
    {MINE},
  ],
  "sessionDefaultSettings": {{ "model": "custom:Mine-0", "autonomyMode": "normal" }}, /* safe */
  "commandDenylist": ["rm -rf /"]
}}
""",
    "line ends of Windows": '{\r\n  "cloudSessionSync": false\r\n}',
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
    disk = Disk({FILE: USERS["models of their own"]})
    disk.configure(CLIENT, wish("claude-opus-5-5"))
    after = settings(disk)
    first, *ours = after["customModels"]
    assert first == json.loads(MINE)
    assert [entry["id"] for entry in ours] == [f"{ID}{each.id}" for each in wish().models]
    assert after["sessionDefaultSettings"] == {"model": f"{ID}claude-opus-5-5", "autonomyMode": "normal"}
    assert after["commandDenylist"] == ["rm -rf /"]


def test_each_model_has_its_limits_and_the_key():
    disk = Disk()
    disk.configure(CLIENT, wish("claude-haiku-4-5"))
    assert settings(disk)["customModels"][-1] == {
        "model": "claude-haiku-4-5",
        "id": "custom:synrouter-claude-haiku-4-5",
        "displayName": "Claude Haiku 4.5 (Synrouter)",
        "baseUrl": URL,
        "apiKey": LOCAL_KEY,
        "provider": "anthropic",
        "maxContextLimit": 200_000,
        "maxOutputTokens": 64_000,
        "extraHeaders": {"x-synrouter-client": "droid"},
    }


def test_a_second_configure_keeps_the_model_that_the_user_has_chosen_since():
    disk = Disk({FILE: USERS["models of their own"]})
    disk.configure(CLIENT, wish())
    chosen = Jsonc.parse(disk.files[FILE]).set(("sessionDefaultSettings", "model"), f"{ID}claude-opus-5-5")
    disk.files[FILE] = chosen.text
    assert disk.configure(CLIENT, wish()).model == "claude-opus-5-5"


def test_another_port_leaves_nothing_of_the_first():
    disk = Disk({FILE: "{}\n"})
    disk.configure(CLIENT, wish(url="http://127.0.0.1:7001"))
    disk.configure(CLIENT, wish())
    assert "7001" not in disk.files[FILE]
    disk.undo()
    assert disk.files == {FILE: "{}\n"}


def test_the_home_that_the_client_is_given_is_taken():
    disk = Disk(environ={"FACTORY_HOME_OVERRIDE": "/elsewhere"})
    disk.configure(CLIENT, wish())
    assert set(disk.files) == {"/elsewhere/.factory/settings.json"}


def test_run_gives_settings_for_this_process_with_the_key_in_the_environment():
    assert CLIENT.launch is not None
    launch = CLIENT.launch(wish("claude-opus-5-5"), Disk({FILE: USERS["models of their own"]}).around)
    assert launch.environ == {RUNTIME: f"{PRIVATE}/settings.json", KEY: PLACEHOLDER}
    assert launch.arguments == ()
    private = json.loads(launch.private["settings.json"])
    assert {entry["apiKey"] for entry in private["customModels"]} == {"${SYNROUTER_KEY}"}
    assert private["sessionDefaultSettings"] == {"model": f"{ID}claude-opus-5-5"}


def test_where_it_points_is_the_address_of_the_default_model():
    assert CLIENT.points_at is not None
    disk = Disk({FILE: USERS["models of their own"]})
    assert CLIENT.points_at(disk.around) == ""
    disk.configure(CLIENT, wish())
    assert CLIENT.points_at(disk.around) == URL


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("/home/me/.factory/settings.local.json", '{"customModels": []}', "customModels"),
        ("/home/me/.factory/settings.local.json", '{"sessionDefaultSettings": {"model": "x"}}', "sessionDefaultSettings"),
        (f"{PROJECT}/.factory/settings.json", '{"sessionDefaultSettings": {"model": "x"}}', "sessionDefaultSettings"),
        (f"{PROJECT}/.factory/settings.json", '{"customModels": []}', ""),  # these are added to the user's
    ],
)  # fmt: skip
def test_what_goes_before_the_user_s_file_is_told(path: str, text: str, told: str):
    assert CLIENT.overrides is not None
    sentences = list(CLIENT.overrides(wish(), Disk({path: text}).around))
    assert [told in sentence and path in sentence for sentence in sentences] == [True] * bool(told)


def test_a_new_local_key_takes_the_old_one_s_place_and_leaves_the_comments():
    disk = Disk({FILE: USERS["models of their own"]})
    disk.configure(CLIENT, wish())
    before = disk.files[FILE]
    disk.rotate("sk-sr-local-new")
    assert disk.files[FILE] == before.replace(LOCAL_KEY, "sk-sr-local-new")
    disk.undo()
    assert disk.files == {FILE: USERS["models of their own"]}
