import numpy as np

from tasks.demo.raster import Canvas, polygon_mask


def test_a_square_covers_exactly_its_cells():
    rows, columns, mask = polygon_mask([(1, 2), (4, 2), (4, 5), (1, 5)], 8, 8)
    assert (rows, columns) == (slice(2, 5), slice(1, 4))
    assert mask.all()


def test_a_triangle_covers_the_cells_whose_centres_it_holds():
    # The right edge runs from (4, 0) to (0, 4): x + y <= 4 at centres x + .5, y + .5.
    _, _, mask = polygon_mask([(0, 0), (4, 0), (0, 4)], 4, 4)
    expected = [[x + y + 1 <= 4 for x in range(4)] for y in range(4)]
    assert mask.tolist() == expected


def test_a_polygon_may_stick_out_or_lie_outside():
    _, _, mask = polygon_mask([(-5, -5), (2, -5), (2, 2), (-5, 2)], 8, 8)
    assert mask.shape == (2, 2)
    assert mask.all()
    _, _, outside = polygon_mask([(20, 20), (30, 20), (30, 30)], 8, 8)
    assert outside.size == 0


def test_reduction_is_the_mean_of_nine_cells_and_parts_come_from_the_middle():
    canvas = Canvas(np.zeros((2, 2, 3), dtype=np.uint8))
    canvas.paint([(0, 0), (2, 0), (2, 3), (0, 3)], (90, 90, 90), part=4)  # 6 of 9 cells
    assert canvas.reduced()[0, 0].tolist() == [60, 60, 60]
    assert canvas.reduced()[1, 1].tolist() == [0, 0, 0]
    assert canvas.reduced_parts().tolist() == [[4, 0], [0, 0]]
    assert canvas.coverage((4,)).tolist() == [[6, 0], [0, 0]]


def test_paint_restricted_to_a_part_leaves_the_rest():
    canvas = Canvas(np.zeros((2, 2, 3), dtype=np.uint8))
    canvas.paint([(0, 0), (3, 0), (3, 3), (0, 3)], (10, 10, 10), part=1)
    canvas.paint([(0, 0), (6, 0), (6, 6), (0, 6)], (200, 0, 0), part=1, only_part=1)
    assert canvas.reduced()[:, :, 0].tolist() == [[200, 0], [0, 0]]
