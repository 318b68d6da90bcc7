"""No rule approves marks on squares, whatever was carried over."""

from dataclasses import replace

from feedback.answer import GateRequest
from feedback.channels.saliency_grid import CarriedReview
from feedback.low_risk import risks_of
from feedback.proposing import with_proposal
from tests.feedback.channels.saliency_grid.images import make_request
from tests.feedback.ruled import BASE, POLICY, SINCE
from tests.review_request import NOW


def test_marks_that_are_carried_over_are_nothing_that_a_rule_may_approve() -> None:
    carried = CarriedReview(request_id="old-1", decided_at=NOW, n_images=4, n_marked=3)
    bundle = make_request(carried=(carried,)).model_copy(update={"author": "eve", "base": BASE})
    asked = replace(with_proposal(GateRequest.of(bundle), bundle), since=SINCE)
    assert POLICY.auto_approve is not None
    (risk,) = risks_of(asked, POLICY.auto_approve)
    assert "what the request repeats" in risk
