"""The state file: what was written is read, anything else is no state."""

from __future__ import annotations

import json

import pytest

from synrouter_cli.daemon import state
from synrouter_cli.daemon.state import State

ONE = State(
    pid=42,
    create_time="boot:99",
    port=7477,
    instance="ab12",
    version="1.2.3",
    mode="coding",
    level="max",
    upstreams={"anthropic": "http://127.0.0.1:9911"},
    keys={"anthropic": "SYNROUTER_ANTHROPIC_KEY"},
    drain_s=5.0,
    stopping=True,
    listen="172.17.0.1",
    allow_hosts=("host.docker.internal",),
)


def test_what_was_written_is_read(tmp_path):
    state.write(tmp_path / "s", ONE)
    assert state.read(tmp_path / "s") == ONE


def test_a_removed_state_is_none_and_can_be_removed_again(tmp_path):
    state.write(tmp_path / "s", ONE)
    state.remove(tmp_path / "s")
    state.remove(tmp_path / "s")
    assert state.read(tmp_path / "s") is None


GOOD = {"pid": 42, "create_time": None, "port": 7477, "instance": "ab", "version": "1"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        json.dumps(GOOD | {"pid": "42"}).encode(),
        json.dumps(GOOD | {"pid": True}).encode(),
        json.dumps(GOOD | {"pid": -1}).encode(),
        json.dumps(GOOD | {"port": 0}).encode(),
        json.dumps(GOOD | {"port": 65536}).encode(),
        json.dumps(GOOD | {"instance": 5}).encode(),
        json.dumps(GOOD | {"surplus": 5}).encode(),
        json.dumps(GOOD | {"listen": 5}).encode(),
        json.dumps(GOOD | {"allow_hosts": 5}).encode(),
        json.dumps(GOOD | {"allow_hosts": [5]}).encode(),
        json.dumps({"pid": 42}).encode(),
    ],
)
def test_anything_else_is_no_state(tmp_path, content):
    (tmp_path / "s").write_bytes(content)
    assert state.read(tmp_path / "s") is None


def test_the_least_that_is_a_state(tmp_path):
    (tmp_path / "s").write_text(json.dumps(GOOD))
    assert state.read(tmp_path / "s").port == 7477
