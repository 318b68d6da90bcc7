"""Images matched to class graphs, by the gate and slack of the reasoner that they are for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.segmenting import Universe
from tasks.classifier import load_classifier
from tasks.stage import StageResult, Work

if TYPE_CHECKING:
    from torch import Tensor

    from models.concept_graph.bank import ConceptBank
    from models.concept_graph.graph import ClassGraph, ImageGraphs
    from models.concept_graph.segment_set import SegmentSet

Purpose = Literal["explanation", "correction"]
"""Whether the reasoner imitates the classifier, or learns from the labels to teach a student."""


def match_universe(
    work: Work,
    universe: Universe,
    concepts: StageResult,
    graphs: "Sequence[ClassGraph]",
    params: ConceptGraphParams,
    purpose: Purpose,
    rows: "Tensor | None" = None,
) -> "ImageGraphs":
    """Match images of the universe by the embeddings that were made when concepts were mined.

    Args:
        work: What the stage may touch.
        universe: The images.
        concepts: Concept bank and embeddings.
        graphs: The n class graphs.
        params: Gate and slack.
        purpose: Which gate and slack.
        rows: Images to match (B,), int64; None takes all.

    Returns:
        Graphs of B images.
    """
    stored = work.load_tensors(concepts, "embeddings")
    embeddings, coverage, segments = (
        stored["embeddings"],
        stored["gate_coverage"],
        universe.segments,
    )
    if rows is not None:
        own = segments.rows_of_images(rows)
        embeddings, coverage, segments = embeddings[own], coverage[own], segments.of_images(rows)
    n_images = len(universe.images) if rows is None else len(rows)
    bank = load_bank(work, concepts)
    return _match(work, embeddings, coverage, segments, n_images, graphs, bank, params, purpose)


def match_pixels(
    work: Work,
    basis: Basis,
    concepts: StageResult,
    images: "Tensor",
    gated_by: "Tensor",
    segments: "SegmentSet",
    graphs: "Sequence[ClassGraph]",
    params: ConceptGraphParams,
    purpose: Purpose,
) -> "ImageGraphs":
    """Embed images that concepts were not mined from, and match them.

    Args:
        work: What the stage may touch.
        basis: Holds the classifier, whose features are used.
        concepts: Concept bank.
        images: Pixels in [0, 1] (B, 3, H, W).
        gated_by: Class whose Grad-CAM gates each image (B,), int64.
        segments: Their segments.
        graphs: The n class graphs.
        params: Embedding, gate and slack.
        purpose: Which gate and slack.

    Returns:
        Graphs of B images.
    """
    from models.concept_graph.gated_embedding import embed_with_gate

    model = load_classifier(work.artifacts, basis.classifier).to(work.device())
    made = embed_with_gate(
        model,
        images,
        gated_by,
        segments,
        params.gate,
        params.clusters,
        precision=basis.training.precision,
    )
    bank = load_bank(work, concepts)
    return _match(
        work,
        made.embeddings,
        made.gate_coverage,
        segments,
        len(images),
        graphs,
        bank,
        params,
        purpose,
    )


def _match(
    work: Work,
    embeddings: "Tensor",
    coverage: "Tensor",
    segments: "SegmentSet",
    n_images: int,
    graphs: "Sequence[ClassGraph]",
    bank: "ConceptBank",
    params: ConceptGraphParams,
    purpose: Purpose,
) -> "ImageGraphs":
    """Return the graphs of some images, matched on the stage's device and kept on the CPU."""
    from models.concept_graph.matching import match_images

    gated, slack = {
        "explanation": (params.gate.explanation, params.graph.explanation_slack),
        "correction": (params.gate.correction, params.graph.correction_slack),
    }[purpose]
    allowed = coverage >= params.gate.coverage if gated else None
    return match_images(
        embeddings.to(work.device()),
        segments.image_index,
        segments.centroid,
        n_images,
        graphs,
        bank,
        allowed,
        slack,
    ).to("cpu")
