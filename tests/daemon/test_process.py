"""A process is its pid and its start together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from synrouter_cli.daemon.process import create_time, terminate


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_start_time_stays_the_same(sleeper):
    assert create_time(sleeper.pid) == create_time(sleeper.pid) != None  # noqa: E711 - one chain says it all


def test_a_process_that_is_gone_has_none(sleeper):
    sleeper.kill()
    sleeper.wait()
    assert create_time(sleeper.pid) is None


def test_a_name_with_blanks_and_brackets_does_not_hide_the_start_time(tmp_path):
    odd = tmp_path / "a ) b ( 1 2 3"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([str(odd), "60"], executable=str(odd)) as process:
        try:
            ticks = create_time(process.pid).rpartition(":")[2]
            own = create_time(os.getpid()).rpartition(":")[2]
            assert int(ticks) >= int(own)
        finally:
            process.kill()


def test_the_process_that_is_meant_gets_the_signal(sleeper):
    assert terminate(sleeper.pid, create_time(sleeper.pid)) is True
    assert sleeper.wait(10) == -signal.SIGTERM


@pytest.mark.parametrize("born", ["boot:1", "", None])
def test_a_process_started_at_another_time_does_not(sleeper, born):
    assert terminate(sleeper.pid, born) is False
    assert sleeper.poll() is None


@pytest.mark.parametrize("pid", [0, 1, -1, 2**22 + 1])
def test_no_group_no_init_and_nobody_is_signalled(pid):
    assert terminate(pid, "boot:1") is False


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is how the start time is found anyway")
def test_ps_tells_the_start_time_too(sleeper):
    from synrouter_cli.daemon.process import _ps_create_time

    told = _ps_create_time(sleeper.pid)
    if told is None:
        pytest.skip("this system has no ps")
    assert told == _ps_create_time(sleeper.pid)
