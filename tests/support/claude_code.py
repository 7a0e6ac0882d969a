"""Claude Code without a terminal, on a daemon."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.processes import Daemon

VERSION = "2.1.332"
RUN_SECONDS = 120


@dataclass(frozen=True)
class ClaudeCode:
    """The client, in a home and a project of the test's own."""

    executable: Path
    home: Path
    project: Path

    def run(self, daemon: Daemon, prompt: str, *options: str) -> dict[str, Any]:
        """Its answer as it reports it with `--output-format json`."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "ANTHROPIC_BASE_URL": daemon.url,
            "ANTHROPIC_AUTH_TOKEN": daemon.token,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            # Nothing but the daemon: what else it may want to reach meets a closed port.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
        }
        result = subprocess.run(
            [self.executable, "-p", prompt, "--output-format", "json", *options],
            cwd=self.project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer
