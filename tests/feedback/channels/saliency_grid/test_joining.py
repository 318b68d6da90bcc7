"""Two approvers of one request of squares: one decision, whoever came first, that proves itself."""

import pytest

from feedback.channels.saliency_grid import edit_of, join_edits, read_marks
from feedback.errors import DigestMismatchError
from feedback.exchange import load_decision
from feedback.layout import decision_key
from feedback.states import ReviewState
from tests.feedback.channels.saliency_grid.images import DIGESTS, make_marks
from tests.feedback.channels.saliency_grid.pair import decide_pair


@pytest.mark.parametrize("order", [("ada", "bob"), ("bob", "ada")])
def test_marks_that_differ_are_joined_and_the_decision_is_verified(order: tuple[str, ...]) -> None:
    office, decision = decide_pair(order)
    assert (decision.state, decision.conflicts) == (ReviewState.APPROVED, ())
    found = {marks.image: marks for marks in read_marks(decision.edits)}
    weights = {(cell.r, cell.c): cell.w for cell in found[DIGESTS["ship.png"]].cells}
    assert weights == {(0, 6): 1.0, (1, 6): 0.5}
    assert len(found[DIGESTS["jet.png"]].cells) == 1
    # Derived again from what it holds, with the reviewers' own documents.
    assert load_decision(office.store, office.bundle.request_id) == decision


def test_the_order_of_arrival_changes_nothing_of_what_goes_on() -> None:
    assert decide_pair(("ada", "bob"))[1].edits == decide_pair(("bob", "ada"))[1].edits


def test_however_long_they_looked_their_marks_are_joined() -> None:
    # Each may name so long a time, and nobody's answer may keep a request from being decided.
    answers = [make_marks((0, 6), seconds_spent=9e6), make_marks((1, 6), seconds_spent=9e6)]
    (joined,) = read_marks([join_edits([edit_of(one) for one in answers]).response])
    assert (joined.seconds_spent, len(joined.cells)) == (1e7, 2)


def test_a_decision_from_before_marks_were_joined_stays_verified() -> None:
    office, decision = decide_pair()
    key = decision_key(office.bundle.request_id, 1)
    left = tuple(one for one in decision.edits if one["image"] != DIGESTS["ship.png"])
    partial = {"state": ReviewState.PARTIAL, "conflicts": (DIGESTS["ship.png"],)}
    before = decision.model_copy(update={**partial, "agreed": left})
    office.store.put(key, before.to_json())
    assert load_decision(office.store, office.bundle.request_id) == before
    # But nothing is approved that way.
    office.store.put(key, decision.model_copy(update={"agreed": left}).to_json())
    with pytest.raises(DigestMismatchError, match="a state that its responses do not give"):
        load_decision(office.store, office.bundle.request_id)
