"""Zed: an Anthropic-compatible provider in `settings.json` and the agent's default model. Its key is in the system's
keychain or in SYNROUTER_API_KEY, never in a file, so the user pastes it once.

Source: zed-industries/zed, crates/settings_content/src/language_model.rs, crates/language_models (provider
anthropic_compatible, since June 2026), crates/paths; zed.dev/docs, "Use API access".

>>> CLIENT.executables[0], CLIENT.scopes
('zed', ('user',))
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import NAME, TOKEN, Client, FileEdit, Launch, Plan, Surroundings, Wish
from synrouter_cli.errors import ConfigConflict
from synrouter_cli.providers import Model, canonical
from synrouter_cli.textedit import Edit

KEY: Final = "SYNROUTER_API_KEY"
"""Zed makes it of the provider's name."""
PROVIDER: Final = ("language_models", "anthropic_compatible", NAME)
DEFAULT_MODEL: Final = ("agent", "default_model")
CAPABILITIES: Final = {"tools": True, "images": True, "prompt_caching": True}
"""Without the last Zed marks nothing, with it the newest message."""
ADAPTIVE: Final = re.compile(r"claude-[a-z]+-(?:4-[6-9]|[5-9])(?:-\d+)?")
"""Models that decide for themselves how long they think; Zed offers thinking for those that say so."""
OTHER_MODELS: Final = ("inline_assistant_model", "commit_message_model", "thread_summary_model")
CHANNELS: Final = ("dev", "nightly", "preview", "stable")
SYSTEMS: Final = {"linux": "linux", "darwin": "macos", "win32": "windows"}
FLATPAK: Final = (".var", "app", "dev.zed.Zed", "config")


def settings_file(around: Surroundings) -> PurePath:
    """XDG_CONFIG_HOME counts on Linux only; a Flatpak has a folder of its own."""
    if around.platform == "win32":
        return around.folder("APPDATA", "AppData", "Roaming") / "Zed" / "settings.json"
    if around.platform == "darwin":
        return around.home / ".config" / "zed" / "settings.json"
    if around.environ.get("FLATPAK_XDG_CONFIG_HOME"):
        return around.folder("FLATPAK_XDG_CONFIG_HOME") / "zed" / "settings.json"
    folder = around.first_of(around.config_home / "zed", around.home.joinpath(*FLATPAK, "zed"))
    return folder / "settings.json"


def configure(wish: Wish, around: Surroundings) -> Plan:
    path = settings_file(around)
    theirs = _get(around, *DEFAULT_MODEL, "model")
    model = wish.chosen(canonical(theirs) if isinstance(theirs, str) else "").id
    edits = (
        Edit((*PROVIDER, "api_url"), wish.url),  # Zed appends /v1/messages
        *(Edit((*PROVIDER, "available_models"), _described(each), element=True, by="name") for each in wish.models),
        Edit((*DEFAULT_MODEL, "provider"), NAME),
        Edit((*DEFAULT_MODEL, "model"), model),
    )
    paste = f"in Zed, Settings → AI → LLM Providers → {NAME}, paste what `synrouter token show` prints"
    note = f"Zed keeps keys in the system's keychain and takes none from a file; `synrouter run zed` passes it as {KEY}"
    return Plan((FileEdit(path, "jsonc", edits),), model, (note,), paste)


def _described(model: Model) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": model.id,
        "display_name": model.title,
        "max_tokens": model.context_tokens,  # Zed's name for the context window
        "max_output_tokens": model.output_tokens,
        "capabilities": dict(CAPABILITIES),
    }
    return described | ({"mode": {"type": "adaptive"}} if ADAPTIVE.fullmatch(canonical(model.id)) else {})


def launch(wish: Wish, around: Surroundings) -> Launch:
    """Raises ConfigConflict where the settings do not name the proxy: nothing else tells Zed of a provider."""
    if points_at(around) != wish.url:
        detail = "Zed takes a provider's address from its settings alone, and they do not name this proxy."
        raise ConfigConflict(detail=detail, hint="synrouter configure zed")
    return Launch({KEY: TOKEN}, notes=("a Zed that runs already keeps the key it began with: quit it first",))


def points_at(around: Surroundings) -> str:
    url = _get(around, *PROVIDER, "api_url")
    return url if isinstance(url, str) else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    path = settings_file(around)
    if _get(around, "disable_ai") is True:
        yield f"disable_ai is on in {path}: no model is asked at all"
    for key in (*CHANNELS, *((SYSTEMS[around.platform],) if around.platform in SYSTEMS else ())):
        provider = _get(around, key, *DEFAULT_MODEL, "provider")
        if isinstance(provider, str) and provider != NAME:
            yield f'"{key}" in {path} goes before the rest and has a default model of {provider}: take it out there'
    for name in OTHER_MODELS:
        provider = _get(around, "agent", name, "provider")
        if isinstance(provider, str) and provider != NAME:
            yield f"agent.{name} in {path} is a model of {provider}, which is asked without Synrouter"


def _get(around: Surroundings, *keys: str) -> Any:
    return around.glance(settings_file(around), "jsonc", *keys)


CLIENT: Final = Client(
    name="zed",
    title="Zed",
    executables=("zed", "zeditor", "zedit", "zed-editor"),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
