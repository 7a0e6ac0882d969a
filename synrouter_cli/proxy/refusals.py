"""Error answers that are not passed on as they came: a relay's own complaint gets an explanation, a web page becomes an
error of the dialect.

The status stays, and so do the provider's words and its error type. A good answer is never waited for; of errors of the
provider at its own address only a 400 is, which says what is wrong with the request: one rule is explained there.

>>> said, answer = read_said(401, '{"error": {"message": "no"}, "type": "unauthorized_client_error"}')
>>> said.type, _worded(answer, said.message, said.type)
('unauthorized_client_error', b'{"error":{"message":"no","type":"unauthorized_client_error"},"type":"error"}')
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from synrouter_cli.providers.complaints import Asked, Explanation, Said, explain, explain_rule
from synrouter_cli.proxy.failures import Broken
from synrouter_cli.proxy.headers import Pairs, first, harmless, to_client
from synrouter_cli.proxy.upstream import Answer
from synrouter_cli.wire.decoder import Decoder

_READ_BYTES: Final = 64 * 1024
"""How much of an error is read; what is longer goes on as it came, but for pages, of which this will do."""
_PLAIN_CHARS: Final = 2000
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_TITLE_LENGTH = 160
_DATA_LINE = re.compile(r"^data:(.*)$", re.MULTILINE)
OF_THE_BODY: Final = ("content-type", "content-length", "content-encoding", "etag", "digest")
# Anthropic's error types (API reference, "Errors"); any other status is an api_error.
_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_PAGE_WITH_200: Final = 502
"""A page in place of a message is no success, whatever it says of itself."""


@dataclass(frozen=True, slots=True)
class Context:
    """What decides about a refusal besides the answer itself."""

    at_home: bool
    """The provider is at its own address: its JSON is not touched."""
    expects_json: bool
    """It is an answer of the API, not the content of a file."""
    asked: Callable[[], Asked]
    """Who asked; found out only where something was refused."""


@dataclass(frozen=True, slots=True)
class Reworded:
    """An error to send instead of the answer."""

    status: int
    body: bytes
    error_type: str
    permanent: bool = False
    message: str = ""
    """What it says, for another dialect."""

    def headers(self, answer: Answer, ours: Mapping[str, str]) -> Pairs:
        """The answer's own headers, less those of its body."""
        new = [("Content-Type", "application/json"), *([("x-should-retry", "false")] if self.permanent else [])]
        replaced = {*OF_THE_BODY, *(name.lower() for name, _ in new)}
        return [*(pair for pair in to_client(answer.headers, ours) if pair[0].lower() not in replaced), *new]


def error_type_of(status: int) -> str:
    return _TYPES.get(status, "api_error")


async def reword(answer: Answer, context: Context) -> Reworded | None:
    """What to send instead of an answer; None where it goes on as it is, with nothing of it lost."""
    page = _may_be_page(answer, context)
    if not page and (answer.status < 400 or (context.at_home and answer.status != 400)):
        return None
    if answer.status < 400 and not _begins((await _read(answer, 1)).text, "<"):
        return None  # JSON and events under a page's type are not waited for
    read = await _read(answer, _READ_BYTES)
    if page and not _begins(read.text, "{"):
        return _of_page(answer, read.text, context)
    return _explained(answer.status, read.text, context) if read.whole else None


def _explained(status: int, text: str, context: Context) -> Reworded | None:
    found = read_said(status, text)
    if found is None:
        return None
    said, answer = found
    explanation = explain_rule(said) or (None if context.at_home else explain(said, context.asked()))
    if explanation is None:
        return None
    kind = said.type or error_type_of(status)
    message = _appended(said.message, explanation)
    return Reworded(status, _worded(answer, message, kind), harmless(kind), explanation.permanent, message)


def read_said(status: int, text: str) -> tuple[Said, dict[str, Any]] | None:
    """An error's fields, and the JSON object that it stands in: the whole body, or an event's data. A short text that
    is neither is its own message; None for a longer one."""
    lines = (_json_object(data[1]) for data in _DATA_LINE.finditer(text))
    answer = _json_object(text) or next((value for value in lines if value and value.get("error")), None)
    if answer is None:
        return (Said(status, text.strip()), {}) if len(text) <= _PLAIN_CHARS else None
    error = answer.get("error")
    fields = error if isinstance(error, dict) else {"message": error}
    outer = answer.get("type")
    return (
        Said(
            status,
            message=next(
                filter(None, map(_text, (fields.get("message"), answer.get("message"), answer.get("detail")))), ""
            ),
            code=_text(fields.get("code")) or _text(answer.get("code")),
            type=_text(fields.get("type")) or (_text(outer) if outer != "error" else ""),
        ),
        answer,
    )


def _worded(answer: dict[str, Any], message: str, kind: str) -> bytes:
    """The object as an error of Anthropic's dialect; what else it holds stays in it."""
    error = answer.get("error")
    fields = error if isinstance(error, dict) else {}
    worded = {**answer, "error": {**fields, "message": message, "type": kind}, "type": "error"}
    return json.dumps(worded, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _appended(message: str, explanation: Explanation) -> str:
    return f"{message} | Synrouter: {explanation.text}" if message else f"Synrouter: {explanation.text}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


# ── web pages ──


def _may_be_page(answer: Answer, context: Context) -> bool:
    """Whether something else than the API's JSON may be here: a gateway's own page. A 200 is looked at further."""
    content_type = first(answer.headers, b"content-type")
    if "html" in content_type:
        return answer.status >= 400 or (context.expects_json and answer.status == 200)
    if answer.status < 500 or "json" in content_type or content_type.startswith("text/event-stream"):
        return False
    return first(answer.headers, b"content-encoding") in ("", "identity")


def _of_page(answer: Answer, text: str, context: Context) -> Reworded:
    title = _TITLE.search(text)
    shown = harmless(" ".join(title[1].split()))[:_TITLE_LENGTH] if title else "no JSON"
    status = answer.status if answer.status >= 400 else _PAGE_WITH_200
    message = f"Synrouter: the provider answered {answer.status} with a web page ({shown})."
    if not context.at_home:
        message += (
            " A firewall or a website said that, not the relay's API. Next: check the address given with --upstream"
            f" {context.asked().provider}=URL (without /v1; synrouter status shows it), then the relay's status page"
        )
    kind = error_type_of(status)
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}, ensure_ascii=False).encode()
    return Reworded(status, body, kind, answer.status < 400, message)


# ── reading ──


@dataclass(frozen=True, slots=True)
class _Text:
    """The beginning of an answer without its content coding; `whole` if nothing is missing from it."""

    text: str
    whole: bool


async def _read(answer: Answer, limit: int) -> _Text:
    """About the first `limit` bytes, which the relay reads again; none where the answer broke off before."""
    try:
        raw = await answer.read_ahead(limit)
    except Broken:
        return _Text("", False)
    decoder = Decoder(first(answer.headers, b"content-encoding"))
    decoded = bytearray()
    for piece in decoder.feed(raw):
        decoded += piece
        if len(decoded) > _READ_BYTES:
            break
    whole = len(raw) < limit and len(decoded) <= _READ_BYTES and not decoder.failed
    return _Text(decoded[:_READ_BYTES].decode("utf-8", "replace"), whole)


def _begins(text: str, character: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith(character)
