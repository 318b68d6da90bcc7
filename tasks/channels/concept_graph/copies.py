"""Altered copies of training images for the teacher: what an edit rejected, taken out or moved.

An edit alone changes which segments the teacher looks at, but every segment's features carry some
of their surroundings, the rejected region with them. On the copies that region tells nothing about
the class any more, so the teacher learns to do without (docs/decisions/0014).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.matching import match_pixels, match_universe
from tasks.channels.concept_graph.segmenting import Universe
from tasks.stage import StageResult, Work

if TYPE_CHECKING:
    from torch import Tensor

    from models.concept_graph.graph import ClassGraph, ImageGraphs


def match_copies(
    work: Work,
    basis: Basis,
    concepts: StageResult,
    universe: Universe,
    edit: "tuple[Sequence[ClassGraph], Sequence[ClassGraph]]",
    graphs: "Sequence[ClassGraph]",
    params: ConceptGraphParams,
    seed: int,
) -> "tuple[ImageGraphs, Tensor] | None":
    """Alter the labelled images of the classes under review and match them to class graphs.

    Segments are those of the unaltered image; features come from the classifier on the copy.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank and embeddings.
        universe: The images.
        edit: The n class graphs as mined, and the same after the edit, which say what was rejected.
        graphs: The n class graphs to match the copies to: those after the edit, or for a control
            others of the same classes.
        params: How many copies, and how images are matched.
        seed: Seed of the donors of transplants.

    Returns:
        Graphs of the A copies and the row of each one's image in the universe (A,); None when
        nothing was replaced, or no rejected concept was found in any image.
    """
    import torch

    from models.concept_graph.augmentation import augment_edits, rejected_regions
    from models.concept_graph.graph import concatenate_graphs

    before, after = edit
    own = universe.under_review.nonzero().flatten()
    images, segments = universe.images.select(own), universe.segments.of_images(own)
    shown = match_universe(work, universe, concepts, before, params, "correction", own)
    regions = rejected_regions(before, after, shown, segments, images.labels)
    generator = torch.Generator().manual_seed(seed)
    device = work.device()
    pixels, labels, regions = (x.to(device) for x in (images.images, images.labels, regions))
    parts, sources = [], []
    modes: list[Literal["blank", "transplant"]] = ["blank"] * params.copies.blank
    modes += ["transplant"] * params.copies.transplant
    for mode in modes:
        made = augment_edits(pixels, labels, regions, mode, generator).to("cpu")
        if not len(made.images):
            continue
        place = segments.of_images(made.source_index)
        parts.append(
            match_pixels(
                work,
                basis,
                concepts,
                made.images,
                made.labels,
                place,
                graphs,
                params,
                "correction",
            )
        )
        sources.append(own[made.source_index])
    return (concatenate_graphs(parts), torch.cat(sources)) if parts else None
