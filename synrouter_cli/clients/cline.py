"""Cline's CLI: the Anthropic provider in `providers.json`, which Cline rewrites with every start, so that what it adds
to an entry of ours goes with it. It has no other place for a key than that file.

A provider of our own is not possible: 3.0.65 answers "Unknown or disabled provider" to any that it does not ship.

Source: the client itself (3.0.65) and the types of its `@cline/core` (November 2026).

>>> CLIENT.executables, CLIENT.scopes
(('cline',), ('user',))
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import PRIVATE, TOKEN, Client, FileEdit, Launch, Plan, Surroundings, Wish, prices
from synrouter_cli.clients.loopback import past_proxy, proxy_in_between
from synrouter_cli.providers import Model
from synrouter_cli.providers.names import canonical
from synrouter_cli.textedit import Edit, leaves

PROVIDER: Final = "anthropic"
ENTRY: Final = ("providers", PROVIDER)
SETTINGS: Final = (*ENTRY, "settings")
WRITTEN: Final = "2026-01-01T00:00:00.000Z"
"""A file without a time of writing is none to Cline, which puts its own there at the next start."""
KNOWN: Final = frozenset(
    "claude-opus-5-5 claude-fable-5-1 claude-opus-5 claude-sonnet-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6"
    " claude-sonnet-4-6 claude-opus-4-5 claude-sonnet-4-5 claude-haiku-4-5".split()
)
"""Models whose limits and prices it ships; of others it is told in `models.json`."""


def configure(wish: Wish, around: Surroundings) -> Plan:
    path = settings_file(around)
    model = _chosen(wish, around)
    edits = (
        # Where one of these is missing beside anything of Cline's, it takes the whole file for broken.
        Edit(("version",), 1, unless=("providers",)),
        Edit(("modes",), {}, unless=("providers",)),
        Edit(ENTRY, {"updatedAt": WRITTEN, "tokenSource": "manual"}, unless=SETTINGS),
        Edit(SETTINGS, {"provider": PROVIDER}, unless=(*SETTINGS, "apiKey")),
        *leaves(SETTINGS, _connection(wish, model)),
        Edit(("lastUsedProvider",), PROVIDER),
    )
    files = [FileEdit(path, "json", edits)]
    if canonical(model.id) not in KNOWN:
        described = Edit((*ENTRY, "models", model.id), _described(model))
        version = Edit(("version",), 1, unless=("providers",))
        files.append(FileEdit(path.with_name("models.json"), "json", (version, described)))
    own = f"Cline's own key for Anthropic is set aside in {path} until --undo"
    return Plan(tuple(files), model.id, (own,) if _text(_setting(around, "apiKey")) else ())


def launch(wish: Wish, around: Surroundings) -> Launch:
    """With a `providers.json` of its own, and without Cline's background process, which would outlive it."""
    model = _chosen(wish, around)
    entry = {"settings": {"provider": PROVIDER, **_connection(wish, model)}, "updatedAt": WRITTEN}
    stored = {"version": 1, "lastUsedProvider": PROVIDER, "modes": {}, "providers": {PROVIDER: entry}}
    environ = {
        "CLINE_PROVIDER_SETTINGS_PATH": f"{PRIVATE}/providers.json",
        "CLINE_SESSION_BACKEND_MODE": "local",
        # As an editor's agent (--acp) it looks at these alone.
        "CLINE_API_KEY": TOKEN,
        "CLINE_PROVIDER": PROVIDER,
        "CLINE_MODEL": model.id,
        **past_proxy(around),
    }
    note = "without Cline's background process, so --zen is not possible here"
    private = {"providers.json": json.dumps(stored, indent=2) + "\n"}
    return Launch(environ, ("CLINE_SANDBOX",), (), private, (note,))


def points_at(around: Surroundings) -> str:
    last = around.glance(settings_file(around), "json", "lastUsedProvider")
    return _text(_setting(around, "baseUrl")) if last == PROVIDER else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from proxy_in_between(around)
    if around.environ.get("CLINE_SANDBOX") == "1":
        yield "CLINE_SANDBOX is set in this environment, and a sandbox has settings of its own: unset CLINE_SANDBOX"
    if around.environ.get("CLINE_API_KEY"):
        yield "CLINE_API_KEY is set in this environment and goes before the file in editors: unset CLINE_API_KEY"


def settings_file(around: Surroundings) -> PurePath:
    named = around.environ.get("CLINE_PROVIDER_SETTINGS_PATH", "").strip()
    if named:
        return PurePath(named)
    cline = around.folder("CLINE_DIR", ".cline")
    return around.folder("CLINE_DATA_DIR", *cline.parts, "data") / "settings" / "providers.json"


def _setting(around: Surroundings, name: str) -> Any:
    return around.glance(settings_file(around), "json", *SETTINGS, name)


def _chosen(wish: Wish, around: Surroundings) -> Model:
    return wish.chosen(_text(_setting(around, "model")))


def _connection(wish: Wish, model: Model) -> dict[str, Any]:
    headers = {"X-Synrouter-Client": CLIENT.name}
    return {"apiKey": TOKEN, "model": model.id, "baseUrl": f"{wish.url}/v1", "headers": headers}


def _described(model: Model) -> dict[str, Any]:
    told: dict[str, Any] = {"id": model.id, "name": model.title}
    told |= {"contextWindow": model.context_tokens, "maxTokens": model.output_tokens}
    told["capabilities"] = ["images", "tools", "streaming", "prompt-cache", "reasoning", "reasoning-effort"]
    return told | prices(model, ("inputPrice", "outputPrice", "cacheReadsPrice", "cacheWritesPrice"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


CLIENT: Final = Client(
    name="cline",
    title="Cline (CLI)",
    executables=("cline",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
