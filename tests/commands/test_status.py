"""What `status` shows, as lines and as JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest

from synrouter_cli import __version__
from synrouter_cli.cli import main
from synrouter_cli.commands.status import as_object, duration, lines
from synrouter_cli.credentials import Secret
from synrouter_cli.daemon.client import Control, Daemon, Health
from synrouter_cli.daemon.state import State

STATE = State(pid=4242, create_time="b:1", port=7477, instance="ab", version=__version__)
LEDGER = {
    "queue": 1,
    "dropped": 0,
    "last_error": None,
    "notice": None,
    "path": "/d/ledger.db",
    "size_bytes": 12_300_000,
}
HEALTH = Health("ab", __version__, 4242, 7477, uptime_s=8077.2, in_flight=3, committed=1204, ledger=LEDGER)


def daemon(health=HEALTH, ledger=None, **changes) -> Daemon:
    if ledger is not None:
        health = dataclasses.replace(health, ledger=LEDGER | ledger)
    return Daemon(dataclasses.replace(STATE, **changes), Control(7477, Secret("canary")), health)


def test_a_daemon_as_left_by_default():
    assert lines(daemon()) == [
        "synrouter  running, pid 4242",
        "address    http://127.0.0.1:7477",
        f"version    {__version__}",
        "up for     2h 14m",
        "in flight  3",
        "ledger     1,204 turns written since the start · 1 waiting · 12.3 MB",
        "           /d/ledger.db",
        "level      safe",
        "mode       auto",
        "upstreams  the providers' own",
        "keys       none: clients have to bring their own",
    ]


def test_what_is_set_is_shown_a_line_each():
    shown = lines(
        daemon(
            level="max",
            mode="coding",
            upstreams={"openai": "https://o.example", "anthropic": "http://127.0.0.1:9911"},
            keys={"anthropic": "SYNROUTER_ANTHROPIC_KEY", "z-ai": "SYNROUTER_Z_AI_KEY"},
        )
    )
    assert shown[-6:] == [
        "level      max",
        "mode       coding",
        "upstreams  anthropic=http://127.0.0.1:9911",
        "           openai=https://o.example",
        "keys       anthropic from SYNROUTER_ANTHROPIC_KEY",
        "           z-ai from SYNROUTER_Z_AI_KEY",
    ]


def test_what_is_open_beyond_this_machine_is_shown_with_its_warning():
    open_to = {"listen": "172.17.0.1", "allow_hosts": ("host.docker.internal", "box")}
    shown = lines(daemon(**open_to))
    assert shown[1:4] == [
        "address    http://127.0.0.1:7477",
        "           http://172.17.0.1:7477",
        "hosts      host.docker.internal, box",
    ]
    assert shown[4].startswith("warning    open beyond this machine: whoever reaches 172.17.0.1")
    assert max(map(len, shown)) <= 80
    value = as_object(daemon(**open_to))
    assert (value["listen"], value["exposed"]) == ("172.17.0.1", True)
    assert value["allow_hosts"] == ["host.docker.internal", "box"]


def test_a_ledger_in_trouble_is_shown_in_full():
    shown = lines(daemon(ledger={"dropped": 5, "last_error": "disk full", "notice": "moved aside"}))
    assert shown[5:9] == [
        "ledger     1,204 turns written since the start · 1 waiting · 12.3 MB · 5 LOST",
        "           /d/ledger.db",
        "           last error: disk full",
        "           moved aside",
    ]


def test_one_turn_is_one_turn():
    running = daemon()
    first = dataclasses.replace(running, health=dataclasses.replace(running.health, committed=1))
    assert "1 turn written since the start" in "\n".join(lines(first))


def test_another_version_of_the_daemon_is_pointed_out():
    assert lines(daemon(version="0.0.9"))[2] == (
        f"version    0.0.9; this command is {__version__}: synrouter down, then synrouter up"
    )


BUDGET = {
    "daily_usd": 10.0,
    "session_usd": 1.0,
    "spent_usd": 8.219,
    "unpriced_turns": 1,
    "limits": ["$8.21 of $10.00 spent today (UTC)", "$1.00 a session"],
    "warnings": ["daily budget: $8.21 of $10.00 spent today (UTC), 82%", "session aaaa11: session budget: …, 90%"],
}


def test_budgets_are_shown_with_what_was_spent_of_them():
    limited = daemon(dataclasses.replace(HEALTH, budget=BUDGET))
    shown = lines(limited)
    assert shown[-4:] == [
        "budget     $8.21 of $10.00 spent today (UTC) · $1.00 a session",
        "           1 turn without a known price, not counted",
        "warning    daily budget: $8.21 of $10.00 spent today (UTC), 82%",
        "           session aaaa11: session budget: …, 90%",
    ]
    assert max(map(len, shown)) <= 80
    assert as_object(limited)["budget"] == BUDGET


def test_a_draining_daemon_shows_what_it_can():
    shown = lines(daemon(health=None, stopping=True))
    assert shown[0] == "synrouter  stopping, pid 4242"
    assert [line.split()[0] for line in shown] == [
        "synrouter",
        "address",
        "version",
        "level",
        "mode",
        "upstreams",
        "keys",
    ]


@pytest.mark.parametrize("changes", [{}, {"health": None}, {"keys": {"anthropic": "SYNROUTER_ANTHROPIC_KEY"}}])
def test_every_line_of_it_fits_80_columns_and_shows_no_token(changes):
    shown = lines(daemon(**changes))
    assert max(map(len, shown)) <= 80
    assert "canary" not in "\n".join(shown)


def test_text_of_the_system_cannot_reach_the_terminal():
    shown = lines(daemon(ledger={"path": "/d/\x1b[2J", "last_error": "a\nb\x07"}))
    assert all(line.isprintable() for line in shown)


def test_the_object_is_json_with_its_version():
    value = json.loads(json.dumps(as_object(daemon())))
    assert value == {
        "schema_version": 1,
        "running": True,
        "stopping": False,
        "url": "http://127.0.0.1:7477",
        "port": 7477,
        "listen": "127.0.0.1",
        "allow_hosts": [],
        "exposed": False,
        "pid": 4242,
        "instance": "ab",
        "version": __version__,
        "cli_version": __version__,
        "uptime_s": 8077.2,
        "in_flight": 3,
        "committed": 1204,
        "ledger": LEDGER,
        "mode": "auto",
        "level": "safe",
        "upstreams": {},
        "keys": {},
        "keyring": "",
        "budget": {},
    }
    assert as_object(daemon(health=None))["in_flight"] is None


def test_nothing_running_is_exit_code_3_and_with_json_an_object_too(capsys):
    assert main(["status"]) == 3
    assert capsys.readouterr() == ("", "synrouter: Synrouter is not running.\n  next: synrouter up\n")
    assert main(["status", "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {"schema_version": 1, "running": False}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m 0s"),
        (61, "1m 1s"),
        (3600, "1h 0m"),
        (8077, "2h 14m"),
        (86_400, "1d 0h"),
        (10**7, "115d 17h"),
    ],
)
def test_durations_have_two_units(seconds, text):
    assert duration(seconds) == text
