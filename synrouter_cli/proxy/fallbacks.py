"""A chain of providers: when the next is asked, and what the client is told where none of them can answer: the first
one's own error, and who else was tried.

>>> with_attempts(b'{"error":{"message":"busy"}}', ["openrouter answered 503"])
b'{"error":{"message":"busy | Synrouter tried besides: openrouter answered 503"}}'
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from synrouter_cli.errors import SynrouterError
from synrouter_cli.proxy.crossed import Crossed
from synrouter_cli.proxy.failures import Broken, Failure
from synrouter_cli.proxy.headers import first
from synrouter_cli.proxy.relay import SERVER
from synrouter_cli.proxy.resting import LIMITED_S
from synrouter_cli.proxy.retry_after import should_retry, wait_of
from synrouter_cli.proxy.trip import Trip
from synrouter_cli.proxy.upstream import Answer
from synrouter_cli.proxy.wording import body_of
from synrouter_cli.wire.decoder import Decoder

FALLS_BACK: Final = frozenset({401, 402, 403, 408, 429, 500, 502, 503, 504, 529})
"""With these another provider is asked, where the user has named one: this one can't, just now or at all."""
_PASSING: Final = FALLS_BACK - {401, 402, 403}
"""Those that time mends."""
_PATIENCE_S: Final = 5.0
_READ_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Passed:
    """A provider that could not answer."""

    said: str
    """Who, and how."""
    status: int
    body: bytes = b""
    """Its error, in the client's dialect."""


def falls_back(answer: Answer) -> bool:
    """Whether another provider, where there is one, may do better."""
    return answer.status in FALLS_BACK or (answer.status >= 400 and should_retry(answer.headers) is True)


def soon(answer: Answer, now: float) -> float | None:
    """Seconds to wait for the same provider, where it says when it may be asked again and that is worth waiting for:
    elsewhere the prompt is in no cache. `now` is the wall clock."""
    if answer.status not in _PASSING or should_retry(answer.headers) is False:
        return None
    wait = wait_of(answer.headers, now)
    return wait if wait is not None and wait <= _PATIENCE_S else None


def rest_after(answer: Answer, now: float) -> float:
    """For how many seconds the provider is not to be asked, after this refusal."""
    if answer.status not in _PASSING:
        return 0.0  # a key or an account may be mended at any moment, and the refusal comes at once
    wait = wait_of(answer.headers, now)
    return LIMITED_S if wait is None else wait


async def passed_over(answer: Answer, trip: Trip) -> Passed:
    """What is kept of an answer that another provider's takes the place of."""
    said = f"{trip.provider.name} answered {answer.status}"
    try:
        raw = await answer.read_ahead(_READ_BYTES)
    except Broken:
        return Passed(said, answer.status)
    body = b"".join(Decoder(first(answer.headers, b"content-encoding")).feed(raw))
    reading = trip.reading(stream=False, encoding="", now=0, status=answer.status)
    if isinstance(reading, Crossed) and reading.translates:
        reading.feed(body)
        reading.end()
        body = reading.take()
    return Passed(said, answer.status, body)


def passed_by(failure: Failure, trip: Trip) -> Passed:
    """The same of a provider that could not be reached."""
    said = f"{trip.provider.name}: {failure.kind}"
    return Passed(said, failure.error.http_status, body_of(failure.error, trip.dialect))


def not_asked(error: SynrouterError, provider: str, dialect: str) -> Passed:
    """The same of a provider that this request can't be put to."""
    return Passed(f"{provider}: {error.message}", error.http_status, body_of(error, dialect))


def none_answered(passed: Sequence[Passed], last: str, ours: dict[str, str]) -> web.Response:
    """The first one's error, and who was tried after it; `last` is what the last one said."""
    tried = [*(each.said for each in passed[1:]), last]
    headers = {"Content-Type": "application/json", "Server": SERVER, **ours}
    return web.Response(status=passed[0].status, body=with_attempts(passed[0].body, tried), headers=headers)


def with_attempts(body: bytes, tried: Sequence[str]) -> bytes:
    """An error of any dialect whose message also says who else was tried; as it is where it has none."""
    try:
        error = json.loads(body)
        said = error["error"]["message"]
        error["error"]["message"] = f"{said} | Synrouter tried besides: {', '.join(tried)}"
    except (ValueError, KeyError, TypeError):
        return body
    return json.dumps(error, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
