"""Links in a row, found in any network: every link once, ends that stay, rings."""

from hypothesis import given
from hypothesis import strategies as st

from plant_models.network.chains import chains

pairs = st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1])
links = st.lists(pairs, min_size=1, max_size=25)


@given(ends=links, passed=st.sets(st.integers(0, 9)))
def test_every_link_is_in_one_chain_and_chains_hold_together(ends, passed):
    found = chains(ends, passed)
    assert sorted(link for chain in found for link in chain.links) == list(range(len(ends)))
    degree = {node: sum(node in pair for pair in ends) for node in range(10)}
    over = [node for chain in found for node in chain.nodes[1:-1]]
    assert len(over) == len(set(over))
    for chain in found:
        assert chain.nodes[0] != chain.nodes[-1]
        for link, sign, a, b in zip(chain.links, chain.signs, chain.nodes[:-1], chain.nodes[1:], strict=True):
            assert ends[link] == ((a, b) if sign > 0 else (b, a))
    assert all(node in passed and degree[node] == 2 for node in over)


def test_a_branch_becomes_one():
    (chain,) = chains([(0, 1), (2, 1), (2, 3)], {1, 2})
    assert (chain.links, chain.signs, chain.nodes) in (
        ((0, 1, 2), (1, -1, 1), (0, 1, 2, 3)),
        ((2, 1, 0), (-1, 1, -1), (3, 2, 1, 0)),
    )


def test_a_ring_alone_keeps_two_nodes():
    assert len(chains([(0, 1), (1, 2), (2, 0)], {0, 1, 2})) == 2
