"""What the ledger keeps of a turn: numbers and names, never text of a prompt or an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synrouter_cli.wire.usage import Usage

OWN_CACHE: Final = "the provider's own cache"
"""How the plan ends of a turn whose provider places no markers but caches by itself."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request to a provider. `(session, turn)` is the key; a later row replaces an earlier.

    Times are seconds since the epoch (UTC), durations milliseconds, money integer pico-USD
    (1e-12 USD); `None` money is "unknown price", never zero.
    """

    session: str
    turn: int
    started_at: float
    status: str = "started"
    """started | ok | error | cancelled | truncated | unknown"""
    client: str = "unknown"
    kind: str = "main"
    """main | subagent | side (titles, probes, quota checks) | ping (a keep-warm request of ours)

    A ping's baselines are 0, since its client would not have sent it: what it costs is a loss of ours.
    """
    parent: str | None = None
    mode: str = "auto"
    level: str = "safe"
    provider: str = "anthropic"
    dialect: str = "anthropic"
    model: str = ""
    """The model the client asked for."""
    model_used: str = ""
    """The model the provider said it used; empty until it answered."""
    billing: str = "api"
    """api | subscription"""
    streamed: bool = False
    http_status: int | None = None
    error_type: str | None = None
    usage: Usage | None = None
    usage_quality: str = "none"
    """exact | partial | estimated | none"""
    cost_pusd: int | None = None
    baseline_no_cache_pusd: int | None = None
    baseline_client_pusd: int | None = None
    price_version: str | None = None
    plan: str = ""
    planned: bool = False
    predicted_read_tokens: int | None = None
    reason: str | None = None
    """Why it went as it did: a miss explained, a request not planned."""
    trimmed_tokens: int = 0
    ttfb_ms: float | None = None
    total_ms: float | None = None
    attempts: int = 1
    retry_of: int | None = None
    """The turn of the same session that this one repeats."""
    verdict: str = ""
    """How it went against its prediction; empty where nothing was predicted.

    first | hit | shared | partial | expired | provider | model | betas | tools | settings | system | message |
    minimum | unmarked | lost | unexpected
    """
    detail: str | None = None
    """A JSON object of the names, positions and sizes that belong to the verdict; never content, at most
    2,000 characters."""
    gap_s: float | None = None
    """Seconds since the session's last request."""
    shared_read_tokens: int = 0
    """Of `cache_read_tokens`, those from an entry that another session wrote."""
    missed_pusd: int | None = None
    """What a miss cost beyond what was predicted."""
    trimmed_pusd: int = 0
    """What the trimmed tokens would have cost, written once and then read; an estimate that assumes no re-read."""
    predicted_write_tokens: int | None = None

    @property
    def conversation(self) -> str:
        """The session, or the one that this subagent or side request belongs to."""
        return self.parent or self.session

    @property
    def own_cache(self) -> bool:
        """Whether its provider caches by itself: nothing of it was planned, and no saving is ours."""
        return self.plan.endswith(OWN_CACHE)
