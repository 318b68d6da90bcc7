from datetime import UTC, datetime, timedelta

from feedback.layout import manifest_key, upload_key
from feedback.previews import Preview, answer_preview
from feedback.since import ComparedAccuracy, SinceChampion
from review.catalogue import Catalogue
from review.desk import Desk
from review.inbox import Inbox, read_inbox
from review.inbox_view import inbox_view
from review.previewing import PATIENCE, ask_preview, preview_view
from review.request_view import parts_of
from review.shown import AnyShown
from review.viewing import View
from tests.feedback.memory import MemoryStore
from tests.review.conftest import CHAMPION, SINCE, edited, publish_request, text_of

NOW = datetime.now(UTC)
REPLACE = {"kind": "replace", "item": "carrier", "slot": 0, "to": "carrier/k03"}


def test_the_inbox_shows_what_closes_first_first_and_what_is_broken_last(
    store: MemoryStore, desk: Desk
) -> None:
    later = publish_request(store, notes="later", deadline=NOW + timedelta(days=3))
    sooner = publish_request(store, notes="sooner", deadline=NOW + timedelta(hours=5, minutes=1))
    gone = publish_request(store, notes="gone", deadline=NOW - timedelta(hours=1))
    store.put(manifest_key("concept_graph-" + "0" * 20), b"{}")
    store.put(upload_key(later.request_id, "bob", "n" * 8), b"not judged yet")
    inbox = read_inbox(Catalogue(desk), "ada", NOW)
    order = [sooner.request_id, later.request_id, gone.request_id, "concept_graph-" + "0" * 20]
    assert [line.request_id for line in inbox.lines] == order
    shown = text_of(inbox_view(inbox, "ada", NOW))
    for told in ("2 requests wait", "5 hours left", "Answered by bob.", "2 closed requests"):
        assert told in shown
    assert "publish the request again" in shown


def test_an_empty_inbox_says_how_requests_come(desk: Desk) -> None:
    assert "parley run --reviewer inbox" in text_of(inbox_view(Inbox([], 0), "ada", NOW))


def test_a_preview_is_asked_for_waited_for_and_shown(desk: Desk, shown: AnyShown) -> None:
    draft, asked_at = edited(shown, REPLACE), NOW.timestamp()
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
            asked_at=NOW,
            answered_at=NOW - timedelta(hours=1),  # by a clock that is late
        ),
    )
    told, waits = preview_view(desk, shown, draft, view, asked_at + 2)
    assert ("The preview failed: no images" in text_of(told), waits) == (True, False)
    assert "Try again" in text_of(told)
    asked_again = View(preview=digest, asked_at=NOW.timestamp() + 60)
    told, waits = preview_view(desk, shown, draft, asked_again, NOW.timestamp() + 61)
    assert ("A worker is asked" in text_of(told), waits) == (True, True)


def test_another_edit_is_not_shown_the_preview_of_the_first(desk: Desk, shown: AnyShown) -> None:
    digest = ask_preview(desk, shown, edited(shown, REPLACE), reviewer="ada", now=NOW)
    other = edited(shown, {**REPLACE, "to": "carrier/k05"})
    told, waits = preview_view(desk, shown, other, View(preview=digest), 0.0)
    assert ("Preview the effect" in text_of(told), waits) == (True, False)


def overview_text(desk: Desk, store: MemoryStore, **changes: object) -> str:
    shown = desk.open(publish_request(store, **changes).request_id)  # type: ignore[arg-type]
    standing = desk.standing(shown, "ada", NOW)
    parts = parts_of(shown, edited(shown), View(), standing, "ada", NOW)
    return text_of(parts["overview"])


def test_without_a_champion_the_overview_says_so(store: MemoryStore, desk: Desk) -> None:
    assert "There is no champion of resnet18 yet" in overview_text(desk, store)
    told = overview_text(desk, store, notes="older", base=CHAMPION)
    assert "Version 3 of parley is champion; this request holds no comparison with it." in told


def test_the_overview_tells_what_changed_since_the_champion(store: MemoryStore, desk: Desk) -> None:
    told = overview_text(desk, store, base=CHAMPION, since=SINCE)
    for expected in (
        "Version 3 of parley is champion; dataset 11111111 then, 00000000 now.",
        "Accuracy on each dataset's own test images",
        "−25.0", "+5.0", "3 differences from the champion's graphs",
        "the sea is no part of a ship", "edge k03 → k01", "k09 (mined anew)",
    ):  # fmt: skip
        assert expected in told
    # The champion's concept is among the candidates, so it is shown; one that is gone cannot be.
    assert "k03, example 1" in told
    assert "k09 (mined anew), example" not in told


def test_the_same_graphs_and_data_are_told_in_words(store: MemoryStore, desk: Desk) -> None:
    same = SinceChampion(dataset_md5="0" * 32 + ".dir")
    told = overview_text(desk, store, base=CHAMPION, since=same)
    assert "the dataset is the same, 00000000." in told
    assert "Concepts and edges are those of the champion's graphs." in told
    trained = same.model_copy(update={"remark": "no review has edited it"})
    told = overview_text(desk, store, notes="first", base=CHAMPION, since=trained)
    assert "no review has edited it" in told
    assert "Concepts and edges are those" not in told


def test_classes_that_changed_most_come_first_and_many_are_folded(
    store: MemoryStore, desk: Desk
) -> None:
    rows = tuple(
        ComparedAccuracy(name=f"class {n}", champion=0.5, shown=0.5 + n / 100) for n in range(9)
    )
    told = overview_text(desk, store, base=CHAMPION, since=SinceChampion(accuracies=rows))
    assert "Class by class, 9 of them" in told
    assert told.index("class 8") < told.index("class 1") < told.index("class 0")


def test_classes_without_test_images_are_told(store: MemoryStore, desk: Desk) -> None:
    rows = (
        ComparedAccuracy(name="tank", champion=0.5, shown=0.5),
        ComparedAccuracy(name="jet", champion=0.9, shown=None),
    )
    told = overview_text(desk, store, base=CHAMPION, since=SinceChampion(accuracies=rows))
    assert "Without test images now: 1 class." in told
    jet = told[told.index('"jet"') :]
    # Accuracy then, none now, and no difference.
    assert jet.index("90%") < jet.index("–")
