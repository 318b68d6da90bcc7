from feedback.bundle import ReviewBundle
from feedback.channels.saliency_grid import ShownCell, differences
from feedback.fields import JsonObject
from tests.feedback.channels.saliency_grid.images import make_image, make_marks, make_request

Row = tuple[str, str, str, str, str]


def rows(edits: list[JsonObject], now: ReviewBundle) -> list[Row]:
    return [
        (d.target, d.part, d.champion, d.shown, d.reason)
        for d in differences(make_request(), edits, now)
    ]


MARKS = make_marks((1, 6), (0, 6), (6, 6), comment="the corner")


def test_marks_are_what_differs_when_the_network_still_looks_there() -> None:
    assert rows([MARKS], make_request()) == [
        (
            "ship.png",
            "marked cells",
            "row 1 column 7, row 2 column 7, row 7 column 7",
            "still looked at: row 1 column 7, row 2 column 7",
            "the corner",
        )
    ]


def test_nothing_differs_when_nothing_was_marked_or_it_is_looked_at_no_more() -> None:
    assert rows([make_marks(), make_marks(flags=["skip"], name="tank.png")], make_request()) == []
    turned = make_image("ship.png", shown=(ShownCell(r=3, c=3, score=1.0),))
    assert rows([MARKS], make_request(images=(turned,))) == []


def test_a_marked_image_that_is_not_asked_about_any_more_is_told() -> None:
    (row,) = rows([MARKS], make_request(images=(make_image("jet.png"),)))
    assert row[0] == "ship.png"
    assert row[3] == "not under review"


def test_another_explainer_and_grid_are_told_before_the_images() -> None:
    now = make_request(
        explainer={"name": "integrated_gradients", "baseline": "blurred"},
        grid={"g": 14, "h": 224, "w": 224},
    )
    found = rows([MARKS], now)
    assert [row[:4] for row in found[:3]] == [
        ("all images", "explainer", "deeplift", "integrated_gradients"),
        ("all images", "baseline", "zero", "blurred"),
        ("all images", "grid", "7 on 224 x 224 pixels", "14 on 224 x 224 pixels"),
    ]
    assert found[3][3] == "shown on another grid"


def test_what_is_told_of_many_marks_is_bounded() -> None:
    many = make_marks(*((r, c) for r in range(7) for c in range(7)))
    (row,) = rows([many], make_request(images=(make_image("jet.png"),)))
    assert len(row[2]) == 500
