"""Hermes Agent's configuration: which file, what becomes of it, what an undo leaves."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from support.client_files import HOME, LOCAL_KEY, URL
from support.one_machine import Machine
from synrouter_cli.clients.client import PRIVATE, TOKEN
from synrouter_cli.clients.hermes import CLIENT, config_file
from synrouter_cli.errors import ConfigConflict, EditError

FILE = HOME / ".hermes" / "config.yaml"
KEYS = FILE.with_name(".env")

SETUP = """\
# my Hermes
model:
  default: anthropic/claude-opus-4.6   # the good one
  provider: openrouter
  base_url: https://openrouter.ai/api/v1
  api_mode: chat_completions
terminal:
    cwd: .   # here
"""
LISTED = """\
providers:
  ollama:
    base_url: http://127.0.0.1:11434/v1
    models: [qwen3]
model:
  provider: ollama
  default: qwen3
"""
TEXTS = {
    "nothing yet": None,
    "only remarks": "# soon\n",
    "what `hermes setup` wrote": SETUP,
    "a provider of the user's own": LISTED,
    "a model alone": "model: anthropic/claude-opus-4.6\n",
    "a model alone, its provider beside it": "model: 'x/y' # mine\nprovider: openrouter\ntoolsets:\n- hermes-cli\n",
    "empty sections": "model:\nproviders: {}\n",
    "an empty model": "model: ''\n",
    "Windows line ends": "model:\r\n  default: x\r\n",
    "flow style": "{model: {default: x}, providers: {}}\n",
}


def machine(text: str | None, **environ: str) -> Machine:
    return Machine(CLIENT, {} if text is None else {FILE: text}, environ)


def settings(hermes: Machine) -> dict[str, Any]:
    return yaml.safe_load(hermes.texts[FILE])


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("times", [1, 2])
def test_hermes_finds_our_provider_and_an_undo_gives_the_file_back_byte_for_byte(text: str | None, times: int):
    hermes = machine(text)
    for _ in range(times):
        hermes.configure()

    found = settings(hermes)
    assert found["providers"]["synrouter"] == {
        "name": "Synrouter",
        "base_url": f"{URL}/api/anthropic",
        "key_env": "SYNROUTER_KEY",
        "api_mode": "anthropic_messages",
        "extra_headers": {"X-Synrouter-Client": "hermes"},
        "models": found["providers"]["synrouter"]["models"],
    }
    chosen = found["model"] if isinstance(found["model"], dict) else {**found, "default": found["model"]}
    assert chosen["provider"] == "synrouter"
    assert found["providers"]["synrouter"]["models"] == {chosen["default"]: {"context_length": 1_000_000}}
    assert hermes.points_at() == f"{URL}/api/anthropic"

    hermes.undo()
    assert hermes.texts == machine(text).texts


def test_a_new_file_looks_as_a_person_would_write_it():
    hermes = machine(None)
    hermes.configure(model="claude-sonnet-4-5")
    assert hermes.texts[FILE] == (
        "model:\n"
        "  provider: synrouter\n"
        "  default: claude-sonnet-4-5\n"
        "providers:\n"
        "  synrouter:\n"
        "    name: Synrouter\n"
        f"    base_url: {URL}/api/anthropic\n"
        "    key_env: SYNROUTER_KEY\n"
        "    api_mode: anthropic_messages\n"
        "    extra_headers:\n"
        "      X-Synrouter-Client: hermes\n"
        "    models:\n"
        "      claude-sonnet-4-5:\n"
        "        context_length: 200000\n"
    )


@pytest.mark.parametrize(
    ("theirs", "asked", "used"),
    [
        ("anthropic/claude-opus-4.6", "", "claude-opus-4-6"),
        ("claude-opus-4-8", "", "claude-opus-4-8"),
        ("qwen3", "", "claude-sonnet-5-5"),
        ("claude-opus-4-8", "claude-haiku-4-5", "claude-haiku-4-5"),
    ],
)
def test_the_model_is_the_one_asked_for_else_theirs_where_it_is_known(theirs: str, asked: str, used: str):
    hermes = machine(f"model:\n  default: {theirs}\n")
    assert hermes.configure(model=asked).model == used
    assert settings(hermes)["model"]["default"] == used


def test_the_key_stands_beside_the_others_in_env_and_nowhere_else():
    hermes = machine(SETUP)
    hermes.texts[KEYS] = before = "# mine\nOPENROUTER_API_KEY=sk-or-1"
    hermes.configure()
    assert hermes.texts[KEYS] == f"{before}\nSYNROUTER_KEY={LOCAL_KEY}"
    assert [path for path, text in hermes.texts.items() if LOCAL_KEY in text] == [KEYS]
    hermes.undo()
    assert hermes.texts == {FILE: SETUP, KEYS: before}


def test_another_model_takes_the_limits_of_the_one_before_away():
    hermes = machine(None)
    hermes.configure(model="claude-opus-4-5")
    hermes.configure(model="claude-opus-4-8")
    assert list(settings(hermes)["providers"]["synrouter"]["models"]) == ["claude-opus-4-8"]


def test_what_the_user_changed_since_stays():
    hermes = machine(SETUP)
    hermes.configure()
    theirs = {"default: claude-opus-4-6": "default: claude-opus-5-5", "cwd: .": "cwd: /srv"}
    for old, new in theirs.items():
        hermes.texts[FILE] = hermes.texts[FILE].replace(old, new)
    hermes.undo()
    expected = SETUP.replace("anthropic/claude-opus-4.6", "claude-opus-5-5")
    assert hermes.texts[FILE] == expected.replace("cwd: .", "cwd: /srv")


@pytest.mark.parametrize(
    ("environ", "files", "found"),
    [
        ({}, {}, FILE),
        ({"HERMES_HOME": "/srv/hermes"}, {}, "/srv/hermes/config.yaml"),
        ({"HERMES_HOME": " "}, {}, FILE),
        ({}, {"/home/me/.hermes/active_profile": "coder\n"}, "/home/me/.hermes/profiles/coder/config.yaml"),
        ({}, {"/home/me/.hermes/active_profile": "default\n"}, FILE),
        ({}, {"/home/me/.hermes/active_profile": "../x\n"}, FILE),
        ({"HERMES_HOME": "/srv/h"}, {"/srv/h/active_profile": "coder"}, "/srv/h/profiles/coder/config.yaml"),
        (
            {"HERMES_HOME": "/home/me/.hermes/profiles/mail"},
            {"/home/me/.hermes/active_profile": "coder"},
            "/home/me/.hermes/profiles/mail/config.yaml",
        ),
    ],
)
def test_the_file_is_that_of_the_profile_in_use(environ: dict[str, str], files: dict[str, str], found: str):
    texts = {PurePosixPath(path): text for path, text in files.items()}
    assert str(config_file(Machine(CLIENT, texts, environ).around)) == str(found)


def test_on_windows_it_is_among_the_local_application_data():
    around = Machine(CLIENT, environ={"LOCALAPPDATA": "/home/me/Local"}, platform="win32").around
    assert str(config_file(around)) == "/home/me/Local/hermes/config.yaml"


def test_what_goes_past_us_and_what_holds_for_every_model_is_told():
    text = (
        "model:\n  default: x\n  context_length: 32768\n"
        "auxiliary:\n  vision:\n    provider: openrouter\n  compression:\n    provider: auto\n"
        "fallback_providers:\n- provider: nous\n"
    )
    notes = " ".join(machine(text).configure().notes)
    assert "model.context_length" in notes
    assert "auxiliary.vision, fallback_providers" in notes
    assert "auxiliary.compression" not in notes


def test_run_gives_hermes_a_managed_folder_of_our_own_and_no_file_of_the_users():
    hermes = machine(SETUP)
    started = hermes.launch()
    assert started.environ == {"HERMES_MANAGED_DIR": PRIVATE}
    overlay = yaml.safe_load(started.private["config.yaml"])
    assert overlay["model"] == {"provider": "synrouter", "default": "claude-opus-4-6"}
    assert overlay["providers"]["synrouter"]["key_env"] == "SYNROUTER_KEY"
    assert started.private[".env"] == f"SYNROUTER_KEY={TOKEN}\n"
    assert hermes.texts == {FILE: SETUP}


@pytest.mark.parametrize("environ", [{}, {"HERMES_MANAGED_DIR": "/srv/managed"}])
def test_run_never_takes_the_place_of_what_an_administrator_manages(environ: dict[str, str]):
    managed = PurePosixPath(environ.get("HERMES_MANAGED_DIR", "/etc/hermes")) / "config.yaml"
    hermes = Machine(CLIENT, {managed: "approvals:\n  mode: manual\n"}, environ)
    with pytest.raises(ConfigConflict, match=str(managed.parent)):
        hermes.launch()


def test_overrides_are_named():
    managed = PurePosixPath("/etc/hermes/config.yaml")
    texts = {managed: "model:\n  provider: nous\n", FILE.with_name(".managed"): ""}
    said = Machine(CLIENT, texts, {"HERMES_INFERENCE_MODEL": "gpt-6"}).overrides()
    assert [part for part in ("HERMES_INFERENCE_MODEL", str(managed), "package manager") if part in " ".join(said)] == [
        "HERMES_INFERENCE_MODEL",
        str(managed),
        "package manager",
    ]
    assert machine(SETUP).overrides() == []


def test_a_managed_folder_that_leaves_the_model_alone_overrides_nothing():
    texts = {PurePosixPath("/etc/hermes/config.yaml"): "approvals:\n  mode: manual\n"}
    assert Machine(CLIENT, texts).overrides() == []


def test_a_file_that_does_not_parse_is_refused():
    with pytest.raises(EditError, match="line 3, column 1"):
        machine("model:\n  default: [x\n").configure()


def test_where_hermes_uses_another_provider_it_points_nowhere():
    assert machine(SETUP).points_at() == ""
