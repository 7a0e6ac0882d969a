"""Crush: a provider of our own in `crush.json`, its key from a command, and the models where Crush itself keeps what
is chosen in its window: a state file of the same form, which goes before `crush.json` and `crushrc`.

Source: charmbracelet/crush, internal/config/load.go, schema.json, README of 0.96.1; catwalk, pkg/catwalk/provider.go.

>>> CLIENT.executables, CLIENT.scopes
(('crush',), ('user',))
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final

from synrouter_cli.clients.client import NAME, TOKEN, Client, FileEdit, Launch, Plan, Surroundings, Wish
from synrouter_cli.providers import Model, canonical
from synrouter_cli.textedit import Edit, leaves

PROVIDER: Final = ("providers", NAME)
SLOTS: Final = ("large", "small")
EFFORTS: Final = (
    (re.compile(r"claude-(?:sonnet|haiku)-4-[0-5]"), ()),
    (re.compile(r"claude-opus-4-5"), ("low", "medium", "high")),
    (re.compile(r"claude-[a-z]+-4-6"), ("low", "medium", "high", "max")),
    (re.compile(r"claude-[a-z]+-(?:4-[7-9]|[5-9])(?:-\d+)?"), ("low", "medium", "high", "xhigh", "max")),
)
"""Models → levels of effort, as in Crush's own catalogue; without any, Crush asks for thinking by a budget, which
newer models refuse."""
PROJECT_FILES: Final = (".crushrc", "crushrc", ".crush.json", "crush.json", ".crush/crush.json")
"""They go before the user's; the last is written by Crush itself."""
_CHOICE = re.compile(r"^[ \t]*model[ \t]+(?:large|small)[ \t]+[^-\s]", re.MULTILINE)
_OURS = re.compile(rf"^[ \t]*provider[ \t]+(?:add|remove|rm)[ \t]+[\"']?{NAME}\b", re.MULTILINE)


def config_file(around: Surroundings) -> PurePath:
    if around.environ.get("CRUSH_GLOBAL_CONFIG"):
        return around.folder("CRUSH_GLOBAL_CONFIG") / "crush.json"
    return around.config_home / "crush" / "crush.json"


def state_file(around: Surroundings) -> PurePath:
    """What Crush writes when a model is chosen in its window."""
    if around.environ.get("CRUSH_GLOBAL_DATA"):
        return around.folder("CRUSH_GLOBAL_DATA") / "crush.json"
    if around.platform == "win32" and not around.environ.get("XDG_DATA_HOME"):
        return around.folder("LOCALAPPDATA", "AppData", "Local") / "crush" / "crush.json"
    return around.data_home / "crush" / "crush.json"


def configure(wish: Wish, around: Surroundings) -> Plan:
    theirs = {slot: _selected(around, slot).get("model") for slot in SLOTS}
    known = {slot: canonical(model) if isinstance(model, str) else "" for slot, model in theirs.items()}
    large, small = wish.chosen(known["large"]).id, known["small"]
    chosen = {"large": large, "small": small if small in wish.by_id else wish.small_for(wish.by_id[large])}
    provider = {
        "name": "Synrouter",
        "type": "anthropic",
        "base_url": wish.url,  # Crush appends v1/messages
        "api_key": f"$({wish.shell_command})",
        "extra_headers": {"X-Synrouter-Client": "crush"},
    }
    models = [Edit((*PROVIDER, "models"), _described(model), element=True, by="id") for model in wish.models]
    slots = {slot: {"provider": NAME, "model": model} for slot, model in chosen.items()}
    files = (
        FileEdit(config_file(around), "json", (*leaves(PROVIDER, provider), *models)),
        FileEdit(state_file(around), "json", tuple(leaves(("models",), slots))),
    )
    return Plan(files, large, next="restart Crush where it runs")


def _described(model: Model) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": model.id,
        "name": model.title,
        "context_window": model.context_tokens,
        "default_max_tokens": model.output_tokens,
        "can_reason": True,
        "supports_attachments": True,
    }
    name = canonical(model.id)
    efforts = next((levels for pattern, levels in EFFORTS if pattern.fullmatch(name)), ())
    if efforts:
        described |= {"reasoning_levels": list(efforts), "default_reasoning_effort": "high"}
    rates = model.rates
    prices = {
        "cost_per_1m_in": rates and rates.input,
        "cost_per_1m_out": rates and rates.output,
        "cost_per_1m_in_cached": rates and rates.cache_write_5m,  # so it is called there: what a write costs
        "cost_per_1m_out_cached": rates and rates.cache_read,
    }
    return described | {key: _number(price or Decimal(0)) for key, price in prices.items()}


def _number(price: Decimal) -> int | float:
    """A field that Crush's schema requires: 0 where no price is known."""
    return int(price) if price == int(price) else float(price)


def launch(wish: Wish, around: Surroundings) -> Launch:
    """By the built-in provider `anthropic`, whose address and key Crush takes from the environment."""
    environ = {"ANTHROPIC_API_ENDPOINT": wish.url, "ANTHROPIC_API_KEY": TOKEN}
    return Launch(environ, ("CRUSH_ANTHROPIC_API_KEY", "CRUSH_ANTHROPIC_API_ENDPOINT"), (), notes=_aside(wish, around))


def _aside(wish: Wish, around: Surroundings) -> tuple[str, ...]:
    """What of the user's files the environment does not beat."""
    notes = []
    for path in (config_file(around), state_file(around)):
        fixed = sorted({"api_key", "base_url"} & _inside(around, path, "providers", "anthropic").keys())
        if fixed:
            notes.append(f"{path} has {' and '.join(fixed)} of the provider anthropic, which go before the environment")
    provider = _selected(around, "large").get("provider", "anthropic")
    configured = provider == NAME and points_at(around) == wish.url
    if provider != "anthropic" and not configured:
        notes.append(f"Crush begins with a model of {provider}, as chosen the last time: choose one of Anthropic's")
    return tuple(notes)


def points_at(around: Surroundings) -> str:
    url = _inside(around, config_file(around), *PROVIDER).get("base_url", "")
    return url if isinstance(url, str) else ""


def overrides(wish: Wish, around: Surroundings) -> Iterator[str]:
    script = config_file(around).with_name("crushrc")
    if _OURS.search(around.read(script) or ""):
        yield f"{script} goes before crush.json and has a provider {NAME} of its own: take it out there"
    for name in PROJECT_FILES:
        path = around.project / name
        if _chooses(around, path):
            yield f"{path} goes before the user's files and chooses a model: take it out there"


def _chooses(around: Surroundings, path: PurePath) -> bool:
    if path.suffix != ".json":
        return _CHOICE.search(around.read(path) or "") is not None
    slots = (_inside(around, path, "models", slot) for slot in SLOTS)
    return any(slot.get("provider", NAME) != NAME for slot in slots)


def _selected(around: Surroundings, slot: str) -> dict[str, Any]:
    """The model that Crush has in a slot now, as far as files of JSON say so."""
    state = _inside(around, state_file(around), "models", slot)
    return state or _inside(around, config_file(around), "models", slot)


def _inside(around: Surroundings, path: PurePath, *keys: str) -> dict[str, Any]:
    """The object at `keys`, an empty one where there is none."""
    value = around.glance(path, "json", *keys)
    return value if isinstance(value, dict) else {}


CLIENT: Final = Client(
    name="crush",
    title="Crush",
    executables=("crush",),
    configure=configure,
    launch=launch,
    points_at=points_at,
    overrides=overrides,
)
