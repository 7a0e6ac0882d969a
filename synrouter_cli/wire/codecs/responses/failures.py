"""Errors ⇄ `Failure`: an answer's body, a failed answer, an event in the middle of a stream.

>>> read_error({"message": "Too long.", "type": "invalid_request_error", "code": "context_length_exceeded"}).type
'invalid_request_error'
>>> encode_failure(Failure("overloaded_error", "Busy."))
(529, b'{"error":{"message":"Busy.","type":"overloaded_error","param":null,"code":"server_is_overloaded"}}')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.chat.failures import decode_failure as of_any_server
from synrouter_cli.wire.codecs.responses.reading import dump, load
from synrouter_cli.wire.ir import Failure

_STATUS: Final[Mapping[str, int]] = {
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
_BY_WORD: Final[Mapping[str, str]] = {
    "bio_policy": "invalid_request_error",
    "context_length_exceeded": "invalid_request_error",
    "data_residency_mismatch": "permission_error",
    "insufficient_permissions": "permission_error",
    "insufficient_quota": "billing_error",
    "invalid_api_key": "authentication_error",
    "invalid_prompt": "invalid_request_error",
    "invalid_request": "invalid_request_error",
    "model_not_found": "not_found_error",
    "not_found": "not_found_error",
    "permission_denied": "permission_error",
    "rate_limit_exceeded": "rate_limit_error",
    "request_timeout": "timeout_error",
    "server_error": "api_error",
    "server_is_overloaded": "overloaded_error",
    "slow_down": "overloaded_error",
    "tokens": "rate_limit_error",
    "requests": "rate_limit_error",
    "vector_store_timeout": "timeout_error",
}
"""OpenAI's codes and types → Anthropic's types; codes about images are the request's fault."""
_CODE: Final[Mapping[str, str]] = {
    "authentication_error": "invalid_api_key",
    "billing_error": "insufficient_quota",
    "not_found_error": "model_not_found",
    "overloaded_error": "server_is_overloaded",
    "rate_limit_error": "rate_limit_exceeded",
    "api_error": "server_error",
    "timeout_error": "server_error",
}
_IN_STREAM: Final[Mapping[str, str]] = {"invalid_request_error": "invalid_prompt", "overloaded_error": "server_error"}
"""In the middle of an answer. `server_is_overloaded` there ends Codex's turn; after this one it asks again."""
BAD: Final = "invalid_request_error"
TOO_LONG: Final = "context_length_exceeded"
_TOO_LONG_SAID: Final = ("prompt is too long", "context window", "context length", "maximum context")


# ── in ──


def read_error(error: Any, status: int | None = None) -> Failure:
    """The failure that an `error` is: an object, or what other servers put there."""
    if not isinstance(error, Mapping):
        return Failure("api_error", str(error) if error else "The provider gave no reason.", status)
    code, kind = _word(error, "code"), _word(error, "type")
    return Failure(
        type=_type_of(code, kind),
        message=str(error.get("message") or error.get("detail") or code or kind or "The provider gave no reason."),
        status=status,
        code=code,
        param=_word(error, "param"),
    )


def read_body(body: Mapping[str, Any]) -> Failure:
    """The failure of an error answer's body, whatever keeps the error there."""
    for key in ("error", "detail", "message"):
        if body.get(key):
            found = body[key]
            return read_error(found) if key == "error" else read_error({**body, "message": _said(found)})
    return Failure("api_error", "The provider's answer is none that is known.")


def decode_failure(body: bytes, status: int) -> Failure:
    """The failure of an answer with that HTTP status. Where its words say no more than that, the status says what."""
    try:
        error = load(body).get("error")
    except InvalidRequest:
        error = None
    if isinstance(error, Mapping) and (found := read_error(error, status)).type not in ("api_error", BAD):
        return found
    return replace(of_any_server(body, status), code=_word(error, "code") if isinstance(error, Mapping) else None)


def _said(found: Any) -> str:
    """The words of an error, or of the first of several."""
    if isinstance(found, list) and found:
        found = found[0]
    return str(found.get("msg") or found.get("message") or found) if isinstance(found, Mapping) else str(found)


def _word(error: Mapping[str, Any], key: str) -> str | None:
    value = error.get(key)
    return str(value) if value is not None and not isinstance(value, dict | list) else None


def _type_of(code: str | None, kind: str | None) -> str:
    if code is not None and code in _BY_WORD:
        return _BY_WORD[code]
    if kind in _STATUS:
        return str(kind)
    if kind is not None and kind in _BY_WORD:
        return _BY_WORD[kind]
    return "invalid_request_error" if code is not None and "image" in code else "api_error"


# ── out ──


def code_of(failure: Failure) -> str | None:
    """OpenAI's code: Codex goes by it, and gives up on a conversation that is too long instead of asking again."""
    if failure.code is not None:
        return failure.code
    said = failure.message.lower()
    if failure.type == "invalid_request_error" and any(words in said for words in _TOO_LONG_SAID):
        return TOO_LONG
    return _CODE.get(failure.type)


def encode_failure(failure: Failure) -> tuple[int, bytes]:
    """HTTP status and body of an error answer."""
    error = {"message": failure.message, "type": failure.type, "param": failure.param, "code": code_of(failure)}
    return failure.status or _STATUS.get(failure.type, 500), dump({"error": error})


def in_stream(failure: Failure) -> dict[str, Any]:
    """The `error` of an answer that failed on its way, where a code has to be."""
    said = failure.code or (TOO_LONG if code_of(failure) == TOO_LONG else None)
    code = said or _IN_STREAM.get(failure.type) or code_of(failure) or "server_error"
    return {"code": code, "message": failure.message}
