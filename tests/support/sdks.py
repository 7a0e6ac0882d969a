"""What tests of SDKs share: one proxy that reaches a provider of each dialect by the model's name, and a script by prompt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from support.processes import Daemon, daemon, get_json, simulated_provider, wait_for

KEY: Final = "sk-demo-of-the-providers"
"""What the providers take: the proxy alone has it."""
MODELS: Final = {
    "anthropic": "claude-opus-4-8",
    "chat": "chatty/gpt-5.5",
    "responses": "respond/gpt-5.5",
}
"""The provider's dialect → a model that is reached in it."""
THINKERS: Final = {**MODELS, "chat": "deep/deepseek-reasoner"}
"""The same, but of Chat Completions one that shows what it thinks: OpenAI's own models never do there."""
ALIASES: Final = {
    "claude-opus-4-7": MODELS["chat"],
    "claude-opus-4-6": MODELS["responses"],
    "gpt-5.4": MODELS["anthropic"],
    "gpt-5.3": MODELS["chat"],
    "gpt-5.2": MODELS["responses"],
}
"""For clients that take names only which they know."""
CONFIG: Final = """
[providers.chatty]
base_url = "{openai}/v1"
dialect = "chat"
cache = "key"
models = ["gpt-5.5"]

[providers.respond]
base_url = "{openai}/v1"
dialect = "responses"
cache = "key"
models = ["gpt-5.5"]

[providers.deep]
base_url = "{deepseek}/v1"
dialect = "chat"
models = ["deepseek-reasoner"]
"""

HELLO: Final = "Hello, world: naïve ✓ 漢字 😀, and so on in several small pieces."
THOUGHT: Final = "I should look at the sky first."
RAIN: Final = "It rains in Zürich."
ZURICH: Final = {"city": "Zürich", "days": 2}
BERGAMO: Final = {"city": 'Bergamo "alta"', "days": 1}
ADA: Final = {"name": "Ada", "age": 36, "tags": ["naïve", "✓"]}
SYSTEM: Final = "You know the weather of every town, and say it briefly. " * 300
"""Some 4,000 tokens."""
PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA: Final = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
_CALL: Final = {"name": "get_weather", "input": ZURICH}
_PERSON: Final = {"name": "Person", "input": ADA}
_BOTH: Final = [_CALL, {"name": "get_weather", "input": BERGAMO}]
SCRIPT: Final = [
    {"when": "in Zürich", "steps": [{"think": THOUGHT, "say": "I look.", "tools": [_CALL]}, {"say": RAIN}]},
    {"when": "And then", "steps": [{"think": THOUGHT, "say": "Sun."}]},
    {"when": "both towns", "steps": [{"tools": _BOTH}, {"say": "Rain in both."}]},
    {"when": "both at once", "steps": [{"interleave": True, "tools": _BOTH}, {"say": "Rain in both."}]},
    {"when": "Who wrote", "steps": [{"say": json.dumps(ADA, ensure_ascii=False), "tools": [_PERSON]}]},
    {"when": "by a tool", "steps": [{"tools": [_PERSON]}]},
    {"when": "too often", "steps": [{"fault": "429:7", "times": 99}]},
    {"when": "too busy", "steps": [{"fault": "529", "times": 99}]},
    {"when": "too unknown", "steps": [{"fault": "404", "times": 99}]},
    {"when": "too wrong", "steps": [{"fault": "400", "times": 99}]},
    {"when": "breaks off", "steps": [{"say": "Half of it, " * 20, "fault": "error-event", "times": 99}]},
    {"when": "", "steps": [{"say": HELLO}]},
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """What a provider says it billed. Tokens; `input` with what was cached and written."""

    input: int
    cached: int
    output: int


@dataclass(frozen=True)
class World:
    """A proxy, the provider that speaks all dialects, and a second one that is like DeepSeek."""

    proxy: Daemon
    token: str
    providers: tuple[str, str]

    def lines(self) -> list[dict[str, Any]]:
        """What the providers have in their books, the newest line of each last."""
        return [line for url in self.providers for line in get_json(f"{url}/__usage")["requests"]]

    def billed(self, model: str) -> Counted:
        """The newest line on that model."""
        name = model.rpartition("/")[2]
        found = [line for line in self.lines() if line["model"] == name and line["usage"]]
        return counted(max(found, key=lambda line: line["at"])["usage"])

    def sessions(self, wanted: set[str], *, turns: int) -> dict[str, Mapping[str, Any]]:
        """The ledger's rows of these sessions, once each has so many turns."""

        def look() -> dict[str, Mapping[str, Any]] | None:
            rows = json.loads(self.proxy.cli("stats", "--json", "--by", "session").stdout)["sessions"]
            found = {row["id"]: row for row in rows if row["id"] in wanted and row["turns"] >= turns}
            return found if found.keys() == wanted else None

        return wait_for(look, f"{turns} turns of {len(wanted)} sessions on the ledger")


def counted(usage: Mapping[str, Any]) -> Counted:
    """Any dialect's `usage`, as a mapping, in the same words."""
    if "prompt_tokens" in usage:
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        return Counted(usage["prompt_tokens"], cached, usage["completion_tokens"])
    if "total_tokens" in usage:
        cached = usage["input_tokens_details"]["cached_tokens"]
        return Counted(usage["input_tokens"], cached, usage["output_tokens"])
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    return Counted(usage["input_tokens"] + read + written, read, usage["output_tokens"])


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Everything started in `folder`, until the block ends."""
    home = folder / "home"
    home.mkdir()
    with (
        simulated_provider(folder / "provider", SCRIPT, KEY) as first,
        simulated_provider(folder / "deepseek", SCRIPT, KEY, "--flavour", "deepseek") as second,
    ):
        aliases = "".join(f'"{name}" = "{model}"\n' for name, model in ALIASES.items())
        config = CONFIG.format(openai=first, deepseek=second)
        (home / "config.toml").write_text(f"{config}\n[aliases]\n{aliases}")
        keys = dict.fromkeys(("openai", "chatty", "respond", "deep"), KEY)
        with daemon(home, first, "--upstream", f"openai={first}", key=KEY, **keys) as proxy:
            yield World(proxy, proxy.token, (first, second))
