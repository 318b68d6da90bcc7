"""A tiny run that asks in two rounds of its training, and a person who marks the squares."""

import json
from collections import Counter

from pydantic import JsonValue

from feedback.bundle import ReviewBundle
from feedback.channels.saliency_grid import MarkedCell, answer_on, read_evidence, read_marks
from feedback.exchange import list_requests
from feedback.objects import ObjectStore
from feedback.publishing import load_bundle
from feedback.recording import load_decisions
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


def answer(home, request_id=None):
    """Mark the best square of each image of a request, as a person at another desk does.

    Args:
        home: Folder of the run's state.
        request_id: The request; None is the only one that is open.
    """
    workplace = open_workplace(Settings(home=home))
    if request_id is None:
        (request,) = requests(home, ReviewState.OPEN)
        request_id = request.request_id
    bundle = load_bundle(workplace.objects, request_id)
    hand_in(workplace.objects, request_id, make_answer(bundle, responses=marks_on(bundle)))


def marks_on(bundle: ReviewBundle) -> list[dict[str, JsonValue]]:
    """Return answers that mark the best square of each image of a request."""
    evidence = read_evidence(bundle)
    return [
        answer_on(evidence, one, [MarkedCell(r=one.shown[0].r, c=one.shown[0].c)]).model_dump(
            mode="json"
        )
        for one in evidence.images
    ]


def lost_marks(store: ObjectStore) -> list[str]:
    """Find runs that learned from fewer or more clicks than their approved requests hold.

    Args:
        store: Where requests, decisions and reports lie.
    """
    approved: Counter[str] = Counter()
    for request in list_requests(store):
        bundle = load_bundle(store, request.request_id)
        decisions = load_decisions(store, request.request_id)
        if bundle.channel == "saliency_grid" and bundle.run and decisions:
            # Of those who answer one alone marks anything: what was joined is what was clicked.
            edits = decisions[0].edits if decisions[0].is_approved else ()
            approved[bundle.run] += sum(len(one.cells) for one in read_marks(edits))
    wrong = []
    for run, clicks in approved.items():
        key = f"runs/{run}/report.json"
        measured = json.loads(store.get(key)).get("measured", {}) if store.exists(key) else {}
        if "clicks" in measured and measured["clicks"] != clicks:
            wrong.append(f"{run} learned from {measured['clicks']} clicks of {clicks}")
    return wrong
