"""What a response of concept graphs edits, and how much."""

from feedback.channels.concept_graph import edit_of
from tests.review_request import CUT, make_edit


def test_each_operation_is_an_edit_and_a_graph_that_is_right_is_none() -> None:
    added = {"op": "add_edge", "src": 2, "dst": 1}
    assert [edit_of(make_edit(*ops)).n_edits for ops in ((CUT, added), (CUT,), ())] == [2, 1, 0]
