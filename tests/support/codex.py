"""Codex without a terminal: its arguments, its surroundings, and what it prints."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from support.toolchain import node_folder

VERSION = "0.171.0"
OPTIONS = ("--strict-config", "--skip-git-repo-check", "--json", "--dangerously-bypass-approvals-and-sandbox")
CONFIG = ".codex/config.toml"
CATALOG = ".codex/synrouter-models.json"


def asking(prompt: str) -> tuple[str, ...]:
    """Its arguments for a prompt."""
    return ("exec", *OPTIONS, prompt)


def going_on(prompt: str) -> tuple[str, ...]:
    """Its arguments for another prompt in the latest session."""
    return ("exec", "resume", "--last", *OPTIONS, prompt)


def surroundings(codex: Path, temporary: Path, log: str = "off") -> dict[str, str]:
    """Codex and the node that starts it on PATH; it makes no helpers below the machine's folder for temporary files.
    `log` is what it writes to stderr."""
    temporary.mkdir(exist_ok=True)
    path = os.pathsep.join([str(codex.parent), str(node_folder()), os.environ["PATH"]])
    return {"PATH": path, "TMPDIR": str(temporary), "RUST_LOG": log}


def items(printed: str) -> list[dict[str, Any]]:
    """What it did, in order: messages, commands, changes of files, plans."""
    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [event["item"] for event in events if event["type"] == "item.completed"]


def said(printed: str) -> list[str]:
    """What the agent said."""
    return [item["text"] for item in items(printed) if item["type"] == "agent_message"]


def complaints(printed: str) -> list[str]:
    """Warnings and errors of the client's, but for that of a missing sandbox."""
    expected = ("bubblewrap", "Reading additional input")
    lines = [line for line in printed.splitlines() if line and not any(word in line for word in expected)]
    return [line for line in lines if "warn" in line.lower() or "error" in line.lower()]
