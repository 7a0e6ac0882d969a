"""Which way a request goes: its method and raw path name the handling, the provider and the dialect.

The table is all that is served. Paths are matched as they came: none is decoded, so that what is
matched is what the upstream sees.

>>> found = match("POST", "/api/anthropic/v1/messages")
>>> found.route.action, found.upstream_path
('turn', '/v1/messages')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from synrouter_cli.errors import InvalidRequest, NotFound

Action = Literal["constant", "control", "models", "turn", "relay"]
"""constant: answered here, without a token. control: our own API. models: our own list of them. turn: read in full, led
to a provider by its model's name, planned, metered. relay: streamed both ways, untouched and uncapped."""

CONTROL_PREFIX: Final = "/_synrouter/"


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table; `{id}` in a pattern stands for one path segment."""

    method: str
    pattern: str
    action: Action
    endpoint: str
    provider: str = ""
    """Whose it is where no model's name says it; empty where one must."""
    dialect: str = "anthropic"
    upstream_pattern: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The route of one request and the path its provider knows it by."""

    route: Route
    upstream_path: str


_OWN: Final = (
    Route("HEAD", "/", "constant", "probe"),
    Route("HEAD", "/api/hello", "constant", "probe"),
    Route("GET", "/healthz", "constant", "healthz"),
    Route("GET", f"{CONTROL_PREFIX}health", "control", "health"),
    Route("GET", f"{CONTROL_PREFIX}live", "control", "live"),
    Route("GET", f"{CONTROL_PREFIX}explain", "control", "explain"),
    Route("POST", f"{CONTROL_PREFIX}shutdown", "control", "shutdown"),
    Route("POST", f"{CONTROL_PREFIX}reload-tokens", "control", "reload-tokens"),
    Route("POST", f"{CONTROL_PREFIX}reload-keys", "control", "reload-keys"),
)

_MESSAGES: Final[tuple[tuple[str, str, Action, str], ...]] = (
    ("POST", "/messages", "turn", "messages"),
    ("POST", "/messages/count_tokens", "turn", "count_tokens"),
)
# Published in Anthropic's API reference ("Models", "Message Batches", "Files").
_REST: Final[tuple[tuple[str, str, Action, str], ...]] = (
    ("GET", "/models", "relay", "models"),
    ("GET", "/models/{id}", "relay", "models"),
    ("GET", "/messages/batches", "relay", "batches"),
    ("POST", "/messages/batches", "relay", "batches"),
    ("GET", "/messages/batches/{id}", "relay", "batches"),
    ("DELETE", "/messages/batches/{id}", "relay", "batches"),
    ("POST", "/messages/batches/{id}/cancel", "relay", "batches"),
    ("GET", "/messages/batches/{id}/results", "relay", "batches"),
    ("GET", "/files", "relay", "files"),
    ("POST", "/files", "relay", "files"),
    ("GET", "/files/{id}", "relay", "files"),
    ("DELETE", "/files/{id}", "relay", "files"),
    ("GET", "/files/{id}/content", "relay", "files"),
)
# Some clients put /v1 into their base URL, some append it, some do neither: messages are served
# without it too. Hermes asks for titles and summaries at /api/v1/messages where its base URL is
# /api/anthropic.
_SERVED: Final = (
    ("/api/anthropic/v1", _MESSAGES + _REST),
    ("/v1", _MESSAGES + _REST),
    ("/api/anthropic", _MESSAGES),
    ("/api/v1", _MESSAGES),
    ("", _MESSAGES),
)

# OpenAI's dialects: published in its API reference ("Chat", "Responses", "Embeddings", "Models").
_OPENAI_ROWS: Final[tuple[tuple[str, str, Action, str, str], ...]] = (
    ("POST", "/chat/completions", "turn", "chat/completions", "chat"),
    ("POST", "/responses", "turn", "responses", "responses"),
    ("POST", "/responses/input_tokens", "turn", "input_tokens", "responses"),
    ("POST", "/embeddings", "turn", "embeddings", "chat"),
)

ROUTES: Final[tuple[Route, ...]] = (
    _OWN
    + tuple(
        Route(
            method,
            prefix + path,
            action,
            endpoint,
            "anthropic",
            "anthropic",
            f"/v1{path}",
        )
        for prefix, rows in _SERVED
        for method, path, action, endpoint in rows
    )
    + tuple(
        Route(method, prefix + path, action, endpoint, "", dialect)
        for prefix in ("/api/v1", "/v1", "")
        for method, path, action, endpoint, dialect in _OPENAI_ROWS
    )
    + tuple(Route("GET", f"/api/v1{path}", "models", "models", "", "chat") for path in ("/models", "/models/{id}"))
)

_EXACT: Final = {(route.method, route.pattern): route for route in ROUTES if "{" not in route.pattern}
_PATTERNS: Final = tuple(
    (route, re.compile(re.escape(route.pattern).replace(r"\{id\}", r"([^/]+)")))
    for route in ROUTES
    if "{" in route.pattern
)

_PLAIN_PATH = re.compile(r"/[\x21-\x7e]*")
# Read differently by different servers: an escaped dot, slash, backslash, NUL or percent sign, an
# escape that is none, a dot segment, a backslash, a fragment.
_AMBIGUOUS = re.compile(r"%(?:2e|2f|5c|00|25)|%(?![0-9a-f]{2})|/\.{1,2}(?:/|$)|[\\#]", re.IGNORECASE)
_OPENAI = re.compile(
    r"/api/v1(?!/messages(?:/|$))(?:/.*)?|(?:/v1)?/(?:chat/completions|completions|responses|embeddings)(?:/.*)?"
)
_SHOWN = 120


def split_target(target: str) -> tuple[str, str]:
    """The path and query ("" or "?…") of a request target as it stood in the request line.

    Raises InvalidRequest unless it is in origin form and every server reads its path alike.
    """
    path, mark, query = target.partition("?")
    if not _PLAIN_PATH.fullmatch(path):
        raise InvalidRequest(detail="The request's target must be a plain path.")
    if _AMBIGUOUS.search(path) or not query.isascii() or "#" in query:
        raise InvalidRequest(detail="The request's path holds escapes or segments that are not served.")
    return path, mark + query


def match(method: str, path: str) -> Match | None:
    """The route of `method` and raw `path` (without query); None where nothing is served."""
    exact = _EXACT.get((method, path))
    if exact is not None:
        return Match(exact, exact.upstream_pattern)
    for route, pattern in _PATTERNS:
        if route.method == method and (found := pattern.fullmatch(path)):
            return Match(route, route.upstream_pattern.replace("{id}", found[1]))
    return None


def dialect_of(path: str) -> str:
    """The dialect in which errors of this path are told.

    >>> dialect_of("/v1/responses"), dialect_of("/api/v1/messages?beta=true"), dialect_of("/api/v1/models")
    ('responses', 'anthropic', 'chat')
    """
    path = path.partition("?")[0]
    if not _OPENAI.fullmatch(path):
        return "anthropic"
    return "responses" if "/responses" in path else "chat"


def not_served(path: str, method: str = "POST") -> NotFound:
    """The error for a path without a route, or with one for other methods; it says what is served."""
    shown = path if len(path) <= _SHOWN else f"{path[:_SHOWN]}…"
    others = [route.method for route in ROUTES if match(route.method, path)]
    if others:
        return NotFound(path=f"{method[:_SHOWN]} {shown}", hint=f"{' or '.join(dict.fromkeys(others))} {shown}")
    if _OPENAI.fullmatch(path):
        return NotFound(path=shown, hint="use /v1/chat/completions, /v1/responses or /v1/embeddings")
    return NotFound(path=shown)
