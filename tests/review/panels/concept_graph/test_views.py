import re
from datetime import UTC, datetime

from review.desk import Desk
from review.panels.concept_graph import GraphLook, GraphView, look
from review.panels.concept_graph.candidates_view import sort_candidates
from review.panels.concept_graph.viewing import in_bounds
from review.request_view import marks_of, parts_of
from review.shown import AnyShown
from review.viewing import read_view
from tests.review.conftest import edited, text_of
from tests.review_request import make_card

NOW = datetime.now(UTC)
REPLACE = {"kind": "replace", "item": "carrier", "slot": 0, "to": "carrier/k03"}


def test_candidates_are_sorted_by_score_or_by_distance_from_other_classes() -> None:
    cards = [
        make_card("carrier", number, uniqueness=uniqueness)
        for number, uniqueness in enumerate([0.5, None, 2.0, 0.1])
    ]
    assert sort_candidates(cards, "score") == cards
    found = [card.concept_id[-1] for card in sort_candidates(cards, "distinct")]
    assert found == ["2", "0", "3", "1"]


def test_a_class_shows_every_number_and_the_agreement_beside_it(
    desk: Desk, shown: AnyShown
) -> None:
    parts = parts_of(
        shown,
        edited(shown, REPLACE),
        GraphView(item="carrier"),
        desk.standing(shown, "ada", NOW),
        "ada",
        NOW,
    )
    named = re.findall(r'"data-place": "(\w+)"', text_of(list(shown.panel.layout())))
    assert set(parts) == {"rail", *named}
    for told in ("Reasoner agrees", "97%"):
        assert told in text_of(parts["head"])
    for told in ("TCAV 0.80, 95% interval 0.70 to 0.90", "found in 60%", "outside gate 10%"):
        assert told in text_of(parts["slots"])
    assert "was k00" in text_of(parts["slots"])
    assert "agrees with the classifier on 97%" in text_of(parts["bottom"])


def test_an_edit_does_not_change_the_list_of_candidates(desk: Desk, shown: AnyShown) -> None:
    view, standing = GraphView(item="carrier"), desk.standing(shown, "ada", NOW)
    before = parts_of(shown, edited(shown), view, standing, "ada", NOW)
    after = parts_of(shown, edited(shown, REPLACE), view, standing, "ada", NOW)
    assert text_of(before["grid"]) == text_of(after["grid"])
    assert text_of(before["slots"]) != text_of(after["slots"])


def test_concepts_that_the_gate_would_refuse_cannot_be_chosen(shown: AnyShown) -> None:
    view = GraphView(item="carrier", slot=1)
    marks = marks_of(shown, edited(shown, REPLACE), view)
    # k00 was shown in slot 0, so it may go back there only.
    assert marks.barred == [f"candidate carrier/k0{k}" for k in (0, 1, 2, 3)]
    there = marks_of(shown, edited(shown, REPLACE), view.model_copy(update={"slot": 0}))
    assert there.barred == [f"candidate carrier/k0{k}" for k in (1, 2, 3)]


def test_looking_at_another_class_starts_at_its_first_slot(shown: AnyShown) -> None:
    view = GraphView(item="carrier", slot=2, edge=(0, 1), candidate="carrier/k03", n_listed=36)
    there = look(view, GraphLook(item="tank"), shown.evidence)
    assert there == GraphView(item="tank")
    assert look(there, GraphLook(), shown.evidence) == GraphView()


def test_a_view_of_things_that_are_not_there_is_brought_back(shown: AnyShown) -> None:
    far = GraphView(item="carrier", slot=9, edge=(0, 9), candidate="nothing")
    assert in_bounds(far, shown.evidence.classes[0]) == GraphView(item="carrier", slot=2)
    for damaged in ({"slot": 99}, None, {"x": 1}):
        assert read_view(damaged, GraphView) == GraphView()
