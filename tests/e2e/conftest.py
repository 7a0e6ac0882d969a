"""Real clients, each installed once at a pinned version."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.claude_code import VERSION, ClaudeCode
from support.toolchain import npm_executable


@pytest.fixture(scope="session")
def claude_code_executable() -> Path:
    return npm_executable("@anthropic-ai/claude-code", VERSION, "claude")


@pytest.fixture
def claude_code(claude_code_executable: Path, tmp_path: Path) -> ClaudeCode:
    client = ClaudeCode(claude_code_executable, tmp_path / "client-home", tmp_path / "project")
    client.home.mkdir()
    client.project.mkdir()
    return client
