"""Exemplars of concepts made by hand."""

from dataclasses import fields

import torch

from models.concept_graph.bank import ConceptBank
from models.concept_graph.exemplars import Exemplars, owners
from tests.models.concept_graph.concept_banks import make_bank


def bank_of(rows: list[list[int]], class_ids: list[int] | None = None) -> ConceptBank:
    """A bank of which nothing but the exemplars' rows and the classes means anything."""
    m = len(rows)
    return make_bank(
        [f"a/k{row}" for row in range(m)],
        torch.zeros(m, 2),
        class_ids=torch.tensor(class_ids or [0] * m),
        exemplar_segments=torch.tensor(rows),
    )


def exemplars_of(images: dict[str, list[int]], side: int = 5) -> Exemplars:
    """Exemplars of named concepts in these images, of random pixels and masks."""
    generator = torch.Generator().manual_seed(0)
    image_of = torch.tensor([image for own in images.values() for image in own])
    shape = (int(image_of.max()) + 1, 3, side, side)
    masks = torch.rand(len(image_of), side, side, generator=generator) > 0.5
    masks[:, 0, 0] = True
    return Exemplars(
        images=torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8),
        concept_ids=tuple(images),
        owner=owners([*images.values()]),
        image_of=image_of,
        masks=masks,
    )


def assert_same(found: Exemplars, expected: Exemplars) -> None:
    """Check that two are the same to the last bit."""
    for field in fields(Exemplars):
        left, right = getattr(found, field.name), getattr(expected, field.name)
        assert left == right if isinstance(left, tuple) else torch.equal(left, right)
