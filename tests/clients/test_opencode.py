"""OpenCode's project scope: its files, and no key in them."""

from __future__ import annotations

import pytest

from support.client_files import HOME, PROJECT
from support.one_machine import Machine
from synrouter_cli.clients.opencode import CLIENT
from synrouter_cli.errors import ConfigConflict


@pytest.mark.parametrize(
    ("there", "edited"),
    [
        ((), "opencode.json"),
        (("opencode.json", "opencode.jsonc"), "opencode.jsonc"),
        (("opencode.json", ".opencode/opencode.json"), ".opencode/opencode.json"),
    ],
)
def test_the_projects_file_that_goes_before_the_others_is_edited(there: tuple[str, ...], edited: str):
    machine = Machine(CLIENT, {PROJECT / name: "{}" for name in there})
    plan = machine.configure(scope="project")
    assert [file.path for file in plan.files] == [PROJECT / edited]
    assert "check it in" in plan.notes[0]
    machine.undo()
    assert all(machine.texts[PROJECT / name] in ("{}", "{}\n") for name in there if PROJECT / name in machine.texts)


def test_a_key_never_stands_in_a_project():
    with pytest.raises(ConfigConflict, match="no place for a key"):
        Machine(CLIENT).configure(scope="project", token_file=HOME / "odd}folder" / "token")


def test_a_project_on_the_proxy_needs_no_user_file():
    machine = Machine(
        CLIENT, {HOME / ".config" / "opencode" / "opencode.json": '{"model": "anthropic/claude-opus-4-8"}'}
    )
    assert machine.configure(scope="project").model == "claude-opus-4-8"
    assert machine.overrides() == []
