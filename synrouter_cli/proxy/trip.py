"""One request on one way: what goes to its provider, in which words, and how the answer is read.

Headers that only the client's dialect knows stay behind where the provider speaks another.

>>> across([("anthropic-beta", "x"), ("user-agent", "a")], "chat", "anthropic")
[('user-agent', 'a'), ('content-type', 'application/json')]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synrouter_cli.providers import Provider
from synrouter_cli.proxy.bodies import Body
from synrouter_cli.proxy.crossed import Crossed
from synrouter_cli.proxy.crossing import Crossing, codec_of
from synrouter_cli.proxy.guard import Admitted, Head
from synrouter_cli.proxy.headers import Credential, Pairs, to_upstream, with_own
from synrouter_cli.proxy.reading import Reading
from synrouter_cli.proxy.upstream import Call

ENDPOINTS: Final = {"anthropic": "/messages", "chat": "/chat/completions", "responses": "/responses"}
"""Dialect → where a turn is asked for, below the dialect's own path."""
ONLY_LED: Final = {"embeddings": "/embeddings", "input_tokens": "/responses/input_tokens"}
"""Endpoints that are no turn, and where they are asked for."""
CONVERSATION: Final = "x-grok-conv-id"
"""xAI's servers have a cache each; requests with the same value go to the same one."""
VERSION: Final = ("anthropic-version", "2023-06-01")
_THEIRS: Final = {
    "anthropic": ("anthropic-",),
    "chat": ("openai-", "x-openai-"),
    "responses": ("openai-", "x-openai-", "x-codex-", "chatgpt-"),
}


@dataclass(frozen=True, slots=True)
class Trip:
    """What is known of it before it is planned."""

    head: Head
    admitted: Admitted
    body: Body
    provider: Provider
    crossing: Crossing
    keeps_credential: bool
    """The client's own credential may go along."""
    last: bool = True
    """There is no other provider to ask."""

    @property
    def dialect(self) -> str:
        """The client's."""
        return self.crossing.dialect

    @property
    def stamps(self) -> str:
        """The provider whose stamp the answer's signatures get; empty where they are good anywhere."""
        return self.provider.name if self.is_turn and self.crossing.stamps else ""

    @property
    def is_turn(self) -> bool:
        """Whether it is planned and metered; others are only led to their provider."""
        return self._endpoint not in ONLY_LED

    def call(self, credential: Credential, edited: bytes | None, *, beta: str = "", session: str = "") -> Call:
        """The request to send; without `edited` what came, or what it was translated to. `session` is told where a
        provider keeps its cache by it."""
        crossing = self.crossing
        unchanged = crossing.hub is crossing.body if crossing.planned else False
        if edited is None and not unchanged:
            edited = crossing.hub
        if not crossing.planned and edited is crossing.body:
            edited = None
        headers = to_upstream(self.head.headers, credential.headers, decoded=edited is not None, beta=beta)
        if crossing.translated:
            headers = across(headers, crossing.way.dialect, self.dialect)
        headers = with_own(headers, self.provider.headers)
        if (
            crossing.cache == "conversation"
            and session
            and self.is_turn
            and not self.head.values(CONVERSATION.encode())
        ):
            headers.append((CONVERSATION, session))
        return Call(self.provider.name, "POST", self._path(), headers, self.body.wire if edited is None else edited)

    def reading(self, *, stream: bool, encoding: str, now: float, status: int = 200) -> Reading | Crossed:
        """Who reads the answer, and turns it into the client's dialect where that is another."""
        crossing = self.crossing
        if crossing.way.dialect == self.dialect == "anthropic" or not self.is_turn:
            return Reading(stream=stream, encoding=encoding, metered=self.is_turn)
        translated = crossing.translated
        return Crossed(
            stream=stream,
            upstream=codec_of(crossing.way.dialect),
            client=codec_of(self.dialect) if translated else None,
            asked=crossing.answered if translated else None,
            encoding=encoding,
            created=int(now),
            keeps_usage=crossing.usage_is_ours,
            upstream_status=status,
            stamps=self.stamps,
        )

    @property
    def _endpoint(self) -> str:
        return self.admitted.match.route.endpoint

    def _path(self) -> str:
        dialect = self.crossing.way.dialect
        if not self.is_turn:
            return self.provider.path(dialect, ONLY_LED[self._endpoint], self.admitted.query)
        endpoint = ENDPOINTS[dialect] + ("/count_tokens" if self._endpoint == "count_tokens" else "")
        return self.provider.path(dialect, endpoint, "" if self.crossing.translated else self.admitted.query)


def across(headers: Pairs, to: str, dialect: str) -> Pairs:
    """The headers of a request that comes in `dialect` and goes out in another."""
    prefixes = (*_THEIRS[dialect], "content-type", "accept")
    kept = [pair for pair in headers if not pair[0].lower().startswith(prefixes)]
    needed = [("content-type", "application/json"), *([VERSION] if to == "anthropic" else [])]
    return [*kept, *needed]
