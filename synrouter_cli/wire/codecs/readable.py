"""Blocks that one dialect alone has a form for, but that are text at heart, as that text.

>>> readable(Opaque("anthropic", "tool_reference", {"type": "tool_reference", "tool_name": "Read"}))
'Tool Read is loaded.'
>>> readable(Opaque("anthropic", "container_upload", {})) is None
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from synrouter_cli.wire.ir import Opaque

__all__ = ["readable"]


def readable(block: Opaque) -> str | None:
    """What a block says in words; None where it says nothing that could be read."""
    said = _SAID.get(block.kind)
    return said(block.data) if said is not None and isinstance(block.data, Mapping) else None


def _found(data: Mapping[str, Any]) -> str:
    """A search result: where it is from, and what it says."""
    pieces = [piece.get("text", "") for piece in data.get("content") or () if isinstance(piece, dict)]
    return "\n".join([str(data.get("title") or ""), str(data.get("source") or ""), *pieces])


_SAID: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "search_result": _found,
    "tool_reference": lambda data: f"Tool {data.get('tool_name')} is loaded.",
}
"""Blocks of Anthropic's in messages and in tools' results."""
