"""Whose request it is: the client's own id, else the longest common prefix with a live session, else new.

Whoever answers, a conversation is one session; of another owner's it never becomes a part.

Subagents and side requests (titles, probes, quota checks) are sessions of their own under the same parent, so that
they never disturb the main thread's memory.

>>> len(Sessions())
0
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice

from synrouter_cli.identity import Identity, is_agent
from synrouter_cli.lane import LaneKey, head_key
from synrouter_cli.prompt.lasting import CARRIED
from synrouter_cli.prompt.order import Order
from synrouter_cli.prompt.segments import Prompt
from synrouter_cli.session import Session, first_key, is_beside, is_probe, opening
from synrouter_cli.session_memory import restored

__all__ = ["Sessions"]

LIVE_SECONDS = 6 * 3600.0
"""A session without an id of its own can be recognised by its prefix for this long."""

TITLE_FIRST = frozenset({"opencode"})
"""Clients that ask for a title, without tools and under the id of the conversation, before they begin it."""

SWEEPS = 16
"""Bodies are counted whenever this share of what may be held has come."""

MOST_PARENTS = 64
"""So many of the latest sessions may be what a new one goes on from."""


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


class Sessions:
    """The sessions in memory, bounded by count and by the bytes of the bodies kept for comparison."""

    def __init__(self, *, most: int = 1024, most_body_bytes: int = 16 << 20) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._by_first: dict[tuple[bytes, str, bytes], list[str]] = {}
        self._most = most
        self._most_body_bytes = most_body_bytes
        self._added = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def latest(self) -> Iterator[Session]:
        """The sessions, the most recently used first."""
        return iter(list(reversed(self._sessions.values())))

    def hint(self, owner: bytes, identity: Identity, body: bytes) -> Prompt | None:
        """The last request that this one most probably extends. Only a hint: bytes are compared anyway."""
        if identity.key is not None:
            named = self._sessions.get(_id(owner, identity.client, identity.key, _thread(identity)))
            if named is not None and (last := named.newest.line.last) is not None:
                return last
        for session in islice(reversed(self._sessions.values()), 16):
            last = session.newest.line.last
            if last is None or last.body is None or session.client != identity.client or not last.starts:
                continue
            at = last.starts[-1]
            if at + 64 <= len(body) and last.body[at : at + 64] == body[at : at + 64]:
                return last
        return None

    def resolve(self, owner: bytes, identity: Identity, prompt: Prompt, now: float, to: LaneKey) -> Session:
        """The session of a request that goes `to` some provider and model, made where there is none. The most recently
        used one is kept longest."""
        if identity.key is not None:
            session = self._keyed(owner, identity, identity.key, prompt, to)
        else:
            session = self._by_prefix(owner, identity, prompt, now, to)
        self._sessions.move_to_end(session.id)
        self._forget_old(prompt.size)
        return session

    def fixed(self, session_id: str, client: str, owner: bytes) -> Session:
        """The session with this id, for requests that have no readable content."""
        session = self._sessions.get(session_id) or self._add(Session(session_id, client, "main", None, owner))
        self._sessions.move_to_end(session_id)
        self._forget_old()
        return session

    def _keyed(self, owner: bytes, identity: Identity, key: str, prompt: Prompt, to: LaneKey) -> Session:
        main_id = _id(owner, identity.client, key, "main")
        if main_id not in self._sessions and (earlier := _id(to[0], identity.client, key, "main")) in self._sessions:
            # an earlier version named it so
            owner, main_id = to[0], earlier
        thread, kind = self._thread_of(identity, prompt, self._sessions.get(main_id))
        session_id = _id(owner, identity.client, key, thread)
        known = self._sessions.get(session_id)
        if known is not None:
            return known
        parent = None if kind == "main" else main_id
        if identity.subagent or (kind == "side" and identity.side and main_id not in self._sessions):
            # it bears a name of its own: it belongs to the conversation that has just begun, or that goes on
            main = self._latest_main(owner, identity.client)
            parent = main.id if main is not None else None
        if identity.parent_key is not None:
            parent = _id(owner, identity.client, identity.parent_key, "main")
        return self._add(Session(session_id, identity.client, kind, parent, owner))

    @staticmethod
    def _thread_of(identity: Identity, prompt: Prompt, main: Session | None) -> tuple[str, str]:
        if identity.agent is not None:
            return f"agent:{identity.agent}", "subagent"
        if identity.subagent:
            return "main", "subagent"
        if identity.side or is_probe(prompt):
            return "side", "side"
        has_tools = prompt.layer_ends[0] > 0
        if identity.client == "claude-code":
            return ("main", "main") if has_tools else ("side", "side")
        if identity.main:  # but for a compaction, which asks without the tools
            return ("main", "main") if has_tools or main is None or not main.head_key else ("side", "side")
        if main is None or not main.first_key:
            if identity.client in TITLE_FIRST and not has_tools:
                return "side", "side"
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
        for session in islice(reversed(self._sessions.values()), MOST_PARENTS):
            if session is new or session.owner != new.owner or session.first_key not in prompt.index:
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
                if session.order.names and (session.owner, session.client) == (new.owner, new.client)
            ),
            Order(),
        )

    def _by_prefix(self, owner: bytes, identity: Identity, prompt: Prompt, now: float, to: LaneKey) -> Session:
        first = first_key(prompt)
        count = prompt.unit_counts[2]
        best: tuple[tuple[int, bool], Session] | None = None
        keys = {prompt.keys[end]: index + 1 for index, end in enumerate(prompt.message_ends()) if end >= 0}
        for session_id in self._beginning_with(owner, identity, first, to):
            session = self._sessions.get(session_id)
            if session is None or now - max(session.last_at, session.begun_at) > LIVE_SECONDS:
                continue
            shared = max((keys.get(end, 0) for end in session.ends), default=0) or 1
            been_there = session.has_been(to)
            # a first message alone, sent again after its session has moved on or had its answer elsewhere, starts
            # another one
            if count <= 1 and (count < session.message_count or (session.message_count and not been_there)):
                continue
            if best is None or (shared, been_there) > best[0]:
                best = ((shared, been_there), session)
        if best is not None:
            return best[1]
        main = self._latest_main(owner, identity.client)
        if main is not None and now - main.last_at > LIVE_SECONDS:
            main = None
        if main is not None and (identity.side or (is_agent(identity.client) and is_beside(prompt, main))):
            side_id = _id(owner, identity.client, main.id, "side")
            return self._sessions.get(side_id) or self._add(Session(side_id, identity.client, "side", main.id, owner))
        continued = self._continued(owner, identity, prompt, now)
        if continued is not None:
            self._unindex(continued)
            continued.first_key = first
            self._index(continued)
            return continued
        kind = "side" if is_probe(prompt) or identity.side else "subagent" if identity.subagent else "main"
        parent = main.id if main is not None and kind == "subagent" else None
        seed = b"%d:%d" % (int(now * 1000), len(self._sessions))
        session_id = sha256(b"prefix\0" + owner + identity.client.encode() + first + seed).hexdigest()[:12]
        session = self._add(Session(session_id, identity.client, kind, parent, owner, first_key=first))
        session.begun_at = now
        self._index(session)
        return session

    def _latest_main(self, owner: bytes, client: str) -> Session | None:
        return next(
            (s for s in self.latest() if s.kind == "main" and (s.owner, s.client) == (owner, client)),
            None,
        )

    def _beginning_with(self, owner: bytes, identity: Identity, first: bytes, to: LaneKey) -> list[str]:
        """The sessions whose first message this is; an earlier version had them by whom they asked."""
        return [one for whose in (owner, to[0]) for one in self._by_first.get((whose, identity.client, first), ())]

    def _continued(self, owner: bytes, identity: Identity, prompt: Prompt, now: float) -> Session | None:
        """The session whose conversation this request goes on with, though its tools or system prompt have changed: all
        but the newest of its messages stand here."""
        best: tuple[int, Session] | None = None
        for session in islice(reversed(self._sessions.values()), MOST_PARENTS):
            last = session.newest.line.last
            if last is None or (session.owner, session.client) != (owner, identity.client):
                continue
            if now - session.last_at > LIVE_SECONDS or not _opens_as(prompt, session):
                continue
            same = _same_messages(last, prompt)
            if same >= max(2, last.unit_counts[2] - CARRIED) and (best is None or same > best[0]):
                best = (same, session)
        return best[1] if best is not None else None

    def _index(self, session: Session) -> None:
        session.indexed = session.first_key
        ids = self._by_first.setdefault((session.owner, session.client, session.indexed), [])
        if session.id not in ids:
            ids.append(session.id)

    def _unindex(self, session: Session) -> None:
        place = (session.owner, session.client, session.indexed)
        ids = self._by_first.get(place, [])
        if session.id in ids:
            ids.remove(session.id)
            if not ids:
                del self._by_first[place]

    def _add(self, session: Session) -> Session:
        self._sessions[session.id] = session
        return session

    def _forget_old(self, added: int = 0) -> None:
        """Let go of the oldest sessions, and of old bodies; `added` are the bytes of a new one."""
        while len(self._sessions) > self._most:
            _, gone = self._sessions.popitem(last=False)
            self._unindex(gone)
        self._added += added
        if self._added < self._most_body_bytes // SWEEPS:
            return
        held = self._added = 0
        for session in reversed(self._sessions.values()):
            for prompt in (prompt for lane in session.lanes.values() for prompt in lane.prompts()):
                held += prompt.size
                if held > self._most_body_bytes:
                    prompt.forget_body()

    def restore(self, stored: bytes) -> Session | None:
        """Bring a session back after a restart; one that can't be read is left out."""
        session = restored(stored)
        if session is not None:
            self._add(session)
            self._sessions.move_to_end(session.id, last=False)  # they come back newest first
            self._index(session)
        return session


def _thread(identity: Identity) -> str:
    return f"agent:{identity.agent}" if identity.agent is not None else "side" if identity.side else "main"


def _id(owner: bytes, client: str, key: str, thread: str) -> str:
    return sha256(b"id\0" + owner + f"{client}\0{key}\0{thread}".encode()).hexdigest()[:12]
