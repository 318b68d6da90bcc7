import numpy as np
import pytest

from models.concept_graph.graph_figure import class_graph_figure
from models.concept_graph.graph_view import ClassGraphView, ConceptNode, DependencyEdge
from models.figure_style import ADDED, OPPOSES, REMOVED, SUPPORTS, figure_png

CROP = np.full((16, 16, 3), 90, dtype=np.uint8)


def view(name, n_concepts, **edge_states):
    nodes = tuple(
        ConceptNode(
            f"{name}/k{k:02d}",
            crop=None if k == 0 else CROP,
            tcav_score=0.9,
            tcav_low=0.8,
            tcav_high=1.0,
            detection_rate=0.5,
            background_share=None if k == 1 else 0.75,
            contribution=0.1 * k,
        )
        for k in range(n_concepts)
    )
    edges = tuple(
        DependencyEdge(i, j, (-1) ** j * 0.1 * (i + 1), edge_states.get(f"e{i}{j}", "auto"))
        for i in range(n_concepts)
        for j in range(n_concepts)
        if i != j
    )
    return ClassGraphView(name, nodes, edges)


def edge_colours(axes):
    import matplotlib.colors as colors
    from matplotlib.patches import FancyArrowPatch

    return [colors.to_hex(p.get_edgecolor()).upper() for p in axes.patches
            if isinstance(p, FancyArrowPatch)]  # fmt: skip


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_any_number_of_classes_renders_the_same_bytes_each_time(n_classes):
    views = [view(f"Klasse ü 航母 $x$ {i}", 3) for i in range(n_classes)]
    assert figure_png(class_graph_figure(views)) == figure_png(class_graph_figure(views))


@pytest.mark.parametrize("n_concepts", [2, 3, 4, 5, 6, 16])
def test_any_number_of_concepts_renders_before_and_after(n_concepts):
    before = [view("a", n_concepts), view("b", n_concepts)]
    after = [view("a", n_concepts, e01="removed"), view("b", n_concepts, e10="added")]
    assert figure_png(class_graph_figure(before, after=after, title="Both"))


def test_colours_tell_sign_and_state():
    figure = class_graph_figure(
        [view("a", 2, e01="removed"), view("b", 2), view("c", 2, e01="added")]
    )
    assert REMOVED.upper() in edge_colours(figure.axes[0])
    assert set(edge_colours(figure.axes[1])) == {SUPPORTS, OPPOSES}
    assert ADDED in edge_colours(figure.axes[2])


def test_faint_automatic_edges_are_not_drawn_but_edited_ones_are():
    nodes = view("a", 3).nodes
    edges = (
        DependencyEdge(0, 1, 1.0),
        DependencyEdge(1, 0, 0.01),
        DependencyEdge(0, 2, 0.0, "added"),
        DependencyEdge(2, 0, 0.0, "removed"),
    )
    figure = class_graph_figure([ClassGraphView("a", nodes, edges)])
    assert len(edge_colours(figure.axes[0])) == 3


def test_a_graph_without_any_contribution_renders():
    nodes = (ConceptNode("a/k00"), ConceptNode("a/k01"))
    edges = (DependencyEdge(0, 1), DependencyEdge(1, 0))
    figure = class_graph_figure([ClassGraphView("a", nodes, edges)])
    assert edge_colours(figure.axes[0]) == []
    assert figure_png(figure)


def test_other_classes_after_the_edit_are_refused():
    with pytest.raises(ValueError, match="after the edit too"):
        class_graph_figure([view("a", 2)], after=[view("b", 2)])
    with pytest.raises(ValueError, match="at least one"):
        class_graph_figure([])


@pytest.mark.parametrize("is_new", [False, True])
def test_the_legend_explains_new_concepts_where_there_are_any(is_new):
    nodes = (ConceptNode("a/k00", is_new=is_new), ConceptNode("a/k01"))
    edges = (DependencyEdge(0, 1, 1.0), DependencyEdge(1, 0, 1.0))
    figure = class_graph_figure([ClassGraphView("a", nodes, edges)])
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert ("+ edge or concept added" in words) is is_new
