"""What the demo's agents have about them: instructions, tools, and what these answer, all of the usual size.

Every text is a function of its name alone, so that the same request is the same bytes in every run.

>>> call = ToolCall("Read", {"path": "shop/api.py"})
>>> len(tool_result(call)), tool_result(call) == tool_result(call)
(7000, True)
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from synrouter_cli.demo.script import ToolCall

__all__ = ["TOOL_SECONDS", "system_prompt", "tool_result", "tool_schemas"]

TOOL_SECONDS: Mapping[str, float] = MappingProxyType({"Read": 6, "Grep": 9, "Edit": 8, "Bash": 38, "Agent": 0})
"""The tools and how long a call takes, in simulated seconds; `Agent` takes as long as the subagent."""

_RESULT_CHARACTERS = {"Read": 7_000, "Grep": 2_500, "Edit": 300, "Bash": 3_500}
_TOOL_TEXT_CHARACTERS = 1_800
_SYSTEM_CHARACTERS = 19_000
_PROPERTIES = {name: {"type": "string"} for name in ("path", "command", "prompt")}
_LINES = (
    "def shelf(name, *, empty=False): return Shelf(name) if not empty else Shelf.empty(name)",
    "class Order(Record): number: int; lines: list[Line]; printed_at: datetime | None = None",
    "assert queue.next() is not None, 'the queue was empty although an order was waiting'",
    "for label in labels.waiting(): printer.put(label.rendered(), copies=label.copies)",
    "form.field('shortcut', Shortcut(keys='mod+k'), help='Opens the palette anywhere')",
)


def system_prompt(client: str) -> str:
    """A client's instructions."""
    return f"You are {client}, a coding agent.\n" + _text(client, _SYSTEM_CHARACTERS)


def tool_schemas(client: str) -> list[dict[str, Any]]:
    """The tools as a request offers them; every client words them in its own way."""
    return [
        {
            "name": name,
            "description": _text(f"{client} {name}", _TOOL_TEXT_CHARACTERS),
            "input_schema": {"type": "object", "properties": _PROPERTIES},
        }
        for name in TOOL_SECONDS
    ]


def tool_result(call: ToolCall) -> str:
    """What a tool other than `Agent` says."""
    return _text(repr((call.name, sorted(call.arguments.items()))), _RESULT_CHARACTERS[call.name])


def _text(name: str, characters: int) -> str:
    """Lines of code that begin to differ with the first."""
    seed = sha256(name.encode()).digest()
    lines = (
        f"{number + 1:>4}  {_LINES[seed[number % 32] % len(_LINES)]}  # {seed[(number + 7) % 32]:02x}"
        for number in range(characters // 60)
    )
    return "\n".join(lines)[:characters]
