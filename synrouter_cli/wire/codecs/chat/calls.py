"""Calls of tools ⇄ `tool_calls`. Arguments stay the text that came.

>>> call_in({"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}, "m.0", 0).arguments
'{}'
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from synrouter_cli.wire.codecs.chat.fields import Object, cache_in, checked, derived_id, dump, mapping, rest, text
from synrouter_cli.wire.codecs.chat.leaving import Leaving
from synrouter_cli.wire.codecs.chat.reasoning import Placed, call_seal, thought_signature
from synrouter_cli.wire.codecs.disguise import flat_name
from synrouter_cli.wire.ir import ToolUse
from synrouter_cli.wire.sealed import unseal

__all__ = ["arguments_in", "call_extras_in", "call_in", "call_out", "carrying", "kind_of"]

_KNOWN = frozenset({"id", "type", "function", "custom", "cache_control", "index"})


def call_in(call: Object, path: str, position: int) -> ToolUse:
    """One of `tool_calls`, of a request or an answer. Raises InvalidRequest where it has no name."""
    kind = kind_of(call)
    inner = mapping(call.get(kind), f"{path}.{kind}")
    name = text(inner, "name", f"{path}.{kind}")
    arguments = arguments_in(inner.get("input" if kind == "custom" else "arguments"))
    called = checked(call, "id", str, path) or derived_id(position, name, arguments)
    return ToolUse(called, name, arguments, kind, None, cache_in(call, path), call_extras_in(call))


def kind_of(call: Object) -> Literal["function", "custom"]:
    """What is called, by where its name stands."""
    return "custom" if isinstance(call.get("custom"), dict) and call.get("function") is None else "function"


def arguments_in(value: Any) -> str:
    """The text; some servers and clients send the object itself."""
    if isinstance(value, str):
        return value
    return "" if value is None else dump(value).decode()


def call_extras_in(call: Object) -> Object:
    """What else a call holds, less the thinking that was put there for the client to keep."""
    extras = rest(call, _KNOWN)
    sealed = thought_signature(call) if extras else None
    if sealed is not None and unseal(sealed) is not None:
        extras.pop("extra_content", None)
        extras.pop("thoughtSignature", None)
    return extras


def call_out(call: ToolUse, path: str = "", leaving: Leaving | None = None) -> Object:
    """An entry of `tool_calls`. A function that takes nothing is called with `{}`, which
    is JSON, unless this dialect said it otherwise. A namespace stands in front of the name."""
    name = flat_name(call.name, call.namespace) if call.namespace else call.name
    fields = leaving.marked(call, path) if leaving is not None else {}
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": name, "input": call.arguments}, **fields}
    own = leaving is not None and not leaving.foreign
    function = {"name": name, "arguments": call.arguments if own else call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function, **fields}


def carrying(thinking: Sequence[Placed], called: str, index: int) -> tuple[Object, Object]:
    """What a call of an answer carries of the thinking before it: fields of the call itself, as Gemini's clients give
    back, and an entry of `reasoning_details` under the call's id, as Pi does. Each client gives one of them back."""
    sealed = call_seal(thinking)
    entry = {"type": "reasoning.encrypted", "id": called, "data": sealed, "format": "unknown", "index": index}
    return {"extra_content": {"google": {"thought_signature": sealed}}}, entry
