"""From a request to its plan: its content by the session's policy, both of its lives on the cache model, its markers.

Everything that is decided here follows from the request, the session and the stores; the clock's time is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256

from synrouter_cli import providers
from synrouter_cli.cache.anchors import Measured
from synrouter_cli.cache.gaps import History
from synrouter_cli.cache.lifetimes import Rates
from synrouter_cli.cache.model import Marker, Rendered, look_up
from synrouter_cli.cache.planner import Plan, decide, repaired
from synrouter_cli.cache.rules import as_kept, client_markers, rendered
from synrouter_cli.cache.scoring import Situation
from synrouter_cli.cache.shadow import Pair
from synrouter_cli.lane import Lane
from synrouter_cli.prompt.changes import Elsewhere
from synrouter_cli.prompt.difference import compare
from synrouter_cli.prompt.layers import group_ends, layer_ends, read_tools, shared_end
from synrouter_cli.prompt.markers import is_fixed, slots_taken
from synrouter_cli.prompt.policy import Policy
from synrouter_cli.prompt.segments import Prompt, segment
from synrouter_cli.proxy.expecting import Expectations, is_lost
from synrouter_cli.proxy.planned import ClientCounts, Planned, betas_of
from synrouter_cli.proxy.reckoning import Reckoner
from synrouter_cli.proxy.shaping import Shape, rewritten, shaped
from synrouter_cli.session import Session
from synrouter_cli.sessions import Sessions

__all__ = ["Asked", "Planning", "pair_key_of", "rates"]

MOST_PAIRS = 256
VOLATILE = frozenset({"cch", "clock", "counter", "id"})
MOST_COMPARED = 16
"""Other sessions whose tools a new one is compared with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plan needs to know beside the prompt. `betas` is the header, `mode` coding or general."""

    betas: str
    mode: str
    observed: bool
    """Nothing may be changed, whatever the session's policy says."""


@dataclass(slots=True)
class Planning:
    """The stores of all scopes, and what is expected of sessions."""

    sessions: Sessions
    reckoner: Reckoner
    expectations: Expectations = field(default_factory=Expectations)
    pairs: dict[str, Pair] = field(default_factory=dict)
    secret: bytes = b""

    def segment(self, provider: str, body: bytes, hint: Prompt | None) -> Prompt:
        """Split a body; raises Unplannable."""
        return segment(body, hint, keeps_thinking=_keeps_thinking(provider), secret=self.secret)

    def plan(self, asked: Asked, prompt: Prompt, session: Session, lane: Lane, policy: Policy, now: float) -> Planned:
        """Plan one request of a session in one of its lanes."""
        facts = self.facts(lane.provider, prompt.model)
        if not lane.anchors.items():
            lane.anchors.rate = self.reckoner.rates.get(prompt.model, lane.anchors.rate)
        own_line, last = lane.turn_to(prompt), session.newest
        elsewhere = None
        if not lane.known and last.provider:
            elsewhere = Elsewhere((last.provider, lane.provider), (last.model, lane.model))
        line = own_line if elsewhere is None else last.line
        line_at = line.at or (lane.at if elsewhere is None else last.at)
        if asked.observed:
            policy = replace(policy, level="observe")
        shape = shaped(
            prompt, lane, session.order, policy, facts, lambda body, hint: self.segment(lane.provider, body, hint)
        )
        sent = shape.sent
        form = rendered(sent, settings_reach_head=facts.settings_reach_head)
        tokens = lane.anchors.measure(sent.keys, sent.tokens, sent.index)
        pair_key = pair_key_of(lane.scope, prompt.model, asked.betas)
        pair = self.pair(pair_key, now)
        client_form = form
        client_tokens: Measured | ClientCounts = tokens
        if shape.edited:
            client_form = rendered(prompt, settings_reach_head=facts.settings_reach_head)
            client_tokens = ClientCounts(shape, tokens)
        asked_for = client_markers(sent)
        own = repaired(as_kept(asked_for, facts.ttls))
        client = repaired(as_kept(client_markers(prompt), facts.ttls)) if shape.edited else own
        client_live = pair.client.live(client_form, now)
        client_found = look_up(client_form, client, pair.client, facts, now=now, tokens=client_tokens, live=client_live)
        sent_live = pair.sent.live(form, now)
        history = self.expectations.history(session, prompt, now)
        left_at = lane.left_at(sent)
        as_it_came = policy.level == "observe" or lane.breaker.tripped
        if as_it_came:
            found = look_up(form, own, pair.sent, facts, now=now, tokens=tokens, live=sent_live)
            plan = Plan(own, found, "client", "observed only" if policy.level == "observe" else _TRIPPED)
        else:
            plan = decide(
                self._situation(
                    asked, shape, form, own, tokens, pair, facts, session, lane, history, now, sent_live, left_at
                )
            )
        hit = pair.sent.entry(form, plan.found.hit) if plan.found.hit >= 0 else None
        return Planned(
            line=line,
            shape=shape,
            policy=policy,
            rendered=form,
            tokens=tokens,
            session=session,
            lane=lane,
            pair=pair,
            pair_key=pair_key,
            facts=facts,
            plan=plan,
            sent_live=sent_live,
            own=own,
            shortens=not as_it_came and any(marker.ttl not in facts.ttls for marker in asked_for),
            client_rendered=client_form,
            client_tokens=client_tokens,
            client=client,
            client_found=client_found,
            client_live=client_live,
            gap_s=now - session.last_at if session.last_at else None,
            line_gap_s=now - line_at if line_at else None,
            elsewhere=elsewhere,
            apart=lane.known and last is not lane,
            history=history,
            lost=is_lost(session, lane, prompt, lives=bool(sent_live)),
            betas=asked.betas,
            left_at=left_at,
            rewritten=rewritten(shape, lane, left_at) and not lane.breaker.unsteady,
            hit_owner=hit.owner if hit is not None else "",
            last_sent=line.last_sent,
            last_betas=line.betas,
            last_pair_key=line.pair_key,
            overlapped=session.in_flight > 0,
        )

    def move(self, planned: Planned, betas: str, now: float) -> None:
        """The request goes out with other betas than it was planned with: it meets what lives there."""
        planned.betas = betas
        planned.pair_key = pair_key_of(planned.lane.scope, planned.prompt.model, betas)
        planned.pair = pair = self.pair(planned.pair_key, now)
        planned.sent_live = pair.sent.live(planned.rendered, now)
        planned.client_live = pair.client.live(planned.client_rendered, now)
        found = look_up(
            planned.rendered,
            planned.plan.markers,
            pair.sent,
            planned.facts,
            now=now,
            tokens=planned.tokens,
            live=planned.sent_live,
        )
        planned.plan = replace(planned.plan, found=found)
        planned.client_found = look_up(
            planned.client_rendered,
            planned.client,
            pair.client,
            planned.facts,
            now=now,
            tokens=planned.client_tokens,
            live=planned.client_live,
        )

    def facts(self, provider: str, model: str) -> providers.CacheFacts:
        """A model's published facts, with what its reports taught of its minimum."""
        facts = providers.facts(provider, model)
        learned = self.reckoner.minimums.get(model)
        return facts if learned is None else replace(facts, minimum_tokens=max(learned, facts.minimum_tokens))

    def pair(self, key: str, now: float) -> Pair:
        """The stores of that key."""
        if len(self.pairs) > MOST_PAIRS:
            self.pairs = {known: pair for known, pair in self.pairs.items() if pair.prune(now)}
        return self.pairs.setdefault(key, Pair())

    def _situation(
        self,
        asked: Asked,
        shape: Shape,
        form: Rendered,
        own: tuple[Marker, ...],
        tokens: Measured,
        pair: Pair,
        facts: providers.CacheFacts,
        session: Session,
        lane: Lane,
        history: History,
        now: float,
        live: list[int],
        left_at: int,
    ) -> Situation:
        """Put together what the planner decides on."""
        sent, line = shape.sent, lane.line
        fixed_at = {i for i, block in sent.marked_blocks() if is_fixed(block)}
        dropped = False
        if not facts.keeps_thinking and line.last_sent is not None:
            dropped = sent.real_user_block() != line.last_sent.real_user_block()
        change = lane.change(
            sent, left_at, likely=lambda: _changes_by_nature(line.last_sent, sent), thinking_dropped=dropped
        )
        line.lasting = change.lasting
        line.shared_ends = self._shared_ends(session, lane, sent) if asked.mode == "general" else ()
        hours = pair.hours and "1h" in facts.ttls
        outlook = self.expectations.outlook(session, line, sent, history, now, asked.mode, hours=hours)
        return Situation(
            rendered=form,
            client=own,
            markable=sent.markable,
            tokens=tokens,
            store=pair.sent,
            facts=facts,
            now=now,
            live=live,
            stable_end=change.stable_end,
            branch=change.branch,
            outlook=outlook,
            rates=rates(lane.provider, sent.model, datetime.fromtimestamp(now, UTC).date()),
            fixed=tuple(m for m in own if m.position in fixed_at),
            fixed_slots=sum(slots_taken(sent.blocks[i]) for i in fixed_at),
        )

    def _shared_ends(self, session: Session, lane: Lane, sent: Prompt) -> tuple[int, ...]:
        """Where in the tools a marker may serve other sessions: at the ends of layers and of MCP servers, and where
        others were seen to go on differently. Worked out when the tools are seen first, kept while they stay."""
        last = lane.line.last_sent
        if last is not None and last.layer_ends[0] == sent.layer_ends[0] and _same_tools(last, sent):
            return lane.line.shared_ends
        tools_end = sent.layer_ends[0]
        if tools_end <= 1:
            return ()
        tools = read_tools(sent)
        others = [
            there.line.last_sent.index
            for other in list(self.sessions.latest())[:MOST_COMPARED]
            if other is not session and (there := other.lanes.get(lane.key)) and there.line.last_sent is not None
        ]
        ends = {*layer_ends(sent, tools.layers), *group_ends(sent, tools), shared_end(sent.keys, others, tools_end)}
        return tuple(sorted(ends - {0}))


def _changes_by_nature(last: Prompt | None, sent: Prompt) -> bool:
    """Whether what changed is a clock, a counter or an id, not text."""
    found = compare(last, sent) if last is not None else None
    first = (found.system or found.message) if found is not None else None
    return first is not None and first.kind in VOLATILE


def _same_tools(last: Prompt, sent: Prompt) -> bool:
    end = sent.layer_ends[0]
    return not end or last.keys[end - 1] == sent.keys[end - 1]


def pair_key_of(scope: bytes, model: str, betas: str) -> str:
    """Which stores a request lives in: one pair for each credential, model and set of betas."""
    names = ",".join(betas_of(betas))
    return sha256(scope + f"{model}\0{names}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


@lru_cache(maxsize=256)
def rates(provider: str, model: str, day: date) -> Rates:
    """A model's own prices relative to its input price; where no price is known, what is usual."""
    facts = providers.facts(provider, model)
    price = providers.price(provider, model, day)
    own = price.rates() if price is not None else None
    if own is not None and own.input:
        five, hour, read = own.cache_write_5m, own.cache_write_1h, own.cache_read
        if five is not None and hour is not None and read is not None:
            return Rates(float(five / own.input), float(hour / own.input), float(read / own.input))
    usual = facts.write_multipliers
    hour = usual.get("1h", usual["5m"])  # where there is none, none is planned
    return Rates(float(usual["5m"]), float(hour), float(facts.read_multiplier))


def _keeps_thinking(provider: str) -> Callable[[str], bool]:
    return lambda model: providers.facts(provider, model).keeps_thinking


_TRIPPED = "two misses in a row were ours: nothing new is edited in this session"
