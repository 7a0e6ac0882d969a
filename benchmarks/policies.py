"""What a session costs under a policy: nothing cached, fixed layouts, Synrouter at a level, and the bounds.

A session is replayed once a policy, at the times at which it was recorded. Costs are USD with the recorded output,
which no policy changes; what Synrouter gets to see is a client that marks nothing, unless told otherwise. Sessions of
one user are replayed together: they meet one cache and one Synrouter, in the order of time.

>>> hello = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello " * 9000}]}]}
>>> one = Session("demo", "claude-opus-4-8", [(0.0, {**traces.head(), **hello})], output_tokens=40)
>>> costs = {name: policy(one).usd for name, policy in policies().items()}
>>> costs["bound"] <= costs["none"] < costs["head"] < costs["head + tail, 5m"] < costs["head + tail, 1h"]
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import islice

from benchmarks import bound, layouts, replay, runs, traces
from synrouter_cli import providers
from synrouter_cli.cache.model import Split
from synrouter_cli.prompt.segments import Prompt, segment

LEVELS = ("observe", "safe")
"""`standard` and `max` trim too: what that saves assumes that nothing is read again."""
FIVE, HOUR, PINGED = "head + tail, 5m", "head + tail, 1h", "head + tail, 1h, blind ping"
DAY_S = 86_400.0
_MILLION = 1_000_000


@dataclass
class Session:
    """A recorded session: its requests without markers, and the tokens that were answered in all."""

    name: str
    model: str
    requests: list[runs.Step]
    output_tokens: int
    histories: runs.Histories = ()
    """What a ledger knows of the time before: the other sessions' gaps."""
    last_stop: str = "end_turn"
    """Why its last answer ended."""

    @classmethod
    def of(cls, trace: traces.Trace, model: str, most: int | None = None) -> Session:
        """The session of a trace, or its first `most` requests."""
        output = sum(request.output_tokens for request in islice(traces.requests(trace), most))
        asked = replay.steps(trace, model)
        whole = most is None or most >= len(asked)
        return cls(trace.name, model, asked[:most], output, last_stop=trace.last_stop if whole else "end_turn")

    @property
    def gaps(self) -> list[tuple[float, bool]]:
        """Between its requests: seconds, and whether somebody came back."""
        return runs.gaps([at for at, _ in self.requests], runs.stops([body for _, body in self.requests]))

    @property
    def output_usd(self) -> Decimal:
        return runs.price_of(Split(), self.model, self.output_tokens)

    @cached_property
    def asked(self) -> list[bound.Asked]:
        """The prompts as the bounds see them."""
        result: list[bound.Asked] = []
        last: Prompt | None = None
        keeps = providers.facts("anthropic", self.model).keeps_thinking
        for at, body in self.requests:
            last = segment(replay.as_bytes(body), last, keeps_thinking=lambda _: keeps)
            result.append(bound.Asked(at, last.keys, last.tokens))
        return result

    @property
    def rates(self) -> bound.Rates:
        """USD a token."""
        splits = (Split(read=_MILLION), Split(write_5m=_MILLION), Split(write_1h=_MILLION), Split(input=_MILLION))
        return bound.Rates(*(float(runs.price_of(split, self.model)) / _MILLION for split in splits))


def leave_one_out(sessions: Sequence[Session]) -> list[Session]:
    """Each session with all others as its past.

    >>> hello = {"messages": [{"role": "user", "content": "hello"}]}
    >>> one, other = Session("a", "m", [(5.0, hello)], 0), Session("b", "m", [(90.0, hello), (95.0, hello)], 0)
    >>> leave_one_out([one, other])[0].histories
    [[(5.0, True)]]
    """
    return [
        replace(session, histories=[s.gaps for s in sessions if s is not session])
        for session in sessions
        if session.requests
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session, or several, under one policy. `hit_rate` is read tokens of prompt tokens; None for a bound."""

    usd: Decimal
    read: int | None = None
    prompt: int | None = None
    pings: int = 0

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
        sum(outcome.pings for outcome in found),
    )


Policy = Callable[[Sequence[Session]], list[Outcome]]
"""Sessions of one user → what each costs."""
Single = Callable[[Session], Outcome]
"""One session, with its histories as the past → what it costs."""


def together(levels: Iterable[str] = LEVELS, client: str = "none") -> dict[str, Policy]:
    """The policies by name, in the order in which they are shown; `client` is the layout that Synrouter gets to see."""
    layout = layouts.LAYOUTS[client]
    before = "" if client == "none" else f" ({client})"
    ours: dict[str, Policy] = {}
    for level in levels:
        name = f"synrouter {level}{before}"
        ours[name] = _through(layout, level)
        if level != "observe":
            ours[f"{name}, learned"] = _through(layout, level, learned=True)
            ours[f"{name}, keep-warm"] = _through(layout, level, learned=True, keep_warm=True)
    return {
        "none": _alone(layouts.none),
        "head": _alone(layouts.head_only),
        FIVE: _alone(layouts.head_tail),
        HOUR: _alone(layouts.head_tail_1h),
        PINGED: _alone(layouts.head_tail_1h, runs.PING_AFTER_S),
        **ours,
        "one lifetime": _bound(bound.one_lifetime),
        "bound": _bound(bound.every_block),
    }


def policies(levels: Iterable[str] = LEVELS, client: str = "none") -> dict[str, Single]:
    """The same for one session at a time."""
    return {name: _single(policy) for name, policy in together(levels, client).items()}


def _single(policy: Policy) -> Single:
    return lambda session: policy([session])[0]


def timeline(sessions: Sequence[Session]) -> list[runs.Event]:
    """All requests as (time, index of the session, request), in the order in which they are sent."""
    events = [(step[0], index, step) for index, session in enumerate(sessions) for step in session.requests]
    return sorted(events, key=lambda event: event[:2])


def _alone(layout: layouts.Layout, ping_after_s: float | None = None) -> Policy:
    def policy(sessions: Sequence[Session]) -> list[Outcome]:
        model = sessions[0].model
        found = runs.alone_together(timeline(sessions), model, layout, ping_after_s=ping_after_s)
        return _outcomes(sessions, found)

    return policy


def _through(layout: layouts.Layout, level: str, *, learned: bool = False, keep_warm: bool = False) -> Policy:
    def policy(sessions: Sequence[Session]) -> list[Outcome]:
        # what several have in common they learn from each other
        histories = sessions[0].histories if learned and len(sessions) == 1 else ()
        model = sessions[0].model
        found = runs.through_together(
            timeline(sessions),
            model,
            layout,
            level,
            histories=histories,
            keep_warm=keep_warm,
            last_stops=[session.last_stop for session in sessions],
        )
        return _outcomes(sessions, found)

    return policy


def _bound(least: Callable[[list[bound.Asked], bound.Rates], float]) -> Policy:
    return lambda sessions: [Outcome(round(Decimal(least(s.asked, s.rates)), 12) + s.output_usd) for s in sessions]


def _outcomes(sessions: Sequence[Session], found: Sequence[runs.Sum]) -> list[Outcome]:
    return [
        Outcome(run.usd + session.output_usd, run.split.read, run.split.total, run.pings)
        for session, run in zip(sessions, found, strict=True)
    ]
