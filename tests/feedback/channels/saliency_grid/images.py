"""A small review request of the saliency-grid channel, and answers to it."""

from feedback.bundle import DatasetVersion, ModelVersion, ReviewBundle, build_bundle
from feedback.channels.saliency_grid import (
    ExplainerUsed,
    Grid,
    ImageEvidence,
    SaliencyEvidence,
    ShownCell,
    pack_evidence,
)
from feedback.fields import JsonObject
from tests.review_request import NOW, make_answer

DIGESTS = {"ship.png": "a" * 64, "tank.png": "b" * 64, "jet.png": "c" * 64}
SHOWN = [[0, 6], [1, 6], [3, 3]]


def make_image(name: str, **changes: object) -> ImageEvidence:
    values: dict[str, object] = {
        "image": DIGESTS[name],
        "name": name,
        "file": f"images/{name}",
        "overlay": f"overlays/{name}",
        "true_class": "ship",
        "predicted_class": "tank",
        "explained_class": "tank",
        "probabilities": (0.4, 0.6),
        "entropy": 0.67,
        "shown": tuple(ShownCell(r=r, c=c, score=0.5) for r, c in SHOWN),
        "completeness_error": 0.001,
    }
    return ImageEvidence.model_validate({**values, **changes})


def make_evidence(**changes: object) -> SaliencyEvidence:
    values: dict[str, object] = {
        "model_version": "m-3",
        "epoch": 2,
        "explainer": ExplainerUsed(name="deeplift"),
        "grid": Grid(g=7, h=224, w=224),
        "strategy": "entropy_of_wrong",
        "n_candidates": 40,
        "images": tuple(make_image(name) for name in DIGESTS),
    }
    return SaliencyEvidence.model_validate({**values, **changes})


def make_request(**changes: object) -> ReviewBundle:
    evidence, items = pack_evidence(make_evidence(**changes), {DIGESTS["tank.png"]: 1.5})
    return build_bundle(
        channel="saliency_grid",
        model=ModelVersion(name="resnet18", digest="d" * 64),
        dataset=DatasetVersion(md5="0" * 32, classes=("ship", "tank")),
        evidence=evidence,
        items=items,
        created_at=NOW,
    )


def make_marks(*cells: tuple[float, ...], name: str = "ship.png", **changes: object) -> JsonObject:
    """Mark cells given as (row, column) or (row, column, weight)."""
    marks: dict[str, object] = {
        "type": "saliency_cells",
        "version": 1,
        "image": DIGESTS.get(name, "f" * 64),
        "model_version": "m-3",
        "epoch": 2,
        "explainer": {"name": "deeplift", "baseline": "zero", "target": "predicted"},
        "grid": {"g": 7, "h": 224, "w": 224},
        "cells": [
            {"r": cell[0], "c": cell[1], **({"w": cell[2]} if cell[2:] else {})} for cell in cells
        ],
        "shown": SHOWN,
        "flags": [],
    }
    return {**marks, **changes}  # type: ignore[dict-item]


def make_upload(bundle: ReviewBundle, *responses: JsonObject, **changes: object) -> bytes:
    return make_answer(bundle, responses=list(responses), **changes)
