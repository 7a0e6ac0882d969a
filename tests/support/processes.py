"""Real processes for tests: started, waited for with a deadline, stopped by their own handle."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import ProxyHandler, Request, build_opener

T = TypeVar("T")

START_SECONDS = 30
STOP_SECONDS = 15
# A system proxy is none of loopback's business.
_direct = build_opener(ProxyHandler({}))


def wait_for(condition: Callable[[], T], what: str, *, seconds: float = 20) -> T:
    """Poll until `condition()` is true and return its value; fail naming `what` and the last value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last: {value!r}")
        time.sleep(0.02)
    return value


def get_json(url: str, headers: Mapping[str, str] | None = None) -> Any:
    """GET from loopback, past any proxy in the environment."""
    with _direct.open(Request(url, headers=dict(headers or {})), timeout=10) as answer:
        return json.load(answer)


@dataclass(frozen=True)
class Running:
    """A started process; what it prints goes to `stdout` and `stderr`, files that outlive it."""

    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    def printed(self, pattern: str) -> re.Match[str]:
        """The first match on stdout, waited for; fails at once where the process has ended without it."""

        def look() -> re.Match[str] | None:
            ended = self.process.poll()
            match = re.search(pattern, self.stdout.read_text(), re.MULTILINE)
            if ended is not None and match is None:
                raise AssertionError(f"ended with {ended}: {self.stderr.read_text()[-2000:]}")
            return match

        return wait_for(look, f"{pattern!r} on stdout", seconds=START_SECONDS)


@contextmanager
def running(command: list[str], *, logs: Path, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run a command until the block ends: SIGTERM, then SIGKILL for one that does not go."""
    logs.mkdir(parents=True, exist_ok=True)
    out, err = logs / "stdout", logs / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env)
    try:
        yield Running(process, out, err)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL for one that does not go."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def simulated_provider(logs: Path, script: list[Any] | None = None, key: str = "", *options: str) -> Iterator[str]:
    """The simulated provider as a process of its own, with more `options` of its command line; yields its URL."""
    logs.mkdir(parents=True, exist_ok=True)
    file = logs / "script.json"
    file.write_text(json.dumps(script or []))
    command = [sys.executable, "-m", "synrouter_cli.demo.provider", "--script", str(file), "--key", key, *options]
    with running(command, logs=logs) as process:
        yield process.printed(r"^http://\S+$")[0]


@dataclass(frozen=True)
class Daemon:
    """A proxy that serves: its address, its home, and its command line."""

    url: str
    home: Path
    running: Running

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`synrouter ARGUMENTS` against this daemon's home."""
        return subprocess.run(
            [sys.executable, "-m", "synrouter_cli", *arguments],
            env={**os.environ, "SYNROUTER_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=True,
        )

    @property
    def token(self) -> str:
        return self.cli("token", "show").stdout.strip()


@contextmanager
def daemon(
    home: Path, upstream: str, *options: str, key: str = "sk-ant-test", provider: str = "anthropic", **keys: str
) -> Iterator[Daemon]:
    """`synrouter up --plain` in front of `upstream`, which is `provider`'s and takes `key`; on a free port, with
    everything under `home`. One of the user's own has its address in `config.toml`; where `upstream` is empty the
    providers are at their own.

    `keys` are of other providers, by their names; where they are, `options` or that file say.
    """
    command = [sys.executable, "-m", "synrouter_cli", "up", "--plain", "--port", "0"]
    others = {f"SYNROUTER_{name.upper()}_KEY": value for name, value in {provider: key, **keys}.items()}
    environment = {**os.environ, "SYNROUTER_HOME": str(home), **others}
    options = ("--upstream", f"{provider}={upstream}", *options) if upstream else options
    with running([*command, *options], logs=home.with_name(f"{home.name}-logs"), env=environment) as process:
        url = process.printed(r"^synrouter: listening on (http://127\.0\.0\.1:\d+)$")[1]
        yield Daemon(url, home, process)
