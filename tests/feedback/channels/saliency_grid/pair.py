"""Two approvers of one request of squares, who differ."""

from datetime import timedelta

from feedback.decision import Decision
from feedback.publishing import publish
from tests.feedback.channels.saliency_grid.images import make_marks, make_request
from tests.feedback.people import Office, step

ANSWERS = {
    "ada": [make_marks((0, 6), (1, 6)), make_marks((3, 3), name="jet.png")],
    "bob": [make_marks((0, 6)), make_marks(name="tank.png", flags=["skip"])],
    # The author of the request, whose approval is none.
    "eve": [make_marks((3, 3))],
}


def decide_pair(
    order: tuple[str, ...] = ("ada", "bob"), office: Office | None = None, **changes: object
) -> tuple[Office, Decision]:
    """Let both answer a request, of other evidence than usual, and a watcher decide."""
    office = office or Office()
    request = make_request(**changes).model_copy(update={"author": "eve"})
    office.bundle = publish(office.store, request, {})
    for reviewer in order:
        office.now += timedelta(minutes=1)
        signed = office.signed(reviewer, "nonce-0001", responses=ANSWERS[reviewer])
        office.upload(reviewer, "nonce-0001", signed)
    (decision,) = (one for one in step(office).decisions if one.channel == "saliency_grid")
    return office, decision
