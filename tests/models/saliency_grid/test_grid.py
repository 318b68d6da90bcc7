import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.saliency_grid.grid import (
    cell_means,
    cell_scores,
    paint_cells,
    regrid_cells,
    top_cells,
)


def test_cells_are_averaged_as_by_hand():
    maps = torch.arange(16.0).view(1, 4, 4)
    assert cell_means(maps, 2).tolist() == [[[2.5, 4.5], [10.5, 12.5]]]


def test_cells_of_unequal_size_partition_the_image():
    # Five rows in two cells: rows 0-1 and 2-4; three columns: 0 and 1-2.
    maps = torch.zeros(1, 5, 3)
    maps[0, 2:, 1:] = 6
    maps[0, 0, 0] = 1
    assert cell_means(maps, 2).tolist() == [[[0.5, 0], [0, 6]]]
    painted = paint_cells(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), (5, 3))
    assert painted[0].tolist() == [[1, 2, 2]] * 2 + [[3, 4, 4]] * 3


def test_what_cancels_out_within_a_cell_contributes_nothing():
    # Noise of size 3 at the top left, a steady 1 at the top right, a steady -2 at the bottom left.
    signed = torch.zeros(1, 4, 4)
    signed[0, :2, :2] = torch.tensor([[3.0, -3.0], [-3.0, 3.0]])
    signed[0, :2, 2:], signed[0, 2:, :2] = 1, -2
    assert cell_scores(signed.abs(), signed, 2).tolist() == [[[0, 1], [2, 0]]]
    assert cell_scores(signed.abs(), None, 2).tolist() == [[[3, 1], [2, 0]]]


def test_another_grid_gets_the_weights_by_area():
    halves = torch.tensor([[[1.0, 0.0], [0.0, -1.0]]])
    # The middle row and column of three lie half on each side.
    assert regrid_cells(halves, 3)[0].tolist() == [[1, 0.5, 0], [0.5, 0, -0.5], [0, -0.5, -1]]
    assert torch.equal(regrid_cells(halves, 2), halves)
    assert torch.equal(regrid_cells(regrid_cells(halves, 4), 2), halves)


sides = st.integers(4, 40)


@given(st.data(), sides, sides)
def test_painting_and_averaging_undo_each_other(data, height, width):
    cells = data.draw(st.integers(1, min(height, width)))
    weights = torch.rand(2, cells, cells) * 2 - 1
    painted = paint_cells(weights, (height, width))
    assert painted.shape == (2, height, width)
    assert torch.equal(cell_means(painted, cells), weights)


@given(st.data(), sides, sides)
def test_what_lies_in_all_cells_is_what_lies_in_the_image(data, height, width):
    cells = data.draw(st.integers(1, min(height, width)))
    maps = torch.rand(1, height, width)
    ids = torch.arange(float(cells * cells)).view(1, cells, cells)
    sizes = paint_cells(ids, (height, width)).flatten().long().bincount(minlength=cells * cells)
    assert sizes.min() >= 1
    # No side differs by more than a pixel.
    side = (height // cells, width // cells)
    assert sizes.min() >= side[0] * side[1]
    assert sizes.max() <= (side[0] + 1) * (side[1] + 1)
    total = (cell_means(maps, cells).flatten() * sizes).sum()
    torch.testing.assert_close(total, maps.sum(), rtol=1e-4, atol=1e-4)


def test_a_bright_pixel_lights_its_own_cell():
    for y, x in [(0, 0), (31, 32), (223, 100)]:
        maps = torch.zeros(1, 224, 224)
        maps[0, y, x] = 1
        assert top_cells(cell_means(maps, 7), 1).tolist() == [[[y // 32, x // 32]]]


def test_equal_cells_rank_from_the_top_left_whatever_their_size():
    scores = cell_means(torch.full((1, 23, 23), 0.1), 7)
    assert top_cells(scores, 8)[0].tolist() == [[0, c] for c in range(7)] + [[1, 0]]
    scores = torch.tensor([[[1.0, 3.0], [3.0, 2.0]]])
    assert top_cells(scores, 3).tolist() == [[[0, 1], [1, 0], [1, 1]]]


def test_what_is_not_a_number_ranks_last_and_more_cells_than_there_are_give_all():
    scores = torch.tensor([[[torch.nan, 0.0], [torch.inf, 2.0]]])
    assert top_cells(scores, 10).tolist() == [[[1, 0], [1, 1], [0, 1], [0, 0]]]


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="got 9"):
        cell_means(torch.zeros(1, 8, 20), 9)
    with pytest.raises(ValueError, match="at least one cell"):
        top_cells(torch.zeros(1, 2, 2), 0)
