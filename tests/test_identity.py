"""Identity by the clients' own ids."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.identity import Identity, identify, mode_of

UUID = "0f3c1a2b-1111-4222-8333-abcdefabcdef"


def codex(session: str, thread: str, **said: str) -> dict[str, str]:
    return {
        "user-agent": "codex-tui/0.169.0",
        "session-id": session,
        "thread-id": thread,
        "x-codex-turn-metadata": json.dumps({"session_id": session, "request_kind": "turn", **said}),
    }


HEADERS: dict[str, tuple[dict[str, str], bytes, Identity]] = {
    "Claude Code's header": ({"x-claude-code-session-id": "s1"}, b"", Identity("claude-code", "s1")),
    "Claude Code's subagent": (
        {"x-claude-code-session-id": "s1", "x-claude-code-agent-id": "a1"},
        b"",
        Identity("claude-code", "s1", "a1"),
    ),
    "older Claude Code, in its metadata": (
        {"user-agent": "claude-cli/2.1.17 (external, cli)"},
        json.dumps({"user_id": f"user_ab_account__session_{UUID}"}).encode(),
        Identity("claude-code", UUID),
    ),
    "newer metadata, a JSON string": (
        {"user-agent": "claude-cli/2.1.329 (external, cli)"},
        json.dumps({"user_id": json.dumps({"device_id": "d", "session_id": UUID})}).encode(),
        Identity("claude-code", UUID),
    ),
    "Qwen Code borrows the user agent": ({"user-agent": "claude-cli/1.0 (external, cli)"}, b"", Identity("unknown")),
    "Kilo": ({"user-agent": "Kilo-Code/7.7.9", "x-session-id": "ses_1"}, b"", Identity("kilo", "ses_1")),
    "Kilo's title": (
        {"user-agent": "Kilo-Code/7.7.9", "x-session-id": "title-ses_1"},
        b"",
        Identity("kilo", "ses_1", side=True),
    ),
    "Kilo's subagent": (
        {"user-agent": "Kilo-Code/7.7.9", "x-session-id": "ses_2", "x-parent-session-id": "ses_1"},
        b"",
        Identity("kilo", "ses_2", parent_key="ses_1"),
    ),
    "Crush": (
        {"user-agent": "Charm-Crush/0.96.1 (https://charm.land/crush)", "x-session-id": "5f0a"},
        b"",
        Identity("crush", "5f0a"),
    ),
    "Codex": (codex("s1", "s1", thread_source="user"), b"", Identity("codex", "s1", main=True)),
    "its subagent": (codex("s1", "t2", thread_source="subagent"), b"", Identity("codex", "s1", "t2")),
    "its title, a conversation by itself": (
        codex("s3", "s3", thread_source="thread_title"),
        b"",
        Identity("codex", "s3", side=True),
    ),
    "metadata that can't be read": (
        {**codex("s1", "s1"), "x-codex-turn-metadata": "{"},
        b"",
        Identity("codex", "s1", main=True),
    ),
    "an older Codex": ({"user-agent": "codex_cli_rs/0.80", "session_id": "s1"}, b"", Identity("codex", "s1")),
    "a client that says its name": ({"x-synrouter-client": "Hermes"}, b"", Identity("hermes")),
    "a name that is none": ({"x-synrouter-client": "a\x1b[2Jb"}, b"", Identity("unknown")),
    "nothing at all": ({}, b"", Identity("unknown")),
}


@pytest.mark.parametrize(("headers", "metadata", "identity"), HEADERS.values(), ids=HEADERS.keys())
def test_identity_by_the_clients_own_ids(headers: dict[str, str], metadata: bytes, identity: Identity) -> None:
    assert identify(headers, metadata) == identity


def test_hermes_is_known_by_its_system_prompt_unless_a_client_says_who_it_is():
    text = b"Be brief.\n\nYou run on Hermes Agent (by Nous Research). When the user needs help"
    assert identify({"user-agent": "Anthropic/Python 0.87.0"}, b"", text) == Identity("hermes")
    assert identify({"x-synrouter-client": "mine"}, b"", text) == Identity("mine")


@pytest.mark.parametrize(
    ("session", "identity"),
    [
        (" session=agent:main:main |", Identity("openclaw", "5f2b-aa", main=True)),
        (" session=agent:main:tui-db2f |", Identity("openclaw", "5f2b-aa", main=True)),
        (" session=agent:subagent:main |", Identity("openclaw", "5f2b-aa", main=True)),
        (" session=agent:main:subagent:1b81 |", Identity("openclaw", "5f2b-aa", subagent=True)),
        ("", Identity("openclaw", "5f2b-aa")),
    ],
)
def test_openclaw_writes_its_session_into_the_system_prompt(session: str, identity: Identity) -> None:
    text = f"Runtime: agent=main |{session} sessionId=5f2b-aa | host=h".encode()
    assert identify({}, b"", text) == identity


WORDS: dict[str, tuple[str, bytes, Identity]] = {
    "Hermes' title, without what its system prompt says otherwise": (
        "",
        b"Generate a short, descriptive title (3-7 words) for a conversation that starts with the following exchange.",
        Identity("hermes", side=True),
    ),
    "Hermes' summary of what it compresses": (
        "",
        b'{"role": "user", "content": "You are a summarization agent creating a context checkpoint. Treat',
        Identity("hermes", side=True),
    ),
    "Hermes' subagent": (
        "",
        b"You run on Hermes Agent (by Nous Research). \\n\\nYour response is returned to the parent agent as a summary, and",
        Identity("hermes", subagent=True),
    ),
    "Qwen Code's subagent": (
        "qwen",
        b"Important Rules:\\n - You operate in non-interactive mode: do not ask the user questions; proceed with available",
        Identity("qwen", subagent=True),
    ),
    "Aider's commit message": (
        "aider",
        b"You are an expert software engineer that generates concise, one-line Git commit messages based on the",
        Identity("aider", side=True),
    ),
    "Aider's summary": (
        "aider",
        b"*Briefly* summarize this partial conversation about programming.\\nInclude less detail",
        Identity("aider", side=True),
    ),
    "what another client says in the same words": (
        "mine",
        b"*Briefly* summarize this partial conversation about programming.",
        Identity("mine"),
    ),
}


@pytest.mark.parametrize(("client", "said", "identity"), WORDS.values(), ids=WORDS.keys())
def test_without_ids_the_kind_is_known_by_what_the_client_says_in_its_prompts(
    client: str, said: bytes, identity: Identity
) -> None:
    assert identify({"x-synrouter-client": client}, b"", said) == identity


@pytest.mark.parametrize(
    ("asked", "client", "key", "mode"),
    [
        ("auto", "claude-code", None, "coding"),
        ("auto", "aider", None, "coding"),
        ("auto", "unknown", "conversation-1", "coding"),
        ("auto", "unknown", None, "general"),
        ("auto", "my-support-bot", None, "general"),
        ("general", "claude-code", "s1", "general"),
        ("coding", "unknown", None, "coding"),
    ],
)
def test_the_mode_is_what_was_asked_for_else_what_fits_the_client(
    asked: str, client: str, key: str | None, mode: str
) -> None:
    assert mode_of(asked, client, key) == mode
