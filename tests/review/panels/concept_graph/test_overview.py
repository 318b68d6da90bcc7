"""What is confused with what, in counts."""

from review.panels.concept_graph.overview import confusion
from tests.review.conftest import find, words
from tests.review_request import make_evidence


def rows_of(matrix: tuple[tuple[int, ...], ...]) -> list:
    evidence = make_evidence().model_copy(update={"confusion": matrix})
    (table,) = find(confusion(evidence), "Table")
    return [*find(table, "Tr")]


def test_the_confusion_tells_counts_by_true_and_predicted_class() -> None:
    head, *rows = rows_of(((6, 4, 0), (1, 0, 0), (0, 2, 18)))
    assert [words(one) for one in find(head, "Th")] == [
        "carrier",
        "Flugzeugträger",
        "tank",
        "right",
    ]
    # Nothing where nothing is wrong, but a zero where no image of the class is right.
    assert [[words(cell) for cell in find(row, "Td")] for row in rows] == [
        ["6", "4", "·", "60%"],
        ["1", "0", "·", "0%"],
        ["·", "2", "18", "90%"],
    ]
    assert [words(next(find(row, "Th"))) for row in rows] == ["carrier", "Flugzeugträger", "tank"]
    cell = [*find(rows[2], "Td")][1]
    assert cell.title == "2 of tank taken for Flugzeugträger"
    # The darker the cell, the more was confused: the most has the strongest of four shades.
    shades = [[cell.className for cell in [*find(row, "Td")][:3]] for row in rows]
    assert shades == [
        ["right-cell", "wrong-cell s4", "wrong-cell s0"],
        ["wrong-cell s1", "right-cell", "wrong-cell s0"],
        ["wrong-cell s0", "wrong-cell s2", "right-cell"],
    ]


def test_a_row_of_the_confusion_leads_to_its_class() -> None:
    _, first, *_ = rows_of(((5, 1, 0), (0, 6, 0), (1, 0, 5)))
    (link,) = find(first, "Button")
    assert link.to_plotly_json()["props"]["data-action"] == '{"kind": "look", "item": "carrier"}'


def test_a_class_without_validation_images_has_no_share_that_is_right() -> None:
    _, *rows = rows_of(((0, 0, 0), (0, 3, 0), (0, 0, 3)))
    assert words([*find(rows[0], "Td")][-1]) == "–"


def test_without_a_matrix_the_page_says_so() -> None:
    evidence = make_evidence().model_copy(update={"confusion": ()})
    assert words(confusion(evidence)) == "This request holds no confusion matrix."
