"""The list of models in the shape that the asker knows: Anthropic's, OpenAI's, Codex's own, which has those that
Codex does not know by itself.

>>> listing([("anthropic", "claude-opus-4-8")], "openai")["data"][0]["id"]
'claude-opus-4-8'
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from synrouter_cli.clients.codex_models import entries
from synrouter_cli.errors import UnknownModel
from synrouter_cli.providers import Model, model
from synrouter_cli.proxy.guard import Head
from synrouter_cli.ways import alike

_NO_DATE: Final = "2026-01-01T00:00:00Z"


def shape_of(dialect: str, head: Head, query: str) -> str:
    """anthropic | openai | codex: by the path's dialect, Anthropic's own header, and the query that Codex asks with."""
    if "client_version=" in query:
        return "codex"
    return "anthropic" if dialect == "anthropic" and asks_anthropic(head) else "openai"


def asks_anthropic(head: Head) -> bool:
    """Whether a client speaks Anthropic's dialect, by headers that only such clients send."""
    return bool(head.values(b"anthropic-version") or head.values(b"x-api-key"))


def listing(known: Iterable[tuple[str, str]], shape: str, wanted: str = "") -> dict[str, Any]:
    """All of `known`, (provider, model) each, or the one that is `wanted`. Raises UnknownModel."""
    today = datetime.now(UTC).date()
    rows = [(provider, model(name, today)) for provider, name in dict.fromkeys(known)]
    if wanted:
        found = next((row for row in rows if row[1].id == wanted or f"{row[0]}/{row[1].id}" == wanted), None)
        if found is None:
            raise UnknownModel(model=wanted[:80], near=alike(wanted, [known.id for _, known in rows]))
        return _row(*found, "openai" if shape == "codex" else shape)
    if shape == "codex":
        return {"models": entries(known for _, known in rows)}
    listed = [_row(*row, shape) for row in rows]
    if shape == "openai":
        return {"object": "list", "data": listed}
    ids = [row["id"] for row in listed]
    return {"data": listed, "has_more": False, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}


def _row(provider: str, known: Model, shape: str) -> dict[str, Any]:
    if shape == "anthropic":
        return {"type": "model", "id": known.id, "display_name": known.title, "created_at": _NO_DATE}
    return {"id": known.id, "object": "model", "created": 0, "owned_by": provider}
