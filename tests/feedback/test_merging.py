"""What counts as the same edit of a class's graph, and who wins when several approve."""

from feedback.channels.concept_graph import edit_of
from feedback.fields import JsonObject
from tests.review_request import BASES

CUT: JsonObject = {"op": "remove_edge", "src": 0, "dst": 1}
ADD: JsonObject = {"op": "add_edge", "src": 1, "dst": 2}


def response(*ops: JsonObject, **changes: object) -> JsonObject:
    whole = {"type": "graph_edit", "version": 1, "class_name": "carrier",
             "base_cscg": BASES["carrier"], "ops": list(ops), **changes}  # fmt: skip
    return whole  # type: ignore[return-value]


def test_remarks_confidence_and_order_make_no_other_edit() -> None:
    plain = edit_of(response(CUT, ADD))
    told = edit_of(response(ADD, {**CUT, "reason": "sea"}, confidence=5, comment="sure"))
    assert (plain.target, plain.content) == (told.target, told.content) == ("carrier", told.content)


def test_other_operations_another_graph_and_none_are_other_edits() -> None:
    contents = {
        edit_of(found).content
        for found in (
            response(CUT),
            response(ADD),
            response(CUT, ADD),
            response(),
            response(CUT, base_cscg=BASES["tank"]),
            response({**ADD, "bidirectional": True}),
        )
    }
    assert len(contents) == 6
