"""Bundles are read back as if anybody had written them."""

import pytest
import torch
from safetensors.torch import load, save

from models.concept_graph.exemplar_tensors import MOST_SIDE, pack_exemplars, unpack_exemplars
from models.concept_graph.exemplars import MOST_PER_CONCEPT
from tests.models.concept_graph.exemplar_banks import assert_same, exemplars_of

SIDE = 5
"""25 bits of a mask fill four bytes but for seven bits."""


@pytest.fixture
def packed():
    return pack_exemplars(exemplars_of({"a/k1": [2, 0], "b/k0": [1, 2, 3]}, SIDE))


def test_what_was_packed_comes_back(packed):
    expected = exemplars_of({"a/k1": [2, 0], "b/k0": [1, 2, 3]}, SIDE)
    assert_same(unpack_exemplars(load(save(packed))), expected)
    assert packed["masks_of/b/k0"].shape == (3, 4)
    assert sorted(packed) == [
        "image_of/a/k1", "image_of/b/k0", "images", "masks_of/a/k1", "masks_of/b/k0",
    ]  # fmt: skip


def test_a_mask_is_a_bit_per_pixel_the_first_pixel_first(packed):
    corner = torch.tensor([[128, 0, 0, 0], [0, 0, 0, 128]], dtype=torch.uint8)
    masks = unpack_exemplars(packed | {"masks_of/a/k1": corner}).of_concepts(["a/k1"]).masks
    assert masks.nonzero().tolist() == [[0, 0, 0], [1, 4, 4]]


def test_the_earlier_format_has_nothing_to_compare_with():
    cut_outs = torch.zeros(3, 3, 48, 48, dtype=torch.uint8)
    found = unpack_exemplars({"a/k1": cut_outs, "b/k0": cut_outs[:1]})
    assert found.concept_ids == ()
    assert found.of_concepts(["a/k1"]).concept_ids == ()


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("images", torch.zeros(4, 3, SIDE, SIDE), "uint8 images"),
        ("images", torch.zeros(4, 3, SIDE, SIDE, dtype=torch.int8), "uint8 images"),
        ("images", torch.zeros(4, 1, SIDE, SIDE, dtype=torch.uint8), "uint8 images"),
        ("images", torch.zeros(4, 3, SIDE, SIDE + 1, dtype=torch.uint8), "uint8 images"),
        ("images", torch.zeros(3, SIDE, SIDE, dtype=torch.uint8), "uint8 images"),
        ("images", torch.zeros((), dtype=torch.uint8), "uint8 images"),
        ("images", torch.zeros(4, 3, 0, 0, dtype=torch.uint8), "uint8 images"),
        ("images", torch.zeros(1, dtype=torch.uint8).expand(4, 3, MOST_SIDE + 1, MOST_SIDE + 1),
         "at most 256"),
        ("images", torch.zeros(3, 3, SIDE, SIDE, dtype=torch.uint8), "images 0 to 2"),
        ("images", torch.zeros(0, 3, SIDE, SIDE, dtype=torch.uint8), "images 0 to -1"),
        ("images", torch.zeros(4, 3, 6, 6, dtype=torch.uint8), r"masks as uint8 \(2, 5\)"),
        ("image_of/a/k1", torch.tensor([0, -1]), "images 0 to 3"),
        ("image_of/a/k1", torch.tensor([4, 0]), "images 0 to 3"),
        ("image_of/a/k1", torch.tensor([2.0, 0.0]), "as int64"),
        ("image_of/a/k1", torch.tensor(0), "as int64"),
        ("image_of/a/k1", torch.tensor([[0, 1]]), "as int64"),
        ("image_of/a/k1", torch.empty(0, dtype=torch.int64), "one to 3 exemplars"),
        ("image_of/a/k1", torch.zeros(MOST_PER_CONCEPT + 1, dtype=torch.int64), "one to 3"),
        ("image_of/a/k1", torch.tensor([0]), r"masks as uint8 \(1, 4\)"),
        ("masks_of/a/k1", torch.ones(2, 4), "masks as uint8"),
        ("masks_of/a/k1", torch.ones(2, 5, dtype=torch.uint8), "masks as uint8"),
        ("masks_of/a/k1", torch.zeros(2, 4, dtype=torch.uint8), "at least one pixel"),
        # Only the bits that fill up the last byte are set.
        ("masks_of/a/k1", torch.tensor([[0, 0, 0, 127]] * 2, dtype=torch.uint8), "one pixel"),
        ("masks_of/c/k2", torch.ones(2, 4, dtype=torch.uint8), "masks_of/c/k2"),
        ("image_of/c/k2", torch.tensor([0]), "masks_of/c/k2"),
        ("c/k2", torch.zeros(1, dtype=torch.uint8), "difference at 'c/k2'"),
    ],
)  # fmt: skip
def test_what_no_run_could_have_written_is_refused(packed, name, tensor, message):
    with pytest.raises(ValueError, match=message):
        unpack_exemplars(packed | {name: tensor})


@pytest.mark.parametrize("name", ["image_of/a/k1", "masks_of/a/k1"])
def test_a_concept_needs_both_its_tensors(packed, name):
    del packed[name]
    with pytest.raises(ValueError, match="a/k1"):
        unpack_exemplars(packed)
