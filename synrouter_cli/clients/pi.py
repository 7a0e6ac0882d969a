"""Pi: a provider of its own in `models.json`, whose key a command prints, and the default model in `settings.json`.

Pi runs that command for every request, so it reads the key's file and leaves our own command for where there is none.
What Pi knows of its built-in models (thinking, effort, system messages in between) it does not know of a provider's:
it is told here. No `promptCache`: Pi would keep entries warm for five minutes whose lifetime the proxy chooses.

Source: the client itself (0.87.1 and 1.5.2) and its `docs/models-configuration.md` (November 2026).

>>> entry(Model("claude-opus-4-6", "Claude Opus 4.6", 1_000_000, 128_000, None))["thinkingLevelMap"]
{'max': 'max'}
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import (
    NAME,
    PRIVATE,
    TOKEN,
    Client,
    FileEdit,
    Launch,
    Plan,
    Surroundings,
    Wish,
    prices,
)
from synrouter_cli.clients.loopback import past_proxy, proxy_in_between
from synrouter_cli.providers import Model
from synrouter_cli.providers.names import canonical
from synrouter_cli.textedit import ABSENT, Edit, leaves

KEY: Final = "SYNROUTER_KEY"
EXTENSION: Final = "synrouter.ts"

_XHIGH: Final = {"xhigh": "xhigh", "max": "max"}
_ALWAYS: Final = {"off": None, **_XHIGH}
_NO_MINIMAL: Final = {"minimal": None, "low": "low", "medium": "medium", "high": "high", **_XHIGH}
_STRICT: Final = {"supportsStrictTools": True}
_ADAPTIVE: Final = {**_STRICT, "forceAdaptiveThinking": True}
_COOL: Final = {**_ADAPTIVE, "supportsTemperature": False}
_MIDWAY: Final = {"supportsMidConvoSystemMessages": True, "supportsMidConvoToolChanges": True}
_EFFORT: Final = {**_MIDWAY, "supportsMidConvoEffort": True}

TRAITS: Final[Mapping[str, tuple[Mapping[str, str | None], Mapping[str, bool]]]] = {
    "claude-opus-5-5": ({"off": None, **_NO_MINIMAL}, {**_COOL, **_EFFORT}),
    "claude-sonnet-5-5": ({"off": None, **_NO_MINIMAL}, {**_COOL, **_EFFORT}),
    "claude-haiku-5-5": (_NO_MINIMAL, {**_COOL, **_EFFORT}),
    "claude-fable-5-2": (_ALWAYS, {**_ADAPTIVE, **_EFFORT}),
    "claude-fable-5-1": (_ALWAYS, {**_ADAPTIVE, **_EFFORT}),
    "claude-opus-5": (_XHIGH, {**_COOL, **_EFFORT}),
    "claude-sonnet-5": (_XHIGH, _COOL),
    "claude-opus-4-8": (_XHIGH, {**_COOL, **_MIDWAY}),
    "claude-opus-4-7": (_XHIGH, _COOL),
    "claude-opus-4-6": ({"max": "max"}, _ADAPTIVE),
    "claude-sonnet-4-6": ({"max": "max"}, _ADAPTIVE),
    "claude-opus-4-5": ({}, _STRICT),
    "claude-sonnet-4-5": ({}, _STRICT),
    "claude-haiku-4-5": ({}, _STRICT),
}
"""Model → what its thinking levels are called, and what else it takes, as Pi's own catalogue has it. A model that is
not listed is asked for no thinking."""


def entry(model: Model) -> dict[str, Any]:
    """One of `models`; a price is told only where all of it is known."""
    levels, compat = TRAITS.get(canonical(model.id), ({}, {}))
    told: dict[str, Any] = {"id": model.id, "name": model.title, "reasoning": canonical(model.id) in TRAITS}
    told |= {"input": ["text", "image"], "contextWindow": model.context_tokens, "maxTokens": model.output_tokens}
    cost = prices(model, ("input", "output", "cacheRead", "cacheWrite"))
    told |= {"cost": cost} if cost else {}
    return told | ({"thinkingLevelMap": dict(levels)} if levels else {}) | ({"compat": dict(compat)} if compat else {})


def configure(wish: Wish, around: Surroundings) -> Plan:
    path = ("providers", NAME)
    provider = [*leaves(path, _provider(wish, key_command(wish, around)))]
    models = [Edit((*path, "models"), entry(model), element=True, by="id") for model in wish.models]
    model = _chosen(wish, around)
    defaults = [Edit(("defaultProvider",), NAME), Edit(("defaultModel",), model)]
    if _is_list(
        around.glance(_settings_file(around), "json", "enabledModels")
    ):  # patterns of what may be chosen at the start
        defaults.append(Edit(("enabledModels",), f"{NAME}/*", element=True))
    files = (
        FileEdit(_models_file(around), "jsonc", (*provider, *models)),
        FileEdit(_settings_file(around), "json", tuple(defaults)),
    )
    return Plan(files, model)


def key_command(wish: Wish, around: Surroundings) -> str:
    """What Pi's shell prints the key with. On Windows, where that may be any shell, our command alone."""
    if around.platform == "win32":
        return f"!{wish.shell_command}"
    return f"!cat {shlex.quote(str(wish.token_file))} 2>/dev/null || {wish.shell_command}"


def launch(wish: Wish, around: Surroundings) -> Launch:
    """With an extension of ours, which Pi loads beside the user's own."""
    model = _chosen(wish, around)
    provider = _provider(wish, f"${KEY}") | {"name": "Synrouter", "models": [entry(each) for each in wish.models]}
    text = f"export default (pi) => pi.registerProvider({json.dumps(NAME)}, {json.dumps(provider, indent=1)});\n"
    arguments = ("--extension", f"{PRIVATE}/{EXTENSION}", "--model", f"{NAME}/{model}")
    return Launch({KEY: TOKEN, **past_proxy(around)}, (), arguments, {EXTENSION: text})


def points_at(around: Surroundings) -> str:
    if around.glance(_settings_file(around), "json", "defaultProvider") != NAME:
        return ""
    return _text(around.glance(_models_file(around), "jsonc", "providers", NAME, "baseUrl"))


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from proxy_in_between(around)
    logins = _agent_folder(around) / "auth.json"
    if around.glance(logins, "json", NAME) is not ABSENT:
        yield f"{logins} has a key for {NAME}, which goes before ours: type /logout in Pi"
    project = around.project / ".pi" / "settings.json"
    for name, ours in (("defaultProvider", NAME), ("defaultModel", ""), ("enabledModels", NAME)):
        named = around.glance(project, "json", name)
        if named is not ABSENT and not (ours and ours in str(named)):
            yield f"{project} goes before the user's settings and has {name}: take it out there"


def _provider(wish: Wish, key: str) -> dict[str, Any]:
    return {
        "baseUrl": wish.url,
        "api": "anthropic-messages",
        "apiKey": key,
        "headers": {"X-Synrouter-Client": CLIENT.name},
        "compat": {"sendSessionAffinityHeaders": True},
    }


def _agent_folder(around: Surroundings) -> PurePath:
    return around.folder("PI_CODING_AGENT_DIR", ".pi", "agent")


def _models_file(around: Surroundings) -> PurePath:
    return _agent_folder(around) / "models.json"


def _settings_file(around: Surroundings) -> PurePath:
    return _agent_folder(around) / "settings.json"


def _chosen(wish: Wish, around: Surroundings) -> str:
    """The model to use: the user's own where the proxy has it too."""
    return wish.chosen(_text(around.glance(_settings_file(around), "json", "defaultModel"))).id


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


CLIENT: Final = Client(
    name="pi",
    title="Pi",
    executables=("pi",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
