"""The two plain servers of the latency benchmark: an upstream that streams events, and a pass-through to it.

    python -m benchmarks.servers upstream --events 200
    python -m benchmarks.servers passthrough --to http://127.0.0.1:PORT

Each prints its address as its first line. The pass-through does what any aiohttp proxy must: read the body, send it
on, relay the answer as it comes.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

_TEXT = "a piece of the answer, about as long as they are"


def answer(events: int) -> list[bytes]:
    """A streamed Messages answer of so many events."""
    usage = {
        "input_tokens": 3,
        "cache_read_input_tokens": 80_000,
        "cache_creation_input_tokens": 900,
        "cache_creation": {"ephemeral_5m_input_tokens": 900, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
    }
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-8",
        "content": [],
        "usage": usage,
    }
    deltas = [
        (
            "content_block_delta",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": _TEXT}},
        )
        for _ in range(max(events - 5, 1))
    ]
    parts = [
        ("message_start", {"type": "message_start", "message": message}),
        (
            "content_block_start",
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ),
        *deltas,
        ("content_block_stop", {"type": "content_block_stop", "index": 0}),
        (
            "message_delta",
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": events}},
        ),
        ("message_stop", {"type": "message_stop"}),
    ]
    return [f"event: {name}\ndata: {json.dumps(data)}\n\n".encode() for name, data in parts]


def upstream(events: int) -> web.Application:
    """Reads the request, then streams, giving way between events so that each is a write of its own."""
    parts = answer(events)

    async def stream(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/{path:.*}", stream)
    return app


def passthrough(to: str) -> web.Application:
    """A plain proxy."""

    async def session(app: web.Application):  # an aiohttp cleanup context
        app["session"] = ClientSession(
            connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None), auto_decompress=False
        )
        yield
        await app["session"].close()

    async def relay(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        kept = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
        async with request.app["session"].post(to + request.path_qs, data=body, headers=kept) as answered:
            response = web.StreamResponse(status=answered.status, headers={"content-type": answered.content_type})
            await response.prepare(request)
            async for chunk in answered.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    app = web.Application(client_max_size=1 << 30)
    app.cleanup_ctx.append(session)
    app.router.add_post("/{path:.*}", relay)
    return app


async def serve(app: web.Application) -> None:
    """Serve on a free port until killed."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["upstream", "passthrough"])
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--to", default="")
    options = parser.parse_args()
    app = upstream(options.events) if options.role == "upstream" else passthrough(options.to)
    try:
        asyncio.run(serve(app))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
