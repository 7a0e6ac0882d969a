"""Droid: `settings.json` lists custom models with their keys. A helper command for a key is honoured for organizations
only and `${VAR}` would have to be exported, so the key stands in the file.

Source: the client itself (0.215.0) and docs.factory.ai, "Custom Models (BYOK)" (November 2026). `config.json` beside it
is the older place, which goes after it.

>>> CLIENT.executables, CLIENT.scopes
(('droid',), ('user',))
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import PRIVATE, TOKEN, Client, FileEdit, Launch, Plan, Surroundings, Wish, inside
from synrouter_cli.clients.client import variables_that_override as variables
from synrouter_cli.providers import Model
from synrouter_cli.textedit import Edit

KEY: Final = "SYNROUTER_KEY"
SETTINGS: Final = "settings.json"
RUNTIME: Final = "FACTORY_RUNTIME_SETTINGS_PATH"
"""Names settings that go before all others, for one process."""
ID: Final = "custom:synrouter-"
"""What Droid knows our models by, before their names; its own ids of custom models begin like this."""
LOGIN: Final = "Droid's terminal asks for a login at Factory all the same, and so does a resume; droid exec needs none"


def folder(around: Surroundings) -> PurePath:
    return around.folder("FACTORY_HOME_OVERRIDE") / ".factory"


def user_file(around: Surroundings) -> PurePath:
    return folder(around) / SETTINGS


def configure(wish: Wish, around: Surroundings) -> Plan:
    path = user_file(around)
    model = _chosen(wish, around)
    edits = [
        *(Edit(("customModels",), entry(each, wish, TOKEN), element=True, by="id") for each in wish.models),
        Edit(("sessionDefaultSettings", "model"), f"{ID}{model.id}"),
    ]
    return Plan((FileEdit(path, "jsonc", tuple(edits)),), model.id, (LOGIN,))


def entry(model: Model, wish: Wish, key: str) -> dict[str, Any]:
    return {
        "model": model.id,
        "id": f"{ID}{model.id}",
        "displayName": f"{model.title} (Synrouter)",
        "baseUrl": wish.url,
        "apiKey": key,
        "provider": "anthropic",
        "maxContextLimit": model.context_tokens,
        "maxOutputTokens": model.output_tokens,
        "extraHeaders": {"x-synrouter-client": "droid"},
    }


def launch(wish: Wish, around: Surroundings) -> Launch:
    model = _chosen(wish, around)
    settings = {
        "customModels": [entry(each, wish, f"${{{KEY}}}") for each in wish.models],
        "sessionDefaultSettings": {"model": f"{ID}{model.id}"},
    }
    text = json.dumps(settings, indent=2) + "\n"
    return Launch({RUNTIME: f"{PRIVATE}/{SETTINGS}", KEY: TOKEN}, private={SETTINGS: text})


def points_at(around: Surroundings) -> str:
    settings = around.value(user_file(around), "jsonc")
    chosen = _default(settings)
    listed = inside(settings, "customModels")
    ours = [each for each in listed if inside(each, "id") == chosen] if chosen and isinstance(listed, list) else []
    return str(inside(ours[0], "baseUrl") or "") if ours else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from variables(around, (RUNTIME,), than="")
    local = folder(around) / "settings.local.json"
    if inside(around.value(local, "jsonc"), "customModels") is not None:
        yield f"{local} goes before {SETTINGS} and has customModels, which hides ours: move them to {SETTINGS}"
    project = around.project / ".factory"
    for path in (local, *((project / SETTINGS, project / local.name) if project != folder(around) else ())):
        if _default(around.value(path, "jsonc")):
            yield f"{path} goes before the user's settings and sets sessionDefaultSettings.model: take it out there"


def _chosen(wish: Wish, around: Surroundings) -> Model:
    return wish.chosen(_default(around.value(user_file(around), "jsonc")).removeprefix(ID))


def _default(settings: Any) -> str:
    model = inside(settings, "sessionDefaultSettings", "model")
    return model if isinstance(model, str) else ""


CLIENT: Final = Client(
    name="droid",
    title="Droid",
    executables=("droid",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
