"""From concept bank, graphs and contributions to the cards that a reviewer is shown."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from feedback.channels.concept_graph import ClassEvidence, ConceptCard, EdgeEvidence, Exemplar
from models.concept_graph.cards import exemplar_crop
from tasks.channels.concept_graph.segmenting import Universe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.concept_graph.bank import ConceptBank
    from models.concept_graph.explanation import GraphShare
    from models.concept_graph.graph import ClassGraph

MAX_CANDIDATES = 100
"""Candidates shown per class, best first; the concepts of the graph are always among them."""


@dataclass(frozen=True)
class Accuracies:
    """Accuracy on the validation images of one class, None without such images."""

    classifier: float | None
    reasoner: float | None
    n_images: int


def draw_crops(universe: Universe, bank: "ConceptBank") -> "dict[str, list[NDArray[np.uint8]]]":
    """Cut the exemplars of every concept out of their images.

    Args:
        universe: Images and segments.
        bank: Concepts whose exemplars are rows of the universe's segments.

    Returns:
        Crops (side, side, 3) by concept id, the most typical first.
    """
    crops: dict[str, list[NDArray[np.uint8]]] = {}
    for concept_id, rows in zip(bank.concept_ids, bank.exemplar_segments.tolist(), strict=True):
        crops[concept_id] = [
            exemplar_crop(
                universe.images.images[universe.segments.image_index[row]].numpy(),
                universe.segments.mask(row).numpy(),
                _box(universe, row),
            )
            for row in rows
            if row >= 0
        ]
    return crops


def crop_name(concept_id: str, position: int) -> str:
    """Return the bundle's file name of a crop; positional, so that no class name can break it."""
    import hashlib

    return f"crops/{hashlib.sha256(concept_id.encode()).hexdigest()[:12]}_{position:02d}.png"


def class_evidence(
    universe: Universe,
    bank: "ConceptBank",
    graph: "ClassGraph",
    shares: "GraphShare",
    position: int,
    accuracies: Accuracies,
) -> ClassEvidence:
    """Describe the graph of one class and the concepts that may stand in it.

    Args:
        universe: Images and segments.
        bank: All concepts.
        graph: Graph of the class.
        shares: Mean contributions of each class's graph to its own logit.
        position: Position of the class among those under review.
        accuracies: How well classifier and reasoner do on the class.
    """
    from models.concept_graph.graph import edge_pairs

    rows = sorted(bank.of_class(graph.class_id), key=lambda row: _order(bank, row))
    kept = [row for row in rows if bank.concept_ids[row] in graph.concepts]
    others = [row for row in rows if bank.concept_ids[row] not in graph.concepts]
    shown = sorted(kept + others[: MAX_CANDIDATES - len(kept)], key=lambda row: _order(bank, row))
    cosines = _closest_others(bank)
    edges = tuple(
        EdgeEvidence(
            src=src, dst=dst, state=_state(graph.edge_state[at]), contribution=float(value)
        )
        for at, ((src, dst), value) in enumerate(
            zip(edge_pairs(graph.n_concepts), shares.edges[position].tolist(), strict=True)
        )
    )
    return ClassEvidence(
        class_name=graph.class_name,
        base_cscg=graph.revision.removeprefix("sha256:"),
        slots=graph.concepts,
        node_contributions=tuple(shares.nodes[position].tolist()),
        edges=edges,
        candidates=tuple(
            _card(universe, bank, row, graph.class_name, cosines[row]) for row in shown
        ),
        accuracy=accuracies.classifier,
        reasoner_accuracy=accuracies.reasoner,
        n_images=accuracies.n_images,
    )


def _card(
    universe: Universe,
    bank: "ConceptBank",
    row: int,
    class_name: str,
    closest: tuple[str, float] | None,
) -> ConceptCard:
    segments = universe.segments
    concept_id = bank.concept_ids[row]
    exemplars = [segment for segment in bank.exemplar_segments[row].tolist() if segment >= 0]
    uniqueness = float(bank.uniqueness[row])
    return ConceptCard(
        concept_id=concept_id,
        class_name=class_name,
        tcav_score=_known(bank.tcav_score, row),
        tcav_low=_known(bank.tcav_low, row),
        tcav_high=_known(bank.tcav_high, row),
        tcav_magnitude=_known(bank.tcav_magnitude, row),
        p_value=_known(bank.p_value, row),
        significant=bool(bank.significant[row]),
        detection_rate=float(bank.detection_rate[row]),
        background_share=1.0 - min(1.0, max(0.0, float(bank.gate_share[row]))),
        n_images=int(bank.n_images[row]),
        n_segments=int(bank.n_segments[row]),
        popular=bool(bank.popular[row]),
        uniqueness=uniqueness if math.isfinite(uniqueness) else None,
        score=_known(bank.score, row),
        closest_other=closest[0] if closest else None,
        closest_other_cosine=closest[1] if closest else None,
        exemplars=tuple(
            Exemplar(
                image=universe.images.names[int(segments.image_index[segment])],
                box=_box(universe, segment),
                file=crop_name(concept_id, position),
            )
            for position, segment in enumerate(exemplars)
        ),
    )


def _closest_others(bank: "ConceptBank") -> list[tuple[str, float] | None]:
    """Return for every concept the nearest one of another class by cosine of centred features."""
    import torch
    import torch.nn.functional as F

    # Post-ReLU features share a large mean; without removing it every pair would look alike.
    centred = F.normalize(bank.centres - bank.centres.mean(dim=0), dim=1)
    cosines = centred @ centred.T
    cosines = cosines.masked_fill(bank.class_ids[:, None] == bank.class_ids[None], -torch.inf)
    best, at = cosines.max(dim=1)
    return [
        (bank.concept_ids[other], float(cosine)) if math.isfinite(cosine) else None
        for cosine, other in zip(best.tolist(), at.tolist(), strict=True)
    ]


def _order(bank: "ConceptBank", row: int) -> tuple[bool, float, str]:
    score = float(bank.score[row])
    return (
        not bool(bank.popular[row]),
        -score if math.isfinite(score) else math.inf,
        bank.concept_ids[row],
    )


def _known(values: "Tensor", row: int) -> float | None:
    value = float(values[row])
    return value if math.isfinite(value) else None


def _box(universe: Universe, row: int) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = universe.segments.box[row].tolist()
    return int(x0), int(y0), int(x1), int(y1)


def _state(state: str) -> Literal["auto", "removed", "added"]:
    if state == "removed":
        return "removed"
    return "added" if state == "added" else "auto"
