"""What a request or an answer means, whatever dialect it came in: its aspects by name, in plain values to compare.

What may differ between two ways to say the same is levelled here and nowhere else: a custom tool and the function that
stands for it, a developer's message and the system's, a budget and its effort, a failed result and its first word.

>>> from synrouter_cli.wire.ir import Request, Text, ToolUse
>>> blocks_meaning((Text("a"), ToolUse("t", "f", ""), Text("b")))["calls"]
[('t', 'f', '{}')]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from synrouter_cli.wire.codecs.anthropic.schemas import closed
from synrouter_cli.wire.codecs.anthropic.tools_out import FORMER
from synrouter_cli.wire.codecs.chat.settings import effort_of
from synrouter_cli.wire.codecs.disguise import disguised, flat_name, wrapped
from synrouter_cli.wire.codecs.readable import readable
from synrouter_cli.wire.ir import (
    Audio,
    Block,
    Cache,
    Document,
    Image,
    Opaque,
    Reasoning,
    RedactedThinking,
    Refusal,
    Request,
    Response,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from synrouter_cli.wire.sealed import unseal

__all__ = ["NEVER_LOST", "answer_meaning", "blocks_meaning", "request_meaning"]

Meaning = dict[str, Any]

NEVER_LOST: Final = frozenset(
    "tools choice parallel calls results thinking effort format usage thought stop_reason".split()
)
"""Aspects that no loss excuses."""
_NO_SCHEMA: Final = {"type": "object", "properties": {}}
_JSON_SQUEEZED: Final = "AnswerwithoneJSONobjectandnothingelse:nowordsaroundit,nocodefence."
"""How a dialect asks for any JSON that has no field for it, without the spaces."""
_SYSTEM: Final = re.compile(r"<system>\n(.*)\n</system>", re.DOTALL)
_POINTERS: Final = re.compile(r"Of the result of \S+:|See the next message\.|\(Nothing was said yet\.\)")
_HALF: Final = re.compile(r"[\ud800-\udfff]")
_FAILED: Final = re.compile(r"^Error: ")
_SAYS_SO: Final = 80
_EFFORTS: Final = {"minimal": "low", "none": None}
_TIERS: Final = {"standard_only": "default", "priority": "auto"}


# ── blocks ──


def blocks_meaning(blocks: Iterable[Block]) -> Meaning:
    """Calls (id, name, arguments), results (id, text, failed), thinking (whose, text, proof), what is said and shown."""
    found: Meaning = {"calls": [], "results": [], "thinking": [], "media": [], "text": "", "citations": [], "other": []}
    for block in blocks:
        _READERS[type(block)](block, found)
    return found


def _text(block: Text | Refusal, found: Meaning) -> None:
    found["text"] += block.text
    if isinstance(block, Text):
        found["citations"] += [one.get("url") for one in block.citations if one.get("url")]


def _call(block: ToolUse, found: Meaning) -> None:
    found["calls"].append((plain_id(block.id), flat_name(block.name, block.namespace), arguments(block)))


def _result(block: ToolResult, found: Meaning) -> None:
    inner = blocks_meaning(block.content)
    text = _POINTERS.sub("", inner["text"])
    failed = bool(block.is_error) or "error" in text[:_SAYS_SO].lower()
    found["results"].append((plain_id(block.id), _FAILED.sub("", text), failed))
    found["media"] += inner["media"]


def _thinking(block: Thinking, found: Meaning) -> None:
    if block.item is not None:
        found["thinking"].append(("responses", block.text, _plain(block.item)))
    else:
        found["thinking"].append(_opened(block.text, block.signature))


def _redacted(block: RedactedThinking, found: Meaning) -> None:
    found["thinking"].append(_opened(None, block.data))


def _opened(text: str | None, token: str) -> tuple[str, str | None, str]:
    """Whose it is, what it says, and what proves it."""
    opened = unseal(token)
    if opened is None:
        return ("anthropic" if token else "nobody", text, token)
    return (opened[0], text, _plain(opened[1]))


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _media(block: Image | Document, found: Meaning) -> None:
    """A data URL and its parts are the same: what follows the comma tells them."""
    found["media"].append(str(block.source.data).rpartition(",")[2])


def _document(block: Document, found: Meaning) -> None:
    """A text is one, whether it stands in a document or by itself."""
    if block.source.kind == "text":
        found["text"] += (f"{block.title}\n\n" if block.title else "") + block.source.data
    elif block.source.kind == "content":
        pieces = (
            [{"type": "text", "text": block.source.data}] if isinstance(block.source.data, str) else block.source.data
        )
        found["text"] += (block.title or "") + "".join(one.get("text", "") for one in pieces)
    else:
        _media(block, found)


def _audio(block: Audio, found: Meaning) -> None:
    found["media"].append(block.data)


def _opaque(block: Opaque, found: Meaning) -> None:
    said = readable(block)
    if said is None:
        found["other"].append(block.kind)
    else:
        found["text"] += said


_READERS: Final[Mapping[type, Any]] = {
    Text: _text,
    Refusal: _text,
    ToolUse: _call,
    ToolResult: _result,
    Thinking: _thinking,
    RedactedThinking: _redacted,
    Image: _media,
    Document: _document,
    Audio: _audio,
    Opaque: _opaque,
}


def plain_id(given: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", given)


def arguments(call: ToolUse) -> str:
    """The text of a function's arguments; free text and what is no object stand in one property."""
    if call.kind == "custom":
        return wrapped(call)
    if not call.arguments.strip():
        return "{}"
    try:
        given = json.loads(call.arguments)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        given = {"input": call.arguments}
    elif call.kind != "local_shell" and given.keys() != {"input"}:
        return call.arguments
    return json.dumps(given, separators=(",", ":"), ensure_ascii=False)


# ── requests ──


def request_meaning(request: Request) -> Meaning:
    """All aspects of a request."""
    tools, choice = _allowed(request)
    system, said = _said(request)
    if any(tool.description == FORMER for tool in tools):  # what a dialect wants told where no tool is offered
        tools, choice = [], None
    clients = [_tool(tool) for tool in tools if _is_function(tool)]
    reads_json = _JSON_SQUEEZED in system
    hosted = choice is not None and choice[0] == "tool" and not any(choice[1] == name for name, *_ in clients)
    blocks = blocks_meaning(block for message in request.messages for block in message.blocks)
    del blocks["text"]
    form = request.format
    return {
        **blocks,
        "said": [(role, _HALF.sub("\ufffd", text)) for role, text in said if text],
        "system": system.replace(_JSON_SQUEEZED, ""),
        "tools": clients,
        "choice": choice if tools and not hosted else None,
        "parallel": request.parallel if tools else None,
        "effort": _effort(request.reasoning),
        "format": "json" if reads_json else None if form is None or form.kind == "text" else form.kind,
        "schema": closed(form.schema) if form is not None else None,
        "markers": [marker.ttl for marker in _markers(request)],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": request.stop,
        "stream": request.stream,
        "verbosity": request.verbosity,
        "cache_key": request.cache_key,
        "user": request.user,
        "metadata": dict(request.metadata),
        "tier": _TIERS.get(request.service_tier or "", request.service_tier),
        "store": request.store or None,
    }


def _said(request: Request) -> tuple[str, list[tuple[str, str]]]:
    """The system prompt, and who said what after it, neighbours of one role as one."""
    system = "".join(block.text for block in request.system)
    said: list[tuple[str, str]] = []
    leading = True
    for message in request.messages:
        role = "system" if message.role == "developer" else message.role
        text = _POINTERS.sub("", blocks_meaning(message.blocks)["text"])
        if leading and role == "system":
            system += text
            continue
        leading = False
        inner = _SYSTEM.fullmatch(text)
        role, text = ("system", inner[1]) if inner else (role, text)
        if said and said[-1][0] == role:
            said[-1] = (role, said[-1][1] + text)
        elif text:
            said.append((role, text))
    return re.sub(r"\s", "", system), said


def _is_function(tool: Tool) -> bool:
    """Whether the client runs it: what a provider runs is none of the client's tools."""
    return tool.kind != "builtin" or tool.name in ("local_shell", "bash")


def _tool(tool: Tool) -> tuple[Any, ...]:
    """Name, description, schema, strict. A custom tool is the function that stands for it."""
    if tool.name == "bash":
        return (tool.name,)  # one provider knows it, the others are told of it
    description, schema = (tool.description, tool.schema)
    if tool.kind != "function":
        description, schema = disguised(tool)
    return (
        flat_name(tool.name, tool.namespace),
        (description or ""),
        {**_NO_SCHEMA, **(schema or {})},
        bool(tool.strict),
    )


def _allowed(request: Request) -> tuple[list[Tool], tuple[Any, ...] | None]:
    """The tools and the choice among them; a choice of some is a choice among these alone."""
    choice, tools = request.tool_choice, list(request.tools)
    if choice is None or choice.kind == "auto":
        return tools, None
    if choice.kind == "allowed":
        names = {flat_name(name) for name in choice.names}
        tools = [tool for tool in tools if flat_name(tool.name, tool.namespace) in names or tool.name in choice.names]
        if not choice.required:
            return tools, None
        return tools, ("tool", tools[0].name) if len(tools) == 1 else ("any", None)
    return tools, (choice.kind, _chosen(choice, tools))


def _chosen(choice: ToolChoice, tools: list[Tool]) -> str | None:
    named = (tool for tool in tools if tool.name == choice.name)
    return next((flat_name(tool.name, tool.namespace) for tool in named), choice.name)


def _effort(reasoning: Reasoning | None) -> str | None:
    effort = effort_of(reasoning) if reasoning is not None else None
    if reasoning is not None and reasoning.mode == "between_tools":
        effort = "none"
    return _EFFORTS.get(effort or "", effort)


def _markers(request: Request) -> Iterable[Cache]:
    holders: list[Any] = [*request.tools, *request.system]
    for message in request.messages:
        for block in message.blocks:
            inner = block.content if isinstance(block, ToolResult) else ()
            holders += [one for one in inner if isinstance(one, Text | Image | Document)]
            holders.append(block)
        holders.append(message)
    holders.append(request)
    return (one.cache for one in holders if getattr(one, "cache", None) is not None)


# ── answers ──


def answer_meaning(answer: Response) -> Meaning:
    """All aspects of an answer."""
    usage = answer.usage
    return {
        **blocks_meaning(answer.blocks),
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "usage": None
        if usage is None
        else (
            usage.input_tokens,
            usage.cache_read_tokens,
            usage.cache_write_5m_tokens,
            usage.cache_write_1h_tokens,
            usage.output_tokens,
        ),
        "thought": answer.reasoning_tokens or None,
    }
