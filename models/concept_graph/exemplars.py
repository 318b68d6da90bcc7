"""Typical segments of concepts in their images: by them a later network tells what each one meant.

Features of two networks cannot be compared: each training has axes of its own. So what is kept of a
concept is where its typical segments lie in which images, and the network of now gives the features
of old and new. The images are kept whole: a segment cut out of its surroundings is another thing to
a network.
Shape legend: B images · M concepts · E exemplars · S side of a kept image, pixels.
"""

from collections.abc import Sequence, Sized
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.concept_graph.bank import ConceptBank
from models.concept_graph.segments import SegmentSet
from models.preprocessing import to_float

SIDE = 96
"""Side of a kept image, pixels; smaller ones are kept as they are."""
MOST_PER_CONCEPT = 3
"""Exemplars of one concept, the most typical first."""
MOST = 1500
"""Exemplars in all, 43 MB if no two share an image; with more concepts each has fewer."""


@dataclass(frozen=True)
class Exemplars:
    """Segments that show what concepts mean, each inside its image.

    Attributes:
        images: Pixels (B, 3, S, S), uint8, each image once.
        concept_ids: Names of the M concepts.
        owner: Concept of each exemplar (E,), int64.
        image_of: Image of each exemplar (E,), int64.
        masks: Where each exemplar is (E, S, S), bool; none is empty.
    """

    images: Tensor
    concept_ids: tuple[str, ...]
    owner: Tensor
    image_of: Tensor
    masks: Tensor

    def of_concepts(self, concept_ids: Sequence[str]) -> "Exemplars":
        """Return those of the named concepts that there are, in this order, and their images."""
        names = tuple(name for name in concept_ids if name in self.concept_ids)
        places = [self.concept_ids.index(name) for name in names]
        rows = [(self.owner == place).nonzero().flatten() for place in places]
        row = torch.cat([self.owner.new_empty(0), *rows])
        used, image_of = _renumbered(self.image_of[row])
        return Exemplars(self.images[used], names, owners(rows), image_of, self.masks[row])


def keep_exemplars(images: Tensor, segments: SegmentSet, bank: ConceptBank) -> Exemplars:
    """Shrink the images of every concept's typical segments, and the segments with them.

    Args:
        images: Pixels (B, 3, H, H), uint8.
        segments: Segments of these images.
        bank: M concepts whose exemplars are rows of ``segments``.

    Returns:
        Up to ``MOST_PER_CONCEPT`` of each; a concept without exemplars is left out.
    """
    n = max(1, min(MOST_PER_CONCEPT, MOST // max(1, len(bank))))
    typical = [
        (name, known[:n])
        for name, rows in zip(bank.concept_ids, bank.exemplar_segments.tolist(), strict=True)
        if (known := [row for row in rows if row >= 0])
    ][:MOST]
    rows = torch.tensor([row for _, own in typical for row in own], dtype=torch.int64)
    used, image_of = _renumbered(segments.image_index[rows].cpu())
    side = min(SIDE, images.shape[2])
    # One by one: floats of all at full size would take gigabytes.
    shrunk = [_pixels(resized(to_float(images[at][None]), side)) for at in used.tolist()]
    masks = [_shrunk_mask(segments.mask(row), side) for row in rows.tolist()]
    return Exemplars(
        images=torch.cat([torch.empty(0, 3, side, side, dtype=torch.uint8), *shrunk]),
        concept_ids=tuple(name for name, _ in typical),
        owner=owners([own for _, own in typical]),
        image_of=image_of,
        masks=torch.cat([torch.empty(0, side, side, dtype=torch.bool), *masks]),
    )


def owners(by_concept: Sequence[Sized]) -> Tensor:
    """Return the concept of each exemplar (E,), int64, given what there is of each concept."""
    counts = torch.tensor([len(own) for own in by_concept], dtype=torch.int64)
    return torch.repeat_interleave(torch.arange(len(counts)), counts)


def resized(images: Tensor, side: int) -> Tensor:
    """Return images (B, 3, H, W) in [0, 1] with sides of so many pixels, (B, 3, side, side)."""
    size = (side, side)
    # Bicubic interpolation overshoots at edges.
    return F.interpolate(images, size=size, mode="bicubic", antialias=True).clamp(0, 1)


def _renumbered(places: Tensor) -> tuple[Tensor, Tensor]:
    """Return the places that occur, in order, and each as its number among them."""
    used = torch.tensor(sorted(set(places.tolist())), dtype=torch.int64)
    return used, torch.searchsorted(used, places)


def _pixels(images: Tensor) -> Tensor:
    return (images * 255).round().to(torch.uint8).cpu()


def _shrunk_mask(mask: Tensor, side: int) -> Tensor:
    cover = F.interpolate(mask[None, None].float(), size=(side, side), mode="area")[0].cpu()
    # A segment that fills no pixel by half is where it fills most.
    return cover >= cover.amax().clamp(max=0.5)
