"""Codex: `config.toml` gets a provider whose key comes from a command, and a catalog of ours beside it says what the
models read and write. A model of OpenAI's needs none: Codex knows it.

Source: the client itself (0.169.0) and developers.openai.com, "Configuration reference" (November 2026).

>>> CLIENT.executables, CLIENT.scopes
(('codex',), ('user',))
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import (
    NAME,
    PRIVATE,
    Client,
    FileEdit,
    Launch,
    OwnFile,
    Plan,
    Surroundings,
    Wish,
    inside,
)
from synrouter_cli.clients.codex_models import entries, needs_catalog
from synrouter_cli.providers import Model
from synrouter_cli.textedit import Edit, leaves
from synrouter_cli.textedit.toml_document import inline

CATALOG: Final = "synrouter-models.json"
PATIENCE_MS: Final = 15_000
"""For the command that prints the key; the client's own 5 s are short for a machine that is busy."""
MANAGED: Final = {"linux": "/etc/codex/managed_config.toml", "darwin": "/etc/codex/managed_config.toml"}


def user_file(around: Surroundings) -> PurePath:
    return around.folder("CODEX_HOME", ".codex") / "config.toml"


def configure(wish: Wish, around: Surroundings) -> Plan:
    path = user_file(around)
    theirs = around.value(path, "toml").get("model")
    model = wish.chosen(theirs if isinstance(theirs, str) else "")
    edits = [Edit(("model",), model.id), Edit(("model_provider",), NAME)]
    files: list[FileEdit | OwnFile] = []
    if needs_catalog(model):
        edits.append(Edit(("model_catalog_json",), str(path.parent / CATALOG)))
        files.append(OwnFile(path.parent / CATALOG, catalog(wish.models)))
    edits += leaves(("model_providers", NAME), provider(wish))
    serves = around.exists(path.parent / "app-server-daemon")  # that one has read the catalog at its start
    restart = "codex app-server daemon restart" if serves else ""
    return Plan((*files, FileEdit(path, "toml", tuple(edits))), model.id, next=restart)


def launch(wish: Wish, around: Surroundings) -> Launch:
    theirs = around.value(user_file(around), "toml").get("model")
    model = wish.chosen(theirs if isinstance(theirs, str) else "")
    settings: dict[str, Any] = {"model": model.id, "model_provider": NAME, f"model_providers.{NAME}": provider(wish)}
    flags = [flag for key, value in settings.items() for flag in ("-c", f"{key}={inline(value)}")]
    if not needs_catalog(model):
        return Launch(arguments=tuple(flags))
    flags += ["-c", f"model_catalog_json='{PRIVATE}/{CATALOG}'"]  # in these quotes a path of Windows stays as it is
    return Launch(arguments=tuple(flags), private={CATALOG: catalog(wish.models)})


def provider(wish: Wish) -> dict[str, Any]:
    command, *arguments = wish.token_command
    return {
        "name": "Synrouter",
        "base_url": f"{wish.url}/v1",
        "wire_api": "responses",
        "http_headers": {"x-synrouter-client": "codex"},
        "auth": {"command": command, "args": arguments, "timeout_ms": PATIENCE_MS},
    }


def catalog(models: tuple[Model, ...]) -> str:
    """The file with what Codex is told of models that it does not know."""
    return json.dumps({"models": entries(models)}, indent=2, ensure_ascii=False) + "\n"


def points_at(around: Surroundings) -> str:
    settings = around.value(user_file(around), "toml")
    url = inside(settings, "model_providers", str(settings.get("model_provider")), "base_url")
    return url if isinstance(url, str) else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    managed = MANAGED.get(around.platform)
    asked = around.value(PurePath(managed), "toml").get("model_provider") if managed else None
    if asked not in (None, NAME):
        yield f"{managed} goes before the user's settings and sets model_provider: Codex does not come here"
    path = around.project / ".codex" / "config.toml"
    settings = around.value(path, "toml") if path != user_file(around) else {}
    for key in ("model", "model_catalog_json"):
        if key in settings:
            yield f"{path} goes before the user's settings and sets {key}: take it out there"


CLIENT: Final = Client(
    name="codex",
    title="Codex",
    executables=("codex",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
