import pytest
import torch

from models.classifier import build_classifier
from models.concept_graph.reference_embedding import GREY, cut_out, embed_cut_outs
from models.concept_graph.segment_set import SegmentSet
from models.params import ClassifierParams


def _square() -> tuple[torch.Tensor, SegmentSet]:
    # A white 3x2 block (columns 1-3, rows 2-3) with its upper left pixel missing, in a black 6x6
    # image.
    label_map = torch.zeros(1, 1, 6, 6, dtype=torch.uint8)
    label_map[0, 0, 2:4, 1:4] = 1
    label_map[0, 0, 2, 1] = 0
    images = torch.zeros(1, 3, 6, 6, dtype=torch.uint8)
    images[:, :, label_map[0, 0] == 1] = 255
    segments = SegmentSet(
        label_maps=label_map,
        image_index=torch.tensor([0]),
        level=torch.tensor([0]),
        label=torch.tensor([1]),
        area=torch.tensor([5 / 36]),
        centroid=torch.tensor([[2.2 / 6, 3.1 / 6]]),
        box=torch.tensor([[1, 2, 4, 4]]),
    )
    return images, segments


def test_the_box_keeps_its_last_row_and_column_and_the_rest_is_grey():
    images, segments = _square()
    cut = cut_out(images, segments, 0)
    assert cut.shape == (3, 6, 6)
    # Corners of the enlarged box: upper left is outside the mask, the others are the segment.
    assert cut[0, 0, 0] == pytest.approx(GREY, abs=0.12)
    for y, x in ((0, 5), (5, 0), (5, 5)):
        assert cut[0, y, x] > 0.9
    assert float(cut.min()) >= 0
    assert float(cut.max()) <= 1


def test_pixels_outside_the_segment_do_not_matter():
    images, segments = _square()
    other = images.clone()
    other[:, :, segments.label_maps[0, 0] == 0] = 200
    assert torch.equal(cut_out(images, segments, 0), cut_out(other, segments, 0))


def test_embedding_is_the_spatial_mean_of_the_cut_outs_features():
    images, segments = _square()
    images = images.repeat_interleave(8, 2).repeat_interleave(8, 3)
    segments = SegmentSet(
        **{
            **vars(segments),
            "label_maps": segments.label_maps.repeat_interleave(8, 2).repeat_interleave(8, 3),
            "box": segments.box * 8,
        }
    )
    model = build_classifier(ClassifierParams(arch="squeezenet1_1", width=0.25), 2).eval()
    with torch.no_grad():
        expected = model.trunk(cut_out(images, segments, 0)[None]).mean(dim=(2, 3))
    torch.testing.assert_close(embed_cut_outs(model, images, segments), expected)


def test_nothing_to_embed_is_refused():
    images, segments = _square()
    model = build_classifier(ClassifierParams(arch="squeezenet1_1", width=0.25), 2)
    with pytest.raises(ValueError, match="at least one segment"):
        embed_cut_outs(model, images, segments.select(torch.tensor([False])))
