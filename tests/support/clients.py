"""A real client in a home and a project of the test's own, in front of a proxy and the simulated provider."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from support.processes import Daemon, daemon, get_json, simulated_provider, wait_for

RUN_SECONDS = 180
CANARY = "sk-ant-api03-canary-of-the-provider-0123456789"
"""The provider's key: the proxy alone has it."""
TURNS = ("messages", "chat/completions", "responses")
"""Endpoints of model requests."""
Dialect = Literal["anthropic", "chat", "responses"]
PROVIDERS: dict[Dialect, tuple[str, str]] = {
    "anthropic": ("anthropic", "openai"),
    "responses": ("openai", "openai"),
    "chat": ("corp", "deepseek"),
}
"""Dialect → the provider that speaks it alone, and its flavour: the last is the user's own, and shows its thoughts."""
MODELS: dict[Dialect, str] = {"anthropic": "claude-sonnet-4-6", "responses": "gpt-5.5", "chat": "house-large"}
"""Dialect → a model of that provider."""
CHAT_ONLY = """\
[providers.corp]
base_url = "{url}/v1"
dialect = "chat"
models = ["house-large"]
"""


@dataclass(frozen=True)
class Stage:
    """Everything around one client: `home` is its user's, `project` where it is started."""

    home: Path
    project: Path
    proxy: Daemon
    upstream: str

    def environment(self, **more: str) -> dict[str, str]:
        """What a shell would give it, but nothing of this machine's beyond PATH; only loopback can be reached."""
        closed = "http://127.0.0.1:9"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "SYNROUTER_HOME": str(self.proxy.home),
            "TERM": "dumb",
            "HTTP_PROXY": closed,
            "HTTPS_PROXY": closed,
            "NO_PROXY": "127.0.0.1,localhost",
            **more,
        }

    def synrouter(
        self, *arguments: str, code: int = 0, typed: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        """`synrouter ARGUMENTS` as the client's user types it in the project."""
        own = {"PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))}
        return self.run([sys.executable, "-m", "synrouter_cli", *arguments], code=code, typed=typed, **own, **more)

    def run(
        self, command: list[Any], *, code: int = 0, typed: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        """A command in the project, with no terminal but `typed` to read; fails unless it ends with `code`."""
        given: dict[str, Any] = {"input": typed} if typed else {"stdin": subprocess.DEVNULL}
        result = subprocess.run(
            [str(word) for word in command],
            cwd=self.project,
            env=self.environment(**more),
            **given,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert result.returncode == code, f"{result.returncode}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
        return result

    def billed(self) -> list[dict[str, Any]]:
        """The provider's own lines, of model requests alone."""
        lines = get_json(f"{self.upstream}/__usage")["requests"]
        return [line for line in lines if line["endpoint"] in TURNS]

    def stats(self) -> dict[str, Any]:
        """`synrouter stats` once it holds every turn that was billed: the ledger is written after the answers."""
        turns = len(self.billed())

        def look() -> dict[str, Any] | None:
            stats: dict[str, Any] = json.loads(self.synrouter("stats", "--json", "--by", "session").stdout)
            return stats if stats["totals"]["turns"] >= turns else None

        return wait_for(look, f"{turns} turns on the ledger")

    def tree(self) -> dict[str, object]:
        """Relative path → mode and content, of all that is in the home."""
        return tree(self.home)

    def holding(self, text: str) -> list[str]:
        """The files of the home and of the proxy's own folder in which `text` stands."""
        places = [path for root in (self.home, self.proxy.home, self.project) for path in root.rglob("*")]
        return [str(path) for path in places if path.is_file() and text.encode() in path.read_bytes()]


def tree(root: Path) -> dict[str, object]:
    """Relative path → mode and content (a link's target), of all that is in `root`."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        mode = oct(stat.S_IMODE(path.lstat().st_mode))
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(root))] = (mode, content)
    return found


@contextmanager
def stage(folder: Path, script: list[Any], *options: str, speaks: Dialect = "anthropic") -> Iterator[Stage]:
    """The provider that follows `script` in the dialect that it `speaks`, a proxy in front of it, an empty home and
    project. The proxy's own folder, `home`, may be there with a `config.toml` in it."""
    home, project, ours = folder / "client-home", folder / "project", folder / "home"
    for made in (home, project, ours):
        made.mkdir(mode=0o700, exist_ok=made is ours)
    name, flavour = PROVIDERS[speaks]
    with simulated_provider(folder / "provider", script, CANARY, "--flavour", flavour) as upstream:
        if speaks == "chat":
            (ours / "config.toml").write_text(CHAT_ONLY.format(url=upstream))
        pointed = "" if speaks == "chat" else upstream
        with daemon(ours, pointed, *options, key=CANARY, provider=name) as proxy:
            yield Stage(home, project, proxy, upstream)


def assert_hits(stage: Stage, client: str, *, at_least: int = 3) -> dict[str, Any]:
    """One main session of `client` on the ledger, without errors, that reads from the cache from its second request
    on; returns its row. Requests without tools (for a title, say) are sessions on the side."""
    lines = stage.billed()
    stats = stage.stats()
    main = [row for row in stats["sessions"] if row["kind"] == "main"]
    assert [row["client"] for row in main] == [client], main
    assert main[0]["turns"] >= at_least
    assert stats["totals"]["errors"] == 0
    assert {line["status"] for line in lines} == {200}
    reads = [line["cached"] for line in lines if line["tools"]]
    assert len(reads) >= at_least
    assert all(read > 0 for read in reads[1:]), reads
    return main[0]
