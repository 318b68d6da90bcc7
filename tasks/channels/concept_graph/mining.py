"""Stages: concepts of the classes under review, scored, and the first class graphs.

Segments of all classes are embedded at once, one pass per image; then each class is mined by
itself, so that classes can be mined at the same time.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.errors import NoConceptsFoundError
from models.concept_graph.params import (
    ClusterParams,
    ConceptGraphParams,
    GateParams,
    GraphParams,
)
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.segmenting import Universe, load_universe, universe_logits
from tasks.classifier import load_classifier
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

    from models.concept_graph.bank import ConceptBank

MAX_RANDOM_SEGMENTS = 2000
"""Segments of any image from which TCAV's random sets are drawn; twenty sets of fifty, twice
over."""


@task(name="embed-segments", cache_policy=NO_CACHE)
@stage("embed_segments", version=1)
def embed_segments(
    work: Work, *, basis: Basis, gate: GateParams, clusters: ClusterParams
) -> dict[str, JsonValue]:
    """Embed all segments by one forward and one backward of each image.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        gate: What counts as on the object.
        clusters: How segments are embedded.

    Returns:
        Number of segments; outputs ``embeddings`` and ``gradients``.
    """
    from models.concept_graph.gated_embedding import embed_with_gate

    universe = load_universe(work, basis)
    model = load_classifier(work.artifacts, basis.classifier).to(work.device())
    embedded = embed_with_gate(
        model,
        universe.images.images,
        gate_classes(universe, universe_logits(work, basis, universe)),
        universe.segments,
        gate,
        clusters,
        precision=basis.training.precision,
    )
    work.save_tensors(
        "embeddings",
        {"embeddings": embedded.embeddings.cpu(), "gate_coverage": embedded.gate_coverage.cpu()},
    )
    work.save_tensors("gradients", {"class_gradients": embedded.class_gradients.cpu()})
    return {"segments": len(universe.segments)}


@task(name="mine-class", cache_policy=NO_CACHE)
@stage("mine_class", version=1)
def mine_class(
    work: Work,
    *,
    basis: Basis,
    embedded: StageResult,
    class_id: int,
    params: ConceptGraphParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Cluster the segments of one class and score the clusters.

    Images carved out for validation take no part.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        embedded: Embeddings of all segments.
        class_id: The class.
        params: Gate, clusters, TCAV and what concepts are ranked by.
        seed: Seed of image choice, k-means and random sets.

    Returns:
        Number of concepts; outputs ``bank`` and ``bank_names``.
    """
    bank = _mine_class(work, basis, embedded, class_id, params, seed)
    _save_bank(work, bank)
    return {"concepts": len(bank)}


@task(name="choose-concepts", cache_policy=NO_CACHE)
@stage("choose_concepts", version=1)
def choose_concepts(
    work: Work,
    *,
    basis: Basis,
    embedded: StageResult,
    mined: Sequence[StageResult],
    n_concepts: int,
) -> dict[str, JsonValue]:
    """Bring the concepts of all classes together and choose the first graphs.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        embedded: Embeddings of all segments.
        mined: Concepts of each class under review, in that order.
        n_concepts: Size k of a graph.

    Returns:
        Concepts per class; outputs ``embeddings``, ``bank``, ``bank_names`` and ``graphs``.

    Raises:
        NoConceptsFoundError: If a class yields fewer concepts than its graph needs.
    """
    from models.concept_graph.bank import merge_banks, top_concepts
    from models.concept_graph.graph import initial_graph

    bank = merge_banks([load_bank(work, result) for result in mined])
    names = basis.dataset.classes
    for class_id in basis.class_ids:
        found = len(top_concepts(bank, class_id, n_concepts))
        if found < n_concepts:
            raise NoConceptsFoundError(
                f"expected {n_concepts} concepts of class {names[class_id]!r} (got {found}); "
                "lower concept_graph.graph.n_concepts or clusters.min_segments, "
                "or give the class more images"
            )
    work.outputs["embeddings"] = embedded.outputs["embeddings"]
    _save_bank(work, bank)
    work.save_json(
        "graphs", [initial_graph(bank, c, n_concepts).to_json() for c in basis.class_ids]
    )
    return {
        "concepts": {names[c]: int((bank.class_ids == c).sum()) for c in basis.class_ids},
        "popular": int(bank.popular.sum()),
        "significant": int(bank.significant.sum()),
    }


def mining_params(params: ConceptGraphParams) -> ConceptGraphParams:
    """Return the parameters that mining depends on, so that the others do not mine again.

    How many concepts a graph has and how images are matched to it is read by later stages.
    """
    return ConceptGraphParams(
        gate=params.gate.model_copy(update={"correction": GateParams().correction}),
        clusters=params.clusters,
        tcav=params.tcav,
        graph=GraphParams(
            rank_by=params.graph.rank_by, threshold_quantile=params.graph.threshold_quantile
        ),
    )


def load_bank(work: Work, mined: StageResult) -> "ConceptBank":
    """Return the concept bank that ``mine_class`` or ``choose_concepts`` stored."""
    from models.concept_graph.bank import ConceptBank

    names = work.load_json(mined, "bank_names")
    if not isinstance(names, dict):
        raise NoConceptsFoundError("expected the names of the concept bank; run again with --fresh")
    return ConceptBank.from_tensors(
        work.load_tensors(mined, "bank"),
        {
            key: [str(name) for name in value]
            for key, value in names.items()
            if isinstance(value, list)
        },
    )


def gate_classes(universe: Universe, logits: "Tensor") -> "Tensor":
    """Return the class whose Grad-CAM gates each image: its label, else what it is taken for.

    Args:
        universe: The images.
        logits: The classifier's logits on them (B, N).
    """
    import torch

    ids = torch.tensor(universe.class_ids)
    taken_for = ids[logits[:, ids].argmax(dim=1)]
    return torch.where(universe.under_review, universe.images.labels, taken_for)


def _save_bank(work: Work, bank: "ConceptBank") -> None:
    tensors, names = bank.to_tensors()
    work.save_tensors("bank", tensors)
    work.save_json("bank_names", {key: list(value) for key, value in names.items()})


def _mine_class(
    work: Work,
    basis: Basis,
    embedded: StageResult,
    class_id: int,
    params: ConceptGraphParams,
    seed: int,
) -> "ConceptBank":
    from dataclasses import replace

    import torch

    from models.concept_graph.concepts import mine_concepts
    from models.concept_graph.reliance import margin_falls
    from models.concept_graph.tcav import score_concepts

    # Classes mined at the same time on threads look at one copy of all this.
    universe = work.shared(f"universe {basis.segmented.key}", lambda: load_universe(work, basis))
    stored = work.shared(
        f"embedded {embedded.key}",
        lambda: (
            work.load_tensors(embedded, "embeddings") | work.load_tensors(embedded, "gradients")
        ),
    )
    embeddings, gradients = stored["embeddings"], stored["class_gradients"]
    own = ((universe.images.labels == class_id) & ~universe.validation).nonzero().flatten()
    generator = torch.Generator().manual_seed(seed)
    own = own[torch.randperm(len(own), generator=generator)]
    discovery = own[: params.clusters.max_images].sort().values
    # TCAV looks at images that the clusters were not made of when there are enough of them (ACE).
    fresh = own[params.clusters.max_images :]
    scored = fresh if len(fresh) >= 10 else own
    rows = universe.segments.rows_of_images(discovery)
    mined = mine_concepts(
        class_id,
        universe.images.classes[class_id],
        universe.segments.of_images(discovery),
        embeddings[rows],
        stored["gate_coverage"][rows],
        params,
        seed,
    )
    # Controls are drawn from a bounded sample: the Gram matrix of all segments would not fit into
    # memory.
    sample = torch.randperm(len(embeddings), generator=generator)[:MAX_RANDOM_SEGMENTS]
    device = work.device()
    bank = score_concepts(
        mined.bank,
        mined.members,
        embeddings[rows].to(device),
        gradients[scored].to(device),
        embeddings[sample].to(device),
        params.tcav,
        seed,
    )
    if params.graph.rank_by == "deletion":
        falls = margin_falls(
            load_classifier(work.artifacts, basis.classifier).to(device),
            universe.images.images[discovery],
            universe.segments.of_images(discovery),
            mined.members,
            len(bank),
            class_id,
            [rival for rival in universe.class_ids if rival != class_id],
        )
        # Two tensors of one memory cannot be written.
        bank = replace(bank, margin_fall=falls, score=falls.clone())
    # Exemplars were rows of the class's own segments; from here on they are the universe's.
    exemplars = bank.exemplar_segments
    return replace(
        bank,
        exemplar_segments=torch.where(exemplars >= 0, rows[exemplars.clamp(min=0)], exemplars),
    )
