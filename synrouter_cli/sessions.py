"""Whose request it is: the client's own id, else the longest common prefix with a live session, else new.

Subagents and side requests (titles, probes, quota checks) are sessions of their own under the same parent, so that
they never disturb the main thread's memory.

>>> len(Sessions())
0
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from synrouter_cli.cache.anchors import Anchors
from synrouter_cli.cache.breaker import Breaker
from synrouter_cli.cache.gaps import History, Seen
from synrouter_cli.cache.model import Place
from synrouter_cli.identity import Identity
from synrouter_cli.prompt.lasting import CARRIED, Lasting
from synrouter_cli.prompt.layers import Tools
from synrouter_cli.prompt.order import Order
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.prompt.trim import Trimmed

__all__ = ["Change", "Session", "Sessions", "stored"]

LIVE_SECONDS = 6 * 3600.0
"""A session without an id of its own can be recognised by its prefix for this long."""

RESERVE = 256
"""Turn numbers are reserved ahead, so that after a crash none is given out twice and the gap shows."""

RESERVE_MOST = 4096
"""A session in a hurry reserves more at a time: what is reserved must lie on the disk before it is given out."""

HURRY_SECONDS = 2.0

MOST_PARENTS = 64
"""So many of the latest sessions may be what a new one goes on from."""


@dataclass(frozen=True, slots=True)
class Change:
    """`stable_end`: blocks before it are expected to stand in the next request. `branch`: the first block that
    differs from the last request, -1 where this one only adds to it. `lasting`: what is known of that now."""

    stable_end: int
    branch: int
    lasting: Lasting


@dataclass(slots=True)
class Session:
    """What is remembered of one session. `turn` is the last number given out, `reserved` the highest that may be."""

    id: str
    client: str
    kind: str
    parent: str | None = None
    scope: bytes = b""
    turn: int = 0
    reserved: int = 0
    reserve: int = RESERVE
    reserved_at: float = 0.0
    last_at: float = 0.0
    """When its last request was sent that the provider took; 0 before there was one."""
    begun_at: float = 0.0
    last: Prompt | None = None
    """The last request as the client sent it, and as it was sent on: the same object where no content was edited."""
    last_sent: Prompt | None = None
    policy: Policy | None = None
    trimmed: Trimmed | None = None
    """What was cut in `last`."""
    only_cut: frozenset[bytes] | None = None
    """After the breaker tripped: the blocks that go on being cut, by the start of their digest."""
    tools: Tools | None = None
    order: Order = field(default_factory=Order)
    shared_ends: tuple[int, ...] = ()
    gaps: History = field(default_factory=History)
    stopped: str | None = None
    """Why the last answer ended, None where that is not known."""
    answered: str | None = None
    """The last answer's id, where the next request is to name it."""
    over: bool = False
    """It was counted among those that have ended."""
    breaker: Breaker = field(default_factory=Breaker)
    lasting: Lasting = field(default_factory=Lasting)
    in_flight: int = 0
    pair_key: str = ""
    betas: str = ""
    cached_tokens: int = 0
    """What of a prompt the last request left in the cache, and for how long; None seconds where that is not known."""
    cached_ttl_s: float | None = None
    ends: list[bytes] = field(default_factory=list)
    """Prefix keys at the ends of the last request's newest messages; after a restart all that is left of it."""
    first_key: bytes = b""
    head_key: bytes = b""
    opening: bytes = b""
    """A digest of the first message alone."""
    indexed: bytes = b""
    """The `first_key` by which it is found, where it has no id of its own."""
    message_count: int = 0
    anchors: Anchors = field(default_factory=Anchors)
    restored: bool = False
    newest_key: bytes = b""
    newest_turn: int = 0
    tail: Place | None = None
    """The longest prefix that the last request left in the cache."""

    def number(self, now: float) -> tuple[int, bool]:
        """The next turn's number, and whether the reservation grew and must be stored."""
        self.turn += 1
        if self.reserved - self.turn >= self.reserve * 3 // 4:
            return self.turn, False
        hurry = now - self.reserved_at < HURRY_SECONDS
        self.reserve = min(self.reserve * 4, RESERVE_MOST) if hurry else RESERVE
        self.reserved, self.reserved_at = self.turn + self.reserve, now
        return self.turn, True

    def repeats(self, prompt: Prompt, turn: int) -> int | None:
        """The turn that asked the very same, where this one is a client's retry."""
        key = prompt.keys[-1] if prompt.keys else b""
        earlier = self.newest_turn if key and key == self.newest_key else None
        self.newest_key, self.newest_turn = key, turn
        return earlier

    def left_at(self, sent: Prompt) -> int:
        """The first block that differs from the last request as it was sent; -1 where this one only adds to it."""
        last = self.last_sent
        if last is None:
            return -1
        shared = sent.shared_with(last.keys)
        return -1 if shared == len(last.keys) else shared

    def change(self, sent: Prompt, left_at: int, *, likely: Callable[[], bool], thinking_dropped: bool) -> Change:
        """Where this prompt leaves the session's last one (`left_at`), and what of it will probably not last.

        `likely` says whether what changed is a clock, a counter or an id; `thinking_dropped` that the provider left
        earlier thinking out, which says nothing of what is to come.
        """
        last, lasting = self.last_sent, self.lasting
        if last is not None and not thinking_dropped:
            lasting = lasting.after(last, sent, left_at, likely)
        return Change(lasting.stable_end(sent), left_at, lasting)

    def settle(self, prompt: Prompt, sent: Prompt, now: float) -> None:
        """The provider took this request: it is the one that the next is compared with."""
        self.last, self.last_sent = prompt, sent
        self.last_at = now
        ends = prompt.message_ends()
        self.message_count = len(ends)
        self.ends = [prompt.keys[end] for end in ends[-64:] if end >= 0]
        self.first_key = first_key(prompt)
        self.head_key = head_key(prompt)
        self.opening = opening(prompt)
        self.restored = False


def first_key(prompt: Prompt) -> bytes:
    """The prefix key at the end of the first message."""
    ends = prompt.message_ends()
    return prompt.keys[ends[0]] if ends and ends[0] >= 0 else b""


def opening(prompt: Prompt) -> bytes:
    """A digest of the first message alone, whatever tools and system stand before it."""
    units = prompt.message_units
    return sha256(b"".join(block.digest for block in units[0].blocks)).digest()[:16] if units else b""


def _same_messages(last: Prompt, prompt: Prompt) -> int:
    """How many leading messages both have, whatever stands before them."""
    same = 0
    for one, other in zip(last.message_units, prompt.message_units, strict=False):
        if one is not other and [block.digest for block in one.blocks] != [block.digest for block in other.blocks]:
            break
        same += 1
    return same


def _opens_as(prompt: Prompt, session: Session) -> bool:
    return bool(session.opening) and opening(prompt) == session.opening


def head_key(prompt: Prompt) -> bytes:
    """The prefix key at the end of the tools, empty where there are none."""
    end = prompt.layer_ends[0]
    return prompt.keys[end - 1] if end else b""


class _Stored(msgspec.Struct):
    """A session as it lies in the ledger."""

    id: str
    client: str
    kind: str
    parent: str | None
    scope: bytes
    reserved: int
    last_at: float
    ends: list[bytes]
    first_key: bytes
    head_key: bytes
    message_count: int
    rate: float
    anchors: list[tuple[bytes, int]]
    policy: Any = None
    only_cut: list[bytes] | None = None
    order: tuple[tuple[str, ...], tuple[int, ...]] = ((), ())
    gaps: tuple[tuple[int, int, int], tuple[int, int, int]] = ((0, 0, 0), (0, 0, 0))
    stopped: str | None = None
    over: bool = False
    tripped: bool = False
    opening: bytes = b""
    unsteady: bool = False
    answered: str | None = None
    lost: int = 0


class Sessions:
    """The sessions in memory, bounded by count and by the bytes of the bodies kept for comparison."""

    def __init__(self, *, most: int = 1024, most_body_bytes: int = 16 << 20) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._by_first: dict[tuple[bytes, str, bytes], list[str]] = {}
        self._most = most
        self._most_body_bytes = most_body_bytes

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def latest(self) -> Iterator[Session]:
        """The sessions, the most recently used first."""
        return iter(list(reversed(self._sessions.values())))

    def hint(self, scope: bytes, identity: Identity, body: bytes) -> Prompt | None:
        """The last request that this one most probably extends. Only a hint: bytes are compared anyway."""
        if identity.key is not None:
            named = self._sessions.get(_id(scope, identity.client, identity.key, _thread(identity)))
            if named is not None and named.last is not None:
                return named.last
        for session in list(reversed(self._sessions.values()))[:16]:
            last = session.last
            if last is None or last.body is None or session.client != identity.client or not last.starts:
                continue
            at = last.starts[-1]
            if at + 64 <= len(body) and last.body[at : at + 64] == body[at : at + 64]:
                return last
        return None

    def resolve(self, scope: bytes, identity: Identity, prompt: Prompt, now: float) -> Session:
        """The session of a request, made where there is none. The most recently used one is kept longest."""
        if identity.key is not None:
            session = self._keyed(scope, identity, identity.key, prompt)
        else:
            session = self._by_prefix(scope, identity, prompt, now)
        self._sessions.move_to_end(session.id)
        self._forget_old()
        return session

    def fixed(self, session_id: str, client: str, scope: bytes) -> Session:
        """The session with this id, for requests that have no readable content."""
        session = self._sessions.get(session_id) or self._add(Session(session_id, client, "main", None, scope))
        self._sessions.move_to_end(session_id)
        self._forget_old()
        return session

    def _keyed(self, scope: bytes, identity: Identity, key: str, prompt: Prompt) -> Session:
        main_id = _id(scope, identity.client, key, "main")
        thread, kind = self._thread_of(identity, prompt, self._sessions.get(main_id))
        session_id = _id(scope, identity.client, key, thread)
        known = self._sessions.get(session_id)
        if known is not None:
            return known
        parent = None if kind == "main" else main_id
        if identity.parent_key is not None:
            parent = _id(scope, identity.client, identity.parent_key, "main")
        return self._add(Session(session_id, identity.client, kind, parent, scope))

    @staticmethod
    def _thread_of(identity: Identity, prompt: Prompt, main: Session | None) -> tuple[str, str]:
        if identity.agent is not None:
            return f"agent:{identity.agent}", "subagent"
        if identity.side or is_probe(prompt):
            return "side", "side"
        has_tools = prompt.layer_ends[0] > 0
        if identity.client == "claude-code":
            return ("main", "main") if has_tools else ("side", "side")
        if main is None or not main.first_key:
            return "main", "subagent" if identity.parent_key is not None else "main"
        if first_key(prompt) == main.first_key or head_key(prompt) == main.head_key or _opens_as(prompt, main):
            # the same beginning, the same tools after a compaction, or other tools before the same first message
            return "main", "main"
        if main.head_key and not has_tools:
            return "side", "side"
        return "sub:" + opening(prompt).hex(), "subagent"

    def inherited(self, new: Session, prompt: Prompt) -> Session | None:
        """The session that this one goes on from under another id (a resume, a fork): its history is the beginning of
        this prompt; the one with the longest."""
        best: tuple[int, Session] | None = None
        for session in list(reversed(self._sessions.values()))[:MOST_PARENTS]:
            if session is new or session.scope != new.scope or session.first_key not in prompt.index:
                continue
            shared = sum(1 for end in session.ends if end in prompt.index)
            if shared and session.policy is not None and (best is None or shared > best[0]):
                best = (shared, session)
        return best[1] if best is not None else None

    def latest_order(self, new: Session) -> Order:
        """The order of tools in the last session of the same client; an empty one where none is known."""
        return next(
            (
                session.order
                for session in self.latest()
                if session.order.names and (session.scope, session.client) == (new.scope, new.client)
            ),
            Order(),
        )

    def _by_prefix(self, scope: bytes, identity: Identity, prompt: Prompt, now: float) -> Session:
        first = first_key(prompt)
        count = prompt.unit_counts[2]
        best: tuple[int, Session] | None = None
        keys = {prompt.keys[end]: index + 1 for index, end in enumerate(prompt.message_ends()) if end >= 0}
        for session_id in self._by_first.get((scope, identity.client, first), ()):
            session = self._sessions.get(session_id)
            if session is None or now - max(session.last_at, session.begun_at) > LIVE_SECONDS:
                continue
            shared = max((keys.get(end, 0) for end in session.ends), default=0) or 1
            # a first message alone, sent again after its session has moved on, starts another one
            if count <= 1 < session.message_count:
                continue
            if best is None or shared > best[0]:
                best = (shared, session)
        if best is not None:
            return best[1]
        continued = self._continued(scope, identity, prompt, now)
        if continued is not None:
            self._unindex(continued)
            continued.first_key = first
            self._index(continued)
            return continued
        kind = "side" if is_probe(prompt) or identity.side else "main"
        seed = b"%d:%d" % (int(now * 1000), len(self._sessions))
        session_id = sha256(b"prefix\0" + scope + identity.client.encode() + first + seed).hexdigest()[:12]
        session = self._add(Session(session_id, identity.client, kind, None, scope, first_key=first))
        session.begun_at = now
        self._index(session)
        return session

    def _continued(self, scope: bytes, identity: Identity, prompt: Prompt, now: float) -> Session | None:
        """The session whose conversation this request goes on with, though its tools or system prompt have changed: all
        but the newest of its messages stand here."""
        best: tuple[int, Session] | None = None
        for session in list(reversed(self._sessions.values()))[:MOST_PARENTS]:
            last = session.last
            if last is None or (session.scope, session.client) != (scope, identity.client):
                continue
            if now - session.last_at > LIVE_SECONDS or not _opens_as(prompt, session):
                continue
            same = _same_messages(last, prompt)
            if same >= max(2, last.unit_counts[2] - CARRIED) and (best is None or same > best[0]):
                best = (same, session)
        return best[1] if best is not None else None

    def _index(self, session: Session) -> None:
        session.indexed = session.first_key
        ids = self._by_first.setdefault((session.scope, session.client, session.indexed), [])
        if session.id not in ids:
            ids.append(session.id)

    def _unindex(self, session: Session) -> None:
        place = (session.scope, session.client, session.indexed)
        ids = self._by_first.get(place, [])
        if session.id in ids:
            ids.remove(session.id)
            if not ids:
                del self._by_first[place]

    def _add(self, session: Session) -> Session:
        self._sessions[session.id] = session
        return session

    def _forget_old(self) -> None:
        while len(self._sessions) > self._most:
            _, gone = self._sessions.popitem(last=False)
            self._unindex(gone)
        held = 0
        for session in reversed(self._sessions.values()):
            for prompt in _both(session):
                held += prompt.size
                if held > self._most_body_bytes:
                    prompt.forget_body()

    def restore(self, stored: bytes) -> Session | None:
        """Bring a session back after a restart; one that can't be read is left out."""
        try:
            return self._restored(msgspec.msgpack.decode(stored, type=_Stored))
        except msgspec.MsgspecError:
            return None

    def _restored(self, row: _Stored) -> Session:
        session = Session(
            row.id,
            row.client,
            row.kind,
            row.parent,
            row.scope,
            turn=row.reserved,
            reserved=row.reserved,
            last_at=row.last_at,
            ends=row.ends,
            first_key=row.first_key,
            head_key=row.head_key,
            message_count=row.message_count,
            anchors=Anchors(row.rate, row.anchors),
            restored=True,
            policy=Policy.read(row.policy) if row.policy is not None else None,
            only_cut=frozenset(row.only_cut) if row.only_cut is not None else None,
            order=Order(*row.order),
            gaps=History(Seen(*row.gaps[0]), Seen(*row.gaps[1]), row.lost),
            stopped=row.stopped,
            over=row.over,
            breaker=Breaker(tripped=row.tripped, unsteady=row.unsteady),
            opening=row.opening,
            answered=row.answered,
        )
        self._add(session)
        self._sessions.move_to_end(session.id, last=False)  # they come back newest first
        self._index(session)
        return session


def stored(session: Session, *, clean: bool = False) -> bytes:
    """A session as bytes for the ledger. `clean` gives the reserved turn numbers back."""
    return msgspec.msgpack.encode(
        _Stored(
            session.id,
            session.client,
            session.kind,
            session.parent,
            session.scope,
            session.turn if clean else session.reserved,
            session.last_at,
            session.ends,
            session.first_key,
            session.head_key,
            session.message_count,
            session.anchors.rate,
            session.anchors.items()[-64:],
            session.policy.plain() if session.policy is not None else None,
            sorted(session.only_cut) if session.only_cut is not None else None,
            (session.order.names, session.order.layers),
            (astuple(session.gaps.loops), astuple(session.gaps.returns)),
            session.stopped,
            session.over,
            session.breaker.tripped,
            session.opening,
            session.breaker.unsteady,
            session.answered,
            session.gaps.lost,
        )
    )


def _both(session: Session) -> list[Prompt]:
    """The last request as it came, and as it was sent where that is another."""
    found = [session.last] if session.last_sent is session.last else [session.last, session.last_sent]
    return [prompt for prompt in found if prompt is not None]


def is_probe(prompt: Prompt) -> bool:
    """A quota check or a connection test: one token asked for, nothing to continue."""
    return prompt.max_tokens is not None and prompt.max_tokens <= 1


def _thread(identity: Identity) -> str:
    return f"agent:{identity.agent}" if identity.agent is not None else "side" if identity.side else "main"


def _id(scope: bytes, client: str, key: str, thread: str) -> str:
    return sha256(b"id\0" + scope + f"{client}\0{key}\0{thread}".encode()).hexdigest()[:12]
