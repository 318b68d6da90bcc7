"""Stage: concepts of the classes under review, scored, and the first class graphs."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.errors import NoConceptsFoundError
from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.segmenting import Universe, load_universe, universe_logits
from tasks.classifier import load_classifier
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

    from models.classifier import Classifier
    from models.concept_graph.bank import ConceptBank
    from models.concept_graph.gated_embedding import GatedEmbedding

MAX_RANDOM_SEGMENTS = 2000
"""Segments of any image from which TCAV's random sets are drawn; twenty sets of fifty, twice
over."""


@task(name="mine-concepts", cache_policy=NO_CACHE)
@stage("mine_concepts", version=1)
def mine_concepts(
    work: Work, *, basis: Basis, params: ConceptGraphParams, seed: int
) -> dict[str, JsonValue]:
    """Embed all segments, cluster each class's, score the clusters, choose the first graphs.

    Images carved out for validation take no part in the clusters.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        params: Gate, clusters, TCAV and graph size.
        seed: Seed of image choice, k-means and random sets.

    Returns:
        Concepts per class; outputs ``embeddings``, ``bank``, ``bank_names`` and ``graphs``.

    Raises:
        NoConceptsFoundError: If a class yields fewer concepts than its graph needs.
    """
    from models.concept_graph.bank import merge_banks, top_concepts
    from models.concept_graph.gated_embedding import embed_with_gate
    from models.concept_graph.graph import initial_graph

    universe, class_ids = load_universe(work, basis), basis.class_ids
    model = load_classifier(work.artifacts, basis.classifier).to(work.device())
    embedded = embed_with_gate(
        model,
        universe.images.images,
        gate_classes(universe, universe_logits(work, basis, universe)),
        universe.segments,
        params.gate,
        params.clusters,
    )
    work.progress(1, len(class_ids) + 1, f"{len(universe.segments)} segments embedded")
    banks = []
    for done, class_id in enumerate(class_ids):
        banks.append(_mine_class(model, universe, embedded, class_id, params, seed))
        work.progress(done + 2, len(class_ids) + 1, f"{len(banks[-1])} concepts")
    bank = merge_banks(banks)
    k = params.graph.n_concepts
    for class_id in class_ids:
        found = len(top_concepts(bank, class_id, k))
        if found < k:
            raise NoConceptsFoundError(
                f"expected {k} concepts of class {basis.dataset.classes[class_id]!r} "
                f"(got {found}); "
                "lower concept_graph.graph.n_concepts or clusters.min_segments, "
                "or give the class more images"
            )
    tensors, names = bank.to_tensors()
    work.save_tensors(
        "embeddings",
        {"embeddings": embedded.embeddings.cpu(), "gate_coverage": embedded.gate_coverage.cpu()},
    )
    work.save_tensors("bank", tensors)
    work.save_json("bank_names", {key: list(value) for key, value in names.items()})
    work.save_json("graphs", [initial_graph(bank, c, k).to_json() for c in class_ids])
    return {
        "concepts": {basis.dataset.classes[c]: int((bank.class_ids == c).sum()) for c in class_ids},
        "popular": int(bank.popular.sum()),
        "significant": int(bank.significant.sum()),
    }


def load_bank(work: Work, mined: StageResult) -> "ConceptBank":
    """Return the concept bank that ``mine_concepts`` stored."""
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


def _mine_class(
    model: "Classifier",
    universe: Universe,
    embedded: "GatedEmbedding",
    class_id: int,
    params: ConceptGraphParams,
    seed: int,
) -> "ConceptBank":
    from dataclasses import replace

    import torch

    from models.concept_graph.concepts import mine_concepts as cluster_class
    from models.concept_graph.reliance import margin_falls
    from models.concept_graph.tcav import score_concepts

    own = ((universe.images.labels == class_id) & ~universe.validation).nonzero().flatten()
    generator = torch.Generator().manual_seed(seed)
    own = own[torch.randperm(len(own), generator=generator)]
    discovery = own[: params.clusters.max_images].sort().values
    # TCAV looks at images that the clusters were not made of when there are enough of them (ACE).
    fresh = own[params.clusters.max_images :]
    scored = fresh if len(fresh) >= 10 else own
    rows = universe.segments.rows_of_images(discovery)
    embeddings = embedded.embeddings.cpu()
    mined = cluster_class(
        class_id,
        universe.images.classes[class_id],
        universe.segments.of_images(discovery),
        embeddings[rows],
        embedded.gate_coverage.cpu()[rows],
        params,
        seed,
    )
    # Controls are drawn from a bounded sample: the Gram matrix of all segments would not fit into
    # memory.
    sample = torch.randperm(len(embeddings), generator=generator)[:MAX_RANDOM_SEGMENTS]
    bank = score_concepts(
        mined.bank,
        mined.members,
        embeddings[rows],
        embedded.class_gradients.cpu()[scored],
        embeddings[sample],
        params.tcav,
        seed,
    )
    if params.graph.rank_by == "deletion":
        falls = margin_falls(
            model,
            universe.images.images[discovery],
            universe.segments.of_images(discovery),
            mined.members,
            len(bank),
            class_id,
            [rival for rival in universe.class_ids if rival != class_id],
        )
        bank = replace(bank, margin_fall=falls, score=falls)
    # Exemplars were rows of the class's own segments; from here on they are the universe's.
    exemplars = bank.exemplar_segments
    return replace(
        bank,
        exemplar_segments=torch.where(exemplars >= 0, rows[exemplars.clamp(min=0)], exemplars),
    )
