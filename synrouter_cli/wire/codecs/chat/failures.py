"""Errors: every shape that servers of this dialect give ⇄ `Failure`, whose type is one of Anthropic's.

>>> failure_in({"error": {"message": "Slow down", "type": "rate_limit_exceeded", "code": 429}}).type
'rate_limit_error'
>>> failure_in({"detail": "Not Found"}, 404).message
'Not Found'
>>> failure_in({"choices": []}) is None
True
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.chat.fields import Object, dump, load
from synrouter_cli.wire.ir import Failure

__all__ = ["decode_failure", "encode_failure", "error_out", "failure_in"]

_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    498: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUS: Final = {
    **{kind: status for status, kind in reversed(_TYPES.items())},
    "timeout_error": 504,
    "overloaded_error": 503,
    "rate_limit_error": 429,
}
_WORDS: Final = (
    ("insufficient_quota", "billing_error"),
    ("insufficient_balance", "billing_error"),
    ("billing", "billing_error"),
    ("rate_limit", "rate_limit_error"),
    ("too_many_requests", "rate_limit_error"),
    ("exceeded_current_quota", "billing_error"),
    ("overloaded", "overloaded_error"),
    ("unavailable", "overloaded_error"),
    ("invalid_api_key", "authentication_error"),
    ("authentication", "authentication_error"),
    ("unauthorized", "authentication_error"),
    ("permission", "permission_error"),
    ("forbidden", "permission_error"),
    ("model_not_found", "not_found_error"),
    ("not_found", "not_found_error"),
    ("notfound", "not_found_error"),
    ("too_large", "request_too_large"),
    ("timeout", "timeout_error"),
    ("context_length", "invalid_request_error"),
    ("invalid", "invalid_request_error"),
    ("badrequest", "invalid_request_error"),
    ("bad_request", "invalid_request_error"),
)
"""What the words of a type or code mean, the narrower first."""
_GENERAL: Final = frozenset({"invalid_request_error", "api_error"})
_CODES: Final = {
    "authentication_error": "invalid_api_key",
    "billing_error": "insufficient_quota",
    "not_found_error": "model_not_found",
}
_TOO_LONG: Final = re.compile(
    r"prompt is too long|context (?:length|window)|maximum context|input is too long", re.IGNORECASE
)
_TOO_LONG_CODE: Final = "context_length_exceeded"
_WHERE: Final = ("message", "msg", "detail", "error_message", "error")
_READ: Final = frozenset({"message", "type", "code", "param", "status"})


def decode_failure(body: bytes, status: int) -> Failure:
    """The error that an answer with that HTTP status is, whatever its body is. Never raises."""
    try:
        value: Any = load(body)
    except InvalidRequest:  # an HTML page, or nothing at all
        value = body.decode("utf-8", "replace").strip()[:500]
    found = failure_in(value, status) if isinstance(value, dict) else None
    if found is not None:
        return found
    said = value if isinstance(value, str) and value else f"The provider answered {status}."
    return Failure(_TYPES.get(status, "api_error"), said, status)


def failure_in(value: Object, status: int | None = None) -> Failure | None:
    """The error that a body or a stream's chunk tells; None where it tells none."""
    error = value.get("error")
    if not error and ("choices" in value or (status is None and not _bare(value))):
        return None
    if isinstance(error, str) and error:
        error = {"message": error, "type": value.get("type"), "code": value.get("code")}
    inner: Object = error if isinstance(error, dict) and error else value
    code, kind = inner.get("code"), inner.get("type")
    status = status or _status(code) or _status(inner.get("status")) or _status(value.get("status"))
    request_id = value.get("request_id") or inner.get("request_id")
    return Failure(
        _type(kind, code, status),
        _message(inner),
        status,
        code if isinstance(code, str) else None,
        str(inner["param"]) if inner.get("param") is not None else None,
        request_id if isinstance(request_id, str) else None,
        {key: one for key, one in inner.items() if key not in _READ and one is not None and inner is error},
    )


def _bare(value: Object) -> bool:
    """Whether an object without `error` is one all the same."""
    return value.get("object") == "error" or any(isinstance(value.get(key), str | list) for key in _WHERE)


def _status(code: Any) -> int | None:
    if isinstance(code, str) and code.isdecimal():
        code = int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600 else None


def _type(kind: Any, code: Any, status: int | None) -> str:
    """By the words of code and type; a status says more than the words that mean any bad request or any fault."""
    meaning = next((found for word in (code, kind) if isinstance(word, str) and (found := _meaning(word))), None)
    if meaning is None or (meaning in _GENERAL and status is not None):
        return _TYPES.get(status or 500, "api_error" if (status or 500) >= 500 else "invalid_request_error")
    return meaning


def _meaning(word: str) -> str | None:
    if word in _STATUS:
        return word
    flat = word.lower().replace(" ", "_")
    return next((meaning for part, meaning in _WORDS if part in flat), None)


def _message(inner: Mapping[str, Any]) -> str:
    for key in _WHERE:
        said = inner.get(key)
        if isinstance(said, str) and said:
            return said
        if isinstance(said, list | dict) and said:
            return _flat(said)
    return "The provider told an error without a message."


def _flat(said: Any) -> str:
    """FastAPI's list of what does not fit, or whatever else it is, in one line."""
    if isinstance(said, list) and all(isinstance(one, dict) and isinstance(one.get("msg"), str) for one in said):
        return "; ".join(f"{'.'.join(map(str, one.get('loc') or ()))}: {one['msg']}".lstrip(": ") for one in said)
    if isinstance(said, dict) and isinstance(said.get("message"), str):
        return str(said["message"])
    return json.dumps(said, ensure_ascii=False)


def error_out(failure: Failure) -> Object:
    """The `error` object. What is too long has OpenAI's code, by which clients begin to compact."""
    code = failure.code or _CODES.get(failure.type)
    if failure.type in ("invalid_request_error", "request_too_large") and _TOO_LONG.search(failure.message):
        code = _TOO_LONG_CODE
    return {"message": failure.message, "type": failure.type, "param": failure.param, "code": code}


def encode_failure(failure: Failure) -> tuple[int, bytes]:
    """HTTP status and body."""
    return failure.status or _STATUS.get(failure.type, 500), dump({"error": error_out(failure)})
