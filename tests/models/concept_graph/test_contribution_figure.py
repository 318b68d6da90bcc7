import numpy as np
import pytest

from models.concept_graph.contribution_figure import (
    LocatedConcept,
    ReasonView,
    contribution_figure,
)
from models.figure_style import figure_png

IMAGE = np.full((32, 48, 3), 120, dtype=np.uint8)


def mask(*box):
    inside = np.zeros((32, 48), dtype=bool)
    inside[box[1] : box[3], box[0] : box[2]] = True
    return inside


def figure_of(parts, located=(), **options):
    why, why_not = ReasonView("Kater 猫 $1$", parts, 0.5), ReasonView("dog", parts, -0.5)
    return contribution_figure(IMAGE, located, why, why_not, agreement=0.934, **options)


def test_what_is_not_drawn_as_a_bar_is_summed_so_that_bars_add_up_to_the_logit():
    parts = tuple((f"k{i}", 0.1 * i) for i in range(12))
    figure = figure_of(parts, n_bars=4)
    axes = figure.axes[1]
    widths = [bar.get_width() for bar in axes.patches]
    assert len(widths) == 6
    assert sum(widths) == pytest.approx(ReasonView("a", parts, 0.5).logit)
    assert axes.get_xlabel() == "sum of all parts: logit 7.10"


def test_the_agreement_and_the_true_class_stand_in_the_heading():
    note = figure_of((("k0", 1.0),), true_class="cat").texts[1].get_text()
    assert note.startswith(
        "reasoner agrees with the classifier on 93 % of images · true class: cat"
    )


def test_segments_at_the_edge_full_empty_and_missing_render_the_same_each_time():
    located = [
        LocatedConcept("a", mask(0, 0, 9, 9)),
        LocatedConcept("b", mask(0, 0, 48, 32)),
        LocatedConcept("c", mask(0, 0, 0, 0)),
        LocatedConcept("d", None),
        LocatedConcept("e", mask(40, 20, 48, 32)),
    ]
    parts = (("a", 1.0), ("b", -1.0), ("a → b", 0.0))
    first = figure_png(figure_of(parts, located))
    assert first == figure_png(figure_of(parts, located))


def test_no_parts_render():
    assert figure_png(figure_of(()))


def test_a_part_with_a_crop_shows_it_beside_its_bar_and_no_other_part_does():
    crop = np.zeros((8, 8, 3), dtype=np.uint8)
    parts = (("k0", 1.0), ("k1", -1.0), ("k0→k1", 0.5))
    figure = figure_of(parts, crops={"k0": crop, "k9": crop})
    thumbs = [axes for axes in figure.axes[1:] if axes.images]
    charts = [axes for axes in figure.axes if axes.patches]
    assert len(thumbs) == len(charts) == 2
    for thumb, chart in zip(thumbs, charts, strict=True):
        place, bars = thumb.get_position(), chart.get_position()
        assert place.x1 <= bars.x0
        assert bars.y0 < place.y0 < place.y1 < bars.y1


def test_values_stay_within_the_chart_and_both_charts_share_a_scale():
    why = ReasonView("a", (("k0", 4.0), ("k1", -0.5)))
    why_not = ReasonView("b", (("k0", -2.0),))
    figure = contribution_figure(IMAGE, (), why, why_not, agreement=1.0)
    first, second = figure.axes[1], figure.axes[2]
    assert first.get_xlim() == second.get_xlim()
    low, high = first.get_xlim()
    assert low < -2.0
    assert high > 4.0
