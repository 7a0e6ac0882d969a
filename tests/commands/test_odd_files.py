"""A client's file that holds something else than the client expects is edited around it or refused, by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synrouter_cli.clients import client_names
from synrouter_cli.errors import EXIT_CONFLICT

CLIENTS = [name for name in client_names() if name != "cursor"]


def configured_files(user: Any, client: str) -> list[Path]:
    """Where the client's own files are; they are gone again."""
    assert user.types("configure", client, "--yes").code == 0
    found = [
        path for path in user.home.rglob("*") if path.is_file() and path.suffix in (".json", ".jsonc", ".yaml", ".yml")
    ]
    assert user.types("configure", client, "--undo", "--yes").code == 0
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_a_file_without_keys_is_refused_and_stays(user: Any, client: str) -> None:
    for path in configured_files(user, client):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("3\n")
        answer = user.types("configure", client, "--yes")
        assert answer.code in (0, EXIT_CONFLICT), (path, answer.said)
        assert path.read_text() == "3\n" if answer.code else True
        for words in (("configure", "--list"), ("doctor",), ("env", client)):
            assert "unexpected" not in user.types(*words).said, (path, words)
        user.types("configure", client, "--undo", "--yes")
        path.unlink()


HEAD = {"name": "Local Config", "version": "1.0.0", "schema": "v1"}
ODD = {
    "claude-code": ("claude-code", ".claude/settings.json", {"env": 3}, EXIT_CONFLICT),
    "qwen: models": ("qwen", ".qwen/settings.json", {"modelProviders": {"anthropic": 3}}, EXIT_CONFLICT),
    "qwen: model": ("qwen", ".qwen/settings.json", {"model": {"name": 3}}, 0),
    "aider": ("aider", ".aider.conf.yml", {"set-env": 3}, EXIT_CONFLICT),
    "crush": ("crush", ".local/share/crush/crush.json", {"models": {"large": {"model": []}, "small": {"model": 3}}}, 0),
    "continue": ("continue", ".continue/config.yaml", {**HEAD, "models": [{"name": "a", "roles": 3}]}, 0),
}


@pytest.mark.parametrize(("client", "path", "value", "code"), ODD.values(), ids=ODD)
def test_a_value_of_another_kind_is_no_surprise(user: Any, client: str, path: str, value: Any, code: int) -> None:
    file = user.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))
    answer = user.types("configure", client, "--yes")
    assert answer.code == code, answer.said
    assert str(file) in answer.err if code else True
    assert "unexpected" not in user.types("env", client).said
    if code == 0:
        assert user.types("configure", client, "--undo", "--yes").code == 0
    assert file.read_text() == json.dumps(value)
