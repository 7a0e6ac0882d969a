"""Whatever the SDKs' types allow is carried on every way: no request, answer or stream of theirs raises anything but
the refusals that are meant, and what comes out is what the target's types allow, the same bytes each time."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest

from synrouter_cli.errors import InvalidRequest
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Failure, Finished
from wire.crossings import (
    CROSSINGS,
    MODELS,
    Json,
    answer_is_wrong,
    carried,
    events,
    read,
    request_is_wrong,
    sse,
    stream_is_wrong,
    translated,
)
from wire.oracle import error_faults
from wire.test_matrix_streams import check_order
from wire.typed import Typed, answer_type, event_type, request_type

SEEDS: Final = range(120)
REFUSED: Final = ("item_reference", "is needed here", "needs image_url", "needs file_data")
"""What is no request at the provider either: an earlier answer's item, a file without its bytes, and whatever the types
have as any object, where the API wants one of some."""
BEYOND: Final = re.compile(r"input_file|input_audio|delta\.tool_calls\.\d+\.(type|custom)")
"""Audio in Responses, custom calls in chunks: the API takes them, its types do not."""
PLACES: Final = {
    "index": [0, 0, 0, 1, 2],
    "output_index": [0, 0, 1, 2],
    "content_index": [0, 0, 1],
    "item_id": ["a", "b"],
}


def dumped(value: Json) -> bytes:
    return json.dumps(value).encode()


def asked(dialect: str, seed: int) -> bytes | None:
    """A request's body; None where it is one that is to be refused."""
    typed = Typed(
        seed,
        {"model": [MODELS[dialect], "claude-haiku-4-5"], "n": [1]},
        ("previous_response_id", "conversation", "prompt"),
    )
    body = {**typed.of(request_type(dialect))}
    if dialect == "responses":
        body.setdefault("input", "hi")
    if dialect != "responses":
        body["messages"] = [one for one in body["messages"] if one]
    raw = dumped(body)
    try:
        read(dialect, raw)
    except InvalidRequest as error:
        assert any(words in error.message for words in REFUSED), error.message
        return None
    return raw


@pytest.mark.parametrize(("source", "target"), CROSSINGS)
def test_a_request_of_the_types_is_one_of_the_targets_types(source: str, target: str):
    carried_at_all = 0
    for seed in SEEDS:
        raw = asked(source, seed)
        if raw is None:
            continue
        carried_at_all += 1
        out = carried(raw, source, target)[1]
        assert [one for one in request_is_wrong(target, out) if not _is_beyond(one)] == [], seed
        assert carried(raw, source, target)[1] == out
        read(target, out)
    assert carried_at_all > len(SEEDS) // 4


def _is_beyond(fault: str) -> bool:
    return BEYOND.search(fault) is not None


@pytest.mark.parametrize(("upstream", "client"), CROSSINGS)
def test_an_answer_of_the_types_is_one_of_the_clients_types(upstream: str, client: str):
    for seed in SEEDS:
        fixed = {"status": ["completed", "incomplete", "failed"]} if upstream == "responses" else {}
        raw = dumped(Typed(seed, fixed).of(answer_type(upstream)))
        before, _ = CODECS[upstream].decode_response(raw)  # type: ignore[index]
        out = translated(raw, upstream, client)[0]
        wrong = error_faults if isinstance(before, Failure) else answer_is_wrong
        assert wrong(client, out) == [], seed


def streamed(upstream: str, seed: int) -> bytes:
    """Events in any order, with any index, and more often than not an end."""
    typed = Typed(seed, PLACES)
    told: list[Any] = [typed.of(event_type(upstream), "", 1) for _ in range(typed.random.randint(1, 12))]
    if upstream == "anthropic":
        told = [{"type": "message_start", "message": {"id": "m", "model": "c"}}, *told]
    end = {"anthropic": {"type": "message_stop"}, "responses": {"type": "response.completed", "response": {"id": "r"}}}
    if upstream in end and typed.random.random() < 0.7:
        told.append(end[upstream])
    return sse(told, named=upstream != "chat") + (b"data: [DONE]\n\n" if upstream == "chat" else b"")


@pytest.mark.parametrize(("upstream", "client"), CROSSINGS)
def test_a_stream_of_the_types_has_one_end_and_blocks_in_order(upstream: str, client: str):
    for seed in SEEDS:
        stream = streamed(upstream, seed)
        out = translated(stream, upstream, client, stream=True)[0]
        wrong = [one for one in stream_is_wrong(client, out) if not _is_beyond(one)]
        assert [one for one in wrong if not one.startswith("response.error.code")] == [], seed
        back = events(client, out)
        assert [isinstance(one, Finished | Failure) for one in back].index(True) == len(back) - 1, seed
        open_blocks: set[int] = set()
        for one in back:
            check_order(one, open_blocks, alone=client == "anthropic")
        size = 1 + seed % 40
        pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert translated(pieces, upstream, client, stream=True)[0] == out
