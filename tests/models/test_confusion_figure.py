import numpy as np
import pytest

from models.confusion_figure import ConfusionView, confusion_figure
from models.figure_style import figure_png


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_cells_give_the_share_of_the_true_class_and_the_images():
    counts = np.array([[3, 1], [0, 4]])
    figure = confusion_figure([ConfusionView("original", ("a", "b"), counts)])
    assert texts(figure) == ["75 %\n3", "25 %\n1", "0 %\n0", "100 %\n4"]


@pytest.mark.parametrize("n", [2, 3, 5, 10])
@pytest.mark.parametrize("n_views", [1, 2])
def test_matrices_of_any_size_render_with_a_column_for_other_classes(n, n_views):
    classes = tuple(f"Flugzeugträger 航母 ${i}" for i in range(n))
    counts = np.zeros((n, n + 1), dtype=np.int64)
    views = [ConfusionView(f"model {i}", classes, counts) for i in range(n_views)]
    assert figure_png(confusion_figure(views)) == figure_png(confusion_figure(views))


def test_counts_that_do_not_fit_the_classes_are_refused():
    with pytest.raises(ValueError, match="expected counts"):
        confusion_figure([ConfusionView("m", ("a", "b"), np.zeros((3, 3), dtype=np.int64))])
    with pytest.raises(ValueError, match="at least one"):
        confusion_figure([])


def test_one_model_alone_is_narrower_and_right_answers_are_framed():
    view = ConfusionView("original", ("a", "b"), np.array([[3, 1, 0], [0, 4, 0]]))
    alone, both = confusion_figure([view]), confusion_figure([view, view])
    assert alone.get_size_inches()[0] < both.get_size_inches()[0]
    corners = {tuple(np.round(patch.get_xy(), 2)) for patch in alone.axes[0].patches}
    assert {(-0.47, -0.47), (0.53, 0.53)} <= corners
