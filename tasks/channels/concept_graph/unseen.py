"""Images that nothing was fitted to, matched to class graphs: how well a reasoner imitates.

They are the test images that the classifier takes for a class under review. Only their pixels and
the classifier's word on them are used, never their labels.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from feedback.errors import ExplanationError
from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.matching import match_pixels
from tasks.classifier import load_split
from tasks.stage import StageResult, Work

if TYPE_CHECKING:
    from torch import Tensor

    from models.concept_graph.graph import ClassGraph, ImageGraphs

MAX_IMAGES = 400
"""Most images that are looked at: 400 give an agreement of 0.9 a standard error of 0.015."""


def match_unseen(
    work: Work,
    basis: Basis,
    concepts: StageResult,
    graphs: "Sequence[ClassGraph]",
    params: ConceptGraphParams,
) -> "tuple[ImageGraphs, Tensor]":
    """Match unseen images as the explanation matches those it was fitted to.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank.
        graphs: The n class graphs.
        params: Segments, gate and embedding.

    Returns:
        Graphs of B images and the classifier's logits on them, restricted to the n classes (B, n).

    Raises:
        ExplanationError: If no test image is taken for one of the classes.
    """
    import torch

    from models.concept_graph.segments import segment_images

    logits = work.load_tensors(basis.predictions, "logits")["test"]
    ids = torch.tensor(basis.class_ids)
    taken = torch.isin(logits.argmax(dim=1), ids).nonzero().flatten()
    # Spread over the split, which is sorted by class.
    if len(taken) == 0:
        names = ", ".join(basis.dataset.classes[index] for index in basis.class_ids)
        raise ExplanationError(
            f"expected the classifier to take some of {len(logits)} test images for a class under "
            f"review, {names} (got none), on which to see how well a reasoner imitates it; train "
            "it longer, or name other classes in concept_graph.classes"
        )
    step = max(1, -(-len(taken) // MAX_IMAGES))
    rows = taken[::step]
    images = load_split(work, basis.dataset, "test", basis.training).select(rows).images
    own = logits[rows][:, ids]
    segments = segment_images(images, params.segments, params.workers)
    matched = match_pixels(
        work,
        basis,
        concepts,
        images,
        ids[own.argmax(dim=1)],
        segments,
        graphs,
        params,
        "explanation",
    )
    return matched, own
