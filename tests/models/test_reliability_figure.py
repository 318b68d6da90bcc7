import numpy as np
import pytest

from models.figure_style import figure_png
from models.reliability_figure import ReliabilityView, reliability_figure


def view(name="original"):
    return ReliabilityView(
        name=name,
        confidence=np.array([np.nan, 0.6, 0.95]),
        accuracy=np.array([np.nan, 0.7, 0.8]),
        n_images=np.array([0, 10, 30]),
        error=0.1375,
    )


def test_the_error_and_the_number_of_images_are_written():
    figure = reliability_figure([view()])
    assert figure.axes[0].texts[0].get_text() == "calibration error 13.8 points"
    assert figure.axes[1].get_xlabel() == "confidence · 40 images"


@pytest.mark.parametrize("n_views", [1, 2, 3])
def test_empty_bins_render_the_same_bytes_each_time(n_views):
    views = [view(f"Modell {i} ü") for i in range(n_views)]
    assert figure_png(reliability_figure(views)) == figure_png(reliability_figure(views))


def test_no_model_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        reliability_figure([])
