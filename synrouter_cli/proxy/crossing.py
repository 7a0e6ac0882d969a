"""A request on its way from its client's dialect to its provider's: what is planned on, and what goes out.

Anthropic's dialect is the hub: a request in another one is planned, and known again, in its form there. Where both ends
speak the same dialect the bytes go through, edited in place.

>>> from synrouter_cli.ways import Way
>>> crossing = cross("anthropic", b'{"model": "fast"}', Way("anthropic", "anthropic", "claude-haiku-5-5"), "markers")
>>> crossing.translated, crossing.hub
(False, b'{"model": "claude-haiku-5-5"}')
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from msgspec.structs import replace

from synrouter_cli.errors import InvalidRequest, NoEmbeddings, NoThreads
from synrouter_cli.prompt.top_level import model_of, read_top, renamed, with_field
from synrouter_cli.providers import CacheKind, is_claude
from synrouter_cli.proxy.abroad import TAKES_MARKERS, abroad, came_from
from synrouter_cli.proxy.usage_asked import asking
from synrouter_cli.ways import Way
from synrouter_cli.wire.codecs import Codec
from synrouter_cli.wire.codecs.registry import CODECS
from synrouter_cli.wire.ir import Dialect, Loss, Request
from synrouter_cli.wire.sealed import MARK, holds_ours
from synrouter_cli.wire.stamps import is_stamped, returned, without_stamps

_SEALED: Final = re.compile(rb'(?<!\\)"' + re.escape(MARK.encode()))
"""At the beginning of a value: in a text that only speaks of it, the quotes are escaped."""
KEY_FIELDS: Final = {"key": "prompt_cache_key", "breakpoints": "prompt_cache_key", "session": "session_id"}
"""How the cache is kept → the field that names a session, so that its requests meet the same cache."""
_KEY_CHARS: Final = 64


def codec_of(dialect: str) -> Codec:
    return CODECS[cast(Dialect, dialect)]


@dataclass(slots=True)
class Crossing:
    """One request, one way. `request` is None where it was never decoded."""

    dialect: str
    """The client's."""
    way: Way
    cache: CacheKind
    body: bytes
    """As it came, without its content coding."""
    hub: bytes
    """What is planned on; empty where it can't be said in the hub's dialect."""
    asked: str
    """The model's name as the client has it."""
    request: Request | None = None
    losses: tuple[Loss, ...] = ()
    asks_usage: bool = False
    """The provider is known to tell a stream's usage where it is asked to."""
    usage_is_ours: bool = False
    """We have asked, not the client: what tells it is not for the client."""
    resealed: bool = False
    """Thinking of another provider's is in it, which goes no further: the bytes can't go through as they came."""

    @property
    def translated(self) -> bool:
        return self.dialect != self.way.dialect

    @property
    def stamps(self) -> bool:
        """Whether the answer's signatures are good at this provider alone."""
        return self.way.dialect == "anthropic" != self.way.provider and not is_claude(self.way.model)

    @property
    def planned(self) -> bool:
        """Whether markers are placed: then what goes out is the hub's form as it was planned."""
        return self.way.dialect == "anthropic"

    @property
    def answered(self) -> Request:
        """The request as the client knows it, for whoever encodes the answer."""
        assert self.request is not None
        return replace(self.request, model=self.asked)

    def outgoing(self, session_id: str = "") -> bytes:
        """The bytes for a provider that caches by itself, with the session's name where there is one and it helps."""
        field = KEY_FIELDS.get(self.cache) if session_id else None
        if not self.translated and not self.resealed:
            body = renamed(self.body, self.way.model) if self.way.model != self.asked else self.body
            if self.asks_usage and (asked := asking(body)) is not None:
                body, self.usage_is_ours = asked, True
            if field is None:
                return body
            top = read_top(body)
            named = top.cache_key if field == "prompt_cache_key" else top.session_id
            return body if named else with_field(body, field, session_id[:_KEY_CHARS])
        request = self.answered
        key = request.cache_key or (session_id[:_KEY_CHARS] if field == "prompt_cache_key" else None)
        usage = True if request.stream and self.way.dialect == "chat" else request.include_usage
        self.usage_is_ours = not self.translated and usage != request.include_usage
        request = replace(request, model=self.way.model, cache_key=key, include_usage=usage)
        body, losses = _encoded(abroad(request, self.way.dialect), self.way.dialect, self.cache)
        self._lose(came_from(losses, request))
        return with_field(body, field, session_id[:_KEY_CHARS]) if field == "session_id" else body

    def _lose(self, losses: Sequence[Loss]) -> None:
        self.losses = tuple(dict.fromkeys((*self.losses, *losses)))


def cross(dialect: str, body: bytes, way: Way, cache: CacheKind, *, output_tokens: int | None = None) -> Crossing:
    """The crossing of a decoded body. `output_tokens` is the model's longest answer, for clients that name none.

    Raises InvalidRequest where it must be translated and can't be read, or where only a part of it is there.
    """
    asked = model_of(body)
    theirs, resealed = body, False
    if holds_ours(body):
        theirs = without_stamps(body, way.provider) if dialect == "anthropic" else body
        # what another provider thought, wrapped for this client or signed by that one: none of this one's own
        resealed = _SEALED.search(theirs) is not None or is_stamped(theirs)
    if dialect == way.dialect == "anthropic" and not resealed:
        return Crossing(dialect, way, cache, body, renamed(theirs, way.model) if way.model != asked else theirs, asked)
    crossing = Crossing(dialect, way, cache, body, b"", asked)
    try:
        crossing.request, losses = codec_of(dialect).decode_request(theirs)
        if resealed and way.dialect == "anthropic":
            crossing.request, more = returned(crossing.request, way.provider, strict=is_claude(way.model))
            losses = (*losses, *more)
    except InvalidRequest:
        if crossing.translated:
            raise
        return crossing  # same dialect: the provider says what is wrong with it
    if crossing.translated or (resealed and crossing.planned):
        if crossing.translated and isinstance(crossing.request.extras.get("thread"), dict):
            raise NoThreads(provider=way.provider)
        crossing._lose(losses)
    crossing.resealed = resealed
    unchanged = dialect == "anthropic" and not (resealed and crossing.planned)
    crossing.hub = body if unchanged else _hub(crossing, output_tokens)
    return crossing


def lead(body: bytes, way: Way, cache: CacheKind) -> Crossing:
    """The crossing of a request for embeddings, which are OpenAI's and no turn: it goes as it is.

    Raises NoEmbeddings where the provider speaks no dialect that has them.
    """
    if way.dialect == "anthropic":
        raise NoEmbeddings(provider=way.provider)
    return Crossing(way.dialect, way, cache, body, b"", model_of(body))


def _hub(crossing: Crossing, output_tokens: int | None) -> bytes:
    assert crossing.request is not None
    request = replace(crossing.request, model=crossing.way.model)
    if request.max_tokens is None and output_tokens is not None:
        request = replace(request, max_tokens=output_tokens)
    body, losses = codec_of("anthropic").encode_request(request)
    if crossing.planned:
        crossing._lose(losses)
    return body


def _encoded(request: Request, dialect: str, cache: CacheKind) -> tuple[bytes, tuple[Loss, ...]]:
    if dialect == "chat":
        from synrouter_cli.wire.codecs.chat import CODEC, Target  # as with CODECS: most requests need none

        return CODEC.encode_request(request, Target(markers=cache in TAKES_MARKERS, cache_key=cache == "key"))
    return codec_of(dialect).encode_request(request)
