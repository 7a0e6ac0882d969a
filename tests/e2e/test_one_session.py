"""One conversation with everything real: its provider is overloaded and another answers, its user changes models, the proxy
starts again. It stays one session with one budget, and what lives at the first provider is read there."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from support.claude_code import ClaudeCode
from support.processes import Daemon, daemon, simulated_provider, wait_for

pytestmark = pytest.mark.e2e

KEY, FALLBACK_KEY = "sk-ant-test", "sk-proj-test"
OPUS, HAIKU, GPT = "claude-opus-4-8", "claude-haiku-4-5", "gpt-5.5"
CHAIN = f'[routes]\n"claude-opus-*" = ["anthropic", "openai/{GPT}"]\n'
PRIMARY = [
    {"when": "overloaded", "steps": [{"say": "never heard", "fault": "529:0", "times": 99}]},
    {"when": "", "steps": [{"think": "Hm.", "say": "Claude's answer."}]},
]
SECONDARY = [{"when": "", "steps": [{"think": "Hm, hm.", "say": "Another's answer."}]}]
RULES = "the quick brown fox jumps over the lazy dog and reads another file; " * 500


class Conversation:
    """A client that gives its conversation no name, and sends back all that it was answered."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.sessions: list[str] = []

    def ask(self, proxy: Daemon, token: str, said: str, model: str) -> tuple[int, dict[str, Any]]:
        self.messages.append({"role": "user", "content": said})
        body = {"model": model, "max_tokens": 2000, "system": RULES, "messages": self.messages}
        headers = {"x-api-key": token, "anthropic-version": "2023-06-01", "content-type": "application/json"}
        connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=30)
        try:
            connection.request("POST", "/v1/messages", json.dumps(body), headers)
            answer = connection.getresponse()
            made = json.loads(answer.read())
            self.sessions.append(answer.headers["x-synrouter-session"])
        finally:
            connection.close()
        if answer.status == 200:
            self.messages.append({"role": "assistant", "content": made["content"]})
        return answer.status, made


def stats(proxy: Daemon, turns: int, by: str = "session") -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = json.loads(proxy.cli("stats", "--json", "--by", by).stdout)
        return found if found["totals"]["turns"] >= turns else None

    return wait_for(look, f"{turns} turns on the ledger")


def eleventh(proxy: Daemon, session: str) -> dict[str, Any] | None:
    """The session's eleventh turn, once it has ended."""
    turns: list[dict[str, Any]] = json.loads(proxy.cli("explain", session, "--json").stdout)["turns"]
    return next((turn for turn in turns if turn["turn"] == 11 and turn["verdict"]), None)


def test_a_fallback_and_other_models_stay_in_the_session_its_budget_and_its_caches(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    config = home / "config.toml"
    config.write_text(CHAIN)
    talk = Conversation()
    with (
        simulated_provider(tmp_path / "primary", PRIMARY, KEY) as first,
        simulated_provider(tmp_path / "secondary", SECONDARY, FALLBACK_KEY) as second,
    ):
        pointed = ("--upstream", f"openai={second}")
        with daemon(home, first, *pointed, key=KEY, openai=FALLBACK_KEY) as proxy:
            token = proxy.token
            for said, model in (
                ("one", OPUS),
                ("two", OPUS),
                ("overloaded", OPUS),
                ("four", OPUS),
                ("five", HAIKU),
                ("six", GPT),
                ("seven", OPUS),
            ):
                status, answer = talk.ask(proxy, token, said, model)
                assert status == 200 and answer["model"] == model, answer
            assert len(set(talk.sessions)) == 1
            found = stats(proxy, 8)
            [session] = found["sessions"]
            assert (session["id"], session["turns"], session["errors"]) == (talk.sessions[0], 8, 1)

            told = json.loads(proxy.cli("explain", session["id"], "--json").stdout)["turns"]
            assert [(turn["turn"], turn["provider"], turn["model"], turn["verdict"]) for turn in told] == [
                (1, "anthropic", OPUS, "first"),
                (2, "anthropic", OPUS, "hit"),
                (3, "anthropic", OPUS, None),
                (4, "openai", GPT, None),
                (5, "anthropic", OPUS, "hit"),
                (6, "anthropic", HAIKU, "model"),
                (7, "openai", GPT, None),
                (8, "anthropic", OPUS, "hit"),
            ]
            for turn in told:
                if turn["verdict"] == "hit":
                    assert turn["reported_read_tokens"] == turn["predicted_read_tokens"] > 5000

            rows = stats(proxy, 8, by="provider")["rows"]
            spent = {row["provider"]: row["cost_usd"] for row in rows}
            assert sum(spent.values()) == pytest.approx(session["cost_usd"])

        # less than both have cost, more than either
        limit = (max(spent.values()) + session["cost_usd"]) / 2
        config.write_text(f"{CHAIN}[budget]\nsession_usd = {limit:.9f}\n")
        with daemon(home, first, *pointed, key=KEY, openai=FALLBACK_KEY) as proxy:
            for model in (OPUS, GPT):
                status, answer = talk.ask(proxy, token, "on", model)
                assert status == 402 and "session budget" in answer["error"]["message"], answer
                talk.messages.pop()
            status, answer = Conversation().ask(proxy, token, "another one", OPUS)
            assert status == 200
        config.write_text(CHAIN)
        with daemon(home, first, *pointed, key=KEY, openai=FALLBACK_KEY) as proxy:
            assert talk.ask(proxy, token, "eleven", OPUS)[0] == 200
            assert len(set(talk.sessions)) == 1
            last = wait_for(lambda: eleventh(proxy, talk.sessions[0]), "the last turn's verdict")
            assert last["verdict"] == "hit"
            assert last["reported_read_tokens"] == last["predicted_read_tokens"] > 5000


LIST = {"name": "Bash", "input": {"command": "ls", "description": "List the files"}}
FIRST = [
    {
        "when": "Look around",
        "steps": [
            {"think": "First the files.", "say": "I list.", "tools": [LIST]},
            {"say": "never heard", "fault": "529:0", "times": 2},
        ],
    },
    {"when": "Go on", "steps": [{"think": "Again.", "say": "Once more.", "tools": [LIST]}, {"say": "Still there."}]},
]
SECOND = [{"when": "", "steps": [{"say": "not asked"}, {"think": "Another began this.", "say": "Nothing there."}]}]


@pytest.mark.xdist_group("claude-code")
def test_claude_code_goes_on_in_its_session_with_another_provider_and_back(
    claude_code_executable: Path, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("home", "user", "project")]
    for folder in folders:
        folder.mkdir(mode=0o700)
    home, user, project = folders
    (home / "config.toml").write_text(CHAIN)
    claude = ClaudeCode(claude_code_executable, user, project)
    options = ("--model", OPUS, "--allowedTools", "Bash(ls:*)")
    with (
        simulated_provider(tmp_path / "primary", FIRST, KEY) as first,
        simulated_provider(tmp_path / "secondary", SECOND, FALLBACK_KEY, "--flavour", "openai") as second,
        daemon(home, first, "--upstream", f"openai={second}", key=KEY, openai=FALLBACK_KEY) as proxy,
    ):
        one = claude.run(proxy, "Look around, please.", *options)
        two = claude.run(proxy, "Go on.", "--resume", one["session_id"], *options)
        assert (one["result"], two["result"]) == ("Nothing there.", "Still there.")
        [session] = stats(proxy, 5)["sessions"]
        assert (session["kind"], session["turns"], session["errors"]) == ("main", 5, 1)
        told = json.loads(proxy.cli("explain", session["id"], "--json").stdout)["turns"]
        assert [(turn["provider"], turn["model"], turn["verdict"]) for turn in told] == [
            ("anthropic", OPUS, "first"),
            ("anthropic", OPUS, None),
            ("openai", GPT, None),
            ("anthropic", OPUS, "hit"),
            ("anthropic", OPUS, "hit"),
        ]
