"""What a session costs under a policy: nothing cached, fixed layouts, Synrouter at a level, and the bounds.

A session is replayed once a policy, at the times at which it was recorded. Costs are USD with the recorded output,
which no policy changes; what Synrouter gets to see is a client that marks nothing, unless told otherwise.

>>> hello = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello " * 9000}]}]}
>>> one = Session("demo", "claude-opus-4-8", [(0.0, {**traces.head(), **hello})], output_tokens=40)
>>> costs = {name: policy(one).usd for name, policy in policies().items()}
>>> costs["bound"] <= costs["none"] < costs["head"] < costs["head + tail, 5m"] < costs["head + tail, 1h"]
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import islice

from benchmarks import bound, layouts, replay, traces
from synrouter_cli.cache.model import Split
from synrouter_cli.prompt.segments import Prompt, segment

LEVELS = ("observe", "safe")
"""`standard` and `max` act as `safe` in this version."""
_MILLION = 1_000_000
Layout = Callable[[layouts.Body], layouts.Body]


@dataclass
class Session:
    """A recorded session: its requests without markers, and the tokens that were answered in all."""

    name: str
    model: str
    requests: list[replay.Step]
    output_tokens: int

    @classmethod
    def of(cls, trace: traces.Trace, model: str, most: int | None = None) -> Session:
        """The session of a trace, or its first `most` requests."""
        output = sum(request.output_tokens for request in islice(traces.requests(trace), most))
        return cls(trace.name, model, replay.steps(trace, model)[:most], output)

    @property
    def output_usd(self) -> Decimal:
        return replay.price_of(Split(), self.model, self.output_tokens)

    @cached_property
    def asked(self) -> list[bound.Asked]:
        """The prompts as the bounds see them."""
        result: list[bound.Asked] = []
        last: Prompt | None = None
        for at, body in self.requests:
            last = segment(replay.as_bytes(body), last)
            result.append(bound.Asked(at, last.keys, last.tokens))
        return result

    @property
    def rates(self) -> bound.Rates:
        """USD a token."""
        splits = (Split(read=_MILLION), Split(write_5m=_MILLION), Split(write_1h=_MILLION), Split(input=_MILLION))
        return bound.Rates(*(float(replay.price_of(split, self.model)) / _MILLION for split in splits))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session, or several, under one policy. `hit_rate` is read tokens of prompt tokens; None for a bound."""

    usd: Decimal
    read: int | None = None
    prompt: int | None = None

    @property
    def hit_rate(self) -> float | None:
        return self.read / self.prompt if self.read is not None and self.prompt else None


def total(outcomes: Iterable[Outcome]) -> Outcome:
    """All of them together."""
    found = list(outcomes)
    reads = [outcome.read for outcome in found if outcome.read is not None]
    whole = len(reads) == len(found)
    return Outcome(
        sum((outcome.usd for outcome in found), Decimal(0)),
        sum(reads) if whole else None,
        sum(outcome.prompt or 0 for outcome in found) if whole else None,
    )


Policy = Callable[[Session], Outcome]


def policies(levels: Iterable[str] = LEVELS, client: str = "none") -> dict[str, Policy]:
    """The policies by name, in the order in which they are shown; `client` is the layout that Synrouter gets to see."""
    before = "" if client == "none" else f" ({client})"
    return {
        "none": _alone(layouts.none),
        "head": _alone(layouts.head_only),
        "head + tail, 5m": _alone(layouts.head_tail),
        "head + tail, 1h": _alone(layouts.head_tail_1h),
        **{f"synrouter {level}{before}": _through(layouts.LAYOUTS[client], level) for level in levels},
        "one lifetime": _bound(bound.one_lifetime),
        "bound": _bound(bound.every_block),
    }


def _alone(layout: Layout) -> Policy:
    return lambda session: _outcome(session, replay.alone(session.requests, session.model, layout))


def _through(layout: Layout, level: str) -> Policy:
    return lambda session: _outcome(session, replay.through(session.requests, session.model, layout, level))


def _bound(least: Callable[[list[bound.Asked], bound.Rates], float]) -> Policy:
    return lambda session: Outcome(round(Decimal(least(session.asked, session.rates)), 12) + session.output_usd)


def _outcome(session: Session, run: replay.Sum) -> Outcome:
    return Outcome(run.usd + session.output_usd, run.split.read, run.split.total)
