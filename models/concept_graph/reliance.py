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

MAX_IMAGES = 16
"""Images on which one concept is blanked; spread over those that show it."""


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
    falls = torch.full((n_concepts,), float("nan"))
    members, image_index = members.cpu(), segments.image_index.cpu()
    for concept in range(n_concepts):
        rows = (members == concept).nonzero().flatten()
        shown = torch.unique(image_index[rows])
        if not len(shown):
            continue
        chosen = shown[torch.linspace(0, len(shown) - 1, min(len(shown), max_images)).long()]
        masks = torch.stack(
            [
                torch.stack([segments.mask(int(row)) for row in rows[image_index[rows] == image]])
                .any(dim=0)
                .cpu()
                for image in chosen
            ]
        )
        before, after = blanked_logits(model, images[chosen.to(images.device)], masks)
        falls[concept] = (
            _margin(before, class_id, rivals) - _margin(after, class_id, rivals)
        ).mean()
    return falls


def _margin(logits: Tensor, class_id: int, rivals: list[int]) -> Tensor:
    others = rivals or [c for c in range(logits.shape[1]) if c != class_id]
    return logits[:, class_id] - logits[:, others].logsumexp(dim=1)
