"""The provider, simulated: takes a request's bytes, says how its prompt is billed by the model of the cache.

Token counts are the estimate's. Where a transcript says how long the prompt really was, the estimate is pinned to
that, as the proxy's own is to what a provider reports; where it says how much was read, luck is learned from it: which
entries were gone before their time, or there though nobody is known to have written them.

>>> upstream = Upstream("claude-opus-4-8")
>>> upstream.answer(b'{"messages":[{"role":"user","content":"hello"}]}', 0.0, total=12)
Split(read=0, write_5m=0, write_1h=0, input=12)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synrouter_cli import providers
from synrouter_cli.cache.anchors import Anchors, Measured
from synrouter_cli.cache.model import TTL_SECONDS, Found, Marker, Rendered, Split, bill, look_up
from synrouter_cli.cache.rules import client_markers, rendered, violation
from synrouter_cli.cache.shadow import Reported, Verdict, judge, reread
from synrouter_cli.cache.store import Store
from synrouter_cli.prompt.segments import Prompt, segment
from synrouter_cli.wire.usage import Usage

__all__ = ["Asked", "Luck", "Upstream"]


@dataclass(frozen=True, slots=True)
class Luck:
    """What a provider's cache had against the model: nothing beyond block `position`, or, `unexpected`, an entry
    there that lives for `ttl`. `read` is how many tokens up to there were reported."""

    position: int
    read: int
    unexpected: bool
    ttl: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request before its answer: what it should meet in the cache."""

    prompt: Prompt
    shape: Rendered
    tokens: Measured
    markers: tuple[Marker, ...]
    live: Sequence[int]
    found: Found
    now: float

    def luck(self, usage: Usage) -> Luck | None:
        """How what was reported differs from the model; None where it does not."""
        reported = Reported(usage.cache_read_tokens, usage.cache_write_tokens, usage.prompt_tokens)
        ends = [*range(self.shape.layer_ends[1]), *self.prompt.message_ends()]
        verdict = judge(self.found, self.live, self.tokens, reported, ends)
        if verdict.as_predicted:
            return None
        return Luck(verdict.position, reported.read, verdict.unexpected, "1h" if usage.cache_write_1h_tokens else "5m")


class Upstream:
    """One model's cache at the provider, and who asks it."""

    def __init__(self, model: str) -> None:
        self.facts = providers.facts("anthropic", model)
        self.store = Store()
        self._last: dict[str, Prompt] = {}
        self._anchors = Anchors()

    def ask(
        self, body: bytes, now: float, total: int | None = None, *, session: str = "", same: Asked | None = None
    ) -> Asked:
        """Look a request up; `total` is its prompt's length in tokens, where that is known.

        `session` only makes it faster, and so does `same`: was it asked for with the very same bytes, they are not
        read again.

        Raises ValueError where the API would answer 400, and Unplannable for what is no request.
        """
        if same is not None and same.prompt.body is body:
            prompt = same.prompt
        else:
            prompt = segment(body, self._last.get(session), keeps_thinking=lambda _: self.facts.keeps_thinking)
        self._last[session] = prompt
        refused = violation(prompt)
        if refused is not None:
            raise ValueError(refused)
        shape = rendered(prompt, settings_reach_head=self.facts.settings_reach_head)
        tokens = self._measured(prompt, total)
        markers = client_markers(prompt)
        live = self.store.live(shape, now)
        found = look_up(shape, markers, self.store, self.facts, now=now, tokens=tokens, live=live)
        return Asked(prompt, shape, tokens, markers, live, found, now)

    def settle(self, asked: Asked, luck: Luck | None = None) -> Split:
        """Bill it, and remember what it wrote."""
        found, tokens = (asked.found, asked.tokens) if luck is None else self._again(asked, luck)
        self.store.begun(asked.shape, found, asked.now, asked.prompt.tokens)
        self.store.prune(asked.now)
        return bill(found, tokens)

    def answer(self, body: bytes, now: float, session: str = "", *, total: int | None = None) -> Split:
        """Both at once, without luck."""
        return self.settle(self.ask(body, now, total, session=session))

    def _again(self, asked: Asked, luck: Luck) -> tuple[Found, Measured]:
        """The same request on what was really there."""
        gone: tuple[int, ...] = ()
        tokens = asked.tokens
        if luck.position >= 0:
            self._anchors.learn(asked.prompt.keys[luck.position], luck.read)
            tokens = self._anchors.measure(asked.prompt.keys, asked.prompt.tokens, asked.prompt.index)
        if not luck.unexpected:
            gone = tuple(place for place in asked.live if place > luck.position)
            self.store.evict(asked.shape, gone)
        elif luck.position >= 0:
            life = TTL_SECONDS[luck.ttl]
            self.store.add(asked.shape, luck.position, life, asked.now + life, luck.read)
        verdict = Verdict(luck.position, False, gone, luck.unexpected)
        return reread(asked.shape, asked.markers, asked.live, verdict, self.facts, tokens), tokens

    def _measured(self, prompt: Prompt, total: int | None) -> Measured:
        measured = self._anchors.measure(prompt.keys, prompt.tokens, prompt.index)
        if total is None:
            return measured
        self._anchors.calibrate(measured, total)
        self._anchors.learn(prompt.keys[-1], total)
        return self._anchors.measure(prompt.keys, prompt.tokens, prompt.index)
