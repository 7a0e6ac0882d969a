"""What the simulated model answers: a script of steps, chosen by what the person typed last.

A rule's steps follow each other as the agent comes back with tool results, so the answer is a function of the
request alone: a retry, a second session or a restart get the same one.

>>> listing = {"name": "Bash", "input": {"command": "ls"}}
>>> script = Script.parse([{"when": "files", "steps": [{"tools": [listing]}]}])
>>> user = {"role": "user", "content": "list the files"}
>>> [tool.name for tool in script.step([user], {"Bash"}).tools]
['Bash']
>>> script.step([user, {"role": "assistant", "content": "…"}, TOOL_RESULTS], {"Bash"}).say
'Done.'
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from synrouter_cli.prompt.layouts import TRANSIENT

__all__ = ["TOOL_RESULTS", "Rule", "Script", "ScriptError", "Step", "ToolCall", "newest_prompt"]

TOOL_RESULTS: Mapping[str, Any] = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "…"}]}
"""A message by which an agent comes back; for examples and tests."""

_CARRIERS: Final = (*(mark.decode() for mark in TRANSIENT), "<system>")
"""How messages begin that a client puts last by itself, or that were an instruction; no person typed them."""


class ScriptError(ValueError):
    """The script file is not one: the message names the place."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model asks for; only given out where the request offers a tool of that name. Text is the input of a
    freeform tool; one with a `namespace` is offered as `namespace.name`."""

    name: str
    input: Mapping[str, Any] | str
    namespace: str = ""

    @property
    def offered_as(self) -> str:
        return f"{self.namespace}.{self.name}" if self.namespace else self.name

    @property
    def arguments(self) -> Mapping[str, Any]:
        """As a function gets them: free text as its one argument."""
        return {"input": self.input} if isinstance(self.input, str) else self.input


@dataclass(frozen=True, slots=True)
class Step:
    """One answer: thinking, text, tool calls, in this order. `fault` happens to the first `times` tries. With
    `interleave` the arguments of all calls are streamed together, a piece of each in turn, where a dialect can."""

    say: str = ""
    think: str = ""
    tools: tuple[ToolCall, ...] = ()
    fault: str = ""
    times: int = 1
    interleave: bool = False
    refuse: bool = False
    """What is said is a refusal."""

    def offered(self, names: Container[str]) -> Step:
        """The step without calls of tools that the request does not offer."""
        tools = tuple(tool for tool in self.tools if tool.offered_as in names and not self.refuse)
        say = self.say if self.say or tools else "Done."
        return replace(self, say=say, tools=tools)


@dataclass(frozen=True, slots=True)
class Rule:
    """Steps for prompts that contain `when`; the empty text fits all."""

    when: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """Rules in order; the first that fits decides. Past a rule's last step the model says "Done."."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Script:
        """Read a JSON file. Raises ScriptError, OSError."""
        try:
            return cls.parse(json.loads(path.read_bytes()))
        except json.JSONDecodeError as error:
            raise ScriptError(f"{path}: {error}") from None

    @classmethod
    def parse(cls, rules: Any) -> Script:
        """`[{"when": "…", "steps": [{"say", "think", "tools": [{"name", "input", "namespace"}], "fault", "times",
        "interleave", "refuse"}]}]`."""
        if not isinstance(rules, list):
            raise ScriptError("a script is a list of rules")
        return cls(tuple(_rule(rule, f"rules[{i}]") for i, rule in enumerate(rules)))

    def step(self, messages: Sequence[Mapping[str, Any]], tools: Container[str]) -> Step:
        """The answer to these messages, with tools of these names on offer."""
        prompt, taken = newest_prompt(messages)
        for rule in self.rules:
            if rule.when in prompt:
                step = rule.steps[taken] if taken < len(rule.steps) else Step()
                return step.offered(tools)
        return Step().offered(tools)


def newest_prompt(messages: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """The text of the newest message a person sent, and how many answers came after it."""
    taken = 0
    for message in reversed(messages):
        if message["role"] == "assistant":
            taken += 1
        elif message["role"] == "user" and not any(b.get("type") == "tool_result" for b in _blocks(message)):
            text = "\n".join(b["text"] for b in _blocks(message) if b.get("type") == "text")
            if not text.startswith(_CARRIERS):
                return text, taken
    return "", taken


def _blocks(message: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    content = message.get("content", "")
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _rule(rule: Any, where: str) -> Rule:
    if not isinstance(rule, dict) or not isinstance(rule.get("steps"), list):
        raise ScriptError(f"{where}: a rule is an object with steps")
    steps = (_step(step, f"{where}.steps[{i}]") for i, step in enumerate(rule["steps"]))
    return Rule(str(rule.get("when", "")), tuple(steps))


def _step(step: Any, where: str) -> Step:
    if not isinstance(step, dict):
        raise ScriptError(f"{where}: a step is an object")
    unknown = step.keys() - {"say", "think", "tools", "fault", "times", "interleave", "refuse"}
    if unknown:
        raise ScriptError(f"{where}: unknown {', '.join(sorted(unknown))}")
    try:
        called = step.get("tools", [])
        tools = tuple(ToolCall(tool["name"], tool["input"], tool.get("namespace", "")) for tool in called)
        return Step(**{**step, "tools": tools})
    except (TypeError, KeyError) as error:
        raise ScriptError(f"{where}: a tool call has a name and an input ({error})") from None
