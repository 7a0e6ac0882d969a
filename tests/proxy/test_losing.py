"""What translation lost, from the crossing to the row: counted, logged once, never more than there is room for."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.edge import MESSAGE, running_edge, stream, whole
from support.memory import Memory
from synrouter_cli.credentials import Secret
from synrouter_cli.ledger.columns import MAX_DETAIL
from synrouter_cli.proxy.losing import MOST_CODES, Losing, counted, with_translation
from synrouter_cli.proxy.turns import Turns
from synrouter_cli.wire.ir import Loss
from synrouter_cli.wire.losses import LOSSES

LOSS = st.builds(Loss, st.sampled_from(sorted(LOSSES)) | st.text(max_size=200), st.text(max_size=300))
CITED = {
    "id": "msg_3",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-8",
    "content": [{"type": "text", "text": "So."}, {"type": "server_tool_use", "id": "s", "name": "x", "input": {}}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 7, "output_tokens": 3},
}
ASKED = {
    "model": "claude-opus-4-8",
    "messages": [{"role": "user", "content": "hi", "name": "me"}, {"role": "user", "content": "ho", "name": "you"}],
    "seed": 7,
    "verbosity": "low",
}


@given(st.lists(LOSS), st.sampled_from(["", "chat"]))
def test_a_rows_detail_keeps_what_was_in_it_and_has_room_for_every_count(losses, dialect):
    counts = counted(losses)
    assert len(counts) <= MOST_CODES and sum(counts.values()) <= len(losses)
    detail = with_translation('{"expected":9}', dialect, counts)
    assert detail is not None and len(detail) <= MAX_DETAIL
    assert json.loads(detail)["expected"] == 9
    full = with_translation(json.dumps({"x": "y" * (MAX_DETAIL - 8)}), dialect, counts)
    assert full is not None and json.loads(full) == {"x": "y" * (MAX_DETAIL - 8)}


@given(st.lists(LOSS, min_size=1))
def test_a_log_line_holds_no_more_than_a_line(losses):
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("synrouter.translation")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        losing = Losing()
        losing.note("s", losses)
        losing.note("s", losses)
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    codes = {code for loss in losses for code in counted([loss])}
    assert len(lines) == min(len(codes), MOST_CODES)
    assert all(line.isprintable() and len(line) < 200 for line in lines)


async def rows(*answers: bytes, target: str = "/v1/chat/completions", times: int = 1, **more: object) -> Memory:
    ledger = Memory()
    turns = Turns(level="safe", mode="auto", ledger=ledger, clock=lambda: ledger.at, secret=b"k")
    keys = {"anthropic": Secret("sk-ant-api03-a"), "openai": Secret("sk-proj-o")}
    async with running_edge(services={"turns": turns}, provider_keys=keys, points=("anthropic", "openai")) as edge:
        edge.upstream.plays(*answers)
        for _ in range(times):
            body = json.dumps({**ASKED, **more}).encode()
            assert (await edge.ask(target=target, body=body, headers={"x-session-id": "s"})).status == 200
    return ledger


async def test_what_a_request_lost_stands_in_its_row_and_once_in_the_log(caplog):
    with caplog.at_level(logging.INFO, "synrouter.translation"):
        ledger = await rows(whole(MESSAGE), times=2)
    for row in ledger.rows:
        detail = json.loads(row.detail or "{}")
        assert (row.dialect, detail["upstream_dialect"]) == ("chat", "anthropic")
        assert detail["losses"] == {"field:seed": 1, "message_name": 2, "verbosity": 1}
    logged = [record.getMessage() for record in caplog.records if "lost in translation" in record.getMessage()]
    assert sorted(line.split(": ", 1)[1] for line in logged) == [
        "lost in translation: field:seed at seed",
        "lost in translation: message_name at messages.0.name",
        "lost in translation: verbosity at verbosity",
    ]


async def test_what_an_answer_lost_is_counted_too():
    [row] = (await rows(whole(json.dumps(CITED).encode()))).rows
    assert json.loads(row.detail or "{}")["losses"]["block"] == 1


async def test_what_a_streamed_answer_lost_is_counted_too():
    events = b"".join(stream())
    block = {"type": "server_tool_use", "id": "s", "name": "x", "input": {}}
    start = {"type": "content_block_start", "index": 1, "content_block": block}
    more = f"event: content_block_start\ndata: {json.dumps(start)}\n\n".encode()
    more += b'event: content_block_stop\ndata: {"type":"content_block_stop","index":1}\n\n'
    events = events.replace(b"event: message_delta", more + b"event: message_delta")
    [row] = (await rows(whole(events, content_type="text/event-stream"), stream=True)).rows
    assert row.status == "ok"
    assert json.loads(row.detail or "{}")["losses"]["block"] == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_same_dialect_on_both_ends_loses_nothing(streamed):
    answer = (
        whole(b"".join(stream()), content_type="text/event-stream") if streamed else whole(json.dumps(CITED).encode())
    )
    [row] = (await rows(answer, target="/v1/messages", max_tokens=9, stream=streamed)).rows
    assert "losses" not in (row.detail or "") and "upstream_dialect" not in (row.detail or "")
