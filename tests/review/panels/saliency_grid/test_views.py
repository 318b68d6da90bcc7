import re
from datetime import UTC, datetime

import pytest

from feedback.channels.saliency_grid import CarriedReview, ExplainerUsed, Grid
from feedback.since import Difference, SinceChampion
from review.bar_view import bar
from review.catalogue import Catalogue
from review.desk import Desk
from review.inbox import read_inbox
from review.inbox_view import inbox_view
from review.request_view import frame, marks_of, parts_of, shortcuts_view
from review.shown import AnyShown
from review.viewing import View
from tests.feedback.channels.saliency_grid.images import make_image
from tests.feedback.memory import MemoryStore
from tests.review.conftest import edited
from tests.review.conftest import text_of as quoted
from tests.saliency_request import JET, SHIP, TANK, publish_squares

NOW = datetime.now(UTC)
MARK = {"kind": "cell", "item": SHIP, "r": 1, "c": 6}
SKIP = {"kind": "flag", "item": TANK, "flag": "skip"}


def text_of(part: object) -> str:
    return quoted(part).replace('\\"', '"')


def parts(desk: Desk, shown: AnyShown, *messages: object, item: str | None = SHIP):
    draft = edited(shown, *messages)
    standing = desk.standing(shown, "ada", NOW)
    return parts_of(shown, draft, View(item=item), standing, "ada", NOW)


def test_every_place_is_filled_with_what_is_known_of_the_image(desk: Desk, squares) -> None:
    found = parts(desk, squares)
    named = re.findall(r'"data-place": "([\w-]+)"', text_of(list(squares.panel.layout())))
    assert set(found) == {"rail", *named}
    for told in ("ship.png", "taken for tank", "image 2 of 3"):
        assert told in text_of(found["head"])
    for told in ("60%", "40%", "label", "answer"):
        assert told in text_of(found["answers"])
    for told in ("0.67 nats", "of at most 0.69", "DeepLIFT", "for tank", "0.1%"):
        assert told in text_of(found["explanation"])


def test_every_cell_is_a_button_and_shown_ones_have_rank_and_key(desk: Desk, squares) -> None:
    stage = text_of(parts(desk, squares)["stage"])
    assert stage.count('"kind": "cell"') == 49
    assert stage.count('"className": "square ranked"') == 3
    assert stage.count('"className": "square leftmost"') == 7
    ranked = re.findall(r'"aria-label": "(row \d column \d, rank \d)"', stage)
    assert ranked == ["row 1 column 7, rank 1", "row 2 column 7, rank 2", "row 4 column 4, rank 3"]
    assert re.findall(r'"data-key": "(\d)"', stage) == ["1", "2", "3"]
    # One stop for Tab: the square that matters most.
    assert stage.count('"tabIndex": "0"') == 1
    assert "data-shifted" not in stage
    assert '"data-turns": "marked as irrelevant"' in stage


def test_the_tenth_square_has_the_key_0_and_the_eleventh_none(desk: Desk, squares_of) -> None:
    cells = tuple({"r": n // 7, "c": n % 7, "score": 1.0} for n in range(12))
    shown = squares_of(images=(make_image("ship.png", shown=cells),))
    keys = re.findall(r'"data-key": "(\d)"', text_of(parts(desk, shown)["stage"]))
    assert keys == [*"1234567890"]


def test_cells_are_drawn_where_their_pixels_are(desk: Desk, squares_of) -> None:
    # 10 columns on 4 cells: 2, 3, 2 and 3 of them.
    shown = squares_of(grid=Grid(g=4, h=8, w=10), images=(make_image("ship.png", shown=()),))
    stage = text_of(parts(desk, shown)["stage"])
    assert '"gridTemplateColumns": "2fr 3fr 2fr 3fr"' in stage
    assert '"gridTemplateRows": "2fr 2fr 2fr 2fr"' in stage
    assert '"--ratio": "1.2500"' in stage


def test_shift_is_offered_where_both_marks_are_asked_for(desk: Desk, squares_of) -> None:
    stage = text_of(parts(desk, squares_of(allow_important=True))["stage"])
    assert '"data-turns": "marked as irrelevant|marked as important"' in stage
    assert stage.count('"important": true') == 49


def test_a_click_draws_no_picture_anew(desk: Desk, squares) -> None:
    before, after = parts(desk, squares), parts(desk, squares, MARK)
    changed = {name for name in before if text_of(before[name]) != text_of(after[name])}
    assert changed == {"rail", "verdict"}
    keys = {found["stage"].key for found in (before, after, parts(desk, squares, item=TANK))}
    assert keys == {SHIP, TANK}


def test_marks_are_told_by_state_and_those_of_other_images_are_not(squares_of) -> None:
    shown = squares_of(allow_important=True)
    other = {**MARK, "r": 0, "c": 6, "important": True}
    marks = marks_of(shown, edited(shown, MARK, other, SKIP), View(item=SHIP))
    assert marks.pressed == [f"item {SHIP}", "aaaaaaaaaaaa 1 6", "aaaaaaaaaaaa 0 6"]
    assert marks.states == {
        f"item {SHIP}": "2",
        f"item {TANK}": "skipped",
        "aaaaaaaaaaaa 1 6": "marked as irrelevant",
        "aaaaaaaaaaaa 0 6": "marked as important",
    }
    overview = marks_of(shown, edited(shown, MARK, SKIP), View())
    assert overview.states == {f"item {SHIP}": "1", f"item {TANK}": "skipped"}


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ("all_zero", "This explanation failed: the attribution is zero everywhere"),
        ("not_finite", "This explanation failed: the attribution holds values that are no numbers"),
        ("incomplete", "This explanation failed: the attributions do not add up"),
    ],
)
def test_an_explanation_that_failed_says_so(desk: Desk, squares_of, failure, told) -> None:
    shown = squares_of(images=(make_image("ship.png", failure=failure),))
    assert told in text_of(parts(desk, shown)["explanation"])
    assert shown.panel.notes(shown) == {SHIP: "failed"}
    assert "failed on 1" in text_of(shown.panel.overview(shown).facts)


def test_another_explainer_than_was_asked_for_says_why(desk: Desk, squares_of) -> None:
    remark = "explained by integrated gradients: DeepLIFT has no rule for GELU"
    shown = squares_of(
        explainer=ExplainerUsed(name="integrated_gradients", baseline="blurred"), remark=remark
    )
    explained = text_of(parts(desk, shown)["explanation"])
    assert "integrated gradients" in explained
    assert remark in explained
    assert "against a blurred copy" in text_of(shown.panel.overview(shown).facts)


def test_an_image_without_a_label_is_no_mistake(desk: Desk, squares_of) -> None:
    image = make_image("ship.png", true_class=None, completeness_error=None, probabilities=())
    shown = squares_of(images=(image,))
    found = parts(desk, shown)
    assert "taken for tank" in text_of(found["head"])
    assert "badge wrong" not in text_of(found["head"])
    assert "no probabilities were kept" in text_of(found["answers"])
    assert "promises no sum" in text_of(found["explanation"])
    assert shown.panel.notes(shown) == {}


def test_a_label_that_is_not_among_the_likeliest_is_shown_all_the_same(
    desk: Desk, squares_of
) -> None:
    image = make_image("ship.png", probabilities=(0.0, 1.0), true_class="ship")
    assert "ship" in text_of(parts(desk, squares_of(images=(image,)))["answers"])


def test_the_artefact_is_asked_for_where_there_is_one(desk: Desk, squares) -> None:
    assert "What the artefact is" not in text_of(parts(desk, squares)["verdict"])
    hair = {"kind": "artefact", "item": SHIP, "text": "hair"}
    verdict = text_of(parts(desk, squares, hair)["verdict"])
    assert "What the artefact is" in verdict
    # The chosen tag takes itself back.
    assert '{"kind": "artefact", "item": "' + SHIP + '", "text": ""}' in verdict


def test_doubts_are_told_beside_the_image(desk: Desk, squares) -> None:
    suspect = {"kind": "flag", "item": SHIP, "flag": "label_suspect"}
    assert "looks wrong, so its marks wait" in text_of(
        parts(desk, squares, MARK, suspect)["doubts"]
    )
    assert "looks wrong" not in text_of(parts(desk, squares, suspect)["doubts"])


def test_the_overview_asks_and_shows_every_image_once_by_priority(desk: Desk, squares) -> None:
    overview = text_of(parts(desk, squares, item=None)["overview"])
    for told in ("of 40 candidates", "2 epochs", "DeepLIFT", "7 × 7", "mistakes first"):
        assert told in overview
    marks = [f'"data-mark": "item {digest}"' for digest in (TANK, SHIP, JET)]
    assert [overview.count(mark) for mark in marks] == [1, 1, 1]
    assert sorted(marks, key=overview.index) == marks
    # Pictures come from the page's own routes, when they come into sight.
    assert overview.count('"loading": "lazy"') == 6
    assert f"/pictures/{squares.bundle.request_id}/" in overview


def test_the_overview_tells_of_reviews_that_the_network_learned_from(squares, squares_of) -> None:
    assert "Carried over" not in text_of(squares.panel.overview(squares).sections)
    whole = CarriedReview(request_id="r-7", decided_at=NOW, n_images=3, n_marked=2)
    parts = whole.model_copy(update={"request_id": "r-8", "n_gone": 1, "n_relabelled": 4})
    shown = squares_of(carried=(whole, parts))
    told = text_of(shown.panel.overview(shown).sections)
    assert "marks on 4 images of earlier reviews" in told
    assert f'3 images from review r-7 of {NOW:%Y-%m-%d}, 2 with marks"' in told
    assert "left out: 1 no longer trained on, 4 with another label since" in told


def test_inbox_and_page_tell_which_round_asks(desk: Desk, store: MemoryStore) -> None:
    once = desk.open(publish_squares(store).request_id)
    assert '"round 1"' not in text_of(
        inbox_view(read_inbox(Catalogue(desk), "ada", NOW), "ada", NOW)
    )
    again = desk.open(publish_squares(store, round=2, epoch=4).request_id)
    inbox = read_inbox(Catalogue(desk), "ada", NOW)
    assert '"round 2"' in text_of(inbox_view(inbox, "ada", NOW))
    for shown, told in ((once, "round 1, after 2 epochs ·"), (again, "round 2, after 4 epochs ·")):
        assert told in text_of(frame(shown, desk.standing(shown, "ada", NOW), NOW))


def test_the_inbox_and_the_list_of_keys_speak_of_images(desk: Desk, squares) -> None:
    inbox = text_of(inbox_view(read_inbox(Catalogue(desk), "ada", NOW), "ada", NOW))
    assert "3 images after 2 epochs" in inbox
    assert "Where the network looks, by DeepLIFT; 3 mistakes among them." in inbox
    keys = text_of(shortcuts_view(squares))
    assert "mark the square of that rank" in keys
    assert "next image without an answer" in keys
    draft, standing = edited(squares, MARK, SKIP), desk.standing(squares, "ada", NOW)
    told = text_of(bar(squares, draft, View(item=SHIP), standing))
    assert "1 edit" in told
    assert " · 2 of 3" in told
    assert JET in told


def difference(**changes: str) -> SinceChampion:
    values = {
        "target": "ship.png",
        "part": "marked cells",
        "champion": "row 1 column 7, row 4 column 4",
        "shown": "still looked at: row 1 column 7",
    }
    row = Difference.model_validate({**values, **changes})
    return SinceChampion(dataset_md5="0" * 32 + ".dir", differences=(row,))


def test_what_the_champion_learned_is_drawn_on_the_image(squares_of) -> None:
    shown = squares_of(since=difference())
    told = text_of(shown.panel.value_told(shown, "ship.png", "row 1 column 7, row 4 column 4"))
    assert told.count('"className": "outline"') == 2
    assert '"left": "85.71%", "top": "0.00%", "width": "14.29%", "height": "14.29%"' in told
    assert "row 1 column 7, row 4 column 4" in told


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("ship.png", "not under review"),
        ("gone.png", "row 1 column 7"),
        ("all images", "deeplift"),
        ("ship.png", "row 12 column 7"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_words(squares_of, target: str, value: str) -> None:
    shown = squares_of(since=difference())
    assert shown.panel.value_told(shown, target, value) == value


def test_cells_of_another_grid_are_not_drawn_on_this_one(squares_of) -> None:
    shown = squares_of(since=difference(target="all images", part="grid"))
    assert shown.panel.value_told(shown, "ship.png", "row 1 column 2") == "row 1 column 2"
