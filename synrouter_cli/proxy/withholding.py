"""The answer to a turn that a budget keeps here: a 402 in the client's dialect, or the same in an assistant's words.

A client that locks a provider on a 402, and hides what it says, is answered with a message instead.

>>> from synrouter_cli.wire.ir import Request
>>> spoken("chat", Request("gpt-5.5", stream=True), "No.", "s-1", 0).count(b"data: ")
4
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from synrouter_cli.errors import SynrouterError
from synrouter_cli.proxy.course import ActiveTurn
from synrouter_cli.proxy.crossing import Crossing, codec_of
from synrouter_cli.proxy.relay import SERVER, refusal
from synrouter_cli.wire.ir import (
    BlockEnded,
    BlockStarted,
    Delta,
    Finished,
    Request,
    Response,
    Started,
    StreamEvent,
    Text,
)
from synrouter_cli.wire.usage import Usage

__all__ = ["UNBUDGETED", "spoken", "withheld"]

UNBUDGETED: Final = frozenset({"count_tokens", "embeddings"})
"""Endpoints that pass: the one is free, of the other no cost is known."""
TOLD_IN_WORDS: Final = frozenset({"openclaw"})
"""Clients that lock a provider on a 402: OpenClaw for ten minutes, even where the key has changed since."""


def withheld(
    error: SynrouterError, crossing: Crossing, active: ActiveTurn, ours: dict[str, str], *, now: float
) -> web.Response:
    """The answer; `ours` are headers to add, `now` is in epoch seconds."""
    if active.client not in TOLD_IN_WORDS:
        return refusal(error, crossing.dialect, permanent=True, ours=ours)
    asked = _asked(crossing)
    body = spoken(crossing.dialect, asked, f"Synrouter: {error}", f"{active.session_id}-{active.number}", int(now))
    kind = "text/event-stream" if asked.stream else "application/json"
    return web.Response(body=body, headers=CIMultiDict({"Content-Type": kind, "Server": SERVER, **ours}))


def spoken(dialect: str, asked: Request, text: str, name: str, created: int) -> bytes:
    """An answer that says `text` and used no tokens, streamed where it was asked for so."""
    codec = codec_of(dialect)
    if not asked.stream:
        answer = Response(name, asked.model, (Text(text),), "end_turn", usage=Usage(), created=created)
        return codec.encode_response(answer, asked)[0]
    encoder = codec.stream_encoder(asked)
    events: tuple[StreamEvent, ...] = (
        Started(name, asked.model, Usage(), created),
        BlockStarted(0, Text("")),
        Delta(0, "text", text),
        BlockEnded(0),
        Finished("end_turn", usage=Usage()),
    )
    return b"".join([*map(encoder.encode, events), encoder.end()])


def _asked(crossing: Crossing) -> Request:
    """The request as the client knows it; of one that was never read, only whether it is to be streamed counts."""
    if crossing.request is not None:
        return crossing.answered
    try:
        return codec_of(crossing.dialect).decode_request(crossing.body)[0]
    except SynrouterError:
        return Request(crossing.asked)
