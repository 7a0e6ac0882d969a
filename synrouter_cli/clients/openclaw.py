"""OpenClaw: a provider of ours in `openclaw.json`, let in by its list of allowed models, and the default model on it.

The local key stands there: `openclaw chat`, its terminal without a gateway, does not follow a secret reference and says
that the login failed. The configuration is strict: it does not start on a provider without `baseUrl` or `models`. So
our provider is put and taken back as one value, never key by key.

Source: the client itself (2026.9.6) and docs.openclaw.ai, "Custom providers", "Secrets", "Models" (November 2026).

>>> CLIENT.executables, CLIENT.scopes
(('openclaw',), ('user',))
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import NAME, PRIVATE, Client, FileEdit, Launch, Plan, Surroundings, Wish
from synrouter_cli.clients.loopback import past_proxy, proxy_in_between
from synrouter_cli.clients.openclaw_files import FORMAT, config_file, effective, owner
from synrouter_cli.clients.openclaw_settings import (
    ALLOWED,
    DEFAULTS,
    MODELS,
    PROVIDER,
    UTILITY,
    at,
    default_model,
    entries,
    model_of,
    model_settings,
    models_elsewhere,
    provider,
    table,
    wants_small,
)
from synrouter_cli.providers import Model
from synrouter_cli.textedit import Edit

EVERY_MODEL: Final = f"{NAME}/*"
MANAGED: Final = ("OPENCLAW_CONFIG_READONLY", "OPENCLAW_NIX_MODE")
"""Set to 1 where another program writes the configuration."""
RELOADS: Final = "a gateway that runs takes it up by itself, within seconds"
RUNNING: Final = "a gateway that runs already keeps its own configuration; this is for agent --local and gateway run"


def configure(wish: Wish, around: Surroundings) -> Plan:
    path = config_file(around)
    config = effective(around, path)
    model, ref = _chosen(wish, config)
    edits = [
        Edit(PROVIDER, provider(wish, config, model)),
        _primary(around, path, ref),
        Edit((*MODELS, ref), model_settings(config, ref)),
    ]
    if at(config, ALLOWED):  # an empty list allows all
        edits.append(Edit(ALLOWED, EVERY_MODEL, element=True))
    if wants_small(config):
        edits.append(Edit(UTILITY, f"{NAME}/{wish.small_for(model)}"))
    elsewhere = (
        f"{setting} stays {name}, which does not go through Synrouter" for setting, name in models_elsewhere(config)
    )
    return Plan(_by_file(around, path, edits), model.id, (*elsewhere, RELOADS))


def _chosen(wish: Wish, config: Mapping[str, Any]) -> tuple[Model, str]:
    """The model, and how the client calls it."""
    model = wish.chosen(default_model(config))
    return model, f"{NAME}/{model.id}"


def _primary(around: Surroundings, path: PurePath, ref: str) -> Edit:
    """In the form that is there, a name or an object with fallbacks."""
    keys = (*DEFAULTS, "model")
    where, inside = owner(around, path, keys)
    is_name = isinstance(at(around.value(where, FORMAT), inside), str)
    return Edit(keys if is_name else (*keys, "primary"), ref)


def _by_file(around: Surroundings, path: PurePath, edits: list[Edit]) -> tuple[FileEdit, ...]:
    found: dict[PurePath, list[Edit]] = {}
    for edit in edits:
        where, keys = owner(around, path, edit.path)
        found.setdefault(where, []).append(Edit(keys, edit.value, edit.element))
    return tuple(FileEdit(where, FORMAT, tuple(inside)) for where, inside in found.items())


def launch(wish: Wish, around: Surroundings) -> Launch:
    """A configuration of our own that includes the user's, so that what theirs includes is still found."""
    path = config_file(around)
    config = effective(around, path)
    separator = ";" if around.platform == "win32" else ":"
    roots = [root for root in (around.environ.get("OPENCLAW_INCLUDE_ROOTS", "").strip(), str(path.parent)) if root]
    environ = {
        "OPENCLAW_CONFIG_PATH": f"{PRIVATE}/openclaw.json",
        "OPENCLAW_INCLUDE_ROOTS": separator.join(roots),
        "OPENCLAW_CONFIG_READONLY": "1",  # what it wrote there would be gone with the folder
        **past_proxy(around),
    }
    ours = {**({"$include": str(path)} if around.exists(path) else {}), **_beside(wish, config)}
    return Launch(environ, private={"openclaw.json": json.dumps(ours, indent=2) + "\n"}, notes=(RUNNING,))


def _beside(wish: Wish, config: Mapping[str, Any]) -> dict[str, Any]:
    """What stands beside the include: objects merge with the user's, arrays are joined."""
    model, ref = _chosen(wish, config)
    there = {entry.get("id") for entry in entries(at(config, PROVIDER))}
    whole = provider(wish, {}, model)
    whole["models"] = [entry for entry in whole["models"] if entry["id"] not in there]
    defaults: dict[str, Any] = {"model": {"primary": ref}, "models": {ref: model_settings(config, ref)}}
    if wants_small(config):
        defaults["utilityModel"] = f"{NAME}/{wish.small_for(model)}"
    allowed = at(config, ALLOWED)
    if allowed and EVERY_MODEL not in allowed:
        defaults["modelPolicy"] = {"allow": [EVERY_MODEL]}
    return {
        "models": {"providers": {NAME: whole}},
        "agents": {"defaults": defaults},
    }


def points_at(around: Surroundings) -> str:
    config = effective(around, config_file(around))
    url = at(config, (*PROVIDER, "baseUrl"))
    return url if isinstance(url, str) and default_model(config).startswith(f"{NAME}/") else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    path = config_file(around)
    agents = table(at(effective(around, path), ("agents", "entries")))
    yield from proxy_in_between(around)
    for name in MANAGED:
        if around.environ.get(name, "").strip() == "1":
            yield f"{name} is set, so another program writes {path} and may write it anew: put the same there"
    for agent, settings in agents.items():
        named = model_of(at(settings, ("model",)))
        if named and not named.startswith(f"{NAME}/"):
            yield f"agents.entries.{agent}.model is {named} and goes before the default: change it or take it out"
        allowed = at(settings, ("modelPolicy", "allow"))
        if allowed and not any(str(ref).startswith(f"{NAME}/") for ref in allowed):
            yield f"agents.entries.{agent}.modelPolicy.allow lets none of our models in: add {EVERY_MODEL}"
    for agent in dict.fromkeys(("main", *agents)):
        generated = path.parent / "agents" / agent / "agent" / "models.json"
        url = at(around.value(generated, FORMAT), ("providers", NAME, "baseUrl"))
        if url and url != wish.url:
            yield f"{generated} goes before {path.name} and points {NAME} elsewhere: take {NAME} out there"


CLIENT: Final = Client(
    name="openclaw",
    title="OpenClaw",
    executables=("openclaw",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
