import asyncio
import time

import pytest

from hil.clock import LockStepClock, RealClock, ScaledClock, Ticker


def within(seconds, coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, seconds))


def test_scaled_time_runs_faster_and_two_clocks_agree():
    origin = time.time() - 3.0
    a, b = ScaledClock(1e9, 50.0, origin), ScaledClock(1e9, 50.0, origin)
    assert a.time() == pytest.approx(1e9 + 150.0, abs=5.0)
    assert abs(a.time() - b.time()) < 0.5

    async def main():
        deadline = a.time() + 5.0
        begun = time.monotonic()
        await a.sleep_until(deadline)
        assert time.monotonic() - begun >= 0.08  # 5 s at fifty times the speed; a busy machine may take longer
        assert a.time() >= deadline - 0.1

    within(5, main())


def test_the_real_clock_is_the_wall_clock():
    assert RealClock().time() == pytest.approx(time.time(), abs=0.1)


def test_speed_and_interval_must_be_positive():
    with pytest.raises(ValueError, match="speed must be positive"):
        ScaledClock(0.0, 0.0)
    with pytest.raises(ValueError, match="interval must be positive"):
        Ticker(LockStepClock(), 0.0)


class Jumpy:
    """A clock that the test moves between ticks; waiting takes it to the deadline."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        return self.now

    async def sleep_until(self, deadline):
        self.now = max(self.now, deadline)


def test_deadlines_are_absolute():
    async def main():
        clock = Jumpy()
        ticker = Ticker(clock, 10.0)
        dues = []
        for _ in range(5):
            dues.append(await ticker.tick())
            clock.now += 4.0  # work
        assert dues == [0.0, 10.0, 20.0, 30.0, 40.0]
        assert ticker.overruns == 0

    within(5, main())


@pytest.mark.parametrize(("skip", "expected"), [(True, [0.0, 30.0, 40.0]), (False, [0.0, 10.0, 20.0])])
def test_an_overrun_is_counted_and_skipped_or_caught_up(skip, expected):
    async def main():
        clock = Jumpy()
        ticker = Ticker(clock, 10.0, skip=skip)
        dues = [await ticker.tick()]
        clock.now = 37.0
        dues += [await ticker.tick(), await ticker.tick()]
        assert dues == expected
        assert ticker.overruns >= 1
        assert ticker.latest >= 7.0

    within(5, main())


def test_lock_step_wakes_in_order_of_deadlines():
    async def main():
        clock = LockStepClock(100.0)
        log = []

        async def sleeper(name, *deadlines):
            for deadline in deadlines:
                await clock.sleep_until(deadline)
                log.append((name, clock.time()))

        tasks = [asyncio.create_task(sleeper("a", 110.0, 130.0)), asyncio.create_task(sleeper("b", 105.0, 120.0))]
        await asyncio.sleep(0)
        await clock.advance(20.0)
        assert log == [("b", 105.0), ("a", 110.0), ("b", 120.0)]
        assert clock.time() == 120.0
        await clock.advance(20.0)
        assert log[-1] == ("a", 130.0)
        await asyncio.gather(*tasks)

    within(5, main())


def test_a_clock_that_is_set_back_does_not_stop_a_loop():
    async def main():
        clock = Jumpy()
        ticker = Ticker(clock, 10.0)
        dues = [await ticker.tick(), await ticker.tick()]
        clock.now += 4.0 - 3600.0
        dues += [await ticker.tick(), await ticker.tick()]
        assert dues == [0.0, 10.0, -3586.0, -3576.0]
        assert ticker.overruns == 0

    within(5, main())
