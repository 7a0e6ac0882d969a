"""Kilo's marker, which keeps it from allowing every shell command, and what it remembers by itself."""

from __future__ import annotations

import json
from pathlib import PurePath

import pytest

from support.client_files import HOME
from support.one_machine import Machine
from synrouter_cli.clients.client import OwnFile
from synrouter_cli.clients.kilo import CLIENT, MARKER

FOLDER = HOME / ".config" / "kilo"
DATABASE = HOME / ".local" / "share" / "kilo" / "kilo.db"
BARE = '{"$schema": "https://app.kilo.ai/config.json"}'


@pytest.mark.parametrize(
    ("texts", "made"),
    [
        ({}, True),
        ({FOLDER / "AGENTS.md": ""}, True),
        ({FOLDER / "kilo.jsonc": '{"permission": {"edit": "ask"}}'}, True),
        ({FOLDER / "kilo.jsonc": BARE, FOLDER / ".gitignore": ""}, True),
        ({FOLDER / "kilo.jsonc": BARE, DATABASE: ""}, True),
        ({FOLDER / MARKER: ""}, False),
        ({FOLDER / MARKER: "", FOLDER / "kilo.jsonc": BARE}, False),
        ({FOLDER / "kilo.jsonc": '{"theme": "x"}', FOLDER / ".gitignore": ""}, False),
        ({FOLDER / "kilo.json": '{"theme": "x"}', DATABASE: ""}, False),
        ({FOLDER / "config": 'provider = "x"', DATABASE: ""}, False),
    ],
    ids=[
        "an empty home",
        "a folder without a configuration",
        "a configuration, and Kilo has never run",
        "Kilo's own first file",
        "Kilo's own first file and its database",
        "a marker",
        "a marker and a file",
        "an older Kilo's configuration",
        "an older Kilo's configuration and its database",
        "a configuration of the oldest",
    ],
)
def test_the_marker_is_made_where_kilo_has_never_run(texts: dict[PurePath, str], made: bool):
    plan = Machine(CLIENT, dict(texts)).configure(models=())
    markers = [file for file in plan.files if isinstance(file, OwnFile)]
    assert markers == ([OwnFile(FOLDER / MARKER, "", guard=True)] if made else [])
    assert not made or plan.files[0] is markers[0], "before the file that it is for"


def test_a_home_without_kilo_is_as_it_was_after_an_undo():
    machine = Machine(CLIENT)
    machine.configure(models=())
    assert set(machine.texts) == {FOLDER / "kilo.jsonc", FOLDER / MARKER}
    machine.configure(model="claude-opus-4-8")
    assert set(machine.texts) == {FOLDER / "kilo.jsonc", FOLDER / MARKER}
    assert json.loads(machine.texts[FOLDER / "kilo.jsonc"])["$schema"] == "https://app.kilo.ai/config.json"
    machine.undo()
    assert machine.texts == {}


STATE = HOME / ".local" / "state" / "kilo" / "model.json"
REMEMBERED = (
    '{"model": {"code":{"providerID":"openai","modelID":"x"}, "ask": {"providerID": "synrouter"}}, "recent": []}'
)


def test_the_models_that_kilo_remembers_become_ours_until_an_undo():
    machine = Machine(CLIENT, {STATE: REMEMBERED})
    machine.configure("claude-opus-4-8", models=())
    machine.configure("claude-opus-4-8", models=())
    chosen = json.loads(machine.texts[STATE])["model"]
    assert chosen == {
        "code": {"providerID": "synrouter", "modelID": "claude-opus-4-8"},
        "ask": {"providerID": "synrouter"},
    }
    assert machine.overrides() == []
    machine.undo()
    assert machine.texts == {STATE: REMEMBERED}


def test_a_model_chosen_since_stays_and_is_told_of():
    machine = Machine(CLIENT, {STATE: REMEMBERED})
    machine.configure(models=())
    machine.texts[STATE] = REMEMBERED.replace('"x"', '"y"')
    assert [sentence.split(":")[0] for sentence in machine.overrides()] == [
        "Kilo remembers openai/y for its agent code"
    ]
    machine.undo()
    assert machine.texts == {STATE: REMEMBERED.replace('"x"', '"y"')}


def test_a_launch_goes_before_what_kilo_remembers():
    launch = Machine(CLIENT, {STATE: REMEMBERED}).launch("claude-opus-4-8")
    assert '"agent": {"code": {"model": "synrouter/claude-opus-4-8"}}' in launch.environ["KILO_CONFIG_CONTENT"]
    assert launch.environ["KILO_NO_DAEMON"] == "1"


@pytest.mark.parametrize("junk", ["", "[]", "{", '{"model": 1}', '{"model": {"code": 1}}'])
def test_what_kilo_remembers_may_be_anything(junk: str):
    machine = Machine(CLIENT, {STATE: junk})
    machine.configure(models=())
    assert machine.overrides() == []


def test_its_folders_are_where_xdg_says():
    machine = Machine(CLIENT, environ={"XDG_CONFIG_HOME": "/xdg"})
    machine.configure(models=())
    assert set(machine.texts) == {PurePath("/xdg/kilo/kilo.jsonc"), PurePath("/xdg/kilo") / MARKER}


def test_there_is_no_project_scope():
    assert CLIENT.scopes == ("user",)
