"""Faults on demand: what an upstream does on a bad day, named in a header or a script.

| name | what happens |
|---|---|
| `529`, `500`, `429:3` | this status; the argument is the retry-after header |
| `slow:2` | two seconds pass before the answer |
| `html` | a gateway's page, status 502 |
| `reset` | a TCP reset before the answer |
| `stall:2` | two silent seconds in the middle of the stream |
| `cut`, `reset-mid` | the connection ends, or is reset, in the middle |
| `eof` | the stream ends in the middle, in good order |
| `error-event:api_error` | an error event in the middle, `overloaded_error` unless told |
| `drip:7` | the stream comes seven bytes at a time |

>>> Fault.parse("429:3")
Fault(kind='status', status=429, argument='3')
>>> Fault.parse("stall:1.5").seconds
1.5
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

__all__ = [
    "ERRORS",
    "HTML_PAGE",
    "Fault",
    "Faults",
    "error_body",
    "reset_connection",
    "send_events",
    "send_frames",
]

HEADER = "x-demo-fault"

ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request_error", "Bad request."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    403: ("permission_error", "Request not allowed"),
    404: ("not_found_error", "Not found"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service unavailable"),
    504: ("timeout_error", "Request timed out"),
    529: ("overloaded_error", "Overloaded"),
}
"""Error types by status (platform.claude.com, "Errors") and the usual message of each."""

HTML_PAGE = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n"
_KINDS = frozenset({"slow", "stall", "cut", "eof", "reset", "reset-mid", "html", "error-event", "drip"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong; `argument` is what stood after the colon."""

    kind: str = ""
    status: int = 0
    argument: str = ""

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Raises ValueError for a fault that there is not; the empty text is no fault."""
        name, _, argument = text.strip().partition(":")
        if name.isdigit() and int(name) in ERRORS:
            return cls("status", int(name), argument)
        if name and name not in _KINDS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(sorted(_KINDS))} and {[*ERRORS]}")
        return cls(name, 0, argument)

    @property
    def seconds(self) -> float:
        """How long `slow` and `stall` wait: a second unless told."""
        return float(self.argument or 1)


def error_body(kind: str, message: str, request_id: str) -> dict[str, Any]:
    """An error as the API words it (platform.claude.com, "Errors")."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def reset_connection(request: web.Request) -> None:
    """Close with a TCP reset, as a crashed or overrun peer does, not with an orderly end."""
    if request.transport is None:
        return
    connection: socket.socket | None = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


class Faults:
    """What is to go wrong with a request: a header says it, or the script, for the first tries of a prompt."""

    def __init__(self) -> None:
        self._tries: Counter[str] = Counter()

    def of(self, request: web.Request, ident: str, scripted: str, times: int) -> Fault:
        """`ident` tells prompts apart. Raises ValueError for a fault that there is not."""
        wanted = request.headers.get(HEADER, "")
        if scripted and not wanted:
            self._tries[ident] += 1
            wanted = scripted if self._tries[ident] <= times else ""
        try:
            return Fault.parse(wanted)
        except ValueError as error:
            raise ValueError(f"{HEADER}: {error}") from None


async def send_events(
    request: web.Request,
    response: web.StreamResponse,
    events: Iterable[tuple[str, Mapping[str, Any]]],
    fault: Fault,
    pace: float,
) -> bool:
    """Write Anthropic's events, `pace` seconds apart, or what the fault leaves of them. True where all were sent."""
    broken = _sse("error", error_body(fault.argument or "overloaded_error", "Overloaded", ""))
    return await send_frames(request, response, [_sse(name, data) for name, data in events], broken, fault, pace)


async def send_frames(
    request: web.Request,
    response: web.StreamResponse,
    frames: Sequence[bytes],
    broken: bytes,
    fault: Fault,
    pace: float,
) -> bool:
    """Write events as they are; `broken` is the one by which the dialect says that something went wrong."""
    pieces = _pieces(frames, fault)
    for index, piece in enumerate(pieces):
        if index == len(pieces) // 2 and await _breaks_off(request, response, broken, fault):
            return False
        await response.write(piece)
        if pace:
            await asyncio.sleep(pace)
    return True


async def _breaks_off(request: web.Request, response: web.StreamResponse, broken: bytes, fault: Fault) -> bool:
    """What happens in the middle of a stream; True where nothing comes after it."""
    if fault.kind == "stall":
        await asyncio.sleep(fault.seconds)
    elif fault.kind == "error-event":
        await response.write(broken)
    elif fault.kind == "reset-mid":
        reset_connection(request)
    elif fault.kind == "cut" and request.transport is not None:
        request.transport.close()
    return fault.kind in ("error-event", "reset-mid", "cut", "eof")


def _sse(name: str, data: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _pieces(events: Sequence[bytes], fault: Fault) -> Sequence[bytes]:
    if fault.kind != "drip":
        return events
    whole, size = b"".join(events), int(fault.argument or 1)
    return [whole[at : at + size] for at in range(0, len(whole), size)]
