"""Hermes Agent: `config.yaml` of the profile in use gets a provider of ours, which `model` names. It can run no
command for a key, so that stands in the `.env` beside it, where Hermes keeps keys; `run` gives it a managed folder
of our own instead.

Sources: the client itself (0.19.0) and its source, `hermes_cli/runtime_provider.py` and `managed_scope.py`.

>>> from synrouter_cli.clients.client import Surroundings
>>> around = Surroundings(PurePath("/h"), PurePath("/p"), {}, "linux", lambda path: None, lambda path: False)
>>> str(config_file(around))
'/h/.hermes/config.yaml'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import NAME, PRIVATE, TOKEN, Client, FileEdit, Launch, Plan, Surroundings, Wish
from synrouter_cli.clients.client import variables_that_override as variables
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.textedit import Edit, Yaml, apply, leaves

KEY: Final = "SYNROUTER_KEY"
ONE_SHOT_MODEL: Final = "HERMES_INFERENCE_MODEL"
"""Goes before the file in `hermes -z`, and finds a provider of its own for that model."""
MANAGED: Final = "HERMES_MANAGED_DIR"
_MANAGED_FOLDER: Final = PurePath("/etc/hermes")
_PROFILE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_THINKING: Final = "Behind an address that is not Anthropic's, Hermes leaves earlier thinking out of the conversation"


def config_file(around: Surroundings) -> PurePath:
    """That of the profile which `hermes profile use` has chosen, unless HERMES_HOME is a profile's folder."""
    local = around.folder("LOCALAPPDATA", "AppData", "Local")
    default = local / "hermes" if around.platform == "win32" else around.home / ".hermes"
    root = around.folder("HERMES_HOME") if around.environ.get("HERMES_HOME", "").strip() else default
    if root.parent.name != "profiles":
        profile = (around.read(root / "active_profile") or "").strip()
        if profile != "default" and _PROFILE.fullmatch(profile):
            root = root / "profiles" / profile
    return root / "config.yaml"


def configure(wish: Wish, around: Surroundings) -> Plan:
    path = config_file(around)
    settings = _settings(around, path)
    edits, model = _edits(wish, settings)
    notes = [_THINKING]
    own = settings.get("model")
    if isinstance(own, dict):
        for name in ("context_length", "max_tokens"):
            if name in own:
                notes.append(f"model.{name} in {path} holds for {model} too")
    if elsewhere := sorted(_elsewhere(settings)):
        notes.append(f"{', '.join(elsewhere)} in {path} name providers of their own and stay as they are")
    key = FileEdit(path.with_name(".env"), "dotenv", (Edit((KEY,), TOKEN),))
    files = (FileEdit(path, "yaml", edits), key)
    return Plan(files, model, tuple(notes), "restart Hermes's gateway, if one runs")


def launch(wish: Wish, around: Surroundings) -> Launch:
    """Raises ConfigConflict where an administrator has a managed folder already."""
    managed = _managed_folder(around)
    if managed is not None:
        detail = f"{managed} sets what Hermes uses here, and `run` would have to put another in its place."
        raise ConfigConflict(detail=detail, hint="synrouter configure hermes")
    edits, _ = _edits(wish, _settings(around, config_file(around)), whole=True)
    overlay = apply(Yaml.parse(""), edits).document.text
    return Launch({MANAGED: PRIVATE}, (ONE_SHOT_MODEL,), private={"config.yaml": overlay, ".env": f"{KEY}={TOKEN}\n"})


def points_at(around: Surroundings) -> str:
    settings = _settings(around, config_file(around))
    named = _inside(settings, "model").get("provider") or settings.get("provider")
    return str(_inside(settings, "providers", NAME).get("base_url", "")) if named == NAME else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    yield from variables(around, (ONE_SHOT_MODEL,), than="")
    managed = _managed_folder(around)
    if managed is not None:
        pinned = _settings(around, managed / "config.yaml")
        if pinned.get("model") or _inside(pinned, "providers", NAME):
            yield f"{managed / 'config.yaml'} goes before the user's file and sets the model: ask who administers it"
    folder = config_file(around).parent
    if around.environ.get("HERMES_MANAGED") or around.exists(folder / ".managed"):
        yield f"{folder} is made by a package manager, which may write config.yaml anew: configure Hermes there"


def _edits(wish: Wish, settings: dict[str, Any], *, whole: bool = False) -> tuple[tuple[Edit, ...], str]:
    """And the id of the model; `whole` where nothing of the user's file stands beside them."""
    own = settings.get("model")
    named = (own.get("default") or own.get("model") or "") if isinstance(own, dict) else own
    model = wish.chosen(str(named or "").replace(".", "-"))
    provider = {
        "name": "Synrouter",
        # Says which dialect it is wherever api_mode is not looked at.
        "base_url": f"{wish.url}/api/anthropic",
        "key_env": KEY,
        "api_mode": "anthropic_messages",
        # 0.19 sends these in OpenAI's dialects only.
        "extra_headers": {"X-Synrouter-Client": "hermes"},
    }
    limits = {model.id: {"context_length": model.context_tokens}}
    if isinstance(own, str) and not whole:  # an older spelling, with the provider beside it
        chosen = [Edit(("model",), model.id), Edit(("provider",), NAME)]
    else:
        chosen = [*leaves(("model",), {"provider": NAME, "default": model.id})]
    ours = [*leaves(("providers", NAME), provider), Edit(("providers", NAME, "models"), limits)]
    return (*chosen, *ours), model.id


def _elsewhere(settings: dict[str, Any]) -> Iterator[str]:
    """Settings that send requests past us, since the user has chosen so."""
    for task, chosen in _inside(settings, "auxiliary").items():
        if isinstance(chosen, dict) and chosen.get("provider") not in (None, "", "auto", "main", NAME):
            yield f"auxiliary.{task}"
    for name in ("fallback_providers", "fallback_model"):
        if settings.get(name):
            yield name


def _managed_folder(around: Surroundings) -> PurePath | None:
    named = around.environ.get(MANAGED, "").strip()
    folder = PurePath(named) if named else _MANAGED_FOLDER
    return folder if around.exists(folder) else None


def _settings(around: Surroundings, path: PurePath) -> dict[str, Any]:
    value = around.value(path, "yaml")
    return value if isinstance(value, dict) else {}


def _inside(value: dict[str, Any], *path: str) -> dict[str, Any]:
    for name in path:
        inner = value.get(name)
        value = inner if isinstance(inner, dict) else {}
    return value


CLIENT: Final = Client(
    name="hermes",
    title="Hermes Agent",
    executables=("hermes",),
    version_program="hermes-acp",
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
