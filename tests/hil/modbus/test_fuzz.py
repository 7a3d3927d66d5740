"""Frames changed at random, both ways: nothing wrong is taken, nothing hangs, nothing is left behind."""

import asyncio
import logging

import pytest

from benchmarks.bus_fuzz import fuzz_client, fuzz_server


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.CRITICAL, "asyncio")  # the fuzzer goes on sending to who has hung up


def test_the_client_among_mutated_answers():
    found = asyncio.run(asyncio.wait_for(fuzz_client(3000), 60))
    assert found.mutated >= 3000
    assert (found.wrong, found.left_over) == (0, 0)
    assert found.right > 500  # and it goes on working in between


@pytest.mark.parametrize("rtu", [False, True])
def test_the_server_among_mutated_requests(rtu):
    found = asyncio.run(asyncio.wait_for(fuzz_server(1000, rtu=rtu), 60))
    assert (found.wrong, found.left_over) == (0, 0)
    assert found.right == 100  # two units after every twentieth
