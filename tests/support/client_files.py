"""A client's files as texts: what `configure` makes of them and what an undo leaves, with nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import PurePath, PurePosixPath
from typing import Any

from synrouter_cli.clients.client import FORMATS, FileEdit, Plan, Surroundings, Wish
from synrouter_cli.clients.editing import edited, without
from synrouter_cli.providers import default_model, known_models, model, small_model
from synrouter_cli.textedit import Change

HOME = PurePosixPath("/home/me")
PROJECT = HOME / "work" / "project"
URL = "http://127.0.0.1:7477"
LOCAL_KEY = "sk-sr-local-canary"
DAY = date(2026, 11, 21)

Texts = Mapping[PurePath, str]


def wish(name: str = "", **fields: Any) -> Wish:
    """What `synrouter configure CLIENT --model NAME` asks for."""
    models = known_models(DAY)
    if name and name not in [each.id for each in models]:
        models = (model(name, DAY), *models)
    known: dict[str, Any] = {
        "url": URL,
        "token_command": ("/opt/syn router/bin/synrouter", "token", "show"),
        "token_file": HOME / ".synrouter" / "token",
        "models": models,
        "by_id": {each.id: each for each in models},
        "model": name,
        "default": default_model(),
        "small": small_model(),
    }
    return Wish(**(known | fields))


def surroundings(texts: Texts, *, platform: str = "linux", **environ: str) -> Surroundings:
    """A machine that has these files and no others."""
    folders = {parent for path in texts for parent in path.parents}
    return Surroundings(HOME, PROJECT, environ, platform, texts.get, lambda path: path in texts or path in folders)


def configured(plan: Plan, texts: Texts) -> tuple[dict[PurePath, str], dict[PurePath, tuple[Change, ...]]]:
    """The texts with the plan's edits and the local key in them, and what is remembered of each file."""
    after, changes = dict(texts), {}
    for file in plan.files:
        assert isinstance(file, FileEdit)
        text = texts.get(file.path, FORMATS[file.format][1])
        after[file.path], changes[file.path] = edited(text, file, (), token=LOCAL_KEY, port=7477)
    return after, changes


def undone(plan: Plan, texts: Texts, changes: Mapping[PurePath, tuple[Change, ...]]) -> dict[PurePath, str]:
    """The texts without what was put into them; a file that holds nothing but that is left out."""
    kinds = {file.path: file.format for file in plan.files if isinstance(file, FileEdit)}
    after = dict(texts)
    for path, kind in kinds.items():
        after[path], _ = without(after[path], kind, changes[path])
        if after[path] == FORMATS[kind][1]:
            del after[path]
    return after
