"""Random conversations of several turns, as untidy as clients leave them: each request is what the target's rules want,
holds every word, and begins with the bytes of the one before it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, Final

import pytest

from wire.codecs.test_pairing import CHECKS
from wire.crossings import Json, carried, request_is_wrong
from wire.test_matrix_prefixes import parts

SEEDS: Final = range(50)
WAYS: Final = [
    ("chat", "anthropic", "claude-opus-4-8"),
    ("chat", "anthropic", "claude-haiku-4-5"),
    ("chat", "responses", "gpt-6-sol"),
    ("anthropic", "chat", "gpt-6-sol"),
    ("anthropic", "chat", "qwen3.5"),
    ("responses", "chat", "qwen3.5"),
    ("responses", "anthropic", "claude-sonnet-5-5"),
    ("anthropic", "responses", "gpt-6-sol"),
]
NAMES: Final = ("read", "mcp__x__y", "run.it")
TOOLS: Final = [{"type": "function", "function": {"name": one, "parameters": {"type": "object"}}} for one in NAMES]


class Talk:
    """A conversation in the words of Chat Completions, by its seed; every word has a mark of its own."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.messages: list[Json] = []
        self._marks = 0

    def word(self) -> str:
        self._marks += 1
        return f"q{self._marks}z" + self.random.choice(["", "", "", "\n", " é\U0001f600", ' "\\', "<system>"])

    def requests(self) -> Iterator[list[Json]]:
        """The messages of one request after the other."""
        for _ in range(self.random.randint(1, 4)):
            self._user()
            yield list(self.messages)
            for _ in range(self.random.choice([0, 1, 1, 2])):
                self._calls()
                yield list(self.messages)
            blank = self.random.random() < 0.1
            self.messages.append({"role": "assistant", "content": "\n" if blank else self.word()})

    def _user(self) -> None:
        for role in self.random.choices(["system", "developer", "user"], k=self.random.choice([0, 0, 1, 2])):
            self.messages.append({"role": role, "content": self.word()})
        image = {"type": "image_url", "image_url": {"url": f"https://example.org/{self._marks}.png"}}
        content = [{"type": "text", "text": self.word()}, *([image] if self.random.random() < 0.2 else [])]
        self.messages.append({"role": "user", "content": content if len(content) > 1 else content[0]["text"]})

    def _calls(self) -> None:
        ids = [
            self.random.choice([f"call_{i}", f"functions.f:{i}", f"{self.word()[:3]}{self._marks}", "x" * 50])
            for i in range(self.random.choice([1, 1, 2, 3]))
        ]
        calls = [
            {"id": one, "type": "function", "function": {"name": self.random.choice(NAMES), "arguments": arguments}}
            for one, arguments in zip(ids, ["{}", '{"a":1.10}', json.dumps({"w": self.word()})], strict=False)
        ]
        content = self.word() if self.random.random() < 0.5 else None
        self.messages.append({"role": "assistant", "content": content, "tool_calls": calls})
        self.random.shuffle(ids)
        results: list[Any] = [{"role": "tool", "tool_call_id": one, "content": self.word()} for one in ids]
        if self.random.random() < 0.2 and len(results) > 1:
            results.pop()
        if self.random.random() < 0.2:
            results.insert(self.random.randint(0, 1), {"role": "system", "content": self.word()})
        self.messages += results


@pytest.mark.parametrize(("source", "target", "model"), WAYS)
def test_a_conversation_keeps_the_targets_rules_its_words_and_its_beginning(source: str, target: str, model: str):
    for seed in SEEDS:
        before: list[bytes] = []
        fixed: dict[str, bytes] = {}
        for messages in Talk(seed).requests():
            body: Any = {"model": model, "messages": messages, "tools": TOOLS}
            if source != "chat":
                body = carried(body, "chat", source, model=model)[1]
            out = carried(body, source, target, model=model)[1]
            assert request_is_wrong(target, out) == [], seed
            CHECKS[target](json.loads(out))
            written, others = parts(target, out)
            assert written[: len(before)] == before, seed
            assert others == (fixed or others), seed
            before, fixed = written, others
            said = json.dumps(messages)
            assert [n for n in range(99) if f"q{n}z" in said and f"q{n}z".encode() not in out] == [], seed
