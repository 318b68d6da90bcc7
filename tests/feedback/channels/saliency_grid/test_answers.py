from dataclasses import replace

import pytest

from feedback.answer import Answer
from feedback.channels.saliency_grid import area_share, cell_edges, edit_of, join_edits, read_marks
from feedback.channels.saliency_grid.validation import check_marks
from feedback.fields import JsonObject
from feedback.merging import Merge, merge_edits
from tests.feedback.answers import says
from tests.feedback.channels.saliency_grid.images import DIGESTS, make_evidence, make_marks

SHIP = DIGESTS["ship.png"]


def merge(first: JsonObject, second: JsonObject) -> Merge:
    return merge_edits([edit_answer("ada", first), edit_answer("ben", second)], join_edits)


def edit_answer(reviewer: str, response: JsonObject) -> Answer:
    return replace(says(reviewer, "approve", "domain"), edits=(edit_of(response),))


def test_each_square_and_flag_is_an_edit_and_what_says_nothing_is_none() -> None:
    told = (
        make_marks((0, 6), (0, 7)),
        make_marks((0, 6), flags=["artefact"], artefact="hair"),
        make_marks(),
        make_marks(flags=["skip"]),
    )
    assert [edit_of(one).n_edits for one in told] == [2, 2, 0, 0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (make_marks((0, 6), (1, 6)), make_marks((1, 6), (0, 6))),
        (make_marks((0, 6)), make_marks((0, 6, 1), comment="the corner", seconds_spent=3)),
        (
            make_marks((0, 6), flags=["artefact", "unclear"], artefact="hair"),
            make_marks((0, 6), flags=["unclear", "artefact"], artefact="a hair"),
        ),
        (make_marks(), make_marks(image="sha256:" + SHIP)),
    ],
)
def test_two_who_mark_the_same_agree_whatever_order_and_remarks(
    first: JsonObject, second: JsonObject
) -> None:
    assert edit_of(first).content == edit_of(second).content
    merged = merge(first, second)
    assert list(merged.agreed) == [SHIP]
    assert merged.conflicts == ()


@pytest.mark.parametrize(
    ("other", "cells"),
    [
        (make_marks(), {(0, 6): 0.5}),
        (make_marks((0, 5)), {(0, 5): 0.5, (0, 6): 0.5}),
        (make_marks((0, 6, 0.5)), {(0, 6): 0.75}),
        (make_marks((0, 6), (1, 6)), {(0, 6): 1.0, (1, 6): 0.5}),
        (make_marks((0, 6, -1)), {}),
        (make_marks((0, 6), flags=["label_suspect"]), {(0, 6): 1.0}),
        (make_marks(flags=["unusable"]), {}),
    ],
)
def test_two_who_mark_differently_are_joined_cell_by_cell(
    other: JsonObject, cells: dict[tuple[int, int], float]
) -> None:
    first = make_marks((0, 6))
    merged, turned = merge(first, other), merge(other, first)
    assert merged.conflicts == ()
    (marks,) = read_marks([merged.agreed[SHIP].response])
    assert {(cell.r, cell.c): cell.w for cell in marks.cells} == cells
    assert set(marks.flags) == {*other["flags"]}
    # Whoever said what: it comes to the same.
    assert turned.agreed[SHIP].content == merged.agreed[SHIP].content
    # And the gate would take it from one reviewer.
    check_marks(make_evidence(allow_important=True), [marks], verdict="approve")


def test_nothing_is_left_of_a_contradiction_and_it_is_still_about_its_image() -> None:
    merged = merge(make_marks((0, 6), flags=["unclear"]), make_marks((0, 6, -1)))
    assert list(merged.agreed) == [merged.agreed[SHIP].target] == [SHIP]


@pytest.mark.parametrize("flag", ["skip", "unclear"])
def test_one_who_cannot_tell_contradicts_nobody(flag: str) -> None:
    merged = merge(make_marks((0, 6)), make_marks(flags=[flag]))
    assert merged.conflicts == ()
    assert merged.agreed[SHIP].content == edit_of(make_marks((0, 6))).content


def test_answers_on_different_images_are_joined() -> None:
    merged = merge(make_marks((0, 6)), make_marks((0, 0), name="tank.png"))
    assert set(merged.agreed) == {SHIP, DIGESTS["tank.png"]}


def test_cells_partition_a_side_and_their_areas_add_up() -> None:
    assert cell_edges(5, 2) == (0, 2, 5)
    assert cell_edges(224, 7) == tuple(range(0, 225, 32))
    assert area_share([(0, 0)], 2, 5, 3) == pytest.approx(2 / 15)
    assert area_share([(r, c) for r in range(7) for c in range(7)], 7, 23, 41) == pytest.approx(1)
    with pytest.raises(ValueError, match="got 6"):
        cell_edges(5, 6)
