"""Kilo Code: `~/.config/kilo/kilo.jsonc`, which its command line and its extensions for VS Code and JetBrains all read;
the key is a reference to its file. Projects may not refer to files outside them, so there is no project scope.

Kilo takes a configuration without its marker file for one of an older Kilo and allows every shell command: where it has
never run, the marker comes with the file.

Source: the client itself (7.7.7) and kilo.ai/docs, "Settings" (November 2026).

>>> CLIENT.executables, CLIENT.scopes
(('kilo', 'kilocode'), ('user',))
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath
from typing import Final

from synrouter_cli.clients import opencode_shape as shape
from synrouter_cli.clients.client import NAME, Client, FileEdit, Launch, OwnFile, Plan, Surroundings, Wish
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.providers import Model
from synrouter_cli.textedit import Edit

_NAMES: Final = ("kilo.json", "kilo.jsonc", "opencode.json", "opencode.jsonc")
_FOLDERS: Final = (".kilocode", ".kilo")
_IN_FOLDERS: Final = tuple(f"{folder}/{name}" for folder in _FOLDERS for name in _NAMES)
KIND: Final = shape.Kind(
    client="kilo",
    title="Kilo Code",
    schema="https://app.kilo.ai/config.json",
    prefix="KILO",
    folder="kilo",
    files=("config.json", *_NAMES),
    new_file="kilo.jsonc",
    project_files=(*_NAMES, *_IN_FOLDERS),
    home_files=_IN_FOLDERS,
)
MARKER: Final = ".bash-permission-migrated"


def configure(wish: Wish, around: Surroundings) -> Plan:
    model = wish.chosen(shape.current_model(KIND, around))
    files = (*shape.file_edits(wish, KIND, around, KIND.user_file(around), model), *_choices(around, model))
    next_step = "restart Kilo: `kilo daemon stop` where it runs in the background, and reload your editor's window"
    return Plan((*markers(around), *files), model.id, (), next_step)


def markers(around: Surroundings) -> tuple[OwnFile, ...]:
    """The marker, before the file that it is for; none where an older Kilo has run: that is for Kilo to move on."""
    folder = KIND.config(around)
    traces = (folder / ".gitignore", around.data_home / "kilo" / "kilo.db")
    has_run = any(map(around.exists, traces))
    if around.exists(folder / MARKER) or (has_run and _has_settings(around)):
        return ()
    return (OwnFile(folder / MARKER, "", guard=True),)


def _has_settings(around: Surroundings) -> bool:
    paths = KIND.user_files(around)
    return around.exists(KIND.config(around) / "config") or any(
        set(around.value(path, "jsonc")) - {"$schema"} for path in paths
    )


def _choices(around: Surroundings, model: Model) -> Iterator[FileEdit]:
    """Ours in the place of the models that it remembers for its agents, since they go before the file's."""
    chosen = {"providerID": NAME, "modelID": model.id}
    edits = tuple(Edit(("model", agent), chosen) for agent, _ in _remembered(around))
    if edits:
        yield FileEdit(_state(around), "json", edits)


def launch(wish: Wish, around: Surroundings) -> Launch:
    start = shape.launch(wish, KIND, around, (agent for agent, _ in _remembered(around)))
    # One that runs in the background has an environment of its own.
    return replace(start, environ={**start.environ, "KILO_NO_DAEMON": "1"})


def points_at(around: Surroundings) -> str:
    return shape.points_at(KIND, around)


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from shape.overrides(wish, KIND, around, KIND.user_file(around))
    for agent, model in _remembered(around):
        yield f"Kilo remembers {model} for its agent {agent}: choose one of Synrouter's with /models"


def _state(around: Surroundings) -> PurePath:
    return around.folder("XDG_STATE_HOME", ".local", "state") / KIND.folder / "model.json"


def _remembered(around: Surroundings) -> Iterator[tuple[str, str]]:
    """Agent and model of another provider, as last chosen in its terminal, which goes before the file's."""
    with suppress(ConfigConflict):
        agents = around.document(_state(around), "json").get(("model",))
        for agent, chosen in agents.items() if isinstance(agents, dict) else ():
            provider = chosen.get("providerID") if isinstance(chosen, dict) else None
            if isinstance(provider, str) and provider != NAME:
                yield agent, f"{provider}/{chosen.get('modelID')}"


CLIENT: Final = Client(
    name=KIND.client,
    title=KIND.title,
    executables=("kilo", "kilocode"),
    version_folders=shape.VERSION_FOLDERS,
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
