"""Cline: an entry that is whole or not there, whatever Cline and the user make of the file in between."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from support.desk import KEY, Desk
from synrouter_cli.clients.client import PRIVATE, TOKEN
from synrouter_cli.clients.cline import CLIENT, settings_file
from synrouter_cli.errors import EditError

FILE, MODELS = ".cline/data/settings/providers.json", ".cline/data/settings/models.json"
URL = "http://127.0.0.1:7477/v1"
NOW = "2026-11-26T01:19:26.230Z"
OPENAI = {"settings": {"provider": "openai", "apiKey": "sk-mine"}, "updatedAt": NOW, "tokenSource": "manual"}
OWN = {"provider": "anthropic", "apiKey": "sk-ant-mine", "model": "claude-opus-4-8", "reasoning": {"enabled": True}}


@pytest.fixture
def desk(tmp_path):
    return Desk(CLIENT, tmp_path)


def stored(last: str = "", **providers: Any) -> dict[str, Any]:
    """As Cline writes it."""
    return {"version": 1, **({"lastUsedProvider": last} if last else {}), "modes": {}, "providers": providers}


def rewritten(desk: Desk) -> Any:
    """What Cline makes of the file at its start."""
    held = json.loads(desk.read(FILE))
    for entry in held["providers"].values():
        entry |= {"updatedAt": NOW, "tokenSource": "manual"}
    desk.write(FILE, json.dumps(held, indent=2) + "\n")
    return held


def accepted(held: dict[str, Any]) -> bool:
    """Whether Cline takes the file; one that it does not take it overwrites, with every key in it."""
    entries = held.get("providers", {}).values()
    return held.get("version") == 1 and all(
        "updatedAt" in entry and "provider" in entry.get("settings", {}) for entry in entries
    )


def test_an_empty_home_gets_an_entry_that_only_the_user_can_read_and_is_empty_again(desk):
    plan = desk.configure("claude-sonnet-4-6")
    assert {path: entry[0] for path, entry in desk.files().items()} == {FILE: "0o600"}
    held = json.loads(desk.read(FILE))
    assert accepted(held)
    assert (plan.model, plan.notes) == ("claude-sonnet-4-6", ())
    assert held["lastUsedProvider"] == "anthropic"
    assert held["providers"]["anthropic"]["settings"] == {
        "provider": "anthropic",
        "apiKey": KEY,
        "model": "claude-sonnet-4-6",
        "baseUrl": URL,
        "headers": {"X-Synrouter-Client": "cline"},
    }
    assert CLIENT.points_at(desk.around) == URL
    assert desk.undo() == []
    assert list(desk.home.iterdir()) == []


def test_what_cline_adds_to_our_entry_goes_with_it(desk):
    desk.configure("claude-sonnet-4-6")
    held = rewritten(desk)
    held["providers"]["anthropic"]["settings"] |= {"model": "claude-opus-5", "reasoning": {"effort": "high"}}
    desk.write(FILE, json.dumps(held))
    assert desk.undo() == []
    assert list(desk.home.iterdir()) == []


def test_an_entry_of_the_users_comes_back_with_its_key_which_is_said(desk):
    before = json.dumps(stored("openai", anthropic={"settings": OWN, "updatedAt": NOW}, openai=OPENAI))
    desk.write(FILE, before)
    plan = desk.configure()
    assert plan.model == "claude-opus-4-8"
    assert ["sk-ant" not in note and "until --undo" in note for note in plan.notes] == [True]
    assert "sk-ant-mine" not in desk.read(FILE)
    desk.configure(port=7480)
    desk.undo()
    assert desk.read(FILE) == before


@pytest.mark.parametrize(
    ("ours", "theirs", "left"),
    [
        # Another provider since.
        ({}, {"openai": OPENAI}, {"openai": OPENAI}),
        # A key of the user's own in our entry, and what they set beside it.
        ({"apiKey": "sk-ant-new"}, {}, {"anthropic": {"provider": "anthropic", "apiKey": "sk-ant-new"}}),
        (
            {"apiKey": "sk-ant-new", "reasoning": {"effort": "low"}},
            {"openai": OPENAI},
            {
                "anthropic": {"provider": "anthropic", "apiKey": "sk-ant-new", "reasoning": {"effort": "low"}},
                "openai": OPENAI,
            },
        ),
    ],
)
def test_whatever_the_user_did_since_cline_takes_the_file_after_an_undo(desk, ours, theirs, left):
    desk.configure("claude-sonnet-4-6")
    held = rewritten(desk)
    held["providers"]["anthropic"]["settings"] |= ours
    held["providers"] |= theirs
    desk.write(FILE, json.dumps(held))
    desk.undo()
    after = json.loads(desk.read(FILE))
    assert accepted(after)
    assert KEY not in desk.read(FILE)
    assert {
        name: entry if name == "openai" else entry["settings"] for name, entry in after["providers"].items()
    } == left


def test_a_file_of_clines_with_nothing_in_it_stays_one(desk):
    before = json.dumps(stored("cline", cline={"settings": {"provider": "cline"}, "updatedAt": NOW}))
    desk.write(FILE, before)
    desk.configure()
    assert CLIENT.points_at(desk.around) == URL
    desk.undo()
    assert desk.read(FILE) == before


def test_of_a_model_that_cline_does_not_know_it_is_told(desk):
    desk.configure("claude-sonnet-5-5")
    told = json.loads(desk.read(MODELS))
    model = told["providers"]["anthropic"]["models"]["claude-sonnet-5-5"]
    assert (told["version"], model["contextWindow"], model["maxTokens"]) == (1, 1_000_000, 128_000)
    assert (model["inputPrice"], model["cacheReadsPrice"]) == (2, 0.1)
    desk.configure("claude-opus-5-5")
    assert set(desk.files()) == {FILE}
    desk.undo()
    assert desk.files() == {}


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, "/home/me/.cline/data/settings/providers.json"),
        ({"CLINE_DIR": "/c"}, "/c/data/settings/providers.json"),
        ({"CLINE_DIR": "/c", "CLINE_DATA_DIR": "/d"}, "/d/settings/providers.json"),
        ({"CLINE_DATA_DIR": "/d", "CLINE_PROVIDER_SETTINGS_PATH": "/p.json"}, "/p.json"),
    ],
)
def test_its_file_is_where_its_environment_says(tmp_path, environ, path):
    desk = Desk(CLIENT, tmp_path, environ)
    home = str(desk.home)
    assert settings_file(desk.around) == PurePosixPath(path.replace("/home/me", home))


def test_a_launch_has_a_file_of_its_own_and_starts_nothing_that_outlives_it(desk):
    desk.write(FILE, json.dumps(stored("openai", openai=OPENAI)))
    launch = CLIENT.launch(desk.wish("claude-sonnet-4-6"), desk.around)
    held = json.loads(launch.private["providers.json"])
    assert accepted(held)
    assert held["providers"]["anthropic"]["settings"]["apiKey"] == TOKEN
    assert launch.environ["CLINE_PROVIDER_SETTINGS_PATH"] == f"{PRIVATE}/providers.json"
    assert launch.environ["CLINE_SESSION_BACKEND_MODE"] == "local"
    assert (launch.arguments, "CLINE_SANDBOX" in launch.unset) == ((), True)


def test_what_goes_before_the_file_is_named(desk):
    assert desk.overrides() == []
    said = desk.overrides(CLINE_SANDBOX="1", CLINE_API_KEY="sk-secret")
    assert [line.split()[0] for line in said] == ["CLINE_SANDBOX", "CLINE_API_KEY"]
    assert "sk-secret" not in "".join(said)


def test_a_file_that_does_not_parse_is_left_alone(desk):
    desk.write(FILE, '{"version": 1,')
    before = desk.files()
    with pytest.raises(EditError) as refused:
        desk.configure()
    assert FILE in str(refused.value)
    assert (desk.files(), desk.overrides(), CLIENT.points_at(desk.around)) == (before, [], "")


def test_a_proxy_of_the_environment_is_told_and_gone_past(tmp_path):
    desk = Desk(CLIENT, tmp_path, {"HTTP_PROXY": "http://proxy:3128"})
    assert ["HTTP_PROXY" in line for line in desk.overrides()] == [True]
    assert CLIENT.launch(desk.wish(), desk.around).environ["NO_PROXY"] == "127.0.0.1"
