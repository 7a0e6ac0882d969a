"""Tools that this dialect has a type of its own for, but that the client runs: elsewhere they are functions, with the
schema that stands here, and their calls and outputs become this dialect's items again.

>>> sorted(CLIENT_SIDE)
['apply_patch', 'local_shell', 'shell', 'tool_search']
>>> CLIENT_SIDE["local_shell"].call, CLIENT_SIDE["local_shell"].output
('local_shell_call', 'local_shell_call_output')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from synrouter_cli.wire.ir import Json

_STRINGS: Final = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class ClientSide:
    """`call` and `output` are the types of its items, `key` where a call's arguments stand in one."""

    call: str
    output: str
    key: str
    description: str
    schema: Json


def _schema(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required}


CLIENT_SIDE: Final[Mapping[str, ClientSide]] = {
    "local_shell": ClientSide(
        "local_shell_call",
        "local_shell_call_output",
        "action",
        "Runs a command on the user's machine and returns what it printed.",
        _schema(
            ["command"],
            command={**_STRINGS, "description": "The program and its arguments."},
            env={"type": "object", "additionalProperties": {"type": "string"}},
            timeout_ms={"type": "integer"},
            working_directory={"type": "string"},
        ),
    ),
    "shell": ClientSide(
        "shell_call",
        "shell_call_output",
        "action",
        "Runs shell commands on the user's machine and returns what each printed and how it ended.",
        _schema(
            ["commands"],
            commands={**_STRINGS, "description": "Command lines, run one after the other."},
            timeout_ms={"type": "integer"},
            max_output_length={"type": "integer", "description": "Characters of output to return."},
        ),
    ),
    "apply_patch": ClientSide(
        "apply_patch_call",
        "apply_patch_call_output",
        "operation",
        "Creates, changes or deletes one file. A change is a diff in the V4A form: lines that begin with a space, "
        "+ or -, in hunks that begin with @@.",
        _schema(
            ["type", "path"],
            type={"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
            path={"type": "string"},
            diff={"type": "string", "description": "Needed unless the file is deleted."},
        ),
    ),
    "tool_search": ClientSide(
        "tool_search_call",
        "tool_search_output",
        "arguments",
        "Finds tools that are not loaded yet and loads those that fit.",
        _schema(["query"], query={"type": "string"}, limit={"type": "integer"}),
    ),
}
BY_CALL: Final = {tool.call: (name, tool) for name, tool in CLIENT_SIDE.items()}
BY_OUTPUT: Final = {tool.output: (name, tool) for name, tool in CLIENT_SIDE.items()}


def runs_at_the_client(tool: Mapping[str, Any]) -> bool:
    """Whether a tool of the request is one of these, and not run by the provider."""
    kind = tool.get("type")
    if kind == "tool_search":
        return tool.get("execution") == "client"
    if kind == "shell":
        environment = tool.get("environment")
        return not isinstance(environment, dict) or environment.get("type") == "local"
    return kind in CLIENT_SIDE
