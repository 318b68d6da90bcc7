"""A tiny run that asks in two rounds of its training, and a person who marks the squares."""

from feedback.channels.saliency_grid import MarkedCell, answer_on, read_evidence
from feedback.exchange import list_requests
from feedback.publishing import load_bundle
from feedback.states import ReviewState
from feedback.store import open_store
from tasks.handing_in import hand_in
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.review_request import make_answer

# Ten epochs from the first round to the second, so that one of them is met.
FIRST, BETWEEN = 1, 10
ASKED = {
    "channel": "saliency_grid",
    "training__epochs": "12",
    "promotion__min_images": "4",
    "review__reviewer": "inbox",
    "saliency_grid__grid__cells": "8",
    "saliency_grid__sampling__first_epoch": str(FIRST),
    "saliency_grid__sampling__every": str(BETWEEN),
    "saliency_grid__sampling__rounds": "2",
    "saliency_grid__sampling__n_images": "3",
    "saliency_grid__seeds": "1",
}


def requests(home, state=None):
    return list_requests(open_store(f"file://{home / 'store'}"), state)


def answer(home):
    """Mark the best square of each image of the open request, as a person at another desk does."""
    workplace = open_workplace(Settings(home=home))
    (request,) = requests(home, ReviewState.OPEN)
    bundle = load_bundle(workplace.objects, request.request_id)
    evidence = read_evidence(bundle)
    marks = [
        answer_on(evidence, one, [MarkedCell(r=one.shown[0].r, c=one.shown[0].c)]).model_dump(
            mode="json"
        )
        for one in evidence.images
    ]
    hand_in(workplace.objects, request.request_id, make_answer(bundle, responses=marks))
