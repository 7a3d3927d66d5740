import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.operation.arbiter import Arbiter, Claim, Rank

SIGNALS = ("pump.y", "cooler.T_set")
claims = st.builds(
    Claim, st.sampled_from(SIGNALS), st.floats(-1e6, 1e6), st.sampled_from(Rank), st.just("who"), st.just(""),
    st.one_of(st.just(math.inf), st.floats(0.0, 100.0)),
)  # fmt: skip


@given(st.lists(claims, max_size=30), st.floats(0.0, 100.0))
def test_the_highest_rank_that_is_not_over_wins_always(entered, now):
    arbiter = Arbiter()
    last = {}
    for claim in entered:
        arbiter.claim(claim)
        last[claim.signal, claim.rank] = claim
    won = arbiter.resolve(now)
    for signal in SIGNALS:
        live = [c for (s, _), c in last.items() if s == signal and now < c.until]
        if live:
            assert won[signal].rank == max(c.rank for c in live)
            assert won[signal] is last[signal, won[signal].rank]
        else:
            assert signal not in won


@given(st.lists(claims, min_size=1, max_size=30), st.sampled_from(Rank))
def test_what_is_withdrawn_never_wins(entered, rank):
    arbiter = Arbiter()
    for claim in entered:
        arbiter.claim(claim)
    arbiter.withdraw(rank)
    assert rank not in {claim.rank for claim in arbiter.resolve(0.0).values()}
    below = arbiter.resolve(0.0, below=rank)
    assert all(claim.rank < rank for claim in below.values())


def test_the_order_of_ranks_is_the_one_of_trusted_systems():
    assert sorted(Rank, reverse=True) == [
        Rank.INTERLOCK, Rank.MANUAL, Rank.FALLBACK, Rank.CONTROLLER, Rank.DEFAULT
    ]  # fmt: skip


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_claim_of_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"mpc claims pump\.y"):
        Claim("pump.y", value, Rank.CONTROLLER, "mpc")


def test_replacing_a_rank_takes_only_that_rank():
    arbiter = Arbiter()
    arbiter.replace(Rank.MANUAL, [Claim("pump.y", 0.5, Rank.MANUAL, "anna")])
    arbiter.replace(Rank.MANUAL, [Claim("cooler.T_set", 300.0, Rank.MANUAL, "anna")])
    assert set(arbiter.resolve(0.0)) == {"cooler.T_set"}
    with pytest.raises(ValueError, match="rank controller among those of rank manual"):
        arbiter.replace(Rank.MANUAL, [Claim("pump.y", 0.5, Rank.CONTROLLER, "mpc")])
