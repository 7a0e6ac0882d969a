"""Continue's CLI: one more model in `config.yaml`, the user's own beside it; the key is a secret in its `.env`.

The first model with the role `chat` is used, unless another one was chosen, which `index/globalContext.json` remembers.
Where its marker is missing, Continue asks for an Anthropic key at its first start and writes it into `config.yaml`,
over a model of the same id: so the marker is put there too. Without a terminal ANTHROPIC_API_KEY has the same effect.

Source: the client itself (1.5.47, its sources are in the package) and docs.continue.dev, "config.yaml" (November 2026).

>>> CLIENT.name, CLIENT.executables
('continue', ('cn',))
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import (
    NAME,
    PRIVATE,
    TOKEN,
    Client,
    FileEdit,
    Launch,
    OwnFile,
    Plan,
    Surroundings,
    Wish,
)
from synrouter_cli.clients.client import variables_that_override as variables
from synrouter_cli.clients.loopback import past_proxy, proxy_in_between
from synrouter_cli.providers import Model
from synrouter_cli.textedit import ABSENT, Edit

KEY: Final = "SYNROUTER_KEY"
OTHER_KEY: Final = "ANTHROPIC_API_KEY"
HEAD: Final = {"name": "Local Config", "version": "1.0.0", "schema": "v1"}
"""What a `config.yaml` has to have."""
CHOSEN: Final = "cliSelectedModel"
ONBOARDED: Final = ".onboarding_complete"


def configure(wish: Wish, around: Surroundings) -> Plan:
    folder = _folder(around)
    model = wish.chosen(str(_used(around).get("model") or ""))
    head = [Edit((key,), value, unless=("models",)) for key, value in HEAD.items()]
    ours = Edit(("models",), entry(wish, model), element=True, by="name")
    files: list[FileEdit | OwnFile] = [
        FileEdit(folder / "config.yaml", "yaml", (*head, ours)),
        FileEdit(folder / ".env", "dotenv", (Edit((KEY,), TOKEN),)),
        OwnFile(folder / ONBOARDED, "2026-01-01T00:00:00.000Z\n", guard=True),
    ]
    if any(map(_chats, _models(around))):
        files.append(FileEdit(folder / "index" / "globalContext.json", "json", (Edit((CHOSEN,), _name(model)),)))
    return Plan(tuple(files), model.id)


def entry(wish: Wish, model: Model) -> dict[str, Any]:
    """One of `models`."""
    return {
        "name": _name(model),
        "provider": "anthropic",
        "model": model.id,
        "apiBase": f"{wish.url}/v1/",
        "apiKey": f"${{{{ secrets.{KEY} }}}}",
        "roles": ["chat", "edit", "apply", "summarize"],
        "capabilities": ["tool_use", "image_input"],
        "defaultCompletionOptions": {"contextLength": model.context_tokens, "maxTokens": model.output_tokens},
        "requestOptions": {"headers": {"X-Synrouter-Client": CLIENT.name}},
    }


def launch(wish: Wish, around: Surroundings) -> Launch:
    """With the user's configuration but for its models: another one may have been chosen among those."""
    document = around.document(_folder(around) / "config.yaml", "yaml")
    model = wish.chosen(str(_used(around).get("model") or ""))
    for key, value in HEAD.items():
        if document.get((key,)) is ABSENT:
            document = document.set((key,), value)
    document = document.set(("models",), [entry(wish, model)])
    environ = {KEY: TOKEN, **past_proxy(around)}
    return Launch(environ, (), ("--config", f"{PRIVATE}/config.yaml"), {"config.yaml": document.text})


def points_at(around: Surroundings) -> str:
    return str(_used(around).get("apiBase") or "")


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from proxy_in_between(around)
    yield from variables(around, (KEY,), than="")
    if around.environ.get(OTHER_KEY):
        yield f"{OTHER_KEY} is set in this environment, and cn -p writes it into its file, over ours: unset {OTHER_KEY}"
    named = around.project / ".env"
    if around.glance(named, "dotenv", KEY) is not ABSENT:
        yield f"{named} has {KEY}, which goes before ours: take it out there"


def _folder(around: Surroundings) -> PurePath:
    return around.folder("CONTINUE_GLOBAL_DIR", ".continue")


def _models(around: Surroundings) -> list[dict[str, Any]]:
    models = around.glance(_folder(around) / "config.yaml", "yaml", "models")
    return [model for model in models if isinstance(model, dict)] if isinstance(models, list) else []


def _chats(model: dict[str, Any]) -> bool:
    """Also one from a hub (`uses`), of which nothing can be told here."""
    roles = model.get("roles")
    return "chat" in roles if isinstance(roles, list) and roles else True


def _used(around: Surroundings) -> dict[str, Any]:
    """The model in use; empty where there is none."""
    chosen = around.glance(_folder(around) / "index" / "globalContext.json", "json", CHOSEN)
    chat = [model for model in _models(around) if _chats(model)]
    return next((model for model in chat if model.get("name") == chosen), chat[0] if chat else {})


def _name(model: Model) -> str:
    return f"{NAME}/{model.id}"


CLIENT: Final = Client(
    name="continue",
    title="Continue (CLI)",
    executables=("cn",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
