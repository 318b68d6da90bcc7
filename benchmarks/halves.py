"""Every concept twice: as half of its exemplars shows it, and as the other half does.

Shape legend: B images · M concepts · n exemplars of one · D features.
"""

from dataclasses import replace

import torch
from torch import Tensor

from models.classifier import Classifier
from models.concept_graph.bank import ConceptBank
from models.concept_graph.carrying import concept_similarities
from models.concept_graph.embedding import embed_segments
from models.concept_graph.exemplar_embedding import embed_exemplars
from models.concept_graph.exemplars import MOST_PER_CONCEPT, keep_exemplars
from models.concept_graph.params import ClusterParams
from models.concept_graph.segments import SegmentSet


def halves(bank: ConceptBank) -> tuple[ConceptBank, ConceptBank]:
    """Deal every concept's exemplars out in turn, so that both halves are equally typical."""
    exemplars = bank.exemplar_segments
    return (
        replace(bank, exemplar_segments=exemplars[:, 0::2]),
        replace(bank, exemplar_segments=exemplars[:, 1::2]),
    )


def similarities_as_kept(
    model: Classifier, images: Tensor, segments: SegmentSet, bank: ConceptBank, size: int
) -> dict[int, Tensor]:
    """Compare the halves as a run does: by exemplars in images that were shrunk.

    Args:
        model: A network that did not mine the bank.
        images: Pixels (B, 3, H, W), uint8.
        segments: Segments of these images.
        bank: Concepts whose exemplars are rows of ``segments``; one with a single exemplar has but
            one half and is left out.
        size: Side of the network's input, pixels.

    Returns:
        Cosines (M, M) by class; row i and column i are the same concept.
    """
    names = [bank.concept_ids[row] for row in _with_both_halves(bank)]
    then, now = (
        embed_exemplars(model, keep_exemplars(images, segments, half).of_concepts(names), size)
        for half in halves(bank)
    )
    return _by_class(then, now, bank)


def similarities_at_full_size(
    model: Classifier, images: Tensor, segments: SegmentSet, bank: ConceptBank
) -> dict[int, Tensor]:
    """Compare the halves by as many exemplars in images as mining has them.

    Args:
        model: A network that did not mine the bank.
        images: Pixels (B, 3, H, W), uint8.
        segments: Segments of these images.
        bank: As for ``similarities_as_kept``.

    Returns:
        Cosines (M, M) by class; row i and column i are the same concept.
    """
    exemplars = bank.exemplar_segments
    used = segments.image_index[exemplars[exemplars >= 0]]
    held = torch.tensor(sorted(set(used.tolist())))
    seen = embed_segments(model, images[held], segments.of_images(held), ClusterParams()).cpu()
    features = seen.new_zeros(len(segments), seen.shape[1])
    features[segments.rows_of_images(held)] = seen
    rows = _with_both_halves(bank)
    then, now = (
        _mean_of_known(features, half.exemplar_segments[rows, :MOST_PER_CONCEPT])
        for half in halves(bank)
    )
    return _by_class(then, now, bank)


def _with_both_halves(bank: ConceptBank) -> list[int]:
    rows: list[int] = ((bank.exemplar_segments >= 0).sum(dim=1) >= 2).nonzero().flatten().tolist()
    return rows


def _mean_of_known(features: Tensor, rows: Tensor) -> Tensor:
    """Average the features (S, D) at rows (M, n), where -1 stands for nothing: (M, D)."""
    known = (rows >= 0).float()[..., None]
    return (features[rows.clamp(min=0)] * known).sum(dim=1) / known.sum(dim=1)


def _by_class(then: Tensor, now: Tensor, bank: ConceptBank) -> dict[int, Tensor]:
    owners = bank.class_ids[_with_both_halves(bank)]
    return {
        class_id: concept_similarities(
            then[owners == class_id], now[owners == class_id], now.mean(dim=0)
        )
        for class_id in sorted(set(owners.tolist()))
    }
