"""Codex: a provider with a command for the key, a catalog of ours, and the user's own choice back on an undo."""

from __future__ import annotations

import json
import shlex
import tomllib

import pytest

from support.client_files import LOCAL_KEY, PROJECT, URL, wish
from support.client_worlds import Disk
from synrouter_cli.clients.client import PRIVATE
from synrouter_cli.clients.client import TOKEN as PLACEHOLDER
from synrouter_cli.clients.codex import CATALOG, CLIENT

FILE = "/home/me/.codex/config.toml"
CATALOG_FILE = f"/home/me/.codex/{CATALOG}"
USERS = {
    "nothing": "",
    "a model and a provider of their own": (
        'model = "gpt-6-sol" # mine\nmodel_provider = "azure"\nmodel_catalog_json = "/home/me/mine.json"\n\n'
        '[model_providers.azure]\nname = "Azure"\nbase_url = "https://example.test/v1"\n'
    ),
    "trusted projects and no model": (
        '# my Codex\napproval_policy = "on-request"\n\n[projects."/work/project"]\ntrust_level = "trusted"\n'
    ),
    "line ends of Windows": 'model = "gpt-6-sol"\r\n\r\n[tui]\r\nanimations = false\r\n',
    "no newline at the end": "[features]\nweb_search = true",
}


def settings(disk: Disk, path: str = FILE) -> dict[str, object]:
    return tomllib.loads(disk.files[path])


@pytest.mark.parametrize("text", USERS.values(), ids=USERS)
def test_undo_gives_the_file_back_byte_for_byte(text: str):
    disk = Disk({FILE: text})
    disk.configure(CLIENT, wish())
    assert disk.files[FILE] != text
    disk.undo()
    assert disk.files == {FILE: text}


@pytest.mark.parametrize("text", USERS.values(), ids=USERS)
def test_all_that_is_not_ours_stays(text: str):
    disk = Disk({FILE: text})
    disk.configure(CLIENT, wish())
    before, after = tomllib.loads(text), settings(disk)
    ours = ("model", "model_provider", "model_catalog_json", "model_providers")
    assert {key: value for key, value in after.items() if key not in ours} == {
        key: value for key, value in before.items() if key not in ours
    }
    assert before.get("model_providers", {}).items() <= after["model_providers"].items()  # type: ignore[attr-defined]


def test_the_provider_takes_its_key_from_the_command():
    disk = Disk()
    disk.configure(CLIENT, wish())
    assert settings(disk) == {
        "model": "claude-sonnet-5-5",
        "model_provider": "synrouter",
        "model_catalog_json": CATALOG_FILE,
        "model_providers": {
            "synrouter": {
                "name": "Synrouter",
                "base_url": f"{URL}/v1",
                "wire_api": "responses",
                "http_headers": {"x-synrouter-client": "codex"},
                "auth": {"command": wish().token_command[0], "args": ["token", "show"], "timeout_ms": 15000},
            }
        },
    }
    assert all(LOCAL_KEY not in text and PLACEHOLDER not in text for text in disk.files.values())


def test_the_catalog_has_each_model_with_its_window():
    disk = Disk()
    disk.configure(CLIENT, wish())
    models = json.loads(disk.files[CATALOG_FILE])["models"]
    windows = {entry["slug"]: (entry["context_window"], entry["max_context_window"]) for entry in models}
    assert windows == {each.id: (each.context_tokens, each.context_tokens) for each in wish().models}
    assert len({entry["priority"] for entry in models}) == len(models)
    for entry in models:
        efforts = [level["effort"] for level in entry["supported_reasoning_levels"]]
        assert entry["default_reasoning_level"] in efforts
        assert entry["base_instructions"]  # without them Codex refuses the whole catalog


def test_a_model_that_codex_knows_keeps_its_own_catalog():
    disk = Disk({FILE: 'model_catalog_json = "/home/me/mine.json"\n'})
    disk.configure(CLIENT, wish("gpt-6-sol"))
    assert (settings(disk)["model"], settings(disk)["model_catalog_json"]) == ("gpt-6-sol", "/home/me/mine.json")
    assert CATALOG_FILE not in disk.files


def test_the_user_s_model_stays_where_it_is_one_of_ours():
    disk = Disk({FILE: 'model = "claude-opus-5-5"\n'})
    assert disk.configure(CLIENT, wish()).model == "claude-opus-5-5"
    assert disk.configure(CLIENT, wish("claude-haiku-4-5")).model == "claude-haiku-4-5"
    disk.undo()
    assert disk.files == {FILE: 'model = "claude-opus-5-5"\n'}


def test_what_the_user_changed_since_stays():
    disk = Disk({FILE: 'model = "gpt-6-sol"\n'})
    disk.configure(CLIENT, wish())
    disk.files[FILE] = disk.files[FILE].replace("claude-sonnet-5-5", "claude-opus-5-5") + '\n[tui]\ntheme = "dark"\n'
    disk.undo()
    assert tomllib.loads(disk.files[FILE]) == {"model": "claude-opus-5-5", "tui": {"theme": "dark"}}


def test_another_port_leaves_nothing_of_the_first():
    disk = Disk({FILE: USERS["trusted projects and no model"]})
    disk.configure(CLIENT, wish(url="http://127.0.0.1:7001"))
    disk.configure(CLIENT, wish())
    assert "7001" not in disk.files[FILE]
    disk.undo()
    assert disk.files == {FILE: USERS["trusted projects and no model"]}


def test_a_server_in_the_background_is_to_be_restarted():
    disk = Disk({"/home/me/.codex/app-server-daemon/daemon.pid": "1"})
    assert disk.configure(CLIENT, wish()).next == "codex app-server daemon restart"
    assert Disk().configure(CLIENT, wish()).next == ""


def test_codex_home_moves_both_files():
    disk = Disk(environ={"CODEX_HOME": "/elsewhere"})
    disk.configure(CLIENT, wish())
    assert set(disk.files) == {"/elsewhere/config.toml", f"/elsewhere/{CATALOG}"}
    assert settings(disk, "/elsewhere/config.toml")["model_catalog_json"] == f"/elsewhere/{CATALOG}"


def test_run_needs_no_file_of_the_user_s_and_shows_no_key():
    assert CLIENT.launch is not None
    launch = CLIENT.launch(wish("claude-opus-5-5"), Disk().around)
    flags = dict(flag.split("=", 1) for flag in launch.arguments[1::2])
    assert set(launch.arguments[::2]) == {"-c"}
    values = {key: tomllib.loads(f"v = {value}")["v"] for key, value in flags.items()}
    disk = Disk()
    disk.configure(CLIENT, wish("claude-opus-5-5"))
    assert values.pop("model_providers.synrouter") == settings(disk)["model_providers"]["synrouter"]  # type: ignore[index]
    assert values == {
        "model": "claude-opus-5-5",
        "model_provider": "synrouter",
        "model_catalog_json": f"{PRIVATE}/{CATALOG}",
    }
    assert launch.private == {CATALOG: disk.files[CATALOG_FILE]}
    assert PLACEHOLDER not in shlex.join(launch.arguments)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ('model_provider = "synrouter"\n[model_providers.synrouter]\nbase_url = "http://127.0.0.1:1/v1"\n',
         "http://127.0.0.1:1/v1"),
        ('model_provider = "openai"\n[model_providers.synrouter]\nbase_url = "http://127.0.0.1:1/v1"\n', ""),
        ('model_provider = 3\n', ""),
        ("", ""),
    ],
)  # fmt: skip
def test_where_it_points_is_what_the_chosen_provider_says(text: str, url: str):
    assert CLIENT.points_at is not None
    assert CLIENT.points_at(Disk({FILE: text}).around) == url


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (f"{PROJECT}/.codex/config.toml", 'model = "gpt-6-sol"\n', "sets model"),
        (f"{PROJECT}/.codex/config.toml", 'model_catalog_json = "/x"\n', "sets model_catalog_json"),
        (f"{PROJECT}/.codex/config.toml", 'model_provider = "mine"\n', ""),  # ignored in projects
        ("/etc/codex/managed_config.toml", 'model_provider = "corp"\n', "sets model_provider"),
    ],
)
def test_what_goes_before_the_user_s_file_is_told(path: str, text: str, told: str):
    assert CLIENT.overrides is not None
    sentences = list(CLIENT.overrides(wish(), Disk({path: text}).around))
    assert [told in sentence and path in sentence for sentence in sentences] == [True] * bool(told)
