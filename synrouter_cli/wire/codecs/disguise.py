"""Tools that the Messages API has no kind for go there as functions, and come back as what they were.

A custom tool (free text, perhaps a grammar) becomes a function with one string, `input`; `local_shell` a function with
a command; a namespace stands in front of the name. `Restorer` undoes that in an answer, buffered or streamed, with the
request's own tools as the key. What was no disguise passes untouched.

>>> patch = Tool("custom", "apply_patch")
>>> answer = Response("m", "c", (ToolUse("t", "apply_patch", '{"input":"*** Begin\\\\n"}'),), "tool_use")
>>> Restorer(Request("c", tools=(patch,))).response(answer).blocks[0].arguments
'*** Begin\\n'
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from synrouter_cli.wire.codecs.freetext import FreeText
from synrouter_cli.wire.codecs.halves import mended
from synrouter_cli.wire.codecs.pairing import plain_id, unused
from synrouter_cli.wire.ir import (
    BlockEnded,
    BlockStarted,
    Delta,
    Request,
    Response,
    StreamEvent,
    Tool,
    ToolUse,
)

__all__ = ["LOCAL_SHELL", "OPENAIS_NAME", "Restorer", "disguised", "flat_name", "wrapped"]

LOCAL_SHELL: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "command": {"type": "array", "items": {"type": "string"}, "description": "The program and its arguments."},
        "working_directory": {"type": "string"},
        "timeout_ms": {"type": "integer"},
        "env": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["command"],
}
_SHELL_TEXT: Final = "Runs a command on the user's machine and returns its output."
_FREE_TEXT: Final = "The whole input of the tool as free text. It is no JSON in itself: write it plainly."
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME: Final = 128
OPENAIS_NAME: Final = 64
"""Characters that OpenAI's APIs take of a name; MCP's tools often have more."""


@lru_cache(maxsize=4096)
def flat_name(name: str, namespace: str | None = None, longest: int = _LONGEST_NAME) -> str:
    """A name that the Messages API takes, the namespace in front; too long ones end with a digest.

    >>> flat_name("create issue", "mcp__github__"), flat_name("run", "shell")
    ('mcp__github__create_issue', 'shell__run')
    """
    joined = name if not namespace else f"{namespace}{'' if namespace.endswith('__') else '__'}{name}"
    plain = _NOT_IN_NAMES.sub("_", joined)
    if len(plain) <= longest:
        return plain
    digest = hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{plain[: longest - 13]}_{digest[:12]}"


def disguised(tool: Tool) -> tuple[str | None, dict[str, Any]]:
    """Description and schema of the function that stands for a custom tool or the local shell."""
    if tool.kind == "builtin":
        return tool.description or _SHELL_TEXT, LOCAL_SHELL
    asked = tool.config.get("format")
    form: Any = asked if isinstance(asked, dict) else {}
    text = tool.description or ""
    if form.get("type") == "grammar":
        grammar = form.get("grammar") if isinstance(form.get("grammar"), dict) else form
        syntax, definition = grammar.get("syntax", ""), grammar.get("definition", "")
        text += f"\n\nThe input must match this {syntax} grammar from its first character to its last:\n\n{definition}"
    schema = {
        "type": "object",
        "properties": {"input": {"type": "string", "description": _FREE_TEXT}},
        "required": ["input"],
        "additionalProperties": False,
    }
    return text.strip() or None, schema


def wrapped(use: ToolUse) -> str:
    """The arguments of a call as the function's JSON."""
    if use.kind != "custom":
        return use.arguments
    try:
        return msgspec.json.encode({"input": use.arguments}).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode({"input": mended(use.arguments)}).decode()


class Restorer:
    """Gives the calls of one answer their own kinds, names and arguments back. One a stream."""

    def __init__(self, asked: Request) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in asked.tools:
            for longest in (_LONGEST_NAME, OPENAIS_NAME):
                self._tools.setdefault(flat_name(tool.name, tool.namespace, longest), tool)
        self._texts: dict[int, FreeText] = {}
        self._asked = asked
        self._taken: set[str] | None = None
        """Ids of the conversation's calls."""

    def response(self, response: Response) -> Response:
        blocks = tuple(self._whole(one) if isinstance(one, ToolUse) else one for one in response.blocks)
        return replace(response, blocks=blocks)

    def event(self, event: StreamEvent) -> list[StreamEvent]:
        """What an event becomes: the same, or one or more in its place."""
        if isinstance(event, BlockStarted) and isinstance(event.block, ToolUse):
            restored = self._own(self._named(event.block))
            if restored.kind == "custom" and event.block.kind != "custom":
                self._texts[event.index] = FreeText()
            return [BlockStarted(event.index, restored)]
        if isinstance(event, Delta) and event.kind == "arguments" and event.index in self._texts:
            text = self._texts[event.index].feed(event.data)
            return [Delta(event.index, "arguments", text)] if text else []
        if isinstance(event, BlockEnded) and event.index in self._texts:
            text = self._texts.pop(event.index).end()
            return [Delta(event.index, "arguments", text), event] if text else [event]
        return [event]

    def _named(self, use: ToolUse) -> ToolUse:
        tool = self._tools.get(flat_name(use.name, use.namespace) if use.namespace else use.name)
        if tool is None or use.kind != "function":
            return use
        shell = tool.kind == "builtin" and tool.name == "local_shell"
        if tool.kind == "builtin" and not shell:
            return use
        restored = replace(use, name=tool.name, namespace=tool.namespace)
        if shell:
            return replace(restored, kind="local_shell")
        return replace(restored, kind="custom") if tool.kind == "custom" else restored

    def _own(self, use: ToolUse) -> ToolUse:
        """A call with an id of its own: servers that begin anew with every answer (`call_0`) would have a client that
        goes by ids take an earlier call's result for this one's."""
        if self._taken is None:
            messages = self._asked.messages
            self._taken = {plain_id(one.id) for said in messages for one in said.blocks if isinstance(one, ToolUse)}
        name = unused(use.id, self._taken)
        return use if name == use.id else replace(use, id=name)

    def _whole(self, use: ToolUse) -> ToolUse:
        restored = self._own(self._named(use))
        if restored.kind != "custom" or use.kind == "custom":
            return restored
        text = FreeText()
        return replace(restored, arguments=text.feed(use.arguments) + text.end())
