"""`configure --list`: every client in a line that fits, whatever programs and files say."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.clients import client_names
from synrouter_cli.commands.cells import breadth
from synrouter_cli.commands.clients import Row, table

URL = "http://127.0.0.1:7477"


def listed(user) -> dict[str, dict[str, object]]:
    shown = user.types("configure", "--list", "--json")
    assert (shown.code, shown.err) == (0, "")
    value = json.loads(shown.out)
    assert value["schema_version"] == 1
    return {row["client"]: row for row in value["clients"]}


def line_of(user, name: str = "claude-code") -> str:
    shown = user.types("configure", "--list")
    assert (shown.code, shown.err) == (0, "")
    return next(line for line in shown.out.splitlines() if line.split()[0] == name)


def test_every_client_has_a_line_in_the_order_of_the_registry(user):
    lines = user.types("configure", "--list").out.splitlines()
    assert lines[0].split("  ")[0] == "Client"
    assert [line.split()[0] for line in lines[1:]] == list(client_names()) == list(listed(user))


def test_it_goes_from_no_over_yes_to_changed_since_and_back(user):
    seen = [line_of(user).split()]
    user.types("configure", "claude-code", "--yes")
    seen.append(line_of(user).split())
    user.owns(user.settings_file.read_text().replace("7477", "9999"))
    seen.append(line_of(user).split())
    user.settings_file.unlink()
    seen.append(line_of(user).split())
    user.types("configure", "claude-code", "--undo", "--yes")
    seen.append(line_of(user).split())
    assert seen == [
        ["claude-code", "2.1.329", "no"],
        ["claude-code", "2.1.329", "yes", URL],
        ["claude-code", "2.1.329", "changed", "since", "http://127.0.0.1:9999"],
        ["claude-code", "2.1.329", "changed", "since"],
        ["claude-code", "2.1.329", "no"],
    ]


def test_as_json_it_says_the_same_and_in_which_scopes(user):
    user.types("configure", "claude-code", "--yes")
    user.types("configure", "claude-code", "--yes", "--scope", "project")
    assert listed(user)["claude-code"] == {
        "client": "claude-code",
        "installed": True,
        "version": "2.1.329",
        "configured": "yes",
        "points_at": URL,
        "scopes": ["user", str(user.project)],
    }
    assert line_of(user).split()[2:-1] == ["yes", "(user", "+", "1", "project)"]
    assert listed(user)["cursor"]["configured"] == "not possible"


def test_a_file_that_does_not_parse_is_one_lines_trouble(user):
    user.types("configure", "claude-code", "--yes")
    user.owns("{broken")
    row = listed(user)["claude-code"]
    assert (row["configured"], row["points_at"]) == ("can't be read", "?")
    assert len(listed(user)) == len(client_names())


@pytest.mark.parametrize(
    "script",
    ["sleep 1000", "yes", "exit 3", "kill -9 $$", "printf '\\033]0;owned\\007\\033[2J'", "head -c 9000 /dev/urandom"],
)
def test_a_program_that_does_not_say_its_version_is_installed_all_the_same(user, monkeypatch, script):
    monkeypatch.setattr("synrouter_cli.clients.machine._VERSION_S", 0.3)
    user.has("claude", script)
    line = line_of(user)
    assert line.split()[0] == "claude-code" and line.isprintable()
    assert listed(user)["claude-code"]["installed"] is True


def test_what_a_file_names_does_not_reach_the_terminal_as_a_command(user):
    user.owns(json.dumps({"env": {"ANTHROPIC_BASE_URL": "http://x\x1b]0;owned\x07\u202e/"}}))
    assert line_of(user).endswith("  http://x/")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_fit_the_terminal_and_columns_stand_below_each_other(width):
    rows = [
        Row("claude-code", True, "2.1.329", "yes", "http://127.0.0.1:7477/" + "long" * 20, ("user",)),
        Row("kilo", False, "", "not possible", "", ()),
        Row("hermes", True, "", "changed since", "http://模型/", ("user", "/a", "/b")),
    ]
    lines = list(table(rows, width))
    assert max(map(breadth, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    starts = {line.index(word) for line, word in zip(lines[1:], ("2.1.329", "–", "yes"), strict=True)}
    assert len(starts) == 1


def test_what_is_remembered_of_another_version_is_a_conflict(user):
    user.paths.create()
    user.paths.clients_file.write_text('{"schema_version": 99, "records": []}')
    refused = user.types("configure", "--list")
    assert (refused.code, refused.out) == (5, "")
    assert "is of another version of Synrouter" in refused.err
