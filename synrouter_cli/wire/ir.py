"""What a request and an answer say, whatever dialect they are in: frozen values that every codec reads and writes.

The hub is Anthropic Messages: whatever that can say has a place here, and keeps its order. Tool arguments are kept as
the JSON text that came, so that big numbers, key order and repeats arrive as sent. A field that no value here has a
place for stands in `extras`, by its name in the dialect that it came in.

Responses' items say things of themselves that no other dialect has a use for (`id`, `status`, `phase`): these stand
in `item`, which only that codec reads. What an item has there is no loss elsewhere.

They are structs, which cost half as much to make as dataclasses do; `msgspec.structs.replace` makes changed copies.
None can hold itself, so the garbage collector need not look at them; it does at messages, since only then they can be
referred to weakly (`codecs/made.py`).

>>> Request("m", messages=(Message("user", (Text("hi"),)),)).messages[0].blocks[0].text
'hi'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from synrouter_cli.wire.usage import Usage

Json: TypeAlias = Any
Extras: TypeAlias = Mapping[str, Json]
Role: TypeAlias = Literal["user", "assistant", "system", "developer"]
Dialect: TypeAlias = Literal["anthropic", "chat", "responses"]


class Loss(Struct, frozen=True, gc=False):
    """Something that the target has no place for. `code` names what it is (`top_k`, `image_detail`), `path` where it
    stood in the request as these values tell it, e.g. `messages.3.content.0`. Never content."""

    code: str
    path: str


class Cache(Struct, frozen=True, gc=False):
    """A `cache_control` marker as it stood there, `{"type": "ephemeral"}` with or without `ttl` and more."""

    ttl: str | None = None
    extras: Extras = field(default_factory=dict)


# ── blocks ──


class Text(Struct, frozen=True, gc=False):
    text: str
    cache: Cache | None = None
    citations: tuple[Json, ...] = ()
    """As Anthropic has them; annotations of OpenAI's dialects are turned into them and back where both have a place."""
    extras: Extras = field(default_factory=dict)
    item: Extras | None = None


class Source(Struct, frozen=True, gc=False):
    """Where the bytes of an image or document are. `data` is base64, a URL, a file's id, plain text, or blocks."""

    kind: Literal["base64", "url", "file", "text", "content"]
    data: Json
    media_type: str | None = None


class Image(Struct, frozen=True, gc=False):
    source: Source
    cache: Cache | None = None
    detail: str | None = None
    """OpenAI's low | high | auto | original."""
    extras: Extras = field(default_factory=dict)


class Document(Struct, frozen=True, gc=False):
    source: Source
    title: str | None = None
    """A file's name in OpenAI's dialects."""
    cache: Cache | None = None
    extras: Extras = field(default_factory=dict)


class Audio(Struct, frozen=True, gc=False):
    """Input audio, which Anthropic has no place for."""

    data: str
    format: str


class Thinking(Struct, frozen=True, gc=False):
    """Visible thinking, or a summary of it. `signature` is Anthropic's own, or what `sealed.py` wraps of another's."""

    text: str
    signature: str = ""
    extras: Extras = field(default_factory=dict)
    item: Extras | None = None


class RedactedThinking(Struct, frozen=True, gc=False):
    data: str
    item: Extras | None = None


class ToolUse(Struct, frozen=True, gc=False):
    """A call of a tool. `arguments` is the text that came: JSON for a function, free text for a custom tool."""

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom", "local_shell", "server"] = "function"
    namespace: str | None = None
    cache: Cache | None = None
    extras: Extras = field(default_factory=dict)
    item: Extras | None = None


class ToolResult(Struct, frozen=True, gc=False):
    """What came of a call. `content` is text, images, documents; a bare string is one Text with `bare`."""

    id: str
    content: tuple[Block, ...]
    is_error: bool | None = None
    bare: bool = False
    """The content stood there as a plain string, or was left out where it is empty."""
    kind: Literal["function", "custom", "local_shell", "server"] = "function"
    cache: Cache | None = None
    extras: Extras = field(default_factory=dict)
    item: Extras | None = None


class Refusal(Struct, frozen=True, gc=False):
    """OpenAI's refusal part: text in place of an answer."""

    text: str
    item: Extras | None = None


class Opaque(Struct, frozen=True, gc=False):
    """A block that only its own dialect knows (server tools and their results, containers, compaction, …)."""

    dialect: Dialect
    kind: str
    data: Json


Block: TypeAlias = (
    Text | Image | Document | Audio | Thinking | RedactedThinking | ToolUse | ToolResult | Refusal | Opaque
)


class Message(Struct, frozen=True, weakref=True):
    """A message of the conversation. System and developer messages stand where they stood."""

    role: Role
    blocks: tuple[Block, ...]
    bare: bool = False
    """The content stood there as a plain string."""
    name: str | None = None
    cache: Cache | None = None
    """A marker on the message object itself, as some Chat clients put it: it marks the last block."""
    extras: Extras = field(default_factory=dict)
    item: Extras | None = None


# ── tools ──


class Tool(Struct, frozen=True, gc=False):
    """A tool that the model may call. `function` has a JSON schema, `custom` free text and perhaps a grammar, a
    `builtin` is known by its `name` (web_search, local_shell, code_interpreter, …) and has `config` alone."""

    kind: Literal["function", "custom", "builtin"]
    name: str
    description: str | None = None
    schema: Json = None
    strict: bool | None = None
    config: Extras = field(default_factory=dict)
    """A custom tool's `format`; what a builtin is set to, its `type` included."""
    dialect: Dialect | None = None
    """Of a builtin: whose it is."""
    namespace: str | None = None
    deferred: bool | None = None
    """Loaded by tool search only when it is needed."""
    cache: Cache | None = None
    extras: Extras = field(default_factory=dict)
    item: Extras | None = None


class ToolChoice(Struct, frozen=True, gc=False):
    """auto, any (one at least), none, tool (`name`), allowed (`names` with `required`)."""

    kind: Literal["auto", "any", "none", "tool", "allowed"]
    name: str | None = None
    names: tuple[str, ...] = ()
    required: bool = False
    target: Literal["function", "custom", "builtin"] = "function"


# ── requests ──


class Reasoning(Struct, frozen=True, gc=False):
    """How much the model is to think. `effort` in words (none, minimal, low, medium, high, xhigh, max), `budget` in
    tokens; `mode` is Anthropic's `thinking.type`; `summary` is what is shown of it (OpenAI), `display` Anthropic's."""

    mode: Literal["enabled", "disabled", "adaptive", "between_tools"] | None = None
    effort: str | None = None
    budget: int | None = None
    summary: str | None = None
    display: str | None = None
    encrypted: bool = False
    """OpenAI's `include: reasoning.encrypted_content`."""


class Format(Struct, frozen=True, gc=False):
    """What the answer must look like: `json` is any JSON object, `schema` has a schema."""

    kind: Literal["text", "json", "schema"]
    name: str | None = None
    schema: Json = None
    strict: bool | None = None
    description: str | None = None


class Request(Struct, frozen=True, gc=False):
    """A request. None is what was not said, and is not said on the other side either where that may be."""

    model: str
    system: tuple[Text, ...] = ()
    """Anthropic's top-level `system`, Responses' `instructions`."""
    system_bare: bool = False
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel: bool | None = None
    """Whether several tools may be called at once."""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool | None = None
    include_usage: bool | None = None
    """Chat: `stream_options.include_usage`."""
    reasoning: Reasoning | None = None
    format: Format | None = None
    verbosity: str | None = None
    cache: Cache | None = None
    """A marker at the top level."""
    cache_key: str | None = None
    """OpenAI's `prompt_cache_key`."""
    user: str | None = None
    """Anthropic's `metadata.user_id`, OpenAI's `user` or `safety_identifier`."""
    metadata: Extras = field(default_factory=dict)
    service_tier: str | None = None
    store: bool | None = None
    previous: str | None = None
    """Responses' `previous_response_id`."""
    extras: Extras = field(default_factory=dict)
    dialect: Dialect | None = None
    """What it came in: its own encoder passes every extra field on, another one only what it knows by that name."""
    legacy: bool = False
    """Chat's `functions` of before `tools`: the answer has to be in these words."""


# ── answers ──

StopReason: TypeAlias = str
"""Anthropic's words: end_turn, max_tokens, stop_sequence, tool_use, pause_turn, refusal,
model_context_window_exceeded; what has no word there stays as it came."""


class Response(Struct, frozen=True, gc=False):
    """An answer in one piece."""

    id: str
    model: str
    blocks: tuple[Block, ...]
    stop_reason: StopReason | None
    stop_sequence: str | None = None
    usage: Usage | None = None
    reasoning_tokens: int | None = None
    """Of the output tokens, those that were thought; None where that is not told."""
    created: int | None = None
    """Epoch seconds, where the dialect tells."""
    extras: Extras = field(default_factory=dict)


class Failure(Struct, frozen=True, gc=False):
    """An error, as an answer or in the middle of one. `type` is one of Anthropic's error types."""

    type: str
    message: str
    status: int | None = None
    code: str | None = None
    """OpenAI's `code`, e.g. context_length_exceeded."""
    param: str | None = None
    request_id: str | None = None
    extras: Extras = field(default_factory=dict)


# ── streams ──


class Started(Struct, frozen=True, gc=False):
    """The answer begins. Input counts are in `usage` where the dialect tells them at the start."""

    id: str
    model: str
    usage: Usage | None = None
    created: int | None = None
    extras: Extras = field(default_factory=dict)


class BlockStarted(Struct, frozen=True, gc=False):
    """Block `index` (0, 1, … in order of their start) begins as `block`, whose text or arguments are still empty."""

    index: int
    block: Block


class Delta(Struct, frozen=True, gc=False):
    """More of block `index`: `kind` says of what."""

    index: int
    kind: Literal["text", "thinking", "signature", "arguments", "citation", "refusal"]
    data: Json
    """Text, but for a citation, which is an object."""


class BlockEnded(Struct, frozen=True, gc=False):
    index: int


class Finished(Struct, frozen=True, gc=False):
    """The answer is whole, its blocks have ended."""

    stop_reason: StopReason | None
    stop_sequence: str | None = None
    usage: Usage | None = None
    reasoning_tokens: int | None = None
    extras: Extras = field(default_factory=dict)


class Ping(Struct, frozen=True, gc=False):
    """Nothing but a sign of life."""


StreamEvent: TypeAlias = Started | BlockStarted | Delta | BlockEnded | Finished | Failure | Ping
