"""The bundle that reviewers get, and the simulated reviewer's answer to it."""

import logging
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.bundle import ModelVersion, ReviewBundle
from feedback.canonical import sha256_hex
from feedback.channels.concept_graph import GraphEvidence, pack_evidence, read_evidence
from feedback.document import FeedbackDocument
from feedback.errors import LowAgreementError
from models.concept_graph.params import ReasonerParams, ReviewerParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.carrying import EXEMPLARS, with_carried
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.segmenting import load_universe
from tasks.requests import freeze_request
from tasks.stage import StageResult, Work, stage
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

SIMULATED = "simulated"
"""Reviewer's name under which the simulated reviewer hands in."""


@task(name="build-bundle", cache_policy=NO_CACHE)
def build_review_bundle(
    workplace: Workplace,
    *,
    basis: Basis,
    explanation: StageResult,
    reasoner: ReasonerParams,
    model_name: str,
    run: str,
    exemplars: StageResult | None = None,
    carried: StageResult | None = None,
) -> tuple[ReviewBundle, dict[str, bytes]]:
    """Freeze the evidence of an explanation into a review bundle.

    Args:
        workplace: Holds the artifacts.
        basis: What was computed before.
        explanation: Evidence and pictures.
        reasoner: Smallest agreement at which a review may be published.
        model_name: Registered name of the model.
        run: Run that asks.
        exemplars: Where the concepts are seen, for later runs; None leaves them out.
        carried: What earlier reviews said of these concepts; None for nothing.

    Returns:
        The manifest and the pictures by name.

    Raises:
        LowAgreementError: If the reasoner does not speak for the classifier.
    """
    artifacts = workplace.artifacts
    evidence = GraphEvidence.model_validate(
        artifacts.load_json(explanation.outputs["evidence"]), strict=False
    )
    is_faithful = evidence.agreement >= reasoner.min_agreement
    if not is_faithful and reasoner.publish_anyway:
        logger.warning(
            "the reasoner agrees with the classifier on %.0f%% of unseen images, less than the "
            "%.0f%% that its explanations need to be shown to people; raise "
            "concept_graph.graph.n_concepts or clusters.max_images",
            100 * evidence.agreement,
            100 * reasoner.min_agreement,
        )
    elif not is_faithful:
        raise LowAgreementError(
            "expected the reasoner to agree with the classifier on at least "
            f"{reasoner.min_agreement:.0%} of unseen images (got {evidence.agreement:.0%}), or "
            "its explanations are not the classifier's; raise concept_graph.graph.n_concepts or "
            "clusters.max_images, name classes that the classifier knows better, "
            "or publish all the same with --set concept_graph.reasoner.publish_anyway=true"
        )
    names = artifacts.load_json(explanation.outputs["files"])
    files = {
        str(name): artifacts.load_bytes(explanation.outputs[str(name)])
        for name in (names if isinstance(names, list) else [])
    }
    if exemplars is not None:
        files[EXEMPLARS] = artifacts.load_bytes(exemplars.outputs["exemplars"])
    evidence = with_carried(workplace, evidence, carried)
    shown, items = pack_evidence(evidence, _priorities(evidence))
    return (
        freeze_request(
            channel="concept_graph",
            model=ModelVersion(name=model_name, digest=basis.classifier.outputs["model"].sha256),
            dataset=basis.dataset,
            evidence=shown,
            items=items,
            files=files,
            run=run,
        ),
        files,
    )


def gate_for(reasoner: ReasonerParams, reviewer: str) -> ReasonerParams:
    """Decide who may be shown a reasoner that does not imitate well, where nobody has.

    Args:
        reasoner: Parameters as they were given.
        reviewer: Who is asked.
    """
    if reasoner.publish_anyway is not None:
        return reasoner
    return reasoner.model_copy(update={"publish_anyway": reviewer == "simulated"})


@task(name="measure-object-share", cache_policy=NO_CACHE)
@stage("measure_object_share", version=1)
def measure_object_share(
    work: Work, *, basis: Basis, concepts: StageResult
) -> dict[str, JsonValue]:
    """Measure how much of each concept's exemplars lies on the object, as a person sees.

    Args:
        work: What the stage may touch.
        basis: What was computed before; the dataset's masks are part of it.
        concepts: Concept bank with exemplars.

    Returns:
        Share in [0, 1] by concept id; None where no exemplar has a mask.
    """
    import torch

    from models.concept_graph.object_share import exemplar_object_share

    universe, bank = load_universe(work, basis), load_bank(work, concepts)
    shares: dict[str, JsonValue] = {}
    for concept_id, rows in zip(bank.concept_ids, bank.exemplar_segments.tolist(), strict=True):
        known = [row for row in rows if row >= 0]
        if universe.images.masks is None or not known:
            shares[concept_id] = None
            continue
        segments = torch.stack([universe.segments.mask(row) for row in known])
        images = universe.segments.image_index[torch.tensor(known)]
        shares[concept_id] = exemplar_object_share(segments, universe.images.masks[images])
    return shares


def simulated_answer(
    bundle: ReviewBundle, object_share: "Mapping[str, JsonValue]", params: ReviewerParams
) -> FeedbackDocument:
    """Answer a bundle as the simulated reviewer.

    Args:
        bundle: What was shown.
        object_share: Share of each concept's exemplars on the object.
        params: The reviewer's standards.

    Returns:
        An approval with edits; its nonce follows from the bundle, so answering twice is answering
        once.
    """
    from models.concept_graph.reviewer import simulate_review

    shares = {
        name: float(value) if isinstance(value, int | float) else None
        for name, value in object_share.items()
    }
    review = simulate_review(read_evidence(bundle), shares, params)
    return FeedbackDocument(
        request_id=bundle.request_id,
        bundle_sha256=bundle.digest,
        channel=bundle.channel,
        reviewer=SIMULATED,
        nonce=f"sim-{sha256_hex((bundle.digest + str(params)).encode())[:16]}",
        verdict="approve",
        responses=tuple(edit.model_dump(mode="json") for edit in review.edits),
        comment="\n".join(review.remarks)[:2000],
        created_at=bundle.created_at,
    )


def _priorities(evidence: GraphEvidence) -> dict[str, float]:
    """Ask first about the class that the classifier knows least."""
    return {
        shown.class_name: 1.0 - shown.accuracy if shown.accuracy is not None else 0.5
        for shown in evidence.classes
    }
