"""How much the classifier itself relies on each concept: what blanking it costs the class.

TCAV differentiates the logit along a direction averaged over all cells, which dilutes a small thing
that decides alone, such as a planted cue. Shape legend: B images · S segments · M concepts · N
classes · H,W pixels.
"""

import torch
from torch import Tensor

from models.classifier import Classifier
from models.concept_graph.deletion import blanked_logits
from models.concept_graph.segments import SegmentSet
from models.prediction import predict_logits

MAX_IMAGES = 16
"""Images on which one concept is blanked; spread over those that show it."""
BATCH = 64
"""Blanked images per forward pass."""


def margin_falls(
    model: Classifier,
    images: Tensor,
    segments: SegmentSet,
    members: Tensor,
    n_concepts: int,
    class_id: int,
    rivals: list[int],
    *,
    max_images: int = MAX_IMAGES,
) -> Tensor:
    """Blank each concept in images of its class and report how far the class's margin falls.

    With the margin ``m(x) = v_c(x) - log sum_r exp v_r(x)`` over the rivals r, and x without k
    for image x with every member segment of concept k in grey, the fall is the mean over images of
    ``m(x) - m(x without k)``. Positive: the network tells the class from its rivals by k.

    Every image passes once as it is, and once for every concept blanked in it.

    Args:
        model: The classifier that is explained.
        images: Pixels of the class's images (B, 3, H, W), uint8.
        segments: Their S segments.
        members: Concept of each segment (S,), int64, -1 for none.
        n_concepts: M.
        class_id: Class c.
        rivals: The other classes under review; empty takes all other classes.
        max_images: Most images per concept.

    Returns:
        Falls (M,), logits; NaN for a concept without members.
    """
    members, image_index = members.cpu(), segments.image_index.cpu()
    pairs = torch.tensor(
        [
            (concept, image)
            for concept in range(n_concepts)
            for image in _spread(torch.unique(image_index[members == concept]), max_images)
        ],
        dtype=torch.int64,
    ).reshape(-1, 2)
    if not len(pairs):
        return torch.full((n_concepts,), float("nan"))
    shown, at = torch.unique(pairs[:, 1], return_inverse=True)
    whole = _margin(predict_logits(model, images[shown.to(images.device)]), class_id, rivals)
    falls = torch.full((n_concepts,), float("nan"))
    blanked = [
        _margin(
            blanked_logits(
                model, images[some[:, 1].to(images.device)], _regions(segments, members, some)
            ),
            class_id,
            rivals,
        )
        for some in torch.split(pairs, BATCH)
    ]
    lost = whole[at] - torch.cat(blanked)
    for concept in torch.unique(pairs[:, 0]).tolist():
        falls[concept] = lost[pairs[:, 0] == concept].mean()
    return falls


def _spread(shown: Tensor, most: int) -> list[int]:
    """Return at most so many of the images, evenly spread."""
    chosen = torch.linspace(0, len(shown) - 1, min(len(shown), most)).long()
    return [int(image) for image in shown[chosen]]


def _regions(segments: SegmentSet, members: Tensor, pairs: Tensor) -> Tensor:
    """Return the pixels of all segments of a concept in an image, for pairs of them (P, H, W)."""
    image_index = segments.image_index.cpu()
    return torch.stack(
        [
            torch.stack(
                [
                    segments.mask(int(row)).cpu()
                    for row in ((members == concept) & (image_index == image)).nonzero().flatten()
                ]
            ).any(dim=0)
            for concept, image in pairs.tolist()
        ]
    )


def _margin(logits: Tensor, class_id: int, rivals: list[int]) -> Tensor:
    others = rivals or [c for c in range(logits.shape[1]) if c != class_id]
    return logits[:, class_id] - logits[:, others].logsumexp(dim=1)
