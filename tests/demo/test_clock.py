"""The demo's clock: fast, shared, and never past midnight into the future."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from synrouter_cli.demo.clock import FastClock

NOON = datetime(2026, 11, 21, 12).timestamp()


def clock_at(wall: float, *, real: list[float], speed: float = 60.0) -> FastClock:
    return FastClock(speed=speed, story_s=1800.0, wall=lambda: wall, monotonic=lambda: real[0])


def test_a_second_is_so_many_seconds():
    real = [5.0]
    clock = clock_at(NOON, real=real)
    began = clock()
    real[0] += 7.0
    assert clock() - began == 420.0


def test_it_meets_the_real_time_when_the_story_is_over():
    real = [0.0]
    clock = clock_at(NOON, real=real)
    assert clock() < NOON
    real[0] = 1800.0 / 60.0
    assert clock() == pytest.approx(NOON + 30.0)


def test_a_story_just_after_midnight_is_all_of_one_day():
    midnight = datetime(2026, 11, 21).timestamp()
    clock = clock_at(midnight + 60, real=[0.0])
    assert clock() == midnight + 60
    later = clock_at(midnight + timedelta(hours=1).total_seconds(), real=[0.0])
    assert midnight < later() < midnight + 3600


async def test_sleeping_takes_the_story_s_time():
    clock = FastClock(speed=10_000.0, story_s=100.0)
    before, began = clock(), time.monotonic()
    await clock.sleep(300.0)
    assert clock() - before >= 300.0
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_clock_that_stands_or_runs_backwards_is_refused(speed: float):
    with pytest.raises(ValueError, match="above 0"):
        FastClock(speed=speed, story_s=1.0)
