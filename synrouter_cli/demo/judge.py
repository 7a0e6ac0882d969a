"""The simulated provider's books: what a request reads, writes and is billed, and what it is refused for.

One store for each credential, model and set of betas; an entry can be read once the answer of the request
that wrote it has begun. With `evicts` it loses entries at random, as providers do now and then.

>>> judge = Judge()
>>> body = b'{"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}'
>>> judge.weigh(body, scope="somebody", now=0.0).usage["cache_read_input_tokens"]
0
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from synrouter_cli import providers
from synrouter_cli.cache.model import Found, Rendered, Split, bill, look_up
from synrouter_cli.cache.rules import client_markers, rendered, violation
from synrouter_cli.cache.store import Store
from synrouter_cli.demo.checks import refusal
from synrouter_cli.prompt.body import Unplannable
from synrouter_cli.prompt.segments import Prompt, segment

__all__ = ["Judge", "Refused", "Weighed"]

ANSWER_PREFIX_TOKENS = 3
"""What opens the answer stands behind every marker: the API never reports fewer input tokens."""
_SIGNATURE = "demo-"
_UNTHREADED = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
"""No threads are held here: the API has such refusals too, and clients go on without one."""
_BOUND = (
    "messages.{}.content.{}: Invalid `signature` in `thinking` block. The block is bound to a different conversation"
)


class Refused(Exception):
    """The request gets an error with the API's own message, a 400 unless told, and with what programs read of it."""

    def __init__(self, message: str, status: int = 400, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = details or {}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A request that is taken, and what it costs in tokens."""

    body: Mapping[str, Any]
    prompt: Prompt
    cache: Rendered
    found: Found
    split: Split
    store: Store
    at: float

    @property
    def usage(self) -> dict[str, Any]:
        """The prompt's part of the usage, as the API reports it."""
        split = self.split
        return {
            "input_tokens": split.input,
            "cache_creation_input_tokens": split.write_5m + split.write_1h,
            "cache_read_input_tokens": split.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": split.write_5m,
                "ephemeral_1h_input_tokens": split.write_1h,
            },
        }

    @property
    def ident(self) -> str:
        """Hex, the same for the same prompt: markers make no difference to it."""
        return self.prompt.keys[-1].hex()

    @property
    def signature(self) -> str:
        """Binds thinking to the prompt that it answers."""
        return _SIGNATURE + self.ident


class Judge:
    """The caches of all accounts. A prompt over `context_tokens` is too long for any model; after each request a share
    of the live entries of its account, `evicts` (0 to 1), is lost, drawn from `seed`."""

    def __init__(self, context_tokens: int = 1_000_000, *, evicts: float = 0.0, seed: int = 0) -> None:
        self.evicted = 0
        """How many entries were lost before their time."""
        self._context_tokens = context_tokens
        self._evicts = evicts
        self._random = Random(seed)
        self._stores: dict[tuple[str, str], Store] = {}
        self._last: Prompt | None = None

    def weigh(self, raw: bytes, *, scope: str, now: float, endpoint: str = "messages") -> Weighed:
        """Check a request and look it up at `now` (seconds). Raises Refused. Changes nothing."""
        body = _decoded(raw)
        message = refusal(body, endpoint)
        if message is not None:
            raise Refused(message)
        if body.get("thread") is not None:
            raise Refused("thread: this request can't be part of one", details=_UNTHREADED)
        facts = providers.facts("anthropic", body["model"])
        try:
            # the last request is a hint: what both share is not split again
            prompt = segment(raw, self._last, keeps_thinking=lambda _model: facts.keeps_thinking)
        except Unplannable as error:
            raise Refused(str(error)) from None
        message = violation(prompt) or (_foreign_thinking(prompt, body) if facts.prefix_check else None)
        if message is not None:
            raise Refused(message)
        total = prompt.tokens[-1] + ANSWER_PREFIX_TOKENS
        if total > self._context_tokens:
            raise Refused(f"prompt is too long: {total} tokens > {self._context_tokens} maximum")
        self._last = prompt
        cache = rendered(prompt, settings_reach_head=facts.settings_reach_head)
        store = self._stores.setdefault((scope, prompt.model), Store())
        found = look_up(cache, client_markers(prompt), store, facts, now=now, tokens=prompt.tokens)
        return Weighed(body, prompt, cache, found, bill(found, prompt.tokens, total), store, now)

    def begun(self, weighed: Weighed) -> None:
        """The answer begins: from now on others can read what this request wrote."""
        weighed.store.begun(weighed.cache, weighed.found, weighed.at, weighed.prompt.tokens)
        weighed.store.prune(weighed.at)
        if self._evicts:
            self._lose(weighed.store)

    def _lose(self, store: Store) -> None:
        """Drop each entry with the likelihood `evicts`."""
        for place in [place for place in store.places() if self._random.random() < self._evicts]:
            store.drop(place.seed, place.key)
            self.evicted += 1


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refused(f"The request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused("Input should be a valid dictionary")
    return body


def _foreign_thinking(prompt: Prompt, body: Mapping[str, Any]) -> str | None:
    """The 400 for thinking that stands behind another prompt than the one it was an answer to."""
    head = prompt.unit_counts[0] + prompt.unit_counts[1]
    for index, message in enumerate(body["messages"]):
        content = message["content"] if isinstance(message["content"], list) else []
        for at, block in enumerate(content):
            signature = str(block.get("signature", ""))
            before = prompt.keys[prompt.first_block[head + index] - 1]
            if signature.startswith(_SIGNATURE) and signature != _SIGNATURE + before.hex():
                return _BOUND.format(index, at)
    return None
