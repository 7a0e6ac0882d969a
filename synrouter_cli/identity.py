"""What a request says about whose it is: the client, its own id of the conversation, a subagent's id.

>>> identify({"x-claude-code-session-id": "s-1"}, b"").client
'claude-code'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

__all__ = ["Identity", "client_of", "identify", "is_agent", "mode_of"]

_ID_HEADERS = (
    "x-claude-code-session-id",
    "x-session-id",
    "x-session-affinity",
    "session_id",
    "session-id",
    "conversation_id",
)
_USER_AGENTS = (
    ("kilo-code/", "kilo"),
    ("opencode/", "opencode"),
    ("codex", "codex"),
    ("openclaw", "openclaw"),
    ("factory-cli", "droid"),
    ("aider", "aider"),
    ("zed/", "zed"),
    ("charm-crush/", "crush"),
)
_CODING_AGENTS = frozenset(
    "aider claude-code cline codex continue crush droid hermes kilo openclaw opencode pi qwen roo zed".split()
)
_CLIENT_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_METADATA_SESSION = re.compile(rb'session(?:_id)?(?:\\?"\s*:\s*\\?"|_)([0-9a-zA-Z-]{8,64})')
_OPENCLAW_SESSION = re.compile(
    rb"Runtime: agent=[^|]{1,80}\|(?: session=agent:[^|:]{1,80}:([^|:]{1,80}))?.{0,200}?"
    rb"sessionId=([0-9A-Za-z_.:-]{4,80})"
)
_WORDS: Final = tuple(
    (client, kind, words.encode())
    for client, kind, words in (
        ("hermes", "main", "You run on Hermes Agent (by Nous Research)"),
        ("hermes", "subagent", "Your response is returned to the parent agent as a summary"),
        ("hermes", "side", "Generate a short, descriptive title (3-7 words) for a conversation that starts with"),
        ("hermes", "side", "You are a summarization agent creating a context checkpoint."),
        ("qwen", "subagent", "You operate in non-interactive mode: do not ask the user questions; proceed with"),
        ("aider", "side", "expert software engineer that generates concise, one-line Git commit messages"),
        ("aider", "side", "*Briefly* summarize this partial conversation about programming."),
    )
)
"""(client, kind, what it says in prompts of that kind): of clients that say neither in a header (observed in their
terminals: Hermes 0.19, Qwen Code 0.24, Aider 0.86). Of several that fit the last counts."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a request says about whose it is. `key` is the client's own id of the conversation, if it has one."""

    client: str
    key: str | None = None
    agent: str | None = None
    parent_key: str | None = None
    side: bool = False
    subagent: bool = False
    """It is one, though under a key of its own or none."""
    main: bool = False
    """The client says itself that this is the conversation, not something beside it."""


def identify(headers: Mapping[str, str], metadata: bytes, system: bytes = b"") -> Identity:
    """Read the identity from lower-case headers, the body's `metadata`, and the newest system text (of a request that
    has none, the beginning of the first message)."""
    in_metadata = _METADATA_SESSION.search(metadata) if metadata else None
    client = _client(headers, in_metadata is not None)
    key = next((headers[name] for name in _ID_HEADERS if headers.get(name)), None)
    if key is None and in_metadata is not None:
        key = in_metadata[1].decode("latin-1")
    if key is None:
        client, key, kind = _in_words(client, system)
        if kind:
            main = kind == "main" and key is not None
            return Identity(client, key, side=kind == "side", subagent=kind == "subagent", main=main)
    if client == "codex" and key is not None and headers.get("thread-id"):
        return _of_codex(headers, key, headers["thread-id"])
    agent = headers.get("x-claude-code-agent-id") or None
    parent = headers.get("x-parent-session-id") or None
    side = False
    if key is not None and key.startswith("title-"):
        key, side = key[len("title-") :], True
    return Identity(client, key, agent, parent, side)


def _in_words(client: str, system: bytes) -> tuple[str, str | None, str]:
    """The client, its conversation's id and the kind of it, "" where nothing is said."""
    openclaw = _OPENCLAW_SESSION.search(system)
    if openclaw is not None:
        client = "openclaw" if client == "unknown" else client
        kind = "" if openclaw[1] is None else "subagent" if openclaw[1].strip() == b"subagent" else "main"
        return client, openclaw[2].decode("latin-1"), kind
    said = [(name, kind) for name, kind, words in _WORDS if client in (name, "unknown") and words in system]
    return (said[-1][0], None, said[-1][1]) if said else (client, None, "")


class _CodexTurn(msgspec.Struct):
    thread_source: str = ""


_codex_turn: Final = msgspec.json.Decoder(_CodexTurn)


def _of_codex(headers: Mapping[str, str], session: str, thread: str) -> Identity:
    """A subagent has its parent's session and a thread of its own; a title is a conversation by itself (0.169.0,
    observed)."""
    try:
        source = _codex_turn.decode(headers.get("x-codex-turn-metadata", "").encode()).thread_source
    except msgspec.MsgspecError:
        source = ""
    if thread != session:
        return Identity("codex", session, agent=thread)
    side = source == "thread_title"
    return Identity("codex", session, side=side, main=not side)


class _Body(msgspec.Struct):
    metadata: msgspec.Raw = msgspec.Raw(b"")


_body_decoder: Final = msgspec.json.Decoder(_Body)


def client_of(headers: Mapping[str, str], body: bytes) -> str:
    """Who sent a request that need not be split into blocks; whatever its body is.

    >>> client_of({"user-agent": "claude-cli/2"}, b'{"metadata": {"user_id": "u_session_0123456789"}}')
    'claude-code'
    """
    try:
        metadata = bytes(_body_decoder.decode(body).metadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        metadata = b""
    return identify(headers, metadata).client


def is_agent(client: str) -> bool:
    """Whether it is a coding agent: its conversations have tools, and what has none is beside one."""
    return client in _CODING_AGENTS


def mode_of(asked: str, client: str, key: str | None) -> str:
    """coding | general: what was asked for (header, command line, config), and for `auto` what fits the client.

    Coding agents, and whoever names its conversations, have long sessions; what else calls has many short ones.

    >>> mode_of("auto", "claude-code", None), mode_of("auto", "unknown", None), mode_of("coding", "unknown", None)
    ('coding', 'general', 'coding')
    """
    if asked != "auto":
        return asked
    return "coding" if is_agent(client) or key is not None else "general"


def _client(headers: Mapping[str, str], session_in_metadata: bool) -> str:
    named = headers.get("x-synrouter-client", "").strip().lower()
    if _CLIENT_NAME.fullmatch(named):
        return named
    if headers.get("x-claude-code-session-id"):
        return "claude-code"
    agent = headers.get("user-agent", "").lower()
    for prefix, name in _USER_AGENTS:
        if agent.startswith(prefix):
            return name
    # other clients borrow Claude Code's user agent, so that alone says nothing
    if agent.startswith("claude-cli/") and session_in_metadata:
        return "claude-code"
    return "unknown"
