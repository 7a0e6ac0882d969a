"""What is expected of sessions: the user's habits and the heads in use, learned turn by turn and kept in the ledger.

>>> expectations = Expectations()
>>> expectations.learn([[(8.0, False), (900.0, True), (7.0, False), (1200.0, True)]] * 20)
>>> Expectations.read(expectations.packed()).habits["main"] == expectations.habits["main"]
True
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from synrouter_cli.cache.gaps import Habits, History
from synrouter_cli.cache.heads import Head, Heads
from synrouter_cli.cache.lifetimes import End, Outlook
from synrouter_cli.lane import Lane, Line
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.session import Session, is_probe

__all__ = ["ENDED_S", "OPEN_ENDS", "Expectations", "came_back", "has_history", "heads_of", "is_lost"]

ENDED_S: Final = 8 * 3600.0
"""A session that nobody continued for so long is counted as over."""
SWEEP_S: Final = 60.0
SHARED: Final = {"coding": 0.02, "general": 0.3}
"""Mode → how likely the next request with a head begins another session, before that was seen."""
LONG_WEIGHT: Final = 6.0
"""In long sessions the expectation for the session weighs as much as so many gaps of its head."""
KINDS: Final = ("main", "subagent", "side")
OPEN_ENDS: Final = frozenset({"tool_use", "pause_turn"})
"""Stop reasons after which something is still under way."""


class _Kept(msgspec.Struct):
    habits: dict[str, Habits]
    heads: list[tuple[bytes, Head]]


@dataclass(slots=True)
class Expectations:
    """Habits by kind of session, and heads."""

    habits: dict[str, Habits] = field(default_factory=lambda: {kind: Habits() for kind in KINDS})
    heads: Heads = field(default_factory=Heads)
    swept_at: float = 0.0

    def history(self, session: Session, prompt: Prompt, now: float) -> History:
        """The session's gaps with the one that ends now."""
        if not session.last_at:
            return session.gaps
        return session.gaps.after(max(now - session.last_at, 0.0), returned=came_back(session, prompt))

    def outlook(
        self, session: Session, line: Line, sent: Prompt, history: History, now: float, mode: str, *, hours: bool
    ) -> Outlook:
        """What to expect after this request, as it is sent. `hours` says that the provider keeps for an hour what it is
        asked to."""
        if _is_one_shot(session, sent):
            return Outlook(soon=0.0, shared=0.0)
        habits = self.habits[session.kind]
        soon, tail = habits.soon_and_pause_first(history)
        ends = self._ends(line, sent, tail, now, mode)
        return Outlook(
            soon=soon,
            tail_pause=tail,
            head_pause=ends[-1].pause if ends else 0.0,
            shared=ends[0].shared if ends else 0.0,
            hours=hours,
            keep_hour=session.kind == "subagent",
            sure=habits.sure(history),
            ends=ends,
        )

    def within(self, session: Session, sent: Prompt, history: History, life_s: float) -> float:
        """How likely somebody continues this request within `life_s` (seconds, 300 or more)."""
        return 0.0 if _is_one_shot(session, sent) else self.habits[session.kind].within(history, life_s)

    def _ends(self, line: Line, sent: Prompt, tail: float, now: float, mode: str) -> tuple[End, ...]:
        """What to expect of each head of this prompt.

        Where sessions are short, each has its own gaps, the one that ends now among them. In long ones most gaps of a
        head are those of the few sessions that pause often, and say little of others: it has those of the whole head.
        """
        found: list[End] = []
        places, own = heads_of(line, sent), mode == "general"
        whole = self.heads.pause_first(sent.keys[places[-1] - 1], tail, weight=LONG_WEIGHT) if places else 0.0
        shorter, share = b"", 1.0
        for place in places:
            key = sent.keys[place - 1]
            share *= self.heads.goes_on(shorter, key) if found else self.heads.shared(key, SHARED[mode])
            found.append(End(place - 1, share, self.heads.pause_first(key, tail, now) if own else whole))
            shorter = key
        return tuple(found)

    def came(self, session: Session, line: Line, prompt: Prompt, sent: Prompt, history: History, now: float) -> None:
        """The provider took a request: its gap is part of the session's history and of the habits. `sent` is what it
        took, `prompt` the client's own."""
        for place in heads_of(line, sent):
            self.heads.used(sent.keys[place - 1], now, begins=not session.last_at)
        self.passed(session, prompt, history, now)

    def passed(self, session: Session, prompt: Prompt, history: History, now: float) -> None:
        """The gap that ended with a request is part of its session's history, and of the habits."""
        if history != session.gaps:
            gap_s, returned = max(now - session.last_at, 0.0), came_back(session, prompt)
            self.habits[session.kind].passed(session.gaps, gap_s, returned=returned)
            session.gaps = history
        session.over = False

    def gone(self, session: Session) -> None:
        """The session's last request found most of its prefix gone."""
        session.gaps = session.gaps.losing()
        self.habits[session.kind].losing()

    def sweep(self, sessions: Iterable[Session], now: float) -> None:
        """Count the sessions that have ended since; looks once a minute."""
        if now - self.swept_at < SWEEP_S:
            return
        self.swept_at = now
        self.ended(session for session in sessions if now - session.last_at > ENDED_S)

    def ended(self, sessions: Iterable[Session]) -> None:
        """These sessions have ended; each counts once until somebody goes on with it."""
        for session in sessions:
            if not session.over and session.last_at:
                session.over = True
                self.habits[session.kind].over(session.gaps, open_end=session.stopped in OPEN_ENDS)

    def learn(self, sessions: Iterable[Iterable[tuple[float, bool]]]) -> None:
        """Take over whole main sessions, each as its gaps: (seconds, whether somebody came back)."""
        for gaps in sessions:
            self.habits["main"].learn(gaps)

    def packed(self) -> bytes:
        """For the ledger: counts and keyed digests."""
        return msgspec.msgpack.encode(_Kept(self.habits, self.heads.items()))

    @classmethod
    def read(cls, data: bytes) -> Expectations:
        """What `packed` gave; nothing learned where it can't be read."""
        try:
            kept = msgspec.msgpack.decode(data, type=_Kept)
        except msgspec.MsgspecError:
            return cls()
        return cls({kind: kept.habits.get(kind, Habits()) for kind in KINDS}, Heads(kept.heads))


def _is_one_shot(session: Session, sent: Prompt) -> bool:
    return is_probe(sent) or (session.kind == "side" and not has_history(sent))


def came_back(session: Session, prompt: Prompt) -> bool:
    """Whether somebody came back with this request: the last answer had asked for no tool."""
    if session.stopped is not None:
        return session.stopped not in OPEN_ENDS
    messages = prompt.message_units
    return bool(messages) and not messages[-1].answers


def heads_of(line: Line, sent: Prompt) -> list[int]:
    """Where a prompt's heads end, as block counts, the shortest first: in the tools where others may go on differently,
    and at the ends of tools and system."""
    return sorted({*line.shared_ends, *sent.layer_ends[:2]} - {0})


def is_lost(session: Session, lane: Lane, prompt: Prompt, *, lives: bool) -> bool:
    """Whether the client may have had entries there that we know nothing of: the conversation had begun before it was
    seen first, and nothing of it `lives` where it goes now. That it had is remembered."""
    midway = not session.last_at and not session.restored and has_history(prompt) and not lives
    session.midway = session.midway or midway
    return midway or (session.midway and not lane.known and not lives)


def has_history(prompt: Prompt) -> bool:
    """Whether the request goes on with something: an assistant has spoken in it."""
    return any(unit.role == "assistant" for unit in prompt.message_units)
