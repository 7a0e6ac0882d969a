"""OpenClaw without its gateway."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from support.clients import Stage
from support.toolchain import node_folder

VERSION = "2026.9.6"
SESSION = "look-around"
FILE = ".openclaw/openclaw.json"


def asked(prompt: str) -> list[str]:
    """Its arguments for a prompt, without a gateway."""
    return ["agent", "--local", "--agent", "main", "--session-id", SESSION, "--message", prompt, "--json"]


def surroundings(on: Stage, openclaw: Path) -> dict[str, str]:
    """Its node on PATH, and its log not in everybody's folder."""
    path = os.pathsep.join([str(openclaw.parent), str(node_folder()), os.environ["PATH"]])
    return {"PATH": path, "TMPDIR": str(on.project)}


def said(answer: str) -> str:
    payloads: list[dict[str, Any]] = json.loads(answer)["payloads"]
    return str(payloads[-1]["text"])
