"""The accounts of a provider that speaks OpenAI's dialects: what a request is refused for, reads, writes and gets.

>>> from synrouter_cli.demo.openai.flavours import FLAVOURS
>>> upstream = Upstream(Script(), FLAVOURS["openai"])
>>> body = b'{"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}'
>>> asked = upstream.weigh("chat", body, Sender("somebody"), now=0.0)
>>> upstream.answer(asked, asked.step, 0.0).body()["choices"][0]["message"]["content"]
'Done.'
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

from synrouter_cli.demo.openai.caching import Cache, Looked, breakpoints, marks, steps
from synrouter_cli.demo.openai.chat import ChatAnswer
from synrouter_cli.demo.openai.chat_checks import chat_refusals
from synrouter_cli.demo.openai.errors import Refusal, missing
from synrouter_cli.demo.openai.flavours import Flavour, bills_writes, reasons
from synrouter_cli.demo.openai.output import Output
from synrouter_cli.demo.openai.prompt import Prompt, chat_prompt, responses_prompt
from synrouter_cli.demo.openai.responses import ResponsesAnswer
from synrouter_cli.demo.openai.responses_checks import responses_refusals
from synrouter_cli.demo.openai.sealed import seal
from synrouter_cli.demo.openai.turns import callable_by, chat_turns, offered_by, responses_turns, tools_of
from synrouter_cli.demo.openai.usage import Counts, chat_usage, responses_usage
from synrouter_cli.demo.script import Script, Step

__all__ = ["Answer", "Asked", "Dialect", "Refused", "Sender", "Upstream", "decoded"]

Dialect = Literal["chat", "responses"]
Answer: TypeAlias = ChatAnswer | ResponsesAnswer

_KEPT_RESPONSES: Final = 1000
_SERVERS: Final = 8
_CONTEXT_TOKENS: Final = 1_000_000


class Refused(Exception):
    """The request gets this error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asks: a digest of the key, and the conversation that a header names."""

    account: str
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is taken. `items` are all input items of Responses."""

    dialect: Dialect
    body: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    sender: Sender
    prompt: Prompt
    looked: Looked
    offered: Mapping[str, str]
    step: Step

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


class Upstream:
    """`evicts` and `seed` say how many of its cache's entries get lost (`Cache`)."""

    def __init__(self, script: Script, flavour: Flavour, *, evicts: float = 0.0, seed: int = 0) -> None:
        self.flavour = flavour
        self._script = script
        self._cache = Cache(evicts=evicts, seed=seed)
        self._stored: OrderedDict[str, Sequence[Mapping[str, Any]]] = OrderedDict()
        self._count = 0

    def weigh(self, dialect: Dialect, raw: bytes, sender: Sender, *, now: float) -> Asked:
        """Check a request and look it up at `now` (seconds). Raises Refused. Changes nothing that another one sees."""
        body = decoded(raw)
        try:
            return self._weighed(dialect, body, sender, now)
        except (AttributeError, KeyError, TypeError) as error:
            # a value of a type that no check is about
            raise Refused(Refusal(f"Invalid request: {error!r}.", code="invalid_type")) from None

    def answer(self, asked: Asked, step: Step, now: float) -> Answer:
        """The answer begins: from now on others can read what the request wrote."""
        self._cache.begun(asked.looked, now)
        body, prompt, looked = asked.body, asked.prompt, asked.looked
        limits = ("max_output_tokens", "max_completion_tokens", "max_tokens")
        most = next((body[name] for name in limits if body.get(name) is not None), None)
        output = Output.of(step, asked.offered, ident=prompt.ident, thinks=_thinks(body), most=most)
        output = output.stopped(body.get("stop"))
        writes = _bills_writes(asked.model, self.flavour)
        thought, tokens = output.thought_tokens, output.tokens
        counts = Counts(prompt.tokens, looked.cached, looked.written, tokens, thought, writes, looked.by_ttl)
        if asked.dialect == "chat":
            # OpenAI's own models never show what they thought in this dialect
            hidden = self.flavour.strict and reasons(asked.model)
            shown = "" if hidden else self.flavour.reasoning
            return ChatAnswer(output, asked.model, int(now), chat_usage(counts, self.flavour), shown)
        wanted = "reasoning.encrypted_content" in (body.get("include") or ())
        sealed = seal(prompt.ident, asked.sender.account, len(output.think)) if wanted and output.think else None
        usage = responses_usage(counts, self.flavour)
        summary = bool((body.get("reasoning") or {}).get("summary"))
        raw = not self.flavour.strict and not self.flavour.needs_key
        answer = ResponsesAnswer(output, body, int(now), usage, sealed, summary, raw)
        if body.get("store") is not False:
            self._store(answer.ident, [*asked.items, *answer.items])
        return answer

    def _weighed(self, dialect: Dialect, body: Mapping[str, Any], sender: Sender, now: float) -> Asked:
        items = self._items(body) if dialect == "responses" else []
        if dialect == "chat":
            refusal = next(chat_refusals(body, self.flavour), None)
        else:
            refusal = next(responses_refusals(body, items, self.flavour, sender.account), None)
        if refusal is not None:
            raise Refused(refusal)
        chat = dialect == "chat"
        prompt = chat_prompt(body) if chat else responses_prompt(body, items)
        if prompt.tokens > _CONTEXT_TOKENS:
            words = f"This model's maximum context length is {_CONTEXT_TOKENS} tokens. Your input has {prompt.tokens}."
            raise Refused(Refusal(words, "messages" if chat else "input", "context_length_exceeded"))
        offered = offered_by(tools_of(body, items))
        turns = chat_turns(body["messages"]) if chat else responses_turns(items)
        step = self._script.step(turns, callable_by(body, tools_of(body, items)))
        if body.get("parallel_tool_calls") is False:
            step = replace(step, tools=step.tools[:1])
        return Asked(dialect, body, items, sender, prompt, self._look_up(body, prompt, sender, now), offered, step)

    def _items(self, body: Mapping[str, Any]) -> list[Any]:
        """All input items, those of a stored response first. Raises Refused where there is none of that id."""
        given = body.get("input")
        if given is None:
            raise Refused(missing("input"))
        items = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
        previous = body.get("previous_response_id")
        if previous is None:
            return items
        if previous not in self._stored:
            words = f"Previous response with id '{previous}' not found."
            raise Refused(Refusal(words, "previous_response_id", "previous_response_not_found"))
        return [*self._stored[previous], *items]

    def _store(self, ident: str, items: Sequence[Mapping[str, Any]]) -> None:
        self._stored[ident] = items
        while len(self._stored) > _KEPT_RESPONSES:
            self._stored.popitem(last=False)

    def _look_up(self, body: Mapping[str, Any], prompt: Prompt, sender: Sender, now: float) -> Looked:
        flavour, model = self.flavour, str(body["model"])
        shard = "\0".join((sender.account, model, self._shard(body, prompt, sender)))
        if flavour.marks and "claude" in model:
            return marks(self._cache, shard, prompt, now)
        options = body.get("prompt_cache_options") or {}
        if flavour.ttl:
            ttl = options.get("ttl", flavour.ttl)
            return breakpoints(self._cache, shard, prompt, now, mode="implicit", ttl=ttl)
        if bills_writes(model) and flavour.strict:
            mode, ttl = options.get("mode", "implicit"), options.get("ttl", "30m")
            return breakpoints(self._cache, shard, prompt, now, mode=mode, ttl=ttl)
        least, most = flavour.life_s
        life_s = least + sha256(shard.encode()).digest()[0] * (most - least) // 255
        if body.get("prompt_cache_retention") == "24h":
            life_s = 24 * 3600
        return steps(self._cache, shard, prompt, now, step=flavour.step, minimum=flavour.minimum, life_s=life_s)

    def _shard(self, body: Mapping[str, Any], prompt: Prompt, sender: Sender) -> str:
        """Where the request lands: what it has in common with those whose cache it can read."""
        kind = self.flavour.shard
        if kind == "key":
            return str(body.get("prompt_cache_key") or "")
        if kind == "conversation":
            # without one, any server takes it
            self._count += 1
            named = sender.conversation or body.get("prompt_cache_key")
            return str(named or self._count % _SERVERS)
        if kind == "session":
            opening = sha256(prompt.data[: prompt.message_ends[min(1, len(prompt.message_ends) - 1)]])
            return str(body.get("session_id") or sender.conversation or opening.hexdigest())
        return ""


def decoded(raw: bytes) -> dict[str, Any]:
    """The body. Raises Refused."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(Refusal("We could not parse the JSON body of your request."))
    return body


def _bills_writes(model: str, flavour: Flavour) -> bool:
    return (bills_writes(model) and flavour.strict) or (flavour.marks and "claude" in model) or bool(flavour.ttl)


def _thinks(body: Mapping[str, Any]) -> bool:
    """Whether the model thinks: not where it was told not to, and none of OpenAI's older ones."""
    reasoning = body.get("reasoning") or {}
    effort = body.get("reasoning_effort") or reasoning.get("effort")
    off = (body.get("thinking") or {}).get("type") == "disabled" or reasoning.get("enabled") is False
    older = str(body["model"]).rpartition("/")[2].startswith(("gpt-4", "gpt-3", "chatgpt"))
    return not (off or effort == "none" or older)
