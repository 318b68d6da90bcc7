"""Which cells of a padded picture are padding."""

from feedback.channels.saliency_grid import padded_cells


def test_cells_of_which_more_than_half_is_padding_are_padded() -> None:
    # 8 x 8 pixels, 4 cells a side: from pixel 3 on, the second column is half picture.
    assert padded_cells((0, 3, 8, 8), 4, 8, 8) == {(r, 0) for r in range(4)}
    assert padded_cells((0, 4, 8, 8), 4, 8, 8) == {(r, c) for r in range(4) for c in (0, 1)}
    # Half of the rows and half of the columns is a quarter of the corner cell.
    assert padded_cells((1, 1, 8, 8), 4, 8, 8) == {(0, 0)}


def test_a_picture_without_padding_or_narrower_than_half_a_cell_has_none() -> None:
    assert padded_cells(None, 4, 8, 8) == frozenset()
    assert padded_cells((0, 0, 8, 8), 4, 8, 8) == frozenset()
    assert padded_cells((0, 15, 64, 17), 4, 64, 64) == frozenset()
