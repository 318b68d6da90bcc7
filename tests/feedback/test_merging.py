"""What counts as the same edit of a class's graph, and who wins when several approve."""

from feedback.channels.concept_graph import edit_of
from feedback.fields import JsonObject
from tests.review_request import BASES, CUT, make_edit

ADD: JsonObject = {"op": "add_edge", "src": 1, "dst": 2}


def test_remarks_confidence_and_order_make_no_other_edit() -> None:
    plain = edit_of(make_edit(CUT, ADD))
    told = edit_of(make_edit(ADD, {**CUT, "reason": "sea"}, confidence=5, comment="sure"))
    assert (plain.target, plain.content) == (told.target, told.content) == ("carrier", told.content)


def test_other_operations_another_graph_and_none_are_other_edits() -> None:
    contents = {
        edit_of(found).content
        for found in (
            make_edit(CUT),
            make_edit(ADD),
            make_edit(CUT, ADD),
            make_edit(),
            make_edit(CUT, base_cscg=BASES["tank"]),
            make_edit({**ADD, "bidirectional": True}),
        )
    }
    assert len(contents) == 6
