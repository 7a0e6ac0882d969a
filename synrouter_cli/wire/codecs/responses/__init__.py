"""OpenAI Responses as the dialect of clients and of providers.

>>> request, losses = CODEC.decode_request(b'{"model": "gpt-6", "input": "hi"}')
>>> CODEC.encode_request(request)
(b'{"model":"gpt-6","input":"hi"}', ())
"""

from __future__ import annotations

from typing import Final

from synrouter_cli.wire.codecs import Codec, StreamDecoder, StreamEncoder
from synrouter_cli.wire.codecs.responses import answer_in, answer_out, failures, request_in, request_out
from synrouter_cli.wire.codecs.responses.stream_in import Decoder
from synrouter_cli.wire.codecs.responses.stream_out import Encoder
from synrouter_cli.wire.ir import Request

__all__ = ["CODEC"]


class _Responses:
    decode_request = staticmethod(request_in.decode_request)
    encode_request = staticmethod(request_out.encode_request)
    decode_response = staticmethod(answer_in.decode_response)
    encode_response = staticmethod(answer_out.encode_response)
    decode_failure = staticmethod(failures.decode_failure)
    encode_failure = staticmethod(failures.encode_failure)

    def stream_decoder(self) -> StreamDecoder:
        return Decoder()

    def stream_encoder(self, asked: Request) -> StreamEncoder:
        return Encoder(asked)


CODEC: Final[Codec] = _Responses()
