"""A request as the prompt that a model reads: its bytes, where blocks and messages end, where a cache mark stands.

Tools come first, then messages in order. A token is four bytes here; text is the same whether it stands as a string or
in a list, and a picture has a length of its own. What caches depend on beside these bytes is `seed`.

>>> prompt = chat_prompt({"messages": [{"role": "user", "content": "Hi there."}]})
>>> prompt == chat_prompt({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi there."}]}]})
True
>>> prompt.tokens, prompt.ends == prompt.message_ends
(4, True)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

__all__ = ["BYTES_PER_TOKEN", "Mark", "Prompt", "chat_prompt", "responses_prompt", "tokens_of"]

Json = Mapping[str, Any]

BYTES_PER_TOKEN: Final = 4
_MEDIA_TOKENS: Final = {"low": 85}
_OTHER_MEDIA_TOKENS: Final = 765
_MARKS: Final = ("cache_control", "prompt_cache_breakpoint")
_UNREAD: Final = frozenset({"id", "status", *_MARKS})
"""What of an item or tool is not part of the prompt."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A cache mark at the end of a block; `ttl` as it stood there."""

    end: int
    ttl: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """`ends` and `message_ends` are offsets into `data`, rising."""

    data: bytes
    ends: tuple[int, ...]
    message_ends: tuple[int, ...]
    marks: tuple[Mark, ...]
    seed: bytes

    @property
    def tokens(self) -> int:
        return -(-len(self.data) // BYTES_PER_TOKEN)

    @property
    def ident(self) -> str:
        """Hex, the same for the same prompt."""
        return sha256(self.seed + self.data).hexdigest()[:32]


def tokens_of(text: str) -> int:
    """How many tokens a text of the model's has."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def chat_prompt(body: Json) -> Prompt:
    """Of a body that was found to be in order."""
    writer = _Writer()
    _write_tools(writer, body.get("tools") or ())
    for message in body["messages"]:
        writer.text(f"<{message['role']}>")
        _write_content(writer, message.get("content"))
        for call in message.get("tool_calls") or ():
            writer.block(_json({**_read(call), "id": call.get("id")}), call)
        if "tool_call_id" in message:
            writer.block(str(message["tool_call_id"]), {})
        writer.message_end(message)
    seed = [body.get("reasoning_effort"), body.get("verbosity"), body.get("response_format"), body.get("service_tier")]
    return writer.prompt(body, seed)


def responses_prompt(body: Json, items: Iterable[Json]) -> Prompt:
    """Of a body that was found to be in order, with the items of responses that it goes on from."""
    writer = _Writer()
    _write_tools(writer, body.get("tools") or ())
    if body.get("instructions"):
        writer.block(f"<developer>{body['instructions']}", {})
        writer.message_end({})
    for item in items:
        if item.get("type", "message") == "message":
            writer.text(f"<{item['role']}>")
            _write_content(writer, item.get("content"))
        elif item["type"] == "reasoning":
            writer.block(str(item.get("encrypted_content") or item.get("id")), {})
        else:
            writer.block(_json({name: value for name, value in item.items() if name != "output"}), item)
            _write_content(writer, item.get("output"))
        writer.message_end(item)
    reasoning, text = body.get("reasoning") or {}, body.get("text") or {}
    seed = [reasoning.get("effort"), text.get("verbosity"), text.get("format"), body.get("service_tier")]
    return writer.prompt(body, seed)


class _Writer:
    """Puts a prompt together."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends: list[int] = []
        self._message_ends: list[int] = []
        self._marks: dict[int, Mark] = {}

    def text(self, text: str) -> None:
        self._data += text.encode("utf-8", "surrogatepass")

    def block(self, text: str, owner: Json) -> None:
        self.text(text)
        self._ends.append(len(self._data))
        self.mark(owner)

    def message_end(self, owner: Json) -> None:
        if not self._ends or self._ends[-1] != len(self._data):
            self._ends.append(len(self._data))
        self._message_ends.append(len(self._data))
        self.mark(owner)

    def prompt(self, body: Json, seed: list[Any]) -> Prompt:
        self.mark(body)
        marks = tuple(self._marks[end] for end in sorted(self._marks))
        settings = sha256(_json(seed).encode()).digest()
        return Prompt(bytes(self._data), tuple(self._ends), tuple(self._message_ends), marks, settings)

    def mark(self, owner: Json) -> None:
        for name in _MARKS:
            if isinstance(owner.get(name), dict):
                self._marks[len(self._data)] = Mark(len(self._data), owner[name].get("ttl"))


def _write_tools(writer: _Writer, tools: Iterable[Json]) -> None:
    for tool in tools:
        inner = tool.get("function")
        writer.block(_json(_read({**tool, "function": _read(inner)} if isinstance(inner, dict) else tool)), tool)
        if isinstance(inner, dict):
            writer.mark(inner)


def _write_content(writer: _Writer, content: Any) -> None:
    for part in content if isinstance(content, list) else [{"text": content}] if content else ():
        if "text" in part or "refusal" in part:
            writer.block(str(part.get("text", part.get("refusal"))), part)
        else:
            writer.block(_media(part), part)


def _media(part: Json) -> str:
    """Something as long as the medium's tokens, and the same for the same medium."""
    inner = part.get("image_url")
    detail = (inner if isinstance(inner, dict) else part).get("detail", "auto")
    size = BYTES_PER_TOKEN * _MEDIA_TOKENS.get(detail, _OTHER_MEDIA_TOKENS)
    digest = sha256(_json(_read(part)).encode()).hexdigest()
    return (digest * (size // len(digest) + 1))[:size]


def _read(value: Json) -> dict[str, Any]:
    return {name: one for name, one in value.items() if name not in _UNREAD}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
