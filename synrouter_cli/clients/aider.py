"""Aider: the user's `.aider.conf.yml` gets address, key and model; beside it stand two files of ours with what Aider
does not know of newer models: their limits, prices, that they cache, and that some refuse a temperature.

It can run no command for a key, so the key stands in the file. Sources: the client itself (0.86.2) and aider.chat,
"YAML config file" and "Advanced model settings" (November 2026).

>>> Behind(PurePath("/h")).settings.name
'synrouter.model.settings.yml'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.aider_models import metadata_text, settings_text, spelled
from synrouter_cli.clients.client import PRIVATE, TOKEN, Client, FileEdit, Launch, OwnFile, Plan, Surroundings, Wish
from synrouter_cli.clients.client import variables_that_override as variables
from synrouter_cli.textedit import Edit

BASE: Final = "ANTHROPIC_API_BASE"
CONF: Final = ".aider.conf.yml"
OWN_KEYS: Final = ("model", "set-env", "anthropic-api-key")
"""Keys that a project's file would set anew."""
VARIABLES: Final = ("AIDER_MODEL", "AIDER_SET_ENV", "AIDER_ANTHROPIC_API_KEY")
"""Go before every configuration file, from the environment or a `.env`."""
_VARIABLE_LINE: Final = re.compile(rf"^\s*(?:export\s+)?({'|'.join(VARIABLES)})\s*=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Behind:
    """The files that the user's own names: what else Aider is to know of the models."""

    folder: PurePath

    @property
    def settings(self) -> PurePath:
        return self.folder / "synrouter.model.settings.yml"

    @property
    def metadata(self) -> PurePath:
        return self.folder / "synrouter.model.metadata.json"

    @property
    def both(self) -> tuple[PurePath, PurePath]:
        return self.settings, self.metadata


def configure(wish: Wish, around: Surroundings) -> Plan:
    path, own = around.home / CONF, Behind(around.home / ".aider")
    conf = _mapping(around, path)
    model = wish.chosen(_theirs(conf))
    edits = [
        Edit(("model",), spelled(model.id)),
        _base_edit(conf.get("set-env"), wish.url),
        Edit(("anthropic-api-key",), TOKEN),
        Edit(("cache-prompts",), True),  # also keeps the map of the repository the same from turn to turn
    ]
    files: list[OwnFile] = []
    notes = []
    texts = (
        ("model-settings-file", own.settings, settings_text(wish)),
        ("model-metadata-file", own.metadata, metadata_text(wish)),
    )
    for key, file, text in texts:
        if conf.get(key) in (None, str(file)):
            edits.append(Edit((key,), str(file)))
            files.append(OwnFile(file, text))
        else:
            notes.append(f"{key} in {path} stays yours: newer models keep Aider's careful defaults unless it has them")
    for key in ("weak-model", "editor-model"):
        if conf.get(key):
            notes.append(f"{key} in {path} stays as it is")
    return Plan((FileEdit(path, "yaml", tuple(edits)), *files), model.id, tuple(notes))


def launch(wish: Wish, around: Surroundings) -> Launch:
    conf: dict[str, Any] = {}
    for path in _conf_files(around):
        conf |= _mapping(around, path)
    model, own = wish.chosen(_theirs(conf)), Behind(PurePath(PRIVATE))
    files = {"--model-settings-file": own.settings.name, "--model-metadata-file": own.metadata.name}
    named = (word for flag, name in files.items() for word in (flag, f"{PRIVATE}/{name}"))
    # The address stands with each model too, since a file's `set-env` would go before the environment.
    private = {own.settings.name: settings_text(wish, wish.url), own.metadata.name: metadata_text(wish)}
    left = {key: conf.get(key) for key in ("model-settings-file", "model-metadata-file")}
    ours = (None, *map(str, Behind(around.home / ".aider").both))
    notes = tuple(
        f"{file}, the user's {key}, is not read in this run" for key, file in left.items() if file not in ours
    )
    environ = {BASE: wish.url, "AIDER_ANTHROPIC_API_KEY": TOKEN}
    return Launch(environ, (), ("--model", spelled(model.id), "--cache-prompts", *named), private, notes)


def points_at(around: Surroundings) -> str:
    assigned = _assignments(_mapping(around, around.home / CONF).get("set-env"))
    return next((line.partition("=")[2] for line in reversed(assigned) if line.startswith(f"{BASE}=")), "")


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from variables(around, VARIABLES, than="")
    for folder in dict.fromkeys((around.home, around.project)):
        for name in dict.fromkeys(_VARIABLE_LINE.findall(around.read(folder / ".env") or "")):
            yield f"{folder / '.env'} sets {name}, which goes before the file: take it out there"
    for path in _conf_files(around)[1:]:
        for key in OWN_KEYS:
            if key in _mapping(around, path):
                yield f"{path} goes before the user's file and has {key}: take it out there"


def _base_edit(set_env: Any, url: str) -> Edit:
    """A variable more in the list, of which the last of a name is what holds; one that stands alone becomes a list."""
    line = f"{BASE}={url}"
    if isinstance(set_env, str):
        return Edit(("set-env",), [set_env, line])
    return Edit(("set-env",), line, element=True)


def _assignments(set_env: Any) -> list[str]:
    lines = [set_env] if isinstance(set_env, str) else set_env
    return [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []


def _theirs(conf: dict[str, Any]) -> str:
    return str(conf.get("model") or "").replace(".", "-")


def _conf_files(around: Surroundings) -> tuple[PurePath, ...]:
    """Later ones go before earlier ones."""
    return tuple(dict.fromkeys((around.home / CONF, around.project / CONF)))


def _mapping(around: Surroundings, path: PurePath) -> dict[str, Any]:
    value = around.value(path, "yaml")
    return value if isinstance(value, dict) else {}


CLIENT: Final = Client(
    name="aider",
    title="Aider",
    executables=("aider",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
