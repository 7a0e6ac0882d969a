"""How long what is written should live: what an hour is worth, against what it costs more than five minutes.

Written for an hour a token costs 0.75 of an input token more than for five minutes, once. It saves a rewrite where a
pause of five minutes to an hour comes before anything that ends an hour's entry too. So the choice depends on how
likely that is (`gaps.pause_first`) and on the model's prices, not on how long the prompt is.

>>> worth_of_an_hour(0.0, Rates()), round(worth_of_an_hour(0.5, Rates()), 2)
(0.0, 0.95)
>>> chosen(Outlook(tail_pause=0.5, head_pause=0.5), Rates(), own=None)
Lifetimes(head='1h', tail='1h')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["USUAL", "USUAL_RATES", "End", "Lifetimes", "Outlook", "Rates", "chosen", "hour_pays", "worth_of_an_hour"]

DOUBT: Final = 0.35
"""A client that marks by itself has chosen a lifetime: ours must be better by this share of an hour's extra price."""

SHARED: Final = 0.02
"""How likely another session reads an entry at the end of tools or system, where nothing says otherwise."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices relative to one input token: a write for 5 minutes, for an hour, a read."""

    write_5m: float = 1.25
    write_1h: float = 2.0
    read: float = 0.1


@dataclass(frozen=True, slots=True)
class End:
    """The block at which a head ends that other sessions may have too: how likely the next of them reads up to there
    (`shared`), and how likely that head pauses for five minutes to an hour first (`pause`)."""

    position: int
    shared: float
    pause: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected, as probabilities. `soon`: the session's next request comes within five minutes.

    `tail_pause`: a pause of five minutes to an hour comes before a longer one or the end (`gaps.pause_first`);
    `head_pause`: the same of the head, which other sessions read too; `shared`: another session reads the head
    before it expires. `hours` says that the provider keeps entries for an hour when asked to; `keep_hour` that an hour
    which the client asked for is never shortened (a subagent's), `sure` that enough was seen to do so elsewhere.
    `ends` says the last two of each head by itself, the shortest first; where there is none, they stand for all.
    """

    soon: float = 0.95
    tail_pause: float = 0.0
    head_pause: float = 0.0
    shared: float = SHARED
    hours: bool = True
    keep_hour: bool = False
    sure: bool = False
    ends: tuple[End, ...] = ()


USUAL: Final = Outlook()
USUAL_RATES: Final = Rates()


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """For what is written in tools and system, and behind them. The tail's is never the longer one."""

    head: str
    tail: str


def worth_of_an_hour(pause_first: float, rates: Rates) -> float:
    """What a token that lives an hour saves against one that lives five minutes, in input tokens.

    At the first pause the shorter one is written again: for an hour then, or for five minutes again and again at each
    pause to come, whichever costs less.
    """
    once = pause_first * (rates.write_1h - rates.read)
    if pause_first >= 1:
        return once
    each = pause_first * (rates.write_5m - rates.read) / (1 - pause_first)
    return min(once, each)


def hour_pays(pause_first: float, outlook: Outlook, rates: Rates, asked: str | None) -> bool:
    """Whether an hour is the better lifetime to expectation; `asked` is the client's own, None where it has none."""
    if not outlook.hours:
        return False
    if asked == "1h" and (outlook.keep_hour or not outlook.sure):
        return True
    doubt = {None: 0.0, "5m": DOUBT, "1h": -DOUBT}[asked]
    return worth_of_an_hour(pause_first, rates) > (rates.write_1h - rates.write_5m) * (1 + doubt)


def chosen(outlook: Outlook, rates: Rates, own: Lifetimes | None) -> Lifetimes:
    """The lifetimes that cost least to expectation. `own` are those of the client's markers, None where it has none."""
    tail = hour_pays(outlook.tail_pause, outlook, rates, own.tail if own else None)
    head = tail or hour_pays(max(outlook.head_pause, outlook.tail_pause), outlook, rates, own.head if own else None)
    return Lifetimes("1h" if head else "5m", "1h" if tail else "5m")
