"""The whole proxy as one process, in front of the simulated provider."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import subprocess
import sys

import pytest

from synrouter_cli.ledger.queries import reading

KEY = "canary-0123456789abcdef"
PROMPT = json.dumps(
    {
        "model": "claude-sonnet-4-6",
        "max_tokens": 100,
        "stream": True,
        "system": "You tell tests from trials. " * 1000,
        "messages": [{"role": "user", "content": "hello"}],
    }
).encode()


@pytest.fixture
def provider(home):
    command = [sys.executable, "-m", "synrouter_cli.demo.provider", "--port", "0", "--key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def up(provider, tmp_path):
    """The running command; what it imports, and when, goes to stderr."""
    command = [sys.executable, "-X", "importtime", "-m", "synrouter_cli", "up", "--port", "0"]
    with open(tmp_path / "imports", "w") as imports:
        process = subprocess.Popen(
            [*command, "--upstream", f"anthropic={provider}"],
            env={**os.environ, "SYNROUTER_ANTHROPIC_KEY": KEY},
            stdout=subprocess.PIPE,
            stderr=imports,
            text=True,
        )
    with process:
        yield process
        process.kill()


def ask(port: int, token: str, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    own = {"x-api-key": token, "anthropic-version": "2023-06-01", "content-type": "application/json"}
    connection.request(method, path, body, own | headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def test_a_turn_is_a_line_and_a_row_and_nothing_is_imported_after_the_start(up, synrouter, paths, tmp_path):
    port = int(up.stdout.readline().rpartition(":")[2])
    token = paths.token_file.read_text().strip()
    before = (tmp_path / "imports").stat().st_size
    answers = [
        ask(port, token, "POST", "/v1/messages?beta=true", PROMPT),
        ask(port, token, "POST", "/v1/messages", gzip.compress(PROMPT), **{"content-encoding": "gzip"}),
        ask(port, token, "POST", "/v1/messages", PROMPT.replace(b"true", b"false")),
        ask(port, token, "POST", "/v1/messages/count_tokens", PROMPT),
        ask(port, token, "GET", "/v1/models"),
        ask(port, token, "GET", "/nowhere"),
        ask(port, "wrong", "GET", "/v1/models"),
    ]
    assert answers == [200, 200, 200, 200, 200, 404, 401]
    assert synrouter("down").returncode == 0
    assert up.wait(20) == 0
    lines = up.stdout.read().splitlines()
    assert [line.split("#")[1].split()[:2] for line in lines] == [[n, "claude-sonnet-4-6"] for n in "123"]
    assert [("hit 0%" in line, "hit 99%" in line) for line in lines] == [(True, False), (False, True), (False, True)]
    with reading(paths.ledger_file) as db:
        rows = db.execute("SELECT turn, status FROM turns ORDER BY turn").fetchall()
    assert [tuple(row) for row in rows] == [(1, "ok"), (2, "ok"), (3, "ok")]
    assert (tmp_path / "imports").read_text()[before:] == ""


def test_a_provider_that_nobody_knows_is_refused(home):
    command = [sys.executable, "-m", "synrouter_cli", "up", "--port", "0", "--upstream", "antropic=http://127.0.0.1:9"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    said = "synrouter: upstream antropic: no such provider; known are: agentrouter, anthropic, bedrock"
    assert refused.stderr.splitlines()[0].startswith(said)
    assert refused.stdout == ""


def test_a_key_reaches_the_provider_and_nothing_on_this_disk(up, synrouter, paths, home):
    port = int(up.stdout.readline().rpartition(":")[2])
    token = paths.token_file.read_text().strip()
    assert ask(port, token, "POST", "/v1/messages", PROMPT) == 200
    assert ask(port, token, "POST", "/v1/messages", b"{") == 400
    assert synrouter("down").returncode == 0
    assert KEY not in up.stdout.read()
    assert [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []


def test_what_libraries_import_late_is_imported_at_the_start(home):
    code = """
import sys
from synrouter_cli.daemon import wiring
wiring._import_late()
print([name for name in ("encodings.idna", "stringprep", "zlib", "gzip") if name not in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n"
