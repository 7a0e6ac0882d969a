"""Answers of the Messages API in one piece ⇄ `Response`.

>>> answer, _ = decode_response(b'{"type":"message","id":"msg_1","role":"assistant","model":"claude-opus-5",'
...     b'"content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"output_tokens":2}}')
>>> answer.stop_reason, answer.usage.output_tokens, answer.blocks[0].text
('end_turn', 2, 'hi')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.anthropic import shapes
from synrouter_cli.wire.codecs.anthropic.answer_blocks import AnswerWriter
from synrouter_cli.wire.codecs.anthropic.blocks_in import blocks
from synrouter_cli.wire.codecs.anthropic.blocks_out import written
from synrouter_cli.wire.codecs.anthropic.failure import read_failure
from synrouter_cli.wire.codecs.anthropic.usage import read_usage, write_usage
from synrouter_cli.wire.codecs.halves import mended_json
from synrouter_cli.wire.ir import Failure, Loss, Request, Response
from synrouter_cli.wire.losses import field

__all__ = ["KNOWN_EXTRAS", "STOP_REASONS", "decode_response", "encode_response", "message_id", "stop"]

Json = dict[str, Any]
STOP_REASONS: Final = frozenset(
    "end_turn max_tokens stop_sequence tool_use pause_turn refusal model_context_window_exceeded compaction".split()
)
KNOWN_EXTRAS: Final = ("container", "context_management", "diagnostics", "stop_details", "input_transformations")
_READ: Final = frozenset("id type role model content stop_reason stop_sequence usage".split())
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def decode_response(body: bytes) -> tuple[Response | Failure, tuple[Loss, ...]]:
    """Never raises: what can't be read is a Failure."""
    try:
        found = _fields(body)
        if "content" not in found:
            return read_failure({name: shapes.decoded(raw) for name, raw in found.items()}), ()
        return _read(found), ()
    except (*_UNREADABLE, InvalidRequest) as error:
        if (whole := mended_json(body)) != body:
            return decode_response(whole)
        detail = error.message if isinstance(error, InvalidRequest) else str(error)
        return Failure("api_error", f"The provider's answer can't be read: {detail}", 502), ()


def _read(found: Mapping[str, msgspec.Raw]) -> Response:
    told = {name: shapes.decoded(raw) for name, raw in found.items() if name != "content"}
    message = shapes.read(shapes.Message, b'{"role":"assistant","content":' + bytes(found["content"]) + b"}")
    usage, thought, rest = read_usage(told.get("usage"))
    extras = {name: value for name, value in told.items() if name not in _READ and value is not None}
    return Response(
        _word(told.get("id")),
        _word(told.get("model")),
        blocks(message.content, "content"),
        told.get("stop_reason"),
        told.get("stop_sequence"),
        usage,
        thought,
        extras=extras | ({"usage": rest} if rest else {}),
    )


def encode_response(response: Response, asked: Request) -> tuple[bytes, tuple[Loss, ...]]:
    """An answer to `asked`, with the model's name that was asked for."""
    to = AnswerWriter()
    content = to.blocks(response.blocks, "content")
    reason, sequence = stop(response.stop_reason, response.stop_sequence)
    rest = response.extras.get("usage")
    out: Json = {
        "id": message_id(response.id),
        "type": "message",
        "role": "assistant",
        "model": asked.model or response.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": write_usage(response.usage, response.reasoning_tokens, rest if isinstance(rest, Mapping) else {}),
    }
    for name, value in response.extras.items():
        if name in KNOWN_EXTRAS:
            out[name] = value
        elif name != "usage":
            to.losses.append(field(name))
    return written(out), tuple(to.losses)


def stop(reason: str | None, sequence: str | None) -> tuple[str | None, str | None]:
    """A stop reason in the API's words; one that it has not is an ordinary end."""
    if reason is None or reason in STOP_REASONS:
        return reason, sequence
    return "end_turn", sequence


def message_id(given: str) -> str:
    """An id as this API's clients know it; the other provider's own stays recognisable in it.

    >>> message_id("msg_1"), message_id("chatcmpl-7")
    ('msg_1', 'msg_chatcmpl-7')
    """
    return given if given.startswith("msg_") else f"msg_{given}"


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
