"""Qwen Code: `settings.json` lists models by protocol; each names the variable that its key is in, and `env` of the
same file sets that variable, so that nothing has to be exported.

Source: the client itself (0.24.4) and its documentation, "Model Providers" (November 2026).

>>> CLIENT.executables, CLIENT.scopes
(('qwen',), ('user',))
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import PRIVATE, TOKEN, Client, FileEdit, Launch, Plan, Surroundings, Wish, inside
from synrouter_cli.clients.client import variables_that_override as variables
from synrouter_cli.errors import EditError
from synrouter_cli.providers import Model
from synrouter_cli.textedit import Edit

KEY: Final = "SYNROUTER_KEY"
PROTOCOL: Final = "anthropic"
SYSTEM: Final = "QWEN_CODE_SYSTEM_SETTINGS_PATH"
MANAGED: Final = {
    "linux": "/etc/qwen-code/settings.json",
    "darwin": "/Library/Application Support/QwenCode/settings.json",
    "win32": "C:/ProgramData/qwen-code/settings.json",
}
RESUMED: Final = "a session that is resumed counts as a new one, since Qwen Code rewrites its first message"
MANAGED_NOTE: Final = "this machine has system settings for Qwen Code: they stay, and models that they list go before"


def folder(around: Surroundings) -> PurePath:
    """QWEN_HOME may be set by the `.env` files of the default folder, too."""
    for path in (around.home / ".qwen" / ".env", around.home / ".env"):
        moved = _variables(around, path).get("QWEN_HOME")
        if moved and not around.environ.get("QWEN_HOME"):
            around = replace(around, environ={**around.environ, "QWEN_HOME": moved})
    return around.folder("QWEN_HOME", ".qwen")


def user_file(around: Surroundings) -> PurePath:
    return folder(around) / "settings.json"


def configure(wish: Wish, around: Surroundings) -> Plan:
    path = user_file(around)
    settings = around.value(path, "jsonc")
    model = wish.chosen(inside(settings, "model", "name") or "")
    edits = [
        *(Edit(("modelProviders", PROTOCOL), _entry(each, wish), element=True, by="name") for each in wish.models),
        Edit(("env", KEY), TOKEN),
        Edit(("security", "auth", "selectedType"), PROTOCOL),
        Edit(("model", "name"), model.id),
        Edit(("model", "baseUrl"), wish.url),  # tells ours from the user's own entry of the same model
    ]
    return Plan((FileEdit(path, "jsonc", tuple(edits)),), model.id, (RESUMED,))


def _entry(model: Model, wish: Wish) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": f"{model.title} (Synrouter)",
        "baseUrl": wish.url,
        "envKey": KEY,
        "generationConfig": {
            "contextWindowSize": model.context_tokens,
            "samplingParams": {"max_tokens": model.output_tokens},
            "customHeaders": {"x-synrouter-client": "qwen"},
        },
    }


def launch(wish: Wish, around: Surroundings) -> Launch:
    """By settings of the system's, which go before all others. Where there are such, they hold what may not be
    loosened, and the environment has to do."""
    model = wish.chosen(inside(around.value(user_file(around), "jsonc"), "model", "name") or "")
    managed = MANAGED.get(around.platform)
    if around.environ.get(SYSTEM) or (managed and around.exists(PurePath(managed))):
        environ = {"ANTHROPIC_BASE_URL": wish.url, "ANTHROPIC_API_KEY": TOKEN, "ANTHROPIC_MODEL": model.id}
        return Launch({**environ, KEY: TOKEN}, arguments=("--auth-type", PROTOCOL), notes=(MANAGED_NOTE,))
    settings = {
        "modelProviders": {PROTOCOL: [_entry(each, wish) for each in wish.models]},
        "security": {"auth": {"selectedType": PROTOCOL}},
        "model": {"name": model.id, "baseUrl": wish.url},
    }
    text = json.dumps(settings, indent=2) + "\n"
    return Launch({SYSTEM: f"{PRIVATE}/settings.json", KEY: TOKEN}, private={"settings.json": text})


def points_at(around: Surroundings) -> str:
    settings = around.value(user_file(around), "jsonc")
    url = inside(settings, "model", "baseUrl")
    return url if isinstance(url, str) and inside(settings, "security", "auth", "selectedType") == PROTOCOL else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from variables(around, (KEY,), than="")
    home = folder(around)
    for path in (around.project / ".qwen" / ".env", around.project / ".env", home / ".env", around.home / ".env"):
        if KEY in _variables(around, path):
            yield f"{path} goes before the settings and has {KEY}: take it out there"
    system = around.environ.get(SYSTEM) or MANAGED.get(around.platform, "")
    for path in (*((PurePath(system),) if system else ()), around.project / ".qwen" / "settings.json"):
        if path == user_file(around):
            continue
        settings = around.value(path, "jsonc")
        asked = inside(settings, "security", "auth", "selectedType")
        found = {
            "modelProviders": inside(settings, "modelProviders", PROTOCOL) is not None,
            "security.auth.selectedType": asked not in (None, PROTOCOL),
            f"env.{KEY}": inside(settings, "env", KEY) is not None,
        }
        for name in (name for name, there in found.items() if there):
            yield f"{path} goes before the user's settings and has {name}: take it out there"


def _variables(around: Surroundings, path: PurePath) -> dict[str, str]:
    """Of a `.env` file; none where it can't be read as one, as the client takes it."""
    try:
        return dict(around.value(path, "dotenv"))
    except EditError:
        return {}


CLIENT: Final = Client(
    name="qwen",
    title="Qwen Code",
    executables=("qwen",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
