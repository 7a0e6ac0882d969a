"""What is written for systemd and launchd, read by what they say of their formats."""

from __future__ import annotations

import plistlib
import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.service_units import (
    Service,
    is_as_made,
    kept_environment,
    launchd_list,
    program_of,
    systemd_unit,
)

WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=20)


def words_of(value: str) -> list[str]:
    """A value's words, by systemd.syntax(7) and systemd.unit(5): quotes, C escapes, "%%"."""
    found = []
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', value):
        plain = re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), quoted)
        assert "%" not in plain.replace("%%", "")
        found.append(re.sub(r"\\(.)", r"\1", plain, flags=re.DOTALL).replace("%%", "%"))
    return found


def lines_of(unit: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)


@given(st.lists(WORDS.filter(lambda word: not re.search(r"\\x|[\x7f-\x9f\u2028\u2029]", word)), min_size=1, max_size=5))
def test_every_word_arrives(words):
    unit = systemd_unit(Service(tuple(words), {"NAME": words[-1]}, 45))
    assert len(unit.split("\n")) == 20, "a line end in a word begins no line"
    [command] = lines_of(unit, "ExecStart")
    assert command[0] == ":" and words_of(command[1:]) == words, "`:` leaves variables alone"
    assert words_of(lines_of(unit, "Environment")[0]) == [f"NAME={words[-1]}"]
    assert plistlib.loads(launchd_list(Service(("a", "b c"), {}, 45), "/log"))["ProgramArguments"] == ["a", "b c"]


@given(WORDS.filter(lambda word: word.isprintable()))
def test_what_it_starts_is_known_again(program):
    service = Service((program, "up"), {}, 45)
    assert program_of(systemd_unit(service).encode()) == program
    assert program_of(launchd_list(Service(("/a b/python", "up"), {}, 45), "/log")) == "/a b/python"


def test_an_edited_unit_is_not_as_it_was_made():
    unit = systemd_unit(Service(("/usr/bin/python3",), {"A": "b"}, 45))
    assert is_as_made(unit)
    for edited in (unit.replace("45", "90"), unit + "\n", unit.split("\n", 1)[1], "", "[Unit]\n"):
        assert not is_as_made(edited)
    assert program_of(b"[Unit]\n") is None and program_of(b"<?xml damaged") is None


def test_a_service_starts_again_where_that_may_help_and_gets_time_to_drain():
    unit = systemd_unit(Service(("/usr/bin/python3",), {}, 75))
    assert lines_of(unit, "Restart") == ["on-failure"], "a stop that was asked for is no failure"
    assert lines_of(unit, "RestartPreventExitStatus") == ["2 4 5"]
    assert lines_of(unit, "TimeoutStopSec") == ["75"]
    assert shlex.split(lines_of(unit, "WantedBy")[0]) == ["default.target"]
    agent = plistlib.loads(launchd_list(Service(("a",), {"B": "c"}, 75), "/log"))
    assert agent["KeepAlive"] == {"SuccessfulExit": False} and agent["RunAtLoad"] is True
    assert (agent["ExitTimeOut"], agent["EnvironmentVariables"]) == (75, {"B": "c"})


@pytest.mark.parametrize(
    ("environ", "kept", "withheld"),
    [
        ({"SYNROUTER_HOME": "/h", "HOME": "/root", "TERM": "xterm"}, {"SYNROUTER_HOME": "/h"}, []),
        ({"SYNROUTER_ANTHROPIC_KEY": "sk-ant-x", "SYNROUTER_PORT": "1"}, {"SYNROUTER_PORT": "1"}, ["SYNROUTER_ANTHROPIC_KEY"]),
        ({"SYNROUTER_XAI_KEY": "", "no_proxy": "localhost"}, {"no_proxy": "localhost"}, []),
        ({"HTTPS_PROXY": "http://me:secret@proxy:1", "HTTP_PROXY": "http://proxy:1"}, {"HTTP_PROXY": "http://proxy:1"}, ["HTTPS_PROXY"]),
        ({"XDG_DATA_HOME": "/data", "SSL_CERT_FILE": "/ca.pem"}, {"XDG_DATA_HOME": "/data", "SSL_CERT_FILE": "/ca.pem"}, []),
    ],
)  # fmt: skip
def test_what_a_login_would_not_have_is_written_and_secrets_are_not(environ, kept, withheld):
    assert kept_environment(environ) == (kept, withheld)
