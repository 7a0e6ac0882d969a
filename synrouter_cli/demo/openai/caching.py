"""The caches of those who speak OpenAI's dialects: three kinds, one store of prefixes and their lifetimes.

`steps`: automatic, whole steps of tokens from a minimum on, free. `breakpoints`: GPT-5.6 and later, exact ends of
messages and marked blocks, writes are billed. `marks`: Claude behind a relay, entries only at `cache_control`.

>>> from synrouter_cli.demo.openai.prompt import chat_prompt
>>> prompt, cache = chat_prompt({"messages": [{"role": "user", "content": "word " * 2000}]}), Cache()
>>> looked = steps(cache, "shard", prompt, 0.0, step=128, minimum=1024, life_s=300)
>>> cache.begun(looked, 0.0)
>>> steps(cache, "shard", prompt, 299.0, step=128, minimum=1024, life_s=300).cached
2432
>>> steps(cache, "another", prompt, 299.0, step=128, minimum=1024, life_s=300).cached
0
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Final

from synrouter_cli.demo.openai.prompt import BYTES_PER_TOKEN, Mark, Prompt

__all__ = ["MOST_MARKS", "Cache", "Looked", "breakpoints", "marks", "steps"]

MOST_MARKS: Final = 4
_LATEST: Final = 80
_PRUNED_EVERY_S: Final = 60.0
_LOOKBACK_BLOCKS: Final = 20
_MINIMUM: Final = 1024
_TTL_S: Final[Mapping[str, int]] = {"5m": 300, "1h": 3600, "30m": 1800, "12h": 43_200}


@dataclass(frozen=True, slots=True)
class Looked:
    """What a request finds and will write. Tokens."""

    cached: int = 0
    written: int = 0
    by_ttl: Mapping[str, int] = field(default_factory=dict)
    """What is written, by the lifetime it is written for."""
    keeps: Mapping[bytes, int] = field(default_factory=dict)
    """Entries that live so many seconds from the beginning of the answer on: new ones, and those read."""


class Cache:
    """Entries of all accounts and models. `evicts` is the likelihood that a request loses all that it wrote."""

    def __init__(self, *, evicts: float = 0.0, seed: int = 0) -> None:
        self._kept: dict[bytes, tuple[float, int]] = {}
        self._pruned_at = 0.0
        self._evicts = evicts
        self._random = Random(seed)

    def life_s(self, key: bytes, now: float) -> int:
        """How long an entry lives from each use on; 0 where there is none."""
        until, life_s = self._kept.get(key, (now, 0))
        return life_s if until > now else 0

    def begun(self, looked: Looked, now: float) -> None:
        """The answer begins: others can read from now on."""
        if now - self._pruned_at > _PRUNED_EVERY_S:
            self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now}
            self._pruned_at = now
        if self._evicts and self._random.random() < self._evicts:
            for key in looked.keeps:
                self._kept.pop(key, None)
            return
        for key, life_s in looked.keeps.items():
            life_s = max(life_s, self.life_s(key, now))
            self._kept[key] = (now + life_s, life_s)


def steps(cache: Cache, shard: str, prompt: Prompt, now: float, *, step: int, minimum: int, life_s: int) -> Looked:
    """Automatic caching of whole steps of `step` tokens, once there are `minimum`."""
    size = step * BYTES_PER_TOKEN
    whole = len(prompt.data) // size * size
    keys = _keys(shard, prompt, range(size, whole + 1, size))
    found = next((at for at, key in enumerate(keys) if not cache.life_s(key, now)), len(keys)) * step
    kept = keys if len(keys) * step >= minimum else []
    return Looked(found if found >= minimum else 0, keeps=dict.fromkeys(kept, life_s))


def breakpoints(cache: Cache, shard: str, prompt: Prompt, now: float, *, mode: str, ttl: str) -> Looked:
    """Of the last 80 breakpoints the longest that is live; up to four are written, the implicit one among them."""
    implicit = mode == "implicit"
    marks = [Mark(mark.end, mark.ttl or ttl) for mark in prompt.marks]
    writes = marks[-(MOST_MARKS - implicit) :]
    if implicit and prompt.message_ends:
        writes.append(Mark(prompt.message_ends[-1], ttl))
    ends = {mark.end for mark in marks} | (set(prompt.message_ends) if implicit else set())
    return _looked(cache, shard, prompt, now, sorted(ends)[-_LATEST:], writes)


def marks(cache: Cache, shard: str, prompt: Prompt, now: float) -> Looked:
    """Entries at marks alone, found from up to 20 blocks behind (platform.claude.com, "Prompt caching")."""
    writes = [Mark(mark.end, mark.ttl or "5m") for mark in prompt.marks]
    ends: set[int] = set()
    for mark in writes:
        before = [end for end in prompt.ends if end <= mark.end]
        ends.update(before[-_LOOKBACK_BLOCKS:])
    return _looked(cache, shard, prompt, now, sorted(ends), writes)


def _looked(
    cache: Cache, shard: str, prompt: Prompt, now: float, ends: Sequence[int], writes: Sequence[Mark]
) -> Looked:
    offsets = sorted({*ends, *(mark.end for mark in writes)})
    keys = dict(zip(offsets, _keys(shard, prompt, offsets), strict=True))
    least = _MINIMUM * BYTES_PER_TOKEN
    read = max((end for end in ends if end >= least and cache.life_s(keys[end], now)), default=0)
    lives = {mark.end: mark.ttl or "" for mark in writes if mark.end >= least}
    by_ttl: dict[str, int] = {}
    reached = read
    for end in sorted(lives):
        if end > reached:
            tokens = end // BYTES_PER_TOKEN - reached // BYTES_PER_TOKEN
            by_ttl[lives[end]] = by_ttl.get(lives[end], 0) + tokens
            reached = end
    keeps = {keys[end]: _TTL_S.get(ttl, _TTL_S["5m"]) for end, ttl in lives.items()}
    if read:
        keeps.setdefault(keys[read], cache.life_s(keys[read], now))
    return Looked(read // BYTES_PER_TOKEN, sum(by_ttl.values()), by_ttl, keeps)


def _keys(shard: str, prompt: Prompt, offsets: Iterable[int]) -> list[bytes]:
    """The keys of the prefixes that end there, in one pass; offsets rise."""
    digest = sha256(shard.encode() + b"\0" + prompt.seed)
    keys, at, data = [], 0, memoryview(prompt.data)
    for offset in offsets:
        digest.update(data[at:offset])
        keys.append(digest.digest())
        at = offset
    return keys
