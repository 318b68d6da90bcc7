"""Follow-ups of requests, published as a run would publish them."""

from datetime import UTC, datetime

from feedback.bundle import ReviewBundle
from feedback.fields import JsonObject
from feedback.follow_up import FollowUp
from feedback.following import freeze_follow_up
from feedback.publishing import publish
from review.settings import PageSettings
from tests.feedback.channels.saliency_grid.images import DIGESTS
from tests.feedback.memory import MemoryStore
from tests.review.conftest import OPS
from tests.review_request import make_edit

NOW = datetime.now(UTC)
ADA = PageSettings(reviewer="ada")
EDIT = make_edit(
    *(op.model_dump(mode="json", by_alias=True) for op in OPS), comment="see the hull", confidence=4
)
RIGHT = make_edit(class_name="tank")


def follow(
    store: MemoryStore, bundle, files, *proposed: JsonObject, base=None, since=None, **changes
) -> ReviewBundle:
    """Publish a follow-up of a request, against a champion if there is one."""
    values = {
        "number": 1,
        "request_id": bundle.request_id,
        "decision_sha256": "c" * 64,
        "state": "CHANGES_REQUESTED",
        "reason": "changes requested by bob",
        "said": [{"reviewer": "bob", "verdict": "request_changes", "comment": "cut <b>it</b>"}],
        "proposed": proposed,
    }
    follows = FollowUp.model_validate({**values, **changes})
    made = freeze_follow_up(bundle, follows, created_at=NOW, author="eve", run="r")
    return publish(store, made.model_copy(update={"base": base, "since": since}), files)


def marks(name: str, **changes: object) -> JsonObject:
    """Return what is said of an image of the saliency grid."""
    return {
        "type": "saliency_cells", "version": 1, "image": DIGESTS[name], "model_version": "m-3",
        "epoch": 2, "explainer": {"name": "deeplift"}, "grid": {"g": 7, "h": 224, "w": 224},
        "cells": [], "shown": [[0, 6], [1, 6], [3, 3]], "flags": [], **changes,
    }  # fmt: skip
