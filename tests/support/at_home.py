"""A user's home with a real client in it and a daemon beside it: what they type, what it leaves."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.processes import Daemon, get_json, wait_for

RUN_SECONDS = 180


@dataclass(frozen=True)
class AtHome:
    """Commands run in `project` with `home` as HOME; nothing but loopback is reached."""

    home: Path
    project: Path
    executable: Path
    proxy: Daemon
    upstream: str

    def client(self, *arguments: str, stdin: str = "", **environ: str) -> str:
        """What the client prints; it must end well."""
        return self._run([str(self.executable), *arguments], stdin, environ)

    def synrouter(self, *arguments: str, stdin: str = "", **environ: str) -> str:
        return self._run([sys.executable, "-m", "synrouter_cli", *arguments], stdin, environ)

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Path below the home → content and permissions, of every file."""
        return {
            str(path.relative_to(self.home)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
            for path in sorted(self.home.rglob("*"))
            if path.is_file()
        }

    def billed(self) -> list[dict[str, Any]]:
        """The provider's own lines, of model requests alone."""
        lines = get_json(f"{self.upstream}/__usage")["requests"]
        return [line for line in lines if line["endpoint"] == "messages"]

    def stats(self, turns: int) -> dict[str, Any]:
        """`synrouter stats` once it holds that many turns: the ledger is written after the answers."""

        def look() -> dict[str, Any] | None:
            stats: dict[str, Any] = json.loads(self.proxy.cli("stats", "--json", "--by", "session").stdout)
            return stats if stats["totals"]["turns"] >= turns else None

        return wait_for(look, f"{turns} turns on the ledger")

    def _run(self, command: list[str], stdin: str, environ: dict[str, str]) -> str:
        environment = {
            "PATH": f"{self.executable.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "SYNROUTER_HOME": str(self.proxy.home),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            # Nothing but the daemon: what else it may want to reach meets a closed port.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
        }
        result = subprocess.run(
            command,
            cwd=self.project,
            env=environment | environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert result.returncode == 0, f"{command}: {result.stdout}\n{result.stderr}"
        return result.stdout
