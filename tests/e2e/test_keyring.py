"""The real keyring, through real processes: kept, used, locked, and a key nowhere else."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.keyrings import Keyring, session
from support.processes import Daemon, running, simulated_provider, wait_for

KEY = "sk-ant-api03-canary-of-the-keyring-0123456789"
CANARY = "sk-ant-api03-looked-for-in-every-process-98765"
"""Of one test alone: other tests' providers, which run beside it, have KEY in their arguments."""
OTHER = "sk-ant-api03-canary-of-another-key-9876543210"
WAIT_S = 6
MODULE = [sys.executable, "-m", "synrouter_cli"]


@dataclass(frozen=True)
class Machine:
    """A user with a keyring, a provider that takes KEY only (or any key, by parameter), and Synrouter."""

    keyring: Keyring
    home: Path
    provider: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**self.keyring.environment, "SYNROUTER_HOME": str(self.home)}

    def cli(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MODULE, *words],
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @contextmanager
    def daemon(self) -> Iterator[Daemon]:
        command = [*MODULE, "up", "--plain", "--port", "0"]
        logs = self.folder / f"daemon-{time.monotonic_ns()}"
        with running(command, logs=logs, env=self.environment) as process:
            yield Daemon(process.printed(r"^synrouter: listening on (\S+)$")[1], self.home, process)


@pytest.fixture
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Machine]:
    home = tmp_path / "synrouter"
    home.mkdir(mode=0o700)
    with (
        session() as keyring,
        simulated_provider(tmp_path / "provider", key=getattr(request, "param", KEY)) as provider,
    ):
        (home / "config.toml").write_text(f'keyring_wait_s = {WAIT_S}\n[upstreams]\nanthropic = "{provider}"\n')
        yield Machine(keyring, home, provider, tmp_path)


def ask(proxy: Daemon) -> tuple[int, str]:
    body = {"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=20)
    token = (proxy.home / "data" / "token").read_text().strip()
    headers = {"x-api-key": token, "anthropic-version": "2023-06-01", "content-type": "application/json"}
    try:
        connection.request("POST", "/v1/messages", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.e2e
def test_a_key_is_kept_listed_masked_tested_and_removed(machine: Machine) -> None:
    with machine.keyring.unlocked("pw"):
        kept = machine.cli("keys", "set", "anthropic", typed=f"{KEY}\n")
        assert (kept.returncode, kept.stdout) == (0, "anthropic: kept in the keyring (Secret Service).\n"), kept.stderr
        listed = machine.cli("keys", "list")
        assert listed.stdout.split() == ["anthropic", "sk-ant-…6789", "keyring", "Secret", "Service"]
        tested = machine.cli("keys", "test", "anthropic")
        assert tested.stdout == "anthropic: works; it takes the key from the keyring (Secret Service).\n"
        machine.cli("keys", "set", "anthropic", typed=OTHER)
        refused = machine.cli("keys", "test", "anthropic")
        assert refused.returncode == 4
        assert refused.stderr.splitlines() == [
            "synrouter: anthropic refuses the key from the keyring (Secret Service) (401).",
            "  next: synrouter keys set anthropic",
        ]
        assert machine.cli("keys", "remove", "anthropic").returncode == 0
        assert machine.cli("keys", "list").stdout == "no keys yet: synrouter keys set PROVIDER\n"
        assert machine.cli("keys", "remove", "anthropic").returncode == 4
    said = "".join(done.stdout + done.stderr for done in (kept, listed, tested, refused))
    assert KEY not in said and OTHER not in said


@pytest.mark.e2e
def test_the_proxy_takes_a_key_out_of_the_keyring_and_a_new_one_at_once(machine: Machine) -> None:
    with machine.keyring.unlocked("pw"):
        machine.cli("keys", "set", "anthropic", typed=OTHER)
        with machine.daemon() as proxy:
            assert ask(proxy)[0] == 401, "the provider knows another key"
            assert "the running proxy uses it from now on" in machine.cli("keys", "set", "anthropic", typed=KEY).stderr
            assert ask(proxy)[0] == 200
            status = json.loads(machine.cli("status", "--json").stdout)
            assert status["keys"] == {"anthropic": "the keyring (Secret Service)"}
            assert status["keyring"] == "Secret Service"
            assert "no more" in machine.cli("keys", "remove", "anthropic").stderr
            code, answer = ask(proxy)
            assert code == 403 and "synrouter keys set anthropic" in answer


@pytest.mark.e2e
def test_in_the_background_too_and_the_commands_that_it_names_fit_a_key_of_the_keyring(machine: Machine) -> None:
    with machine.keyring.unlocked("pw"):
        machine.cli("keys", "set", "anthropic", typed=KEY)
        started = machine.cli("up", "--detach", "--port", "0")
        try:
            assert started.returncode == 0, started.stderr
            assert "next: synrouter configure claude-code\n" in started.stderr
            assert "keys       anthropic from the keyring (Secret Service)" in machine.cli("status").stdout
        finally:
            machine.cli("down")


@pytest.mark.e2e
@pytest.mark.parametrize("dismissed", [True, False], ids=["nobody can be asked", "nobody answers"])
def test_a_locked_keyring_holds_nobody_for_ever(machine: Machine, dismissed: bool) -> None:
    with machine.keyring.unlocked("pw"):
        assert machine.cli("keys", "set", "anthropic", typed=KEY).returncode == 0
    with machine.keyring.unlocked("wrong"):
        if dismissed:
            locked(machine)
        else:
            with machine.keyring.nobody_there():
                locked(machine)


def locked(machine: Machine) -> None:
    with machine.daemon() as proxy:
        began = time.monotonic()
        status, answer = ask(proxy)
        assert time.monotonic() - began < 4.5
        assert status == 503 and json.loads(answer)["error"]["type"] == "api_error"
        assert "synrouter keys test anthropic" in answer
        assert machine.cli("status").returncode == 0
        proxy.running.process.send_signal(signal.SIGTERM)
        assert proxy.running.process.wait(5) == 0, "a keyring that is still read does not keep it"
    began = time.monotonic()
    refused = machine.cli("keys", "set", "anthropic", typed=OTHER)
    assert time.monotonic() - began < WAIT_S + 5
    assert refused.returncode == 4
    first, second = refused.stderr.splitlines()[-2:]
    assert first.startswith("synrouter: The keyring") and "locked" in first
    assert second.startswith("  next: unlock it, then: synrouter keys ")
    assert KEY not in answer + refused.stderr + refused.stdout


@pytest.mark.e2e
def test_an_unlocked_keyring_is_taken_up_by_a_proxy_that_found_it_locked(machine: Machine) -> None:
    with machine.keyring.unlocked("pw"):
        assert machine.cli("keys", "set", "anthropic", typed=KEY).returncode == 0
    with ExitStack() as stack, ExitStack() as locked:
        locked.enter_context(machine.keyring.unlocked("wrong"))
        proxy = stack.enter_context(machine.daemon())
        assert ask(proxy)[0] == 503
        locked.close()
        with machine.keyring.unlocked("pw"):
            assert machine.cli("keys", "test", "anthropic").returncode == 0
            assert ask(proxy)[0] == 200


@pytest.mark.e2e
def test_no_process_of_ours_outlives_a_daemon_that_was_killed_before_a_locked_keyring(machine: Machine) -> None:
    with machine.keyring.unlocked("pw"):
        machine.cli("keys", "set", "anthropic", typed=KEY)
    with machine.keyring.unlocked("wrong"), machine.keyring.nobody_there():
        with machine.daemon() as proxy:
            (child,) = wait_for(lambda: children(proxy.running.process.pid), "the child that reads")
            proxy.running.process.kill()
        wait_for(lambda: not is_child(child), "its end", seconds=WAIT_S + 5)


@pytest.mark.e2e
@pytest.mark.parametrize("machine", [""], indirect=True, ids=["no key in the provider's own arguments"])
def test_the_key_is_nowhere_but_in_the_keyring(machine: Machine) -> None:
    seen: list[bytes] = []
    with machine.keyring.unlocked("pw"):
        reader, writer = os.pipe()
        with subprocess.Popen([*MODULE, "keys", "set", "anthropic"], stdin=reader, env=machine.environment) as setting:
            os.close(reader)
            os.write(writer, CANARY.encode())
            os.close(writer)
            while setting.poll() is None:
                seen += looks()
        assert setting.returncode == 0
        with machine.daemon() as proxy:
            seen += looks()
            assert ask(proxy)[0] == 200
            seen += looks()
            texts = [machine.cli(*words).stdout for words in (["keys", "list", "--json"], ["status"], ["logs"])]
    assert any(b"keyring_child" in look for look in seen), "the child was looked at"
    assert not [look for look in seen if CANARY.encode() in look]
    assert not [text for text in texts if CANARY in text]
    files = [path for root in (machine.folder, machine.keyring.folder) for path in root.rglob("*") if path.is_file()]
    assert any(path.name.startswith("ledger.db") for path in files)
    assert [
        path for path in files if CANARY.encode() in path.read_bytes() and machine.keyring.files not in path.parents
    ] == []


def looks() -> list[bytes]:
    """Command line and environment of every process that can be looked at, but this one."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            for name in ("cmdline", "environ"):
                try:
                    found.append((folder / name).read_bytes())
                except OSError:
                    continue
    return found


def children(pid: int) -> list[int]:
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    return [child for task in tasks for child in map(int, (task / "children").read_text().split()) if is_child(child)]


def is_child(pid: int) -> bool:
    try:
        return b"keyring_child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
