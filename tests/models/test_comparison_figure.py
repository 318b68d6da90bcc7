import pytest

from models.comparison_figure import ArmView, Interval, comparison_figure
from models.figure_style import figure_png


def arm(name, value, groups=("edited classes", "other classes", "all")):
    return ArmView(name, {group: Interval(value, value - 0.02, value + 0.02) for group in groups})


def test_each_row_gives_the_accuracy_and_the_change_against_the_first_arm():
    figure = comparison_figure([arm("original", 0.5), arm("edited", 0.625)])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:3] == ["edited classes", "50.0 %", "62.5 %   +12.5"]


@pytest.mark.parametrize(("low", "high"), [(0.131, 0.30), (0.5, 0.66), (0.02, 0.99), (0.88, 0.94)])
def test_the_axis_is_labelled_with_the_very_places_of_its_ticks(low, high):
    groups = {"all": Interval((low + high) / 2, low, high)}
    figure = comparison_figure([ArmView("original", groups)])
    figure_png(figure)
    axis = figure.axes[0].xaxis
    for place, label in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True):
        shown = float(label.get_text().replace("\u2212", "-").removesuffix(" %"))
        assert shown == pytest.approx(100 * place, abs=1e-6)


@pytest.mark.parametrize("n_arms", [1, 3, 8])
def test_any_number_of_arms_renders_the_same_bytes_each_time(n_arms):
    arms = [arm(f"Arm ü 航 {i}", 0.98) for i in range(n_arms)]
    assert figure_png(comparison_figure(arms)) == figure_png(comparison_figure(arms))


def test_arms_with_different_groups_are_refused():
    with pytest.raises(ValueError, match="in every arm"):
        comparison_figure([arm("a", 0.5), arm("b", 0.5, groups=("all",))])
    with pytest.raises(ValueError, match="at least one arm"):
        comparison_figure([])
