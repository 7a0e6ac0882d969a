"""The call that a tool result answers: the tool's name, and what kind of call it was.

A shell's call is what its command is: one that prints a file is a read.

>>> Call("Bash", kind_of_call("Bash", {"command": "cat notes.txt"})).kind, kind_of_call("Bash", {"command": "make"})
('read', 'command')
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from synrouter_cli.prompt.body import parseable
from synrouter_cli.prompt.prompt import MESSAGES, Prompt, first_unit_of
from synrouter_cli.prompt.shell_reads import reads_file
from synrouter_cli.prompt.tool_names import COMMAND, READ, kind_of_tool

__all__ = ["Call", "call_answered", "kind_of_call", "read_fields"]

_COMMAND_KEYS: Final = ("command", "cmd", "commands", "script")
_GATEWAYS: Final = {"use_mcp_tool": "tool_name"}
"""Tools that stand for others → where in the input the other's name is."""
_KEYS: Final = (*_COMMAND_KEYS, *_GATEWAYS.values())
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Call:
    """A tool's name as the client says it, and the kind of this call (`tool_names.py`)."""

    name: str
    kind: str


def read_fields(data: bytes) -> tuple[dict[str, msgspec.Raw], bytes]:
    """A block's values, and the bytes in which they stand: a copy of the same length where those hold a lone surrogate.

    Raises msgspec.DecodeError where this is no JSON object.
    """
    try:
        return _fields.decode(data), data
    except (msgspec.MsgspecError, UnicodeDecodeError):
        clean = parseable(data)
        return _fields.decode(clean), clean


def call_answered(prompt: Prompt, place: int, result: Mapping[str, msgspec.Raw]) -> Call | None:
    """The call of a result that stands in unit `place`: in the assistant's messages just before it, else None."""
    wanted = _value(result.get("tool_use_id"))
    if not isinstance(wanted, str) or prompt.body is None:
        return None
    found_assistant = False
    for before in range(place - 1, first_unit_of(prompt, MESSAGES) - 1, -1):
        unit = prompt.units[before]
        if unit.role != "assistant":
            if found_assistant:
                return None
            continue
        found_assistant = True
        for block in unit.blocks:
            if block.kind != "tool_use":
                continue
            start = prompt.starts[before]
            fields, _ = read_fields(prompt.body[start + block.start : start + block.end])
            if _value(fields.get("id")) == wanted:
                return _call(fields)
    return None


def _call(fields: Mapping[str, msgspec.Raw]) -> Call | None:
    name, given = _value(fields.get("name")), bytes(fields.get("input", b""))
    if not isinstance(name, str):
        return None
    arguments, _ = read_fields(given) if given[:1] == b"{" else ({}, b"")
    values = {key: _value(arguments[key]) for key in _KEYS if key in arguments}
    inner = values.get(_GATEWAYS.get(name.lower(), ""))
    name = inner if isinstance(inner, str) else name
    return Call(name, kind_of_call(name, values))


def kind_of_call(name: str, arguments: Mapping[str, Any]) -> str:
    """The tool's kind by its name; of a command that prints a file READ."""
    kind = kind_of_tool(name)
    if kind == COMMAND and any(_reads(arguments[key]) for key in _COMMAND_KEYS if key in arguments):
        return READ
    return kind


def _reads(command: Any) -> bool:
    """Whether a command reads a file; a list may be one command's words or several commands, so it is taken as both."""
    if isinstance(command, str):
        return reads_file(command)
    if not isinstance(command, list):
        return False
    words = [str(word.get("command", "") if isinstance(word, dict) else word) for word in command]
    return reads_file(" ".join(words)) or reads_file("\n".join(words))


def _value(raw: msgspec.Raw | None) -> Any:
    """A value with its lone surrogates; None where there is none."""
    return None if raw is None else json.loads(bytes(raw).decode("utf-8", "surrogatepass"))
