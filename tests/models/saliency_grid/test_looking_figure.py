import math

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from models.figure_style import OPPOSES, SUPPORTS
from models.saliency_grid.looking_figure import MarkedView, looking_figure


def view(weights, *shares):
    maps = tuple((f"network {n}", np.full((8, 8), 0.5, np.float32)) for n in range(len(shares)))
    pixels = np.zeros((8, 8, 3), np.uint8)
    return MarkedView("a/one.png", pixels, np.array(weights, np.float32), maps, shares)


def test_squares_that_should_matter_are_told_from_those_that_should_not():
    figure = looking_figure([view([[1, 0], [0, -1]], 0.25)], title="t", note="n")
    image, network = figure.axes
    for axes in (image, network):
        outlined = {(patch.get_x(), patch.get_y()): patch.get_edgecolor() for patch in axes.patches}
        assert outlined == {
            (-0.5, -0.5): to_rgba(OPPOSES), (3.5, 3.5): to_rgba(SUPPORTS)
        }  # fmt: skip
    assert network.get_title() == "network 0: 25% in marked squares"


def test_where_nothing_should_be_left_alone_no_share_is_told():
    figure = looking_figure([view([[0, -1], [0, 0]], math.nan)], title="t", note="n")
    assert figure.axes[1].get_title() == "network 0"


def test_without_an_image_there_is_no_figure():
    with pytest.raises(ValueError, match="at least one marked image"):
        looking_figure([], title="t", note="n")
