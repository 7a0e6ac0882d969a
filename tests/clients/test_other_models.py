"""Clients on the model of another vendor: nothing that they do beside it goes to one that there may be no key for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.client_files import wish
from support.client_worlds import Disk
from synrouter_cli.clients.claude_code import ALIASES, CHECKS, CLIENT, launch
from synrouter_cli.providers import small_model

FILE = "/home/me/.claude/settings.json"


def env(disk: Disk) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(disk.files[FILE])["env"]
    return value


@pytest.mark.parametrize(
    ("chosen", "small"),
    [
        ("claude-opus-4-8", small_model()),
        ("anthropic/claude-opus-4.8", small_model()),
        ("gpt-5.5", "gpt-5.5"),
        ("openai/gpt-5.5", "openai/gpt-5.5"),
    ],
)
def test_the_small_model_is_of_the_family_that_was_chosen(chosen: str, small: str):
    wished = wish(chosen)
    assert wished.small_for(wished.chosen()) == small


def test_where_there_is_no_small_model_the_chosen_one_does_it_all():
    wished = wish("claude-opus-4-8", small="")
    assert wished.small_for(wished.chosen()) == "claude-opus-4-8"


@pytest.mark.parametrize(("chosen", "named"), [("gpt-5.5", "gpt-5.5"), ("claude-opus-4-8", None), ("", None)])
def test_the_short_names_of_claude_code_mean_another_vendors_model_until_the_undo(chosen: str, named: str | None):
    disk = Disk({FILE: '{"env": {"FOO": "1"}}'})
    disk.configure(CLIENT, wish(chosen))
    assert [env(disk).get(name) for name in ALIASES] == [named] * 3
    assert [launch(wish(chosen), disk.around).environ.get(name) for name in ALIASES] == [named] * 3
    disk.undo()
    assert disk.files == {FILE: '{"env": {"FOO": "1"}}'}


def test_what_the_user_has_them_mean_stays():
    theirs = {ALIASES[0]: "mine"}
    disk = Disk({FILE: json.dumps({"env": theirs})}, environ=theirs)
    disk.configure(CLIENT, wish("gpt-5.5"))
    assert [env(disk)[name] for name in ALIASES] == ["mine", "gpt-5.5", "gpt-5.5"]
    assert ALIASES[0] not in launch(wish("gpt-5.5"), disk.around).environ


@pytest.mark.parametrize(("chosen", "told"), [("gpt-5.5", True), ("claude-opus-4-8", False), ("", False)])
def test_it_is_told_that_checks_are_requests_of_their_own_there(chosen: str, told: bool):
    disk = Disk({FILE: "{}"})
    assert (CHECKS in CLIENT.configure(wish(chosen), disk.around).notes) is told
