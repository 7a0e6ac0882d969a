"""Errors of ours in the client's dialect: its shape, a type that it knows, and the next command to type.

>>> from synrouter_cli.errors import ForeignOrigin
>>> body_of(ForeignOrigin(), "anthropic")[:40]
b'{"type":"error","error":{"type":"permiss'
"""

from __future__ import annotations

import json

from synrouter_cli.errors import SynrouterError, body_anthropic
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Dialect, Failure

__all__ = ["body_of", "failed", "last_event"]


def body_of(error: SynrouterError, dialect: str) -> bytes:
    """The body of an error answer."""
    if dialect == "anthropic":
        return body_anthropic(error)
    return failed(error.type, _named(str(error)), dialect, error.http_status, error.code)


def failed(kind: str, message: str, dialect: str, status: int | None = None, code: str | None = None) -> bytes:
    """The body of an error answer of that type (Anthropic's word for it); `code` is OpenAI's."""
    if dialect == "anthropic":
        error = {"type": "error", "error": {"type": kind, "message": message}}
        return json.dumps(error, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return CODECS[_known(dialect)].encode_failure(Failure(kind, message, status=status, code=code))[1]


def last_event(message: str, dialect: str) -> bytes:
    """An event that ends a stream which broke off: of a type that clients take for passing, and ask again."""
    text = _named(message)
    if dialect == "anthropic":
        return b"event: error\ndata: " + failed("overloaded_error", text, dialect) + b"\n\n"
    if dialect == "responses":
        data = {"type": "error", "code": "server_error", "message": text, "param": None, "sequence_number": 0}
        return b"event: error\ndata: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"
    return b"data: " + failed("overloaded_error", text, dialect, 503) + b"\n\n"


def _named(message: str) -> str:
    """So that nobody takes it for the provider's."""
    return message if message.startswith("Synrouter") else f"Synrouter: {message}"


def _known(dialect: str) -> Dialect:
    return "responses" if dialect == "responses" else "chat"
