"""The bundle that reviewers of squares get, and the simulated reviewer's answer to it."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.bundle import ModelVersion, ReviewBundle
from feedback.canonical import sha256_hex
from feedback.channels.saliency_grid import (
    CellMarks,
    MarkedCell,
    SaliencyEvidence,
    answer_on,
    pack_evidence,
    read_evidence,
)
from feedback.document import FeedbackDocument
from models.saliency_grid.params import ReviewerParams
from tasks.channels.saliency_grid.basis import Basis, first_rows, load_fitted
from tasks.requests import freeze_request
from tasks.stage import StageResult, Work, stage
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Mapping

SIMULATED = "simulated"
"""Reviewer's name under which the simulated reviewer hands in."""


@task(name="build-bundle", cache_policy=NO_CACHE)
def build_review_bundle(
    workplace: Workplace,
    *,
    basis: Basis,
    explained: StageResult,
    model_name: str,
    run: str,
    round: int,
) -> tuple[ReviewBundle, dict[str, bytes]]:
    """Freeze explained images into a review bundle.

    Args:
        workplace: Holds the artifacts.
        basis: What was computed before.
        explained: Evidence and pictures.
        model_name: Registered name of the model.
        run: Run that asks.
        round: How often it has asked, from 1.

    Returns:
        The manifest and the pictures by name.
    """
    artifacts = workplace.artifacts
    evidence = SaliencyEvidence.model_validate(
        artifacts.load_json(explained.outputs["evidence"]), strict=False
    )
    priorities = artifacts.load_json(explained.outputs["priorities"])
    files = {
        str(name): artifacts.load_bytes(explained.outputs[str(name)])
        for name in artifacts.load_list(explained.outputs["files"])
    }
    shown, items = pack_evidence(
        evidence,
        {name: float(str(value)) for name, value in priorities.items()}
        if isinstance(priorities, dict)
        else {},
    )
    return (
        freeze_request(
            channel="saliency_grid",
            # The evidence names the network in the middle of its training; the request stays good
            # when the same training without marks becomes the first champion.
            model=ModelVersion(name=model_name, digest=basis.classifier.outputs["model"].sha256),
            dataset=basis.dataset,
            evidence=shown,
            items=items,
            files=files,
            run=run,
            round=round,
        ),
        files,
    )


@task(name="measure-object-cells", cache_policy=NO_CACHE)
@stage("measure_object_cells", version=1)
def measure_object_cells(
    work: Work, *, basis: Basis, explained: StageResult, cells: int
) -> dict[str, JsonValue]:
    """Measure how much of each cell lies on the object, as a person sees.

    Args:
        work: What the stage may touch.
        basis: What was computed before; the dataset's masks are part of it.
        explained: The images that are shown.
        cells: Cells per side.

    Returns:
        ``shares``: share in [0, 1] by image, row and column; None for an image without a mask.
    """
    from models.saliency_grid.suspicion import object_shares

    images, digests = load_fitted(work, basis)
    row_of = first_rows(digests)
    shares: dict[str, JsonValue] = {}
    for digest in _shown(work.load_json(explained, "evidence")):
        found = None
        if images.masks is not None:
            own = object_shares(images.masks[row_of[digest]][None], cells)[0]
            found = None if bool(own.isnan().any()) else own.tolist()
        shares[digest] = found
    return {"shares": shares}


def simulated_answer(
    bundle: ReviewBundle, shares: "Mapping[str, JsonValue]", params: ReviewerParams
) -> FeedbackDocument:
    """Answer a bundle as the simulated reviewer: squares that lie outside the object are marked.

    Args:
        bundle: What was shown.
        shares: How much of each cell is object, by image; None for one without a mask, on which
            nothing is marked.
        params: The reviewer's standards.

    Returns:
        An approval with marks; its nonce follows from the bundle, so answering twice is answering
        once.
    """
    import torch

    from models.saliency_grid.reviewer import simulated_weights

    evidence = read_evidence(bundle)
    answers: list[CellMarks] = []
    for shown in evidence.images:
        share = shares.get(shown.image)
        if share is None or shown.failure in ("all_zero", "not_finite"):
            continue
        positions = torch.tensor([(cell.r, cell.c) for cell in shown.shown])
        weights = simulated_weights(
            positions[None],
            torch.tensor(share, dtype=torch.float32)[None],
            params,
            allow_important=evidence.allow_important,
        )[0]
        answers.append(
            answer_on(
                evidence,
                shown,
                (
                    MarkedCell(r=r, c=c, w=w)
                    for (r, c), w in zip(positions.tolist(), weights.tolist(), strict=True)
                    if w
                ),
            )
        )
    marked = sum(len(answer.cells) for answer in answers)
    return FeedbackDocument(
        request_id=bundle.request_id,
        bundle_sha256=bundle.digest,
        channel=bundle.channel,
        reviewer=SIMULATED,
        nonce=f"sim-{sha256_hex((bundle.digest + str(params)).encode())[:16]}",
        verdict="approve",
        responses=tuple(answer.model_dump(mode="json") for answer in answers),
        comment=f"{marked} squares outside the object on {len(answers)} images",
        created_at=bundle.created_at,
    )


def _shown(evidence: JsonValue) -> list[str]:
    images = evidence.get("images") if isinstance(evidence, dict) else []
    return [
        str(one["image"])
        for one in (images if isinstance(images, list) else [])
        if isinstance(one, dict)
    ]
