"""`providers` says who there is and which key would be used; never a key."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from synrouter_cli import keys
from synrouter_cli.cli import main
from synrouter_cli.commands.key_states import survey
from synrouter_cli.commands.providers import listed, table
from synrouter_cli.credentials import Secret
from synrouter_cli.daemon import client
from synrouter_cli.daemon.client import Control, Daemon
from synrouter_cli.daemon.state import State
from synrouter_cli.errors import KeyringLocked, NoKeyring
from synrouter_cli.keys import Found
from synrouter_cli.providers import provider_names
from synrouter_cli.settings import load

KEY = "sk-canary-0123456789-0123456789"
CONFIG = """
[upstreams]
deepseek = "https://agentrouter.org"

[providers.corp]
base_url = "https://llm.corp.example/v1"
"""


@pytest.fixture
def keyring(monkeypatch):
    """What the keyring holds, or the error that it raises; how long it may take is kept."""

    class Keyring(dict):
        error = None
        patience = None

    fake = Keyring()

    def read(providers, *, patience_s, waits):
        fake.patience = patience_s
        if fake.error:
            raise fake.error
        return Found("Secret Service", {name: Secret(fake[name]) for name in providers if name in fake})

    monkeypatch.setattr(keys, "read", read)
    return fake


@pytest.fixture
def told(capsys):
    """told("--json") → (exit code, stdout, stderr)"""
    return lambda *words: (main(["providers", *words]), *capsys.readouterr())


@pytest.fixture
def config():
    home = Path(os.environ["SYNROUTER_HOME"])
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(CONFIG)


def test_every_provider_has_a_line_and_the_users_own_stand_last(keyring, told, config):
    code, out, err = told()
    assert (code, err) == (0, "")
    named = [line.split()[0] for line in out.splitlines()[1:] if not line.startswith(" ")]
    assert named == [*provider_names(), "corp"]
    assert "…" not in out, "nothing is cut where no terminal reads"


def test_where_each_key_comes_from_is_said_and_no_key_is_shown(keyring, told, config, monkeypatch):
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", KEY)
    keyring |= {"anthropic": KEY, "openai": KEY, "corp": KEY}
    code, out, err = told("--json")
    assert KEY not in out + err
    said = json.loads(out)
    assert (code, said["schema_version"], said["keyring"]) == (0, 1, None)
    rows = {row["provider"]: row for row in said["providers"]}
    states = {name: (row["key"], row["key_where"]) for name, row in rows.items()}
    assert states["anthropic"] == ("environment", "SYNROUTER_ANTHROPIC_KEY")
    assert states["openai"] == states["corp"] == ("keyring", "Secret Service")
    assert states["xai"] == ("none", "")
    assert states["ollama"] == ("not needed", "")
    assert rows["openai"] == {
        "provider": "openai", "title": "OpenAI", "dialects": ["responses", "chat"], "address": "https://api.openai.com",
        "moved": False, "key": "keyring", "key_where": "Secret Service", "key_variable": "SYNROUTER_OPENAI_KEY",
        "cache": "key", "local": False, "own": False, "note": "",
    }  # fmt: skip


def test_what_was_pointed_elsewhere_is_told_with_what_is_known_of_the_place(keyring, told, config, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    rows = {row["provider"]: row for row in json.loads(told("--json")[1])["providers"]}
    assert (rows["deepseek"]["address"], rows["deepseek"]["moved"]) == ("https://agentrouter.org", True)
    assert rows["deepseek"]["note"].startswith("AgentRouter takes Claude Code's own traffic only")
    assert (rows["corp"]["own"], rows["corp"]["address"]) == (True, "https://llm.corp.example")
    shown = told()[1]
    assert "https://agentrouter.org (yours)" in shown
    assert "AgentRouter takes Claude Code's own traffic only" in shown


@pytest.fixture
def proxy(monkeypatch):
    """proxy(keys=…, upstreams=…): a proxy that runs, started where other keys were set."""

    def run(**known):
        state = State(42, "b:1", 7477, "ab", "1", **known)
        monkeypatch.setattr(client, "find", lambda _: Daemon(state, Control(7477, Secret(KEY)), None))

    return run


def test_the_running_proxys_keys_and_addresses_are_what_counts(keyring, told, config, proxy):
    keyring.error = NoKeyring(backend="x", why="is plain")
    keys_of = {"openai": "SYNROUTER_OPENAI_KEY", "xai": "/key", "corp": "the keyring (Secret Service)"}
    proxy(keys=keys_of, upstreams={"openai": "http://127.0.0.1:9"})
    rows = {row["provider"]: row for row in json.loads(told("--json")[1])["providers"]}
    sources = {name: (row["key"], row["key_where"]) for name, row in rows.items() if name in keys_of}
    assert sources == {
        "openai": ("environment", "SYNROUTER_OPENAI_KEY"),
        "xai": ("key file", "/key"),
        "corp": ("keyring", "the keyring (Secret Service)"),
    }
    assert (rows["openai"]["address"], rows["openai"]["moved"]) == ("http://127.0.0.1:9", True)
    assert not rows["deepseek"]["moved"], "the file has been changed since the proxy was started"
    assert told()[2] == "", "nothing is missing"


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_narrow_terminal_nothing_is_cut(keyring, config, columns):
    settings = load()
    rows = list(listed(settings, survey(settings)))
    shown = list(table(rows, columns))
    words = " ".join(shown).split()
    for row in rows:
        assert {row.address, *row.dialects, *row.note.split()} <= set(words)
    widest = max(len(row.address) for row in rows) + 13
    assert max(map(len, shown)) <= max(columns, widest)
    assert " ".join(table(rows, 300)).split() == words, "the same cells in the same order"


def test_a_keyring_that_is_locked_is_waited_for_a_moment_only_and_told(keyring, told):
    keyring.error = KeyringLocked(backend="", detail="", provider="anthropic")
    code, out, err = told()
    assert (code, keyring.patience) == (0, 5)
    assert out.startswith("Provider")
    assert err.splitlines() == [f"synrouter: {keyring.error.message}", f"  next: {keyring.error.hint}"]
    assert json.loads(told("--json")[1])["keyring"] == keyring.error.message


def test_who_has_no_keyring_and_gives_keys_by_hand_is_not_told_so_each_time(keyring, told, monkeypatch):
    keyring.error = NoKeyring(backend="x", why="is plain")
    assert told()[2] != ""
    monkeypatch.setenv("SYNROUTER_ANTHROPIC_KEY", KEY)
    assert told()[2] == ""
