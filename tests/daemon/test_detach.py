"""`up --detach`: it serves when the command returns, on its own; or the command says why not."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.processes import simulated_provider, wait_for
from synrouter_cli.daemon import client, lock, process
from synrouter_cli.daemon.detach import NeverServed, serve_detached


@pytest.fixture
def detach(home, tmp_path):
    """`synrouter up --detach …` as a person types it, somewhere; what it started is ended after the test."""
    somewhere = tmp_path / "somewhere"
    somewhere.mkdir()

    def detach(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "synrouter_cli", "up", "--detach", *(arguments or ("--port", "0"))]
        return subprocess.run(
            command, env={**os.environ, **environment}, cwd=somewhere, capture_output=True, text=True, timeout=60
        )

    yield detach
    for folder in (home, somewhere / "relative"):
        end(folder)


def end(home: Path) -> None:
    environment = {**os.environ, "SYNROUTER_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "synrouter_cli", "down"], env=environment, capture_output=True, timeout=60)


def test_it_serves_when_the_command_returns_and_tells_the_address_and_what_to_type(detach, paths):
    started = detach()
    daemon = client.find(paths)
    url = f"http://127.0.0.1:{daemon.health.port}"
    assert (started.returncode, started.stdout) == (0, f"synrouter: listening on {url}\n")
    assert started.stderr.splitlines() == [
        "  no provider's key: synrouter keys set anthropic, or use your Claude login:",
        "  next: synrouter configure claude-code --auth subscription",
        "    or: synrouter run --auth subscription claude-code    # no file touched",
        "  to watch it: synrouter stats --live    to stop it: synrouter down",
    ]
    assert max(map(len, started.stderr.splitlines())) <= 80


def test_with_a_key_the_client_gets_the_local_one(detach):
    started = detach("--port", "0", SYNROUTER_ANTHROPIC_KEY="sk-ant-canary-0123456789")
    assert started.stderr.startswith("  next: synrouter configure claude-code\n    or: synrouter run claude-code ")
    assert "canary" not in started.stdout + started.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_has_a_session_of_its_own_no_input_and_no_directory(detach, paths):
    assert detach().returncode == 0
    pid = client.find(paths).health.pid
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert [os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1)] == ["/dev/null"] * 2
    assert process.create_time(pid) == client.find(paths).state.create_time
    assert Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:5] == [b"-P", b"-m", b"synrouter_cli", b"up"]


def test_options_and_upstreams_are_passed_on(detach, paths):
    upstream = "anthropic=http://127.0.0.1:9"
    assert detach("--port", "0", "--level", "observe", "--mode", "general", "--upstream", upstream).returncode == 0
    state = client.find(paths).state
    assert (state.level, state.mode, state.upstreams) == ("observe", "general", {"anthropic": "http://127.0.0.1:9"})


def test_a_turn_is_a_line_of_the_log_and_holds_no_text(detach, paths, synrouter, tmp_path):
    with simulated_provider(tmp_path / "provider", key="sk-ant-test") as provider:
        upstream = f"anthropic={provider}"
        assert detach("--port", "0", "--upstream", upstream, SYNROUTER_ANTHROPIC_KEY="sk-ant-test").returncode == 0
        token = synrouter("token").stdout.strip()
        connection = http.client.HTTPConnection("127.0.0.1", client.find(paths).health.port, timeout=20)
        body = b'{"model":"claude-opus-4-8","max_tokens":9,"messages":[{"role":"user","content":"canary"}]}'
        headers = {"x-api-key": token, "content-type": "application/json", "anthropic-version": "2023-06-01"}
        connection.request("POST", "/v1/messages", body, headers)
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 0) == (200, True)
        connection.close()
        line = r"INFO \S+ \d\d:\d\d:\d\d \S+ \w+ #1 claude-opus-4-8 in \d+ · read 0 "
        wait_for(lambda: re.search(line, synrouter("logs").stdout), "the turn is in the log")
    log = paths.log_file.read_text()
    assert "canary" not in log
    assert log.count("listening on") == 1


def test_a_second_one_names_the_first_and_leaves_with_1(detach, paths):
    assert detach().returncode == 0
    first = client.find(paths).state
    second = detach()
    said = f"synrouter: Synrouter is already running (pid {first.pid}, http://127.0.0.1:{first.port}).\n"
    assert (second.returncode, second.stdout, second.stderr) == (1, "", f"{said}  next: synrouter status\n")


def test_why_it_does_not_serve_is_told_with_its_own_exit_code(detach, paths):
    refused = detach("--port", "0", "--upstream", "antropic=http://127.0.0.1:9")
    assert (refused.returncode, refused.stdout) == (2, "")
    said, hint = refused.stderr.splitlines()
    assert said.startswith("synrouter: upstream antropic: no such provider; known are: agentrouter, anthropic, ")
    assert hint == "  next: correct it, then: synrouter up"
    assert not lock.is_held(paths.lock_file)


def test_a_mistake_in_the_options_is_told_before_anything_is_started(detach, home):
    refused = detach("--level", "x")
    assert refused.returncode == 2
    assert "--level: expected one of" in refused.stderr
    assert not home.exists()


def test_one_that_takes_too_long_is_ended(home, paths):
    with pytest.raises(NeverServed):
        serve_detached(paths, ["up", "--detached", "--port", "0"], patience_s=0.0)
    assert not lock.is_held(paths.lock_file)
    assert not paths.state_file.exists()


def test_what_lies_in_the_directory_is_not_imported(detach, tmp_path):
    for name in ("aiohttp.py", "synrouter_cli.py", "sitecustomize.py"):
        (tmp_path / "somewhere" / name).write_text("import os; os._exit(66)\n")
    assert detach().returncode == 0


def test_a_relative_home_is_that_of_the_directory_it_was_started_in(detach, tmp_path):
    assert detach("--port", "0", SYNROUTER_HOME="relative").returncode == 0
    assert (tmp_path / "somewhere" / "relative" / "state" / "daemon.json").exists()
