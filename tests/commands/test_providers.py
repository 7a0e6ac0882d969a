"""`providers` says who there is and which key would be used; never a key."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from synrouter_cli import keys
from synrouter_cli.cli import main
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import KeyringLocked, NoKeyring
from synrouter_cli.keys import Found
from synrouter_cli.providers import provider_names

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
    assert max(map(len, out.splitlines())) <= 80


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
