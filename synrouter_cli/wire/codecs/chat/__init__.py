"""OpenAI Chat Completions, as clients ask in it and as servers answer in it, with what both add to it.

>>> request, _ = CODEC.decode_request(b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
>>> CODEC.encode_request(request)[0]
b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
"""

from __future__ import annotations

from typing import Final

from synrouter_cli.wire.codecs.chat.answer_in import decode_response
from synrouter_cli.wire.codecs.chat.answer_out import encode_response
from synrouter_cli.wire.codecs.chat.failures import decode_failure, encode_failure
from synrouter_cli.wire.codecs.chat.leaving import Target
from synrouter_cli.wire.codecs.chat.request_in import decode_request
from synrouter_cli.wire.codecs.chat.request_out import encode_request
from synrouter_cli.wire.codecs.chat.stream_in import Decoder
from synrouter_cli.wire.codecs.chat.stream_out import Encoder
from synrouter_cli.wire.ir import Failure, Loss, Request, Response

__all__ = ["CODEC", "ChatCodec", "Target"]


class ChatCodec:
    """The functions of `Codec`."""

    def decode_request(self, body: bytes) -> tuple[Request, tuple[Loss, ...]]:
        return decode_request(body)

    def encode_request(self, request: Request, target: Target | None = None) -> tuple[bytes, tuple[Loss, ...]]:
        """`target` says what the server takes; by default all that any does."""
        return encode_request(request, target or Target())

    def decode_response(self, body: bytes) -> tuple[Response | Failure, tuple[Loss, ...]]:
        return decode_response(body)

    def encode_response(self, response: Response, asked: Request, created: int = 0) -> tuple[bytes, tuple[Loss, ...]]:
        """`created` is epoch seconds, for an answer that does not tell."""
        return encode_response(response, asked, created)

    def decode_failure(self, body: bytes, status: int) -> Failure:
        """The error that an answer with that HTTP status is, whatever its body is."""
        return decode_failure(body, status)

    def encode_failure(self, failure: Failure) -> tuple[int, bytes]:
        return encode_failure(failure)

    def stream_decoder(self) -> Decoder:
        return Decoder()

    def stream_encoder(self, asked: Request, created: int = 0) -> Encoder:
        """`created` is epoch seconds, for an answer that does not tell."""
        return Encoder(asked, created)


CODEC: Final = ChatCodec()
