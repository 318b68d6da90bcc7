"""Stages: exemplars of concepts for later runs, and what earlier reviews said of these concepts."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict, JsonValue

from feedback.channels.concept_graph import (
    CarriedEdit,
    ClassEvidence,
    GraphEdit,
    GraphEvidence,
    LostEdit,
    read_evidence,
    read_graph_edits,
)
from feedback.closed import ClosedReview
from feedback.errors import ArtifactError
from feedback.policy import Policy
from feedback.publishing import load_bundle, load_file
from models.concept_graph.params import CarryOverParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs
from tasks.channels.concept_graph.segmenting import load_universe
from tasks.classifier import load_classifier
from tasks.earlier import approved_reviews
from tasks.stage import StageResult, Work, stage
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from models.concept_graph.carrying import Twin
    from models.concept_graph.exemplars import Exemplars

CHANNEL = "concept_graph"
EXEMPLARS = "concepts.safetensors"
"""File of the bundle that holds the exemplars of its concepts."""


class EarlierEdit(BaseModel):
    """What the latest approved review of a class said of it.

    Attributes:
        request_id: The review.
        decided_at: When it was closed.
        exemplars: Digest of the bundle's exemplars; empty for a review without any.
        slots: Concepts of the class graph as it was shown.
        candidates: Concepts of the class that were shown.
        edit: The accepted edit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str
    decided_at: datetime
    exemplars: str
    slots: tuple[str, ...]
    candidates: tuple[str, ...]
    edit: GraphEdit


@task(name="keep-exemplars", cache_policy=NO_CACHE)
@stage("keep_exemplars", version=1)
def keep_exemplars(work: Work, *, basis: Basis, concepts: StageResult) -> dict[str, JsonValue]:
    """Keep where concepts are seen in images, so that later runs know what edits of them mean.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank.

    Returns:
        Counts of concepts that have exemplars, and of images; output ``exemplars``.
    """
    from models.concept_graph.exemplar_tensors import pack_exemplars
    from models.concept_graph.exemplars import keep_exemplars as keep

    universe, bank = load_universe(work, basis), load_bank(work, concepts)
    exemplars = keep(universe.images.images, universe.segments, bank)
    work.save_tensors("exemplars", pack_exemplars(exemplars))
    return {"concepts": len(exemplars.concept_ids), "images": len(exemplars.images)}


def earlier_edits(
    workplace: Workplace,
    *,
    classes: Collection[str],
    exemplars: StageResult,
    model: str,
    policies: Collection[Policy],
) -> list[EarlierEdit]:
    """Find what people said of these classes when other concepts were shown.

    Of each class the latest approved review speaks that showed it and was not taken back; what an
    earlier one said, and that one did not repeat, was dropped by people. Reviews of the very
    concepts of now are left out, so that a run made again asks the same.

    Args:
        workplace: Holds the reviews.
        classes: Classes under review.
        exemplars: Exemplars of the concepts of now.
        model: Registered name.
        policies: Rules whose decisions are taken.

    Returns:
        Edits with operations, at most one per class, in the order of their classes' names.
    """
    now, waiting = exemplars.outputs["exemplars"].sha256, set(classes)
    found: list[EarlierEdit] = []
    approved = approved_reviews(workplace.objects, channel=CHANNEL, model=model, policies=policies)
    for review in approved:
        if review.bundle.files.get(EXEMPLARS) == now:
            continue
        shown = {one.class_name: one for one in read_evidence(review.bundle).classes}
        edits = {one.class_name: one for one in read_graph_edits(review.standing.edits)}
        for name in sorted(waiting & set(shown)):
            waiting.remove(name)
            if name in edits and edits[name].ops:
                found.append(_earlier(review, shown[name], edits[name]))
    return sorted(found, key=lambda one: one.edit.class_name)


@task(name="carry-over-edits", cache_policy=NO_CACHE)
@stage("carry_over_edits", version=1)
def carry_over_edits(
    work: Work,
    *,
    basis: Basis,
    concepts: StageResult,
    exemplars: StageResult,
    earlier: list[EarlierEdit],
    params: CarryOverParams,
) -> dict[str, JsonValue]:
    """Match the concepts of earlier reviews to those of now, and rewrite what was said of them.

    The classifier of now sees both, since features of two networks cannot be compared.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank and class graphs.
        exemplars: Exemplars of the concepts of now.
        earlier: Accepted edits, one per class at most.
        params: How alike two concepts must be.

    Returns:
        Counts of edits; outputs ``carried`` and ``lost``, lists by class.

    Raises:
        ArtifactError: If the exemplars of an earlier review are not what a run could have written.
    """
    from models.concept_graph.carrying import carry_edit, concept_similarities, find_twins
    from models.concept_graph.exemplar_embedding import embed_exemplars
    from models.concept_graph.exemplar_tensors import unpack_exemplars

    bank, size = load_bank(work, concepts), basis.training.image_size
    model = load_classifier(work.artifacts, basis.classifier).to(work.device())
    stored = unpack_exemplars(work.load_tensors(exemplars, "exemplars"))
    kept = stored.of_concepts(bank.concept_ids)
    rows = [bank.row(name) for name in kept.concept_ids]
    precision = basis.training.precision
    features = embed_exemplars(model, kept, size, precision=precision)
    slots = {graph.class_name: graph.concepts for graph in load_graphs(work, concepts)}
    carried: dict[str, list[JsonValue]] = {}
    lost: dict[str, list[JsonValue]] = {}
    for done, one in enumerate(earlier):
        name = one.edit.class_name
        class_id = basis.dataset.classes.index(name)
        own = [at for at, row in enumerate(rows) if int(bank.class_ids[row]) == class_id]
        then = _exemplars_then(work, one)
        twins: dict[str, Twin] = {}
        if then.concept_ids and own:
            alike = concept_similarities(
                embed_exemplars(model, then, size, precision=precision),
                features[own],
                features.mean(dim=0),
            )
            own_names = [kept.concept_ids[at] for at in own]
            twins = find_twins(then.concept_ids, own_names, alike, params.min_similarity)
        proposals, dropped = carry_edit(one.edit, one.slots, slots[name], twins)
        carried[name] = [
            CarriedEdit(
                op=proposal.op,
                was=proposal.was,
                request_id=one.request_id,
                decided_at=one.decided_at,
                # The last digits differ among machines, and would make another request of it.
                similarity=round(proposal.similarity, 3),
            ).model_dump(mode="json")
            for proposal in proposals
        ]
        lost[name] = [
            LostEdit(was=item.was, why=item.why, request_id=one.request_id).model_dump(mode="json")
            for item in dropped
        ]
        work.progress(done + 1, len(earlier), name)
    work.save_json("carried", {name: list(edits) for name, edits in carried.items()})
    work.save_json("lost", {name: list(edits) for name, edits in lost.items()})
    return {
        "carried": sum(map(len, carried.values())),
        "lost": sum(map(len, lost.values())),
    }


def with_carried(
    workplace: Workplace, evidence: GraphEvidence, carried: StageResult | None
) -> GraphEvidence:
    """Return the evidence with what ``carry_over_edits`` found; as it is without."""
    if carried is None:
        return evidence
    parts: dict[str, dict[str, JsonValue]] = {}
    for output in ("carried", "lost"):
        value = workplace.artifacts.load_json(carried.outputs[output])
        parts[output] = value if isinstance(value, dict) else {}
    classes: list[JsonValue] = []
    for shown in evidence.classes:
        told = {output: parts[output].get(shown.class_name, []) for output in parts}
        classes.append({**shown.model_dump(mode="json"), **told})
    return GraphEvidence.model_validate(
        {**evidence.model_dump(mode="json"), "classes": classes}, strict=False
    )


def _earlier(review: ClosedReview, shown: ClassEvidence, edit: GraphEdit) -> EarlierEdit:
    return EarlierEdit(
        request_id=review.bundle.request_id,
        decided_at=review.closing.decided_at,
        exemplars=review.bundle.files.get(EXEMPLARS, ""),
        slots=shown.slots,
        candidates=tuple(card.concept_id for card in shown.candidates),
        edit=edit,
    )


def _exemplars_then(work: Work, earlier: EarlierEdit) -> "Exemplars":
    """Return the exemplars of the concepts that were shown of a class, trusting no byte of them."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    from models.concept_graph.exemplar_tensors import unpack_exemplars

    if not earlier.exemplars:
        return unpack_exemplars({})
    store = work.artifacts.objects
    data = load_file(store, load_bundle(store, earlier.request_id), EXEMPLARS)
    try:
        return unpack_exemplars(load(data)).of_concepts(earlier.candidates)
    # Beside its own error, safetensors lets a dtype or shape that torch lacks fall through.
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ArtifactError(
            f"expected exemplars of concepts in {EXEMPLARS} of request {earlier.request_id} "
            f"({error}); find out who published it, and until then run with "
            "--set concept_graph.carry_over.enabled=false"
        ) from error
