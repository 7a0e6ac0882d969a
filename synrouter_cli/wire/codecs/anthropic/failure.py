"""Errors of the Messages API ⇄ `Failure`: eleven types, each with its HTTP status.

>>> encode_failure(Failure("overloaded_error", "Overloaded"))
(529, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')
>>> encode_failure(Failure("made_up", "m", status=418))[1]
b'{"type":"error","error":{"type":"invalid_request_error","message":"m"}}'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from synrouter_cli.wire.codecs.anthropic import shapes
from synrouter_cli.wire.codecs.anthropic.blocks_out import written
from synrouter_cli.wire.codecs.chat.failures import decode_failure as of_any_server
from synrouter_cli.wire.ir import Failure

__all__ = ["decode_failure", "encode_failure", "failure_body", "read_failure"]

_STATUS: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""platform.claude.com, "Errors"."""
_BY_STATUS: Final = {status: kind for kind, status in _STATUS.items()} | {503: "overloaded_error", 408: "timeout_error"}
_TOO_LONG: Final = "prompt is too long: "
"""How the API begins, and by which clients know that they must compact."""


def read_failure(found: Mapping[str, Any], status: int | None = None) -> Failure:
    """`found` is an error answer's body or an error event's data."""
    error = found.get("error")
    error = error if isinstance(error, Mapping) else {}
    kind, message = error.get("type"), error.get("message")
    request_id = found.get("request_id")
    known = kind if isinstance(kind, str) else _type_of(status)
    said = message if isinstance(message, str) else ""
    rest = {name: value for name, value in error.items() if name not in ("type", "message") and value is not None}
    return Failure(
        known,
        said,
        status or _STATUS.get(known),
        code="context_length_exceeded" if said.startswith(_TOO_LONG.strip(": ")) else None,
        request_id=request_id if isinstance(request_id, str) else None,
        extras=rest,
    )


def decode_failure(body: bytes, status: int) -> Failure:
    """The error of an answer with that status; what is not of this API is read as any server's."""
    try:
        found = shapes.decoded(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = None
    if isinstance(found, dict) and found.get("type") == "error" and isinstance(found.get("error"), dict):
        return read_failure(found, status)
    return of_any_server(body, status)


def encode_failure(failure: Failure) -> tuple[int, bytes]:
    """Status and body. A type that the API has not becomes the one of the status."""
    kind = _known(failure)
    return failure.status or _STATUS[kind], written(failure_body(failure))


def failure_body(failure: Failure) -> dict[str, Any]:
    message = failure.message
    if failure.code == "context_length_exceeded" and not message.startswith(_TOO_LONG.strip(": ")):
        message = _TOO_LONG + message
    out: dict[str, Any] = {"type": "error", "error": {"type": _known(failure), "message": message}}
    if "details" in failure.extras:
        out["error"]["details"] = failure.extras["details"]
    if failure.request_id is not None:
        out["request_id"] = failure.request_id
    return out


def _known(failure: Failure) -> str:
    return failure.type if failure.type in _STATUS else _type_of(failure.status)


def _type_of(status: int | None) -> str:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return "invalid_request_error" if status is not None and 400 <= status < 500 else "api_error"
