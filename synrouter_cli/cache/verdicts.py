"""Why a turn read from the cache what it read: one code a turn, and the tokens that a miss is about.

Rules are tried in the order of a table and the first that fits gives the code; the last fits always. What would have
made the turn miss anyway comes first: where an entry had expired, nothing else matters.

>>> classify(Facts(read=0, written=9000, total=9100, cached=9000, gap_s=1400.0, ttl_s=300.0))
Outcome(code='expired', detail={'gap_s': 1400, 'ttl_s': 300}, missed_tokens=9000)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from synrouter_cli.cache.model import TTL_SECONDS
from synrouter_cli.prompt.changes import CAUSES, Difference, Elsewhere

__all__ = ["CODES", "Facts", "Outcome", "classify"]

TOLERANCE: Final = 0.02
"""A miss of less than this share of what was cached is none: counts of unmeasured prefixes are estimates."""
SLACK_TOKENS: Final = 64
EXPIRY_SLACK_SECONDS: Final = 20.0
"""So long before its end an entry may be gone already: a provider's clock starts when it likes."""

CODES: Final = (
    "first",
    "hit",
    "shared",
    "partial",
    "expired",
    "provider",
    *CAUSES,
    "minimum",
    "unmarked",
    "lost",
    "unexpected",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """A turn's prediction and report, in plain values. Tokens are those of the prompt, seconds wall clock.

    Reported by the provider:
    `read`, `written` (all lifetimes), `total` (the whole prompt: read + written + input).

    Of the plan:
    `predicted`: what the model expected to be read. `unexpected`: `shadow.judge` found more read than any entry
    known explains. `live`: the longest live entry known on this prompt, whether or not a marker reached it.
    `shared_read`: how much of what was read stands in an entry that another session wrote and this one never did.
    `marked`: whether what was sent carried any marker. `marked_tokens`: the prompt up to the last of them.
    `minimum`: the model's minimum, 0 where there is none.

    Of the session:
    `cached`: how much of a prompt its last request left in the cache (its newest entry, as it was reported: read +
    written), 0 where that left nothing, None where nobody knows (after a restart). `shared`: tokens of this prompt
    before the first change, None where unknown. `gap_s`: seconds since its last request (a keep-warm ping counts as
    one here), None where this is its first. `ttl_s`: the lifetime of its newest entry, None where unknown (the
    longest is assumed). `difference`: what changed since; None where there is nothing to compare with.
    `settings_reach_head`: as in the model's cache facts.

    Where a session is asked of several providers and models, all this is of its last request at this one; `apart` says
    that others came in between. `elsewhere`: this is its first here, and all this is of its last request elsewhere.
    """

    read: int
    written: int
    total: int
    predicted: int = 0
    unexpected: bool = False
    live: int = 0
    shared_read: int = 0
    marked: bool = True
    marked_tokens: int | None = None
    minimum: int = 0
    cached: int | None = 0
    shared: int | None = None
    gap_s: float | None = None
    ttl_s: float | None = None
    difference: Difference | None = None
    settings_reach_head: bool = False
    elsewhere: Elsewhere | None = None
    apart: bool = False

    @property
    def cause(self) -> str:
        """What changed first; "" for nothing, and for what stands behind all that had been cached."""
        if self.difference is None:
            return ""
        cause = self.difference.cause(settings_reach_head=self.settings_reach_head)
        behind = self.shared is not None and self.cached is not None and self.shared >= self.cached
        return "" if behind and cause in ("tools", "system", "message") else cause

    @property
    def is_out_of_reach(self) -> bool:
        """Whether an entry lives that no marker came near enough to read."""
        return bool(self.missed) and self.read >= self.predicted and self.live > self.read + SLACK_TOKENS

    @property
    def history_left(self) -> bool:
        """Whether the client dropped history on purpose: that explains no miss of what was predicted without it."""
        return self.difference is not None and self.difference.history_left

    @property
    def reusable(self) -> int:
        """What of this prompt could have been read had the session's cached prefix lived unchanged."""
        most = min(self.cached or 0, self.total)
        if self.history_left and self.shared is not None:
            return min(most, self.shared)  # history that the client dropped is not asked for any more
        return most

    @property
    def missed(self) -> int:
        """Tokens that were not read though they had been cached or were predicted; 0 within what counts may err."""
        expected = max(self.reusable, min(self.predicted, self.total))
        missed = expected - self.read
        return missed if missed > max(SLACK_TOKENS, TOLERANCE * expected) else 0

    @property
    def is_expired(self) -> bool:
        return self.gap_s is not None and self.gap_s > self.lifetime_s - EXPIRY_SLACK_SECONDS

    @property
    def lifetime_s(self) -> float:
        return max(TTL_SECONDS.values()) if self.ttl_s is None else self.ttl_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """A turn's verdict: one of CODES, what belongs to it as small JSON-able values, and the tokens of the miss.

    `missed_tokens` would have been read had the prefix lived. What they cost more than that is for the caller to
    price: as written or as input, less as read.
    """

    code: str
    detail: Mapping[str, Any]
    missed_tokens: int = 0


def classify(facts: Facts) -> Outcome:
    """The verdict of a turn whose usage was reported. Never raises; the code is always one of CODES."""
    code = next(code for code, fits in _RULES if fits(facts))
    if code == "cause":
        code = facts.cause
    elif code == "elsewhere" and facts.elsewhere is not None:
        code = facts.elsewhere.code
    missed = 0 if code in _NO_MISS or (code == "unmarked" and not facts.is_out_of_reach) else facts.missed
    return Outcome(code, _detail(code, facts), missed)


def _is_below_minimum(facts: Facts) -> bool:
    longest = facts.total if facts.marked_tokens is None else facts.marked_tokens
    return not facts.read and not facts.written and longest < facts.minimum


def _is_elsewhere(facts: Facts) -> bool:
    return facts.elsewhere is not None and (facts.missed > 0 or not (facts.read or facts.predicted))


def _is_first(facts: Facts) -> bool:
    return not facts.read and not facts.predicted and (facts.gap_s is None or facts.cached == 0)


_RULES: Final[tuple[tuple[str, Callable[[Facts], bool]], ...]] = (
    ("unexpected", lambda facts: facts.unexpected),
    ("unmarked", lambda facts: not facts.marked and not facts.read),
    ("minimum", _is_below_minimum),
    ("shared", lambda facts: not facts.missed and 2 * facts.shared_read > facts.read),
    ("hit", lambda facts: not facts.missed and facts.read > 0),
    ("elsewhere", _is_elsewhere),
    ("first", _is_first),
    ("partial", lambda facts: facts.is_expired and facts.read > 0),
    ("expired", lambda facts: facts.is_expired),
    ("lost", lambda facts: facts.missed > 0 and facts.history_left and facts.read < facts.predicted),
    ("cause", lambda facts: facts.missed > 0 and facts.cause != ""),
    ("unmarked", lambda facts: facts.is_out_of_reach),
    ("partial", lambda facts: facts.missed > 0 and facts.read > 0 and facts.read >= facts.predicted),
    ("lost", lambda facts: facts.missed > 0),
    ("first", lambda facts: True),
)
"""Each code with what it takes. "cause" stands for what changed first, "elsewhere" for what is another here."""

_NO_MISS: Final = frozenset({"first", "hit", "shared", "minimum", "unexpected"})


def _detail(code: str, facts: Facts) -> dict[str, Any]:
    """What belongs to the code, and beside it whatever else changed, unless all was well."""
    detail: dict[str, Any] = {}
    if code in ("expired", "partial") and facts.is_expired:
        detail = {"gap_s": round(facts.gap_s or 0), "ttl_s": round(facts.lifetime_s)}
        if facts.apart:
            detail["apart"] = True
    elif facts.elsewhere is not None and code == facts.elsewhere.code:
        detail = facts.elsewhere.to_detail()
    elif code == "unmarked" and facts.is_out_of_reach:
        detail = {"out_of_reach": facts.live}
    elif code == "minimum":
        longest = facts.total if facts.marked_tokens is None else facts.marked_tokens
        detail = {"tokens": longest, "minimum": facts.minimum}
    elif code == "lost":
        detail = {"expected": max(facts.predicted, facts.reusable)}
    elif code == "unexpected":
        detail = {"expected": facts.predicted}
    elif code == "shared":
        detail = {"shared": facts.shared_read}
    if facts.difference is None or code in ("hit", "shared", "unmarked", "minimum", "first", "unexpected"):
        return detail
    return {**facts.difference.to_detail(), **detail}
