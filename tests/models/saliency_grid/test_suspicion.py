import torch

from feedback.channels.saliency_grid import CellMarks, ExplainerUsed, Grid, MarkedCell
from models.imageset import BACKGROUND, BORDER, OBJECT
from models.saliency_grid.params import ReviewerParams
from models.saliency_grid.reviewer import simulated_weights
from models.saliency_grid.suspicion import object_shares, suspicions


def marks(*cells, shown=((0, 0), (0, 1), (3, 3)), w=1.0):
    return CellMarks(
        image="a" * 64,
        model_version="m-1",
        epoch=1,
        explainer=ExplainerUsed(name="deeplift"),
        grid=Grid(g=4, h=8, w=8),
        cells=tuple(MarkedCell(r=r, c=c, w=w) for r, c in cells),
        shown=shown,
    )


def mask(half=4):
    """The left part is the object, the rest is not."""
    made = torch.full((8, 8), BACKGROUND, dtype=torch.uint8)
    made[:, :half] = OBJECT
    return made


def test_marking_all_that_was_shown_is_doubted():
    assert suspicions(marks((0, 0), (0, 1), (3, 3)), max_area=0.6) == ("all_shown_marked",)
    assert suspicions(marks((0, 0), (0, 1), (2, 2)), max_area=0.6) == ()
    assert suspicions(marks(), max_area=0.6) == ()
    assert suspicions(marks(shown=()), max_area=0.6) == ()
    assert suspicions(marks((0, 0), (0, 1), (3, 3), w=-1.0), max_area=0.6) == ()


def test_marking_most_of_the_image_is_doubted():
    ten = [(r, c) for r in range(4) for c in range(4)][1:11]
    assert suspicions(marks(*ten), max_area=0.6) == ("large_area",)  # 10 of 16
    assert suspicions(marks(*ten[:9]), max_area=0.6) == ()


def test_marking_the_object_as_irrelevant_is_doubted_where_a_mask_tells():
    on, off = marks((0, 0), (2, 1), (1, 3)), marks((0, 2), (2, 3), (1, 1))
    assert suspicions(on, max_area=0.6, mask=mask()) == ("on_object",)
    assert suspicions(off, max_area=0.6, mask=mask()) == ()
    assert suspicions(on, max_area=0.6) == ()
    assert suspicions(on, max_area=0.6, mask=torch.zeros(8, 8, dtype=torch.uint8)) == ()


def test_shares_of_the_object_are_the_hand_computed_ones():
    masks = torch.stack([mask(3), torch.zeros(8, 8, dtype=torch.uint8)])
    masks[0, 0, 7] = BORDER
    shares = object_shares(masks, 4)
    assert shares[0, 0].tolist() == [1, 0.5, 0, 0.125]
    assert shares[1].isnan().all()


def test_the_simulated_reviewer_marks_shown_cells_outside_the_object():
    shares = object_shares(mask(3)[None].repeat(2, 1, 1), 4)
    shares[1] = torch.nan
    shown = torch.tensor([[[0, 0], [1, 1], [2, 2]]]).expand(2, 3, 2)
    params = ReviewerParams()
    assert simulated_weights(shown, shares, params).tolist() == [[0, 0, 1], [0, 0, 0]]
    both = simulated_weights(shown, shares, params, allow_important=True)
    assert both.tolist() == [[-1, 0, 1], [0, 0, 0]]
    half = ReviewerParams(outside_share=0.5)
    assert simulated_weights(shown, shares, half)[0].tolist() == [0, 1, 1]
