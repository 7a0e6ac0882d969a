"""Codex's own words for models that it does not know: in the catalog beside its configuration, and in the list that it
asks a provider for. It has no limit of its own for answers. What it knows is left to it, with the prompts that those
models were trained on: an entry of ours would take their place.

Source: the client itself (0.169.0, `codex debug models`).

>>> from datetime import date
>>> from synrouter_cli.providers import model
>>> [entry["slug"] for entry in entries(model(name, date(2026, 11, 26)) for name in ("gpt-5.5", "claude-opus-4-8"))]
['claude-opus-4-8']
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from synrouter_cli.providers import Model

__all__ = ["INSTRUCTIONS", "entries", "needs_catalog"]

OWN_PREFIX: Final = "gpt-"
"""How models begin that Codex has in a catalog of its own."""
OPEN_PREFIX: Final = "gpt-oss"
"""But not these, which run anywhere."""
EFFORTS: Final = {
    "low": "Quick answers with little thinking",
    "medium": "As much thinking as everyday work needs",
    "high": "Thorough thinking for hard problems",
}
INSTRUCTIONS: Final = """\
You are a coding agent in Codex CLI, working with a person on the files of this machine.

- Keep going until what was asked for is done and checked; then end your turn with a short account of what changed.
- Look before you change: read the files that matter, and find things with `rg` where it is there.
- Follow AGENTS.md files: one holds for its folder and all below, the deeper one goes first, the person before both.
- Edit with `apply_patch` where you have it. Keep to the style of the code around, fix causes rather than symptoms, and
  leave alone what is not part of the task.
- There may be changes of the person's own in the tree: never revert them, never throw work away, and commit or push
  only when asked to.
- Run the tests that are near the change. Say plainly what you could not check.
- The sandbox and the approvals of this session are set by the person; ask through them, never around them.
- Before a longer step say in one sentence what you are about to do. Name files as `path:line`. Be brief and concrete.
"""


def needs_catalog(model: Model) -> bool:
    name = model.id.rsplit("/", 1)[-1]
    return not name.startswith(OWN_PREFIX) or name.startswith(OPEN_PREFIX)


def entries(models: Iterable[Model]) -> list[dict[str, Any]]:
    """Of those that Codex does not know; in this order it shows them."""
    return [_entry(model, place) for place, model in enumerate(models, 1) if needs_catalog(model)]


def _entry(model: Model, place: int) -> dict[str, Any]:
    return {
        "slug": model.id,
        "display_name": model.title,
        "description": f"{model.title} through Synrouter",
        "default_reasoning_level": "medium",
        "supported_reasoning_levels": [{"effort": name, "description": text} for name, text in EFFORTS.items()],
        "shell_type": "unified_exec",
        "visibility": "list",
        "supported_in_api": True,
        "priority": place,
        "support_verbosity": False,
        "supports_parallel_tool_calls": True,
        "apply_patch_tool_type": "freeform",
        "truncation_policy": {"mode": "tokens", "limit": 10000},
        "context_window": model.context_tokens,
        "max_context_window": model.context_tokens,
        "experimental_supported_tools": [],
        "input_modalities": ["text", "image"],
        "base_instructions": INSTRUCTIONS,
    }
