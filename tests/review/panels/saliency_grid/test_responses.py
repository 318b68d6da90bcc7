import json
from datetime import UTC, datetime

from feedback.channels.saliency_grid import CellMarks
from feedback.upload import parse_upload
from review.desk import Desk
from review.editing import responses_of, warnings_of
from review.settings import PageSettings
from review.shown import AnyShown
from review.submitting import hand_in
from tests.feedback.channels.saliency_grid.images import make_image, make_marks
from tests.feedback.memory import MemoryStore
from tests.review.conftest import edited
from tests.saliency_request import JET, SHIP, TANK

NOW = datetime.now(UTC)
MARKS = [{"kind": "cell", "item": SHIP, "r": r, "c": c} for r, c in ((3, 3), (0, 6))]
HAIR = {"kind": "artefact", "item": SHIP, "text": "hair"}
SUSPECT = {"kind": "flag", "item": TANK, "flag": "label_suspect"}


def lines_of(shown: AnyShown, *messages: object, item: str = SHIP) -> list[str]:
    draft = edited(shown, *messages)
    return [line.told for line in shown.panel.told(item, shown.said(draft, item), shown.evidence)]


def test_marks_become_the_response_that_the_channel_describes(squares: AnyShown) -> None:
    remark = {"kind": "remark", "item": SHIP, "text": "the quay"}
    (response,) = responses_of(edited(squares, *MARKS, HAIR, remark), squares)
    expected = make_marks(
        (0, 6, 1.0), (3, 3, 1.0), flags=["artefact"], artefact="hair", comment="the quay"
    )
    assert response == CellMarks.model_validate_json(json.dumps(expected))


def test_what_should_matter_weighs_minus_one(squares_of) -> None:
    shown = squares_of(allow_important=True)
    draft = edited(shown, *MARKS, {**MARKS[0], "important": True})
    (response,) = responses_of(draft, shown)
    assert [(cell.r, cell.c, cell.w) for cell in response.cells] == [(0, 6, 1.0), (3, 3, -1.0)]


def test_an_answer_holds_exactly_what_was_said_and_is_taken(
    squares: AnyShown, store: MemoryStore, desk: Desk
) -> None:
    skip = {"kind": "flag", "item": JET, "flag": "skip"}
    draft = edited(squares, *MARKS, SUSPECT, skip)
    sent = hand_in(
        desk, squares, draft, "approve",
        settings=PageSettings(reviewer="ada"), reviewer="ada", now=NOW,
    )  # fmt: skip
    responses = parse_upload(store.get(sent.key)).document.responses
    assert [(one["image"], one["flags"], len(one["cells"])) for one in responses] == [
        (SHIP, [], 2), (TANK, ["label_suspect"], 0), (JET, ["skip"], 0),
    ]  # fmt: skip


def test_an_image_that_only_has_a_remark_has_no_response(squares: AnyShown) -> None:
    draft = edited(squares, {"kind": "remark", "item": SHIP, "text": "nice"})
    assert responses_of(draft, squares) == ()


def test_it_is_told_in_words_with_ranks(squares_of) -> None:
    shown = squares_of(allow_important=True)
    unranked = {"kind": "cell", "item": SHIP, "r": 6, "c": 0, "important": True}
    assert lines_of(shown, *MARKS, unranked, HAIR) == [
        "should not matter: row 1 column 7 (rank 1), row 4 column 4 (rank 3)",
        "should matter: row 7 column 1",
        "artefact: hair",
    ]
    assert lines_of(shown, SUSPECT, item=TANK) == ["label looks wrong"]
    confirm = {"kind": "confirm", "item": SHIP}
    assert lines_of(shown, confirm) == ["the network looks where it should"]


def test_the_gates_warnings_are_given_before_anything_is_sent(squares_of) -> None:
    shown = squares_of(images=(make_image("ship.png", failure="all_zero"),))
    every = [{"kind": "cell", "item": SHIP, "r": r, "c": c} for r, c in ((0, 6), (1, 6), (3, 3))]
    found = warnings_of(edited(shown, *every), shown)
    assert [warning.split(" of ")[0] for warning in found] == ["every one", "the explanation"]
