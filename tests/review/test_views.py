import json
import time
from datetime import UTC, datetime, timedelta

from plotly.utils import PlotlyJSONEncoder

from feedback.layout import manifest_key, upload_key
from feedback.previews import Preview, answer_preview
from review.actions import Look, read_action
from review.candidates_view import sort_candidates
from review.desk import Desk, Shown
from review.draft import Draft
from review.editing import apply
from review.inbox_view import inbox_view, read_inbox
from review.previewing import PATIENCE, ask_preview, preview_view
from review.request_view import PARTS, marks_of, parts_of
from review.viewing import View, in_bounds, look, read_view
from tests.feedback.memory import MemoryStore
from tests.review.conftest import publish_request
from tests.review_request import make_card

NOW = datetime.now(UTC)
REPLACE = {"kind": "replace", "class_name": "carrier", "slot": 0, "to": "carrier/k03"}


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder, ensure_ascii=False)


def edited(shown: Shown, *messages: dict[str, object]) -> Draft:
    draft = Draft(bundle_sha256=shown.digest)
    for message in messages:
        draft = apply(draft, read_action(message), shown.evidence)  # type: ignore[arg-type]
    return draft


def test_the_inbox_shows_what_closes_first_first_and_what_is_broken_last(
    store: MemoryStore, desk: Desk
) -> None:
    later = publish_request(store, notes="later", deadline=NOW + timedelta(days=3))
    sooner = publish_request(store, notes="sooner", deadline=NOW + timedelta(hours=5, minutes=1))
    gone = publish_request(store, notes="gone", deadline=NOW - timedelta(hours=1))
    store.put(manifest_key("concept_graph-" + "0" * 20), b"{}")
    store.put(upload_key(later.request_id, "bob", "n" * 8), b"not judged yet")
    lines = read_inbox(desk, "ada", NOW)
    order = [sooner.request_id, later.request_id, gone.request_id, "concept_graph-" + "0" * 20]
    assert [line.request_id for line in lines] == order
    shown = text_of(inbox_view(lines, "ada", NOW))
    for told in ("2 requests wait", "5 hours left", "Answered by bob.", "2 closed requests"):
        assert told in shown
    assert "publish the request again" in shown


def test_an_empty_inbox_says_how_requests_come(desk: Desk) -> None:
    assert "parley run --reviewer inbox" in text_of(inbox_view([], "ada", NOW))


def test_candidates_are_sorted_by_score_or_by_distance_from_other_classes() -> None:
    cards = [
        make_card("carrier", number, uniqueness=uniqueness)
        for number, uniqueness in enumerate([0.5, None, 2.0, 0.1])
    ]
    assert sort_candidates(cards, "score") == cards
    found = [card.concept_id[-1] for card in sort_candidates(cards, "distinct")]
    assert found == ["2", "0", "3", "1"]


def test_a_class_shows_every_number_and_the_agreement_beside_it(desk: Desk, shown: Shown) -> None:
    parts = parts_of(
        shown,
        edited(shown, REPLACE),
        View(class_name="carrier"),
        desk.standing(shown, "ada", NOW),
        "ada",
        NOW,
    )
    assert set(parts) == set(PARTS) - {"overview"}
    for told in ("Reasoner agrees", "97%"):
        assert told in text_of(parts["head"])
    for told in ("TCAV 0.80, 95% interval 0.70 to 0.90", "found in 60%", "outside gate 10%"):
        assert told in text_of(parts["slots"])
    assert "was k00" in text_of(parts["slots"])
    assert "agrees with the classifier on 97%" in text_of(parts["bottom"])


def test_an_edit_does_not_change_the_list_of_candidates(desk: Desk, shown: Shown) -> None:
    view, standing = View(class_name="carrier"), desk.standing(shown, "ada", NOW)
    before = parts_of(shown, edited(shown), view, standing, "ada", NOW)
    after = parts_of(shown, edited(shown, REPLACE), view, standing, "ada", NOW)
    assert text_of(before["grid"]) == text_of(after["grid"])
    assert text_of(before["slots"]) != text_of(after["slots"])


def test_concepts_that_the_gate_would_refuse_cannot_be_chosen(shown: Shown) -> None:
    view = View(class_name="carrier", slot=1)
    marks = marks_of(shown, edited(shown, REPLACE), view)
    # k00 was shown in slot 0, so it may go back there only.
    assert marks["barred"] == [f"candidate carrier/k0{k}" for k in (0, 1, 2, 3)]
    there = marks_of(shown, edited(shown, REPLACE), view.model_copy(update={"slot": 0}))
    assert there["barred"] == [f"candidate carrier/k0{k}" for k in (1, 2, 3)]


def test_looking_at_another_class_starts_at_its_first_slot(shown: Shown) -> None:
    view = View(class_name="carrier", slot=2, edge=(0, 1), candidate="carrier/k03", n_listed=36)
    there = look(view, Look(kind="look", class_name="tank"), shown.evidence)
    assert there == View(class_name="tank")
    assert look(there, Look(kind="look"), shown.evidence) == View()


def test_a_view_of_things_that_are_not_there_is_brought_back(shown: Shown) -> None:
    far = View(class_name="carrier", slot=9, edge=(0, 9), candidate="nothing")
    assert in_bounds(far, shown.evidence.classes[0]) == View(class_name="carrier", slot=2)
    assert read_view({"slot": 99}) == read_view(None) == read_view({"x": 1}) == View()


def test_a_preview_is_asked_for_waited_for_and_shown(desk: Desk, shown: Shown) -> None:
    draft, asked_at = edited(shown, REPLACE), time.time()
    assert preview_view(desk, shown, edited(shown), View(), asked_at)[1] is False
    digest = ask_preview(desk, shown, draft, reviewer="ada", now=NOW)
    view = View(preview=digest, asked_at=asked_at)
    told, waits = preview_view(desk, shown, draft, view, asked_at + 1)
    assert ("A worker is asked" in text_of(told), waits) == (True, True)
    told, waits = preview_view(desk, shown, draft, view, asked_at + PATIENCE)
    assert ("No worker has answered" in text_of(told), waits) == (True, True)
    answer_preview(
        desk.store,
        Preview(
            request_id=shown.bundle.request_id,
            bundle_sha256=shown.digest,
            edits_sha256=digest,
            failed="no images",
            answered_at=NOW,
        ),
    )
    told, waits = preview_view(desk, shown, draft, view, asked_at + 2)
    assert ("The preview failed: no images" in text_of(told), waits) == (True, False)


def test_another_edit_is_not_shown_the_preview_of_the_first(desk: Desk, shown: Shown) -> None:
    digest = ask_preview(desk, shown, edited(shown, REPLACE), reviewer="ada", now=NOW)
    other = edited(shown, {**REPLACE, "to": "carrier/k05"})
    told, waits = preview_view(desk, shown, other, View(preview=digest), 0.0)
    assert ("Preview the effect" in text_of(told), waits) == (True, False)
