"""Marks of earlier reviews that act already, and what speaks against going on unseen."""

import pytest

from feedback.answer import Proposal
from feedback.channels.saliency_grid import CarriedReview, proposal_of
from tests.feedback.channels.saliency_grid.images import make_image, make_request
from tests.review_request import NOW


def carried(number: int = 1, **changes: object) -> CarriedReview:
    values = {"request_id": f"old-{number}", "decided_at": NOW, "n_images": 4, "n_marked": 3}
    return CarriedReview.model_validate({**values, **changes})


def proposed(**changes: object) -> Proposal:
    proposal = proposal_of(make_request(**changes))
    assert proposal is not None
    return proposal


def test_marks_need_no_response_and_are_counted_by_image() -> None:
    found = proposed(carried=(carried(2), carried(1), carried(3, n_marked=0)))
    assert (found.edits, found.n_edits, found.sources) == ((), 6, ("old-1", "old-2"))
    assert (found.similarity, found.classes, found.doubts) == (1.0, None, ())


def test_a_request_without_earlier_marks_repeats_nothing() -> None:
    found = proposed()
    assert (found.n_edits, found.similarity, found.sources) == (0, None, ())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"carried": (carried(n_gone=1, n_relabelled=2, n_reshaped=4),)}, "lost: 7"),
        ({"images": (make_image("ship.png", failure="all_zero"),)}, "failed: 1"),
        ({"remark": "deeplift is not possible"}, "deeplift is not possible"),
    ],
)
def test_what_the_channel_knows_against_it_is_a_doubt(
    changes: dict[str, object], told: str
) -> None:
    (doubt,) = proposed(**changes).doubts
    assert told in doubt
