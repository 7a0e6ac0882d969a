"""A block's words as a person would read them, out of the bytes that came.

>>> plain({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}})
'name: Bash\\ncommand: ls\\ntype: tool_use\\nid: toolu_1'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from synrouter_cli.prompt.body import parseable
from synrouter_cli.prompt.prompt import Prompt

__all__ = ["block_text", "decoded", "plain", "raw_block"]

_LAST = frozenset({"type", "id", "tool_use_id", "signature"})


def raw_block(prompt: Prompt, block: int) -> bytes | None:
    """A block's JSON as it came; None where the body has been given back."""
    if prompt.body is None:
        return None
    unit = prompt.unit_of(block)
    start = prompt.starts[unit]
    return prompt.body[start + prompt.blocks[block].start : start + prompt.blocks[block].end]


def block_text(prompt: Prompt, block: int) -> str | None:
    """A block's text, "" where there is no such block (-1), None where the body has been given back."""
    if block < 0:
        return ""
    raw = raw_block(prompt, block)
    return None if raw is None else plain(decoded(raw))


def decoded(raw: bytes) -> Any:
    """A JSON value. Lone surrogates are replaced; what is none after all is taken as text."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return msgspec.json.decode(parseable(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw.decode("utf-8", "replace")


def plain(value: Any) -> str:
    """A text block's text as it stands; of anything else its fields, a line each, without markers.

    What a block is and its ids come last, so that a change is shown by its words where it has any.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            return str(value["text"])
        value = {name: value[name] for name in sorted(value, key=_LAST.__contains__)}
    return "\n".join(_lines(value))


def _lines(whole: Any) -> Iterator[str]:
    left: list[tuple[str, Any]] = [("", whole)]
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            left += [(key, inner) for key, inner in reversed(value.items()) if key != "cache_control"]
        elif isinstance(value, list):
            left += [(name, inner) for inner in reversed(value)]
        else:
            yield f"{name}: {value}" if name else str(value)
