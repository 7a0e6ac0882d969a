"""The Messages API: `CODEC` reads and writes its requests, answers, streams and errors.

>>> CODEC.decode_request(b'{"model":"claude-opus-5","max_tokens":1,"messages":[]}')[0].max_tokens
1
"""

from __future__ import annotations

from typing import Final

from synrouter_cli.wire.codecs.anthropic.answers import decode_response, encode_response
from synrouter_cli.wire.codecs.anthropic.failure import decode_failure, encode_failure
from synrouter_cli.wire.codecs.anthropic.request_in import decode_request
from synrouter_cli.wire.codecs.anthropic.request_out import encode_request
from synrouter_cli.wire.codecs.anthropic.stream_in import Decoder
from synrouter_cli.wire.codecs.anthropic.stream_out import Encoder
from synrouter_cli.wire.ir import Failure, Loss, Request, Response

__all__ = ["CODEC"]


class _Anthropic:
    """`codecs.Codec` of the Messages API."""

    def decode_request(self, body: bytes) -> tuple[Request, tuple[Loss, ...]]:
        return decode_request(body)

    def encode_request(self, request: Request, default_max_tokens: int | None = None) -> tuple[bytes, tuple[Loss, ...]]:
        """`default_max_tokens` stands where the request has none; without it, the model's longest answer."""
        return encode_request(request, default_max_tokens)

    def decode_response(self, body: bytes) -> tuple[Response | Failure, tuple[Loss, ...]]:
        return decode_response(body)

    def encode_response(self, response: Response, asked: Request) -> tuple[bytes, tuple[Loss, ...]]:
        return encode_response(response, asked)

    def decode_failure(self, body: bytes, status: int) -> Failure:
        return decode_failure(body, status)

    def encode_failure(self, failure: Failure) -> tuple[int, bytes]:
        return encode_failure(failure)

    def stream_decoder(self) -> Decoder:
        return Decoder()

    def stream_encoder(self, asked: Request) -> Encoder:
        return Encoder(asked)


CODEC: Final = _Anthropic()
