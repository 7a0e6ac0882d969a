"""`doctor`: each thing that can be wrong has its line, its next command and its exit code, and no key is in any."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sqlite3
from typing import Any

import pytest

from synrouter_cli import __version__
from synrouter_cli.clients.records import Records
from synrouter_cli.commands import doctor
from synrouter_cli.commands.doctor import Finding, lines
from synrouter_cli.credentials import Secret
from synrouter_cli.daemon import client, lock
from synrouter_cli.daemon.client import Control, Daemon, Health
from synrouter_cli.daemon.state import State
from synrouter_cli.errors import KeyringError, NotResponding
from synrouter_cli.keys import Found

CANARY = "sk-ant-api03-canary-0123456789abcdef"
STATE = State(pid=42, create_time="b:1", port=7477, instance="ab", version=__version__)
HEALTH = Health("ab", __version__, 42, 7477, uptime_s=1.0, in_flight=0, committed=0)


@pytest.fixture(autouse=True)
def keyring(monkeypatch) -> dict[str, Secret]:
    """A keyring that opens, with nothing in it; what is put in is found."""
    held: dict[str, Secret] = {}

    def read(asked: list[str], **_: object) -> Found:
        return Found("Secret Service", {name: key for name, key in held.items() if name in asked})

    monkeypatch.setattr("synrouter_cli.keys.read", read)
    return held


@pytest.fixture
def serving(monkeypatch) -> Any:
    """serving(listen=…) → a proxy that serves, as its commands see it"""

    def serve(health: Health | None = HEALTH, **changes: object) -> None:
        state = dataclasses.replace(STATE, **changes)
        monkeypatch.setattr(lock, "is_held", lambda _: True)
        monkeypatch.setattr(client, "find", lambda _: Daemon(state, Control(7477, Secret(CANARY)), health))
        monkeypatch.setattr(client, "believable_state", lambda _: state)

    return serve


@pytest.fixture
def installed(user) -> None:
    user.has("synrouter", f"echo synrouter {__version__}")


def found(user, subject: str, code: int | None = None) -> list[tuple[str, str, str]]:
    """State, text and next command of each finding about `subject`."""
    answer = user.types("doctor", "--json")
    assert answer.err == ""
    value = json.loads(answer.out)
    assert value["schema_version"] == 1
    assert (answer.code == 1) is any(each["state"] == "fail" for each in value["findings"])
    assert code is None or answer.code == code
    return [(each["state"], each["text"], each["next"]) for each in value["findings"] if each["subject"] == subject]


def test_where_all_is_well_every_line_is_ok_and_the_code_is_0(user, serving, installed, keyring):
    keyring["anthropic"] = Secret(CANARY)
    serving()
    user.types("configure", "claude-code", "--yes")
    shown = user.types("doctor")
    assert (shown.code, shown.err) == (0, "")
    assert {line[:4].strip() for line in shown.out.splitlines()} <= {"ok", ""}
    assert [line.split()[1] for line in shown.out.splitlines() if line.startswith("ok")] == [
        "version", "sqlite", "folders", "config", "proxy", "keyring", "keys", "claude-code",
    ]  # fmt: skip


def test_a_proxy_that_does_not_run_or_answer_fails(user, monkeypatch):
    assert found(user, "proxy", 1) == [("fail", "Synrouter is not running.", "synrouter up")]

    def silent(_: object) -> Daemon:
        raise NotResponding(pid=42, port=7477, detail="no answer in time.")

    monkeypatch.setattr(lock, "is_held", lambda _: True)
    monkeypatch.setattr(client, "find", silent)
    assert [(state, then) for state, _, then in found(user, "proxy", 1)] == [("fail", "kill 42")]


def test_a_proxy_of_another_version_is_warned_of(user, serving):
    serving(version="0.0.1")
    [_, other] = found(user, "proxy")
    assert other == (
        "warn", f"it is version 0.0.1, this command {__version__}", "synrouter down && synrouter up --detach"
    )  # fmt: skip


def test_what_is_open_beyond_this_machine_is_warned_of(user, serving):
    serving(listen="0.0.0.0", allow_hosts=("host.docker.internal",))
    [_, warned] = found(user, "proxy")
    assert warned[0] == "warn" and warned[1].startswith("open beyond this machine: whoever reaches any IPv4 address")


def test_a_ledger_that_can_not_be_written_fails(user, serving):
    serving(dataclasses.replace(HEALTH, ledger={"last_error": "disk is full"}))
    assert found(user, "ledger", 1) == [("fail", "disk is full", "synrouter logs")]


def test_a_configuration_that_can_not_be_read_ends_it(user):
    user.paths.create()
    user.paths.config_file.write_text("port = 'x'")
    [(state, _, then)] = found(user, "config", 1)
    assert (state, then) == ("fail", "correct it, then: synrouter up")
    assert found(user, "proxy") == []


def test_without_any_key_it_says_so(user, serving, keyring, monkeypatch):
    serving()
    assert [(state, then) for state, _, then in found(user, "keys", 0)] == [("warn", "synrouter keys set anthropic")]
    keyring["anthropic"] = Secret(CANARY)
    monkeypatch.setenv("SYNROUTER_OPENAI_KEY", CANARY)
    assert [text for _, text, _ in found(user, "keys")] == [
        "openai from SYNROUTER_OPENAI_KEY",
        "anthropic from the keyring",
    ]


def test_keys_that_only_the_running_proxy_has_are_keys(user, serving, monkeypatch):
    def locked(*_: object, **__: object) -> Found:
        raise KeyringError(detail="The keyring is locked.")

    monkeypatch.setattr("synrouter_cli.keys.read", locked)
    serving(dataclasses.replace(HEALTH, keys={"xai": "SYNROUTER_XAI_KEY"}))
    assert found(user, "keys") == [("ok", "xai from SYNROUTER_XAI_KEY of the running proxy", "")]
    assert [state for state, *_ in found(user, "keyring")] == ["warn"]


@pytest.mark.parametrize(("key", "state"), [("", "fail"), (CANARY, "warn")], ids=["no key", "a key elsewhere"])
def test_a_keyring_that_does_not_open_fails_unless_a_key_lies_elsewhere(user, serving, monkeypatch, key, state):
    def locked(*_: object, **__: object) -> Found:
        raise KeyringError(detail="The keyring is locked.")

    serving()
    monkeypatch.setattr("synrouter_cli.keys.read", locked)
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", key)
    assert found(user, "keyring") == [(state, "The keyring is locked.", "synrouter status")]


def test_what_others_can_read_is_told(user):
    user.types("token")
    user.paths.token_file.chmod(0o644)
    user.paths.data_dir.chmod(0o755)
    told = found(user, "folders", 1)
    assert ("warn", f"{user.paths.data_dir} can be read by others", f"chmod 700 {user.paths.data_dir}") in told
    assert ("fail", f"{user.paths.token_file} can be read by others", f"chmod 600 {user.paths.token_file}") in told


def test_what_anybody_can_write_fails_as_it_does_at_the_start(user):
    user.types("token")
    user.paths.data_dir.chmod(0o777)
    told = found(user, "folders", 1)
    assert ("fail", f"{user.paths.data_dir}: every user may write there", f"chmod 700 {user.paths.data_dir}") in told


def test_where_nothing_can_be_written_it_says_so(user):
    user.types("token")
    user.paths.log_dir.rmdir()
    user.paths.log_dir.write_text("a file")
    [(state, text, _)] = found(user, "folders", 1)
    assert (state, text) == ("fail", f"nothing can be written in {user.paths.log_dir}")


# ── the command ──


def test_a_synrouter_that_is_not_on_path_or_another_one_is_warned_of(user):
    [(state, text, _)] = found(user, "command")
    assert (state, text.split(";")[0]) == ("warn", "synrouter is not on your PATH")
    other = user.has("synrouter", "echo synrouter 0.0.1")
    [(state, text, _)] = found(user, "command")
    assert (state, text) == (
        "warn",
        f"the synrouter on your PATH, {other}, is version 0.0.1; this one is {__version__}",
    )
    user.has("synrouter", "echo something else")
    assert "is another program" in found(user, "command")[0][1]
    user.has("synrouter", f"echo synrouter {__version__}")
    assert found(user, "command") == []


# ── clients ──


def test_a_client_whose_file_is_changed_or_points_elsewhere_is_told_with_the_command_that_mends_it(user, serving):
    serving()
    user.types("configure", "claude-code", "--yes", "--auth", "subscription")
    again = "synrouter configure claude-code --auth subscription"
    assert found(user, "claude-code") == [("ok", "configured for http://127.0.0.1:7477", "")]
    user.owns(user.settings_file.read_text().replace("7477", "9999"))
    assert found(user, "claude-code") == [("warn", "what was written has been changed since", again)]
    user.types("configure", "claude-code", "--yes", "--auth", "subscription")
    serving(port=7500)
    text = "is configured for http://127.0.0.1:7477, the proxy is on http://127.0.0.1:7500"
    assert ("fail", text, again) in found(user, "claude-code", 1)


def test_what_beats_the_file_and_what_a_relay_does_not_take_are_warned_of(user, serving, monkeypatch):
    serving(upstreams={"anthropic": "https://api.saverouter.com"})
    user.types("configure", "claude-code", "--yes")
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    (user.project / ".claude").mkdir()
    (user.project / ".claude" / "settings.json").write_text('{"env": {"ANTHROPIC_BASE_URL": "http://elsewhere"}}')
    states, texts, _ = zip(*found(user, "claude-code", 0), strict=True)
    assert set(states) == {"warn"}
    assert [text.split()[0] for text in texts][:1] == ["ANTHROPIC_API_KEY"]
    assert any("goes before the user's settings and points ANTHROPIC_BASE_URL elsewhere" in text for text in texts)
    assert any("SaveRouter" in text for text in texts)


def test_a_client_that_is_not_installed_any_more_is_warned_of(user, serving):
    serving()
    user.types("configure", "claude-code", "--yes")
    (user.programs / "claude").unlink()
    assert found(user, "claude-code", 0) == [("warn", "claude is not on your PATH", "")]


def test_a_command_for_the_key_that_is_gone_fails(user, serving, monkeypatch):
    serving()
    gone = str(user.programs / "old" / "synrouter")
    monkeypatch.setattr("synrouter_cli.commands.wishes.token_command", lambda: (gone, "token", "show"))
    user.types("configure", "claude-code", "--yes")
    text = f"{gone}, which it asks for the local key, is gone"
    assert ("fail", text, "synrouter configure claude-code") in found(user, "claude-code", 1)


def test_a_client_that_this_version_does_not_know_stops_nothing(user, serving):
    serving()
    user.types("configure", "claude-code", "--yes")
    records = Records(user.paths.clients_file)
    [record] = records.all()
    records.put(dataclasses.replace(record, client="claude-of-old"))
    [(state, _, then)] = found(user, "claude-of-old", 0)
    assert (state, then) == ("warn", "synrouter configure claude-of-old --undo")
    assert found(user, "claude-code") == [("ok", "configured for http://127.0.0.1:7477", "")]


def test_a_project_has_its_own_command_also_once_it_is_gone(user, serving, monkeypatch):
    serving()
    user.types("configure", "claude-code", "--yes", "--scope", "project")
    assert found(user, "claude-code") == [("ok", f"configured for http://127.0.0.1:7477 in {user.project}", "")]
    (user.project / ".claude" / "settings.local.json").unlink()
    again = f"cd {shlex.quote(str(user.project))} && synrouter configure claude-code --scope project"
    assert found(user, "claude-code") == [("warn", "what was written has been changed since", again)]
    monkeypatch.chdir(user.home)
    user.project.rename(user.home / "moved")
    [(state, text, then)] = found(user, "claude-code")
    assert (state, then) == ("warn", "synrouter configure claude-code --undo --scope project")
    assert text == f"{user.project}, where it is configured, is gone"


def test_a_file_that_does_not_parse_fails_and_the_others_are_looked_at(user, serving):
    serving()
    user.types("configure", "claude-code", "--yes")
    user.types("configure", "zed", "--yes")
    user.owns("{broken")
    [(state, text, _)] = found(user, "claude-code", 1)
    assert (state, text.startswith(f"{user.settings_file}, line 1, column ")) == ("fail", True)
    assert found(user, "zed") != []


def test_no_key_is_in_what_it_says_wherever_it_lies(user, serving, keyring, monkeypatch):
    serving()
    keyring["anthropic"] = Secret(CANARY)
    for name in ("SYNROUTER_OPENAI_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, CANARY)
    user.paths.create()
    (user.home / "z-ai.key").write_text(CANARY)
    (user.home / "z-ai.key").chmod(0o600)
    user.paths.config_file.write_text(f'[key_files]\nzai = "{user.home}/z-ai.key"\n')
    user.owns(json.dumps({"env": {"ANTHROPIC_API_KEY": CANARY}}))
    user.types("configure", "claude-code", "--yes", "--auth", "subscription")
    local = user.types("token").out.strip()
    for words in (("doctor",), ("doctor", "--json")):
        said = user.types(*words).said
        assert "ANTHROPIC_API_KEY" in said
        assert not any(secret in said for secret in (CANARY, "canary", local))


# ── the lines ──

LONG = [
    Finding("ok", "version", "1.0"),
    Finding("fail", "claude-code", "a sentence that goes on " * 8, "synrouter configure claude-code " + "--yes " * 20),
    Finding("warn", "x", "\x1b]0;owned\x07one\ntwo", "do this and that " * 8),
]


@pytest.mark.parametrize("room", [60, 80, 120])
def test_lines_are_wrapped_below_each_other_but_a_command_is_whole(room):
    shown = list(lines(LONG, room))
    command = next(line for line in shown if "next: synrouter" in line)
    assert command.strip() == f"next: {LONG[1].next}".strip()
    assert max(len(line) for line in shown if line != command) <= min(room, 119)
    assert {line.index(line.lstrip()) for line in shown if line.startswith(" ")} == {19, 25}
    assert [line[:19].split() for line in shown if not line.startswith(" ")] == [
        ["ok", "version"], ["fail", "claude-code"], ["warn", "x"],
    ]  # fmt: skip
    assert all(line.isprintable() for line in shown)


@pytest.mark.parametrize(("version", "noted"), [((3, 40, 1), True), ((3, 51, 3), False)])
def test_an_old_sqlite_is_noted_not_warned_of(monkeypatch, version, noted):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    [finding] = doctor._sqlite()
    assert (finding.state, "before 3.51.3" in finding.text) == ("ok", noted)
