import numpy as np

from feedback.channels.concept_graph.evidence import ClassEvidence, ConceptCard, EdgeEvidence
from feedback.channels.concept_graph.ops import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from models.concept_graph.evidence_views import class_graph_view, concept_card_views

CROP = np.zeros((4, 4, 3), dtype=np.uint8)
CROPS = {"c0": [CROP], "c9": [CROP, CROP]}


def card(concept_id):
    return ConceptCard(
        concept_id=concept_id,
        class_name="cat",
        tcav_score=0.9,
        tcav_low=0.8,
        tcav_high=1.0,
        tcav_magnitude=None,
        p_value=None,
        significant=True,
        detection_rate=0.5,
        background_share=0.25,
        n_images=5,
        popular=True,
        uniqueness=None,
    )


SHOWN = ClassEvidence(
    class_name="cat",
    base_cscg="c" * 64,
    slots=("c0", "c1", "c2"),
    node_contributions=(0.1, 0.2, 0.3),
    edges=tuple(
        EdgeEvidence(src=i, dst=j, contribution=i + j) for i in range(3) for j in range(3) if i != j
    ),
    candidates=(card("c9"), card("c2"), card("c0"), card("c1")),
)
EDIT = GraphEdit(
    class_name="cat",
    base_cscg="c" * 64,
    ops=(
        ReplaceConcept(slot=0, from_="c0", to="c9"),
        RemoveEdge(src=1, dst=2),
        AddEdge(src=2, dst=0, bidirectional=True),
    ),
)


def test_a_graph_shows_the_evidence_as_it_is():
    view = class_graph_view(SHOWN, CROPS, background={"c1": 0.75})
    assert [node.concept_id for node in view.nodes] == ["c0", "c1", "c2"]
    assert [node.contribution for node in view.nodes] == [0.1, 0.2, 0.3]
    assert [node.background_share for node in view.nodes] == [0.25, 0.75, 0.25]
    assert [node.crop is None for node in view.nodes] == [False, True, True]
    assert {edge.state for edge in view.edges} == {"auto"}


def test_an_edit_shows_new_concepts_and_states_and_no_contributions_that_are_not_known():
    view = class_graph_view(SHOWN, CROPS, edit=EDIT)
    assert (view.nodes[0].concept_id, view.nodes[0].is_new) == ("c9", True)
    assert [node.contribution for node in view.nodes] == [0.0, 0.2, 0.3]
    states = {(edge.source, edge.target): edge.state for edge in view.edges}
    assert states[1, 2] == "removed"
    assert (states[2, 0], states[0, 2]) == ("added", "added")
    values = {(edge.source, edge.target): edge.contribution for edge in view.edges}
    assert (values[0, 1], values[2, 1]) == (0.0, 3.0)


def test_measured_contributions_take_the_place_of_the_evidence():
    view = class_graph_view(
        SHOWN, CROPS, edit=EDIT, node_contributions=[1, 2, 3], edge_contributions={(0, 1): 0.5}
    )
    assert [node.contribution for node in view.nodes] == [1, 2, 3]
    assert sum(edge.contribution for edge in view.edges) == 0.5


def test_cards_of_the_graph_come_first_in_slot_order():
    views = concept_card_views(SHOWN, CROPS)
    assert [(v.concept_id, v.slot) for v in views] == [
        ("c0", 0),
        ("c1", 1),
        ("c2", 2),
        ("c9", None),
    ]
    assert len(views[3].crops) == 2
