"""What the simulated model answers, before it is put into a dialect's shape.

>>> from synrouter_cli.demo.script import Step
>>> output = Output.of(Step(say="Hi."), {}, ident="00" * 16, thinks=True)
>>> output.say, output.finish, output.tokens
('Hi.', 'stop', 1)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from synrouter_cli.demo.openai.prompt import BYTES_PER_TOKEN, tokens_of
from synrouter_cli.demo.script import Step, ToolCall

__all__ = ["THOUGHT", "Call", "Output", "parts", "woven"]

DELTA_CHARACTERS: Final = 24
THOUGHT: Final = "t"
"""What the ids of calls hold that were thought about, so that it shows when they come back."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `arguments` is JSON, or free text for a custom tool."""

    id: str
    name: str
    kind: str
    arguments: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """One answer. `finish` is Chat Completions' finish_reason."""

    ident: str
    think: str = ""
    say: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    interleave: bool = False
    refuse: bool = False
    """What is said is a refusal."""

    @classmethod
    def of(cls, step: Step, offered: Mapping[str, str], *, ident: str, thinks: bool, most: int | None = None) -> Output:
        """`ident` (hex) makes all ids; `most` tokens are all there may be."""
        think = step.think if thinks else ""
        mark = THOUGHT if think else "n"
        calls = tuple(
            _call(tool, offered, f"call_{ident[:20]}{mark}{index:02d}") for index, tool in enumerate(step.tools)
        )
        finish = "tool_calls" if calls else "stop"
        whole = cls(ident, think, step.say, calls, finish, step.interleave, step.refuse)
        return whole if most is None or whole.tokens <= most else whole._cut(most)

    @property
    def thought_tokens(self) -> int:
        return tokens_of(self.think)

    @property
    def tokens(self) -> int:
        """All that is billed as output."""
        return self.thought_tokens + tokens_of(self.say) + sum(map(_tokens, self.calls))

    def stopped(self, stop: str | Sequence[str] | None) -> Output:
        """Ended before the first of these texts that it would have said."""
        places = [self.say.find(text) for text in ([stop] if isinstance(stop, str) else stop or ())]
        found = min((at for at in places if at >= 0), default=None)
        return self if found is None else replace(self, say=self.say[:found], calls=(), finish="stop")

    def _cut(self, most: int) -> Output:
        """What is left where the limit came first: thoughts, then the beginning of the text."""
        think = _beginning(self.think, most)
        left = most - tokens_of(think)
        return replace(self, think=think, say=_beginning(self.say, left), calls=(), finish="length")


def _beginning(text: str, tokens: int) -> str:
    return text.encode()[: tokens * BYTES_PER_TOKEN].decode(errors="ignore")


def _call(tool: ToolCall, offered: Mapping[str, str], ident: str) -> Call:
    kind = offered.get(tool.offered_as, "function")
    return Call(ident, tool.name, kind, _arguments(tool, kind), tool.namespace)


def _arguments(tool: ToolCall, kind: str) -> str:
    """Free text is what a custom tool takes."""
    if kind == "custom" and tool.arguments.keys() == {"input"}:
        return str(tool.arguments["input"])
    return json.dumps(tool.arguments, ensure_ascii=False, separators=(",", ":"))


def _tokens(call: Call) -> int:
    return tokens_of(call.name + call.arguments)


def parts(text: str) -> list[str]:
    """A text in the pieces in which it is streamed."""
    return [text[at : at + DELTA_CHARACTERS] for at in range(0, len(text), DELTA_CHARACTERS)]


def woven(texts: list[str], interleave: bool) -> Iterator[tuple[int, str]]:
    """The pieces of several texts with their numbers: one text after the other, or a piece of each in turn."""
    pieces = [parts(text) for text in texts]
    if not interleave:
        yield from ((number, piece) for number, text in enumerate(pieces) for piece in text)
        return
    for at in range(max(map(len, pieces), default=0)):
        yield from ((number, text[at]) for number, text in enumerate(pieces) if at < len(text))
