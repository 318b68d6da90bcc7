from hypothesis import given
from hypothesis import strategies as st

from models.concept_graph.edge_cuts import cut_edges


def complete(n):
    return {(i, j): float(i * n + j) for i in range(n) for j in range(n) if i != j}


def test_two_concepts_keep_the_weaker_of_their_two_edges():
    assert cut_edges({(0, 1): 0.2, (1, 0): 0.5}, frozenset({0}), limit=9) == ((1, 0),)


def test_edges_between_trusted_concepts_stay():
    cuts = cut_edges(complete(4), frozenset({3}), limit=99)
    assert all(3 in edge for edge in cuts)
    assert len(cuts) == 5


@given(
    n=st.integers(2, 6),
    distrusted=st.frozensets(st.integers(0, 5)),
    gone=st.integers(0, 5),
    limit=st.integers(0, 40),
)
def test_every_concept_that_had_an_edge_still_has_one(n, distrusted, gone, limit):
    strength = dict(list(complete(n).items())[gone:])
    cuts = cut_edges(strength, distrusted, limit=limit)
    left = set(strength) - set(cuts)
    assert {slot for edge in left for slot in edge} == {slot for edge in strength for slot in edge}
    assert len(cuts) <= limit
