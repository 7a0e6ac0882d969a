"""One holder at a time, and a lock that dies with its holder."""

from __future__ import annotations

import stat

import pytest

from synrouter_cli.daemon import lock
from synrouter_cli.errors import AlreadyRunning


def test_a_lock_is_held_inside_the_block_only(tmp_path):
    path = tmp_path / "lock"
    assert not lock.is_held(path)
    with lock.hold(path):
        assert lock.is_held(path)
    assert not lock.is_held(path)


def test_a_second_holder_is_refused(tmp_path):
    with lock.hold(tmp_path / "lock"), pytest.raises(AlreadyRunning), lock.hold(tmp_path / "lock"):
        raise AssertionError("held twice")


def test_it_is_free_again_after_an_error_inside(tmp_path):
    with pytest.raises(ZeroDivisionError), lock.hold(tmp_path / "lock"):
        _ = 1 / 0
    with lock.hold(tmp_path / "lock"):
        assert lock.is_held(tmp_path / "lock")


def test_asking_makes_no_file(tmp_path):
    assert not lock.is_held(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_0600(tmp_path):
    with lock.hold(tmp_path / "lock"):
        assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
