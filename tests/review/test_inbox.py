"""The inbox over years: what is open first, the latest of what is closed, pages of the rest."""

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.counting import CountingStore
from benchmarks.history import make_request
from feedback.inbox import submit
from feedback.layout import upload_key
from feedback.policy import single_policy
from feedback.publishing import load_bundle, publish
from feedback.recording import record_transition
from feedback.states import ReviewState
from feedback.watching import watch_once
from review.app import create_app
from review.catalogue import Catalogue
from review.desk import Desk
from review.inbox import AT_ONCE, page_of, read_closed, read_inbox
from review.inbox_view import closed_view, inbox_view
from review.settings import PageSettings
from tests.feedback.memory import MemoryStore
from tests.feedback.people import Office, step
from tests.feedback.ruled import DAY, POLICY, repeating_bundle
from tests.review.conftest import publish_request, text_of
from tests.review_request import NOW as RULED
from tests.review_request import make_answer

NOW = datetime.now(UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def history(clock: Clock) -> MemoryStore:
    """Forty-five requests, decided one after another, and one that is open."""
    store = MemoryStore(clock)
    for number in range(45):
        bundle = publish(store, make_request(number, NOW), {})
        answer = make_answer(bundle, reviewer="bob", nonce="nonce-0001")
        submit(store, bundle.request_id, "bob", "nonce-0001", answer)
        clock.now += timedelta(minutes=1)
        watch_once(store, single_policy(), clock.now)
    publish(store, make_request(99, NOW), {})
    return store


@pytest.fixture
def counted(history: MemoryStore) -> CountingStore:
    return CountingStore(history)


@pytest.fixture
def catalogue(counted: CountingStore) -> Catalogue:
    return Catalogue(Desk(counted, single_policy()))


def test_a_look_reads_what_is_open_and_a_few_closed_ones_once(
    counted: CountingStore, catalogue: Catalogue
) -> None:
    inbox = read_inbox(catalogue, "ada", NOW)
    assert inbox.n_closed == 45
    assert [line.takes_answers for line in inbox.lines] == [True] + [False] * 5
    # A manifest each, and manifest, decision and policy again to prove what was decided.
    assert counted.calls["GET"] == 1 + 5 * 4
    counted.calls.clear()
    assert read_inbox(catalogue, "ada", NOW) == inbox
    # Two listings of all, three of what is open.
    assert counted.calls == {"LIST": 5}


def test_pages_hold_each_closed_request_once_those_decided_last_first(
    history: MemoryStore, catalogue: Catalogue
) -> None:
    pages = [read_closed(catalogue, page, "ada", NOW).lines for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [AT_ONCE, AT_ONCE, 5, 0]
    names = [line.request_id for page in pages for line in page]
    decided = {name: history.objects[f"decisions/{name}/0001.json"][1] for name in names}
    assert len(decided) == 45
    assert names == sorted(names, key=lambda name: decided[name], reverse=True)
    latest = {line.request_id for line in read_inbox(catalogue, "ada", NOW).lines[1:]}
    assert latest == set(names[:5])


def test_pages_lead_on_and_back(catalogue: Catalogue) -> None:
    told = text_of(inbox_view(read_inbox(catalogue, "ada", NOW), "ada", NOW))
    assert "45 closed requests" in told
    assert '"/closed/1"' in told
    assert "40 more" in told
    texts = [
        text_of(closed_view(read_closed(catalogue, page, "ada", NOW), page, "ada", NOW))
        for page in (1, 2, 3, 9)
    ]
    links = [[f"/closed/{n}" in text for n in (1, 2, 3)] for text in texts[:3]]
    assert links == [[False, True, False], [True, False, True], [False, True, False]]
    assert "21 to 40 of 45" in texts[1]
    assert "41 to 45 of 45" in texts[2]
    assert "There are none here." in texts[3]


def test_a_promotion_is_shown_although_the_request_was_read_before(
    history: MemoryStore, catalogue: Catalogue
) -> None:
    (line, *_) = read_closed(catalogue, 1, "ada", NOW).lines
    assert line.standing is not None
    assert line.standing.state is ReviewState.APPROVED
    record_transition(history, line.request_id, ReviewState.PROMOTED, reason="better")
    (again, *_) = read_closed(catalogue, 1, "ada", NOW).lines
    assert again.standing is not None
    assert (again.request_id, again.standing.state) == (line.request_id, ReviewState.PROMOTED)


def test_an_answer_that_nobody_has_judged_is_looked_at_again(
    history: MemoryStore, catalogue: Catalogue, clock: Clock
) -> None:
    """It came as the request closed; refused, it is no answer any more."""
    (line, *_) = read_closed(catalogue, 1, "ada", NOW).lines
    bundle = load_bundle(history, line.request_id)
    late = make_answer(bundle, reviewer="eve", nonce="nonce-0002")
    history.put(upload_key(line.request_id, "eve", "nonce-0002"), late)
    fresh = Catalogue(Desk(history, single_policy()))
    (found, *_) = read_closed(fresh, 1, "ada", NOW).lines
    assert found.standing is not None
    assert found.standing.answered == ("bob", "eve")
    clock.now += timedelta(minutes=1)
    watch_once(history, single_policy(), clock.now)
    (again, *_) = read_closed(fresh, 1, "ada", NOW).lines
    assert again.standing is not None
    assert again.standing.answered == ("bob",)


def test_an_approval_by_rule_is_called_one_in_the_inbox() -> None:
    office = Office(bundle=repeating_bundle())
    office.now = RULED + DAY
    step(office, POLICY)
    inbox = read_inbox(Catalogue(Desk(office.store, POLICY)), "ada", office.now)
    told = text_of(inbox_view(inbox, "ada", office.now))
    assert "approved (by rule, by no person)" in told
    assert "Nobody answered." in told


def test_what_was_just_decided_moves_to_the_closed_ones(
    history: MemoryStore, catalogue: Catalogue, clock: Clock
) -> None:
    (line, *_) = read_inbox(catalogue, "ada", NOW).lines
    answer = make_answer(make_request(99, NOW), reviewer="bob", nonce="nonce-0001")
    submit(history, line.request_id, "bob", "nonce-0001", answer)
    told = text_of(inbox_view(read_inbox(catalogue, "ada", NOW), "ada", NOW))
    assert "Answered by bob." in told
    clock.now += timedelta(minutes=1)
    watch_once(history, single_policy(), clock.now)
    after = read_inbox(catalogue, "ada", NOW)
    assert (after.n_closed, after.lines[0].takes_answers) == (46, False)
    assert line.request_id in {one.request_id for one in after.lines}


def test_what_is_being_published_is_not_listed_yet(store: MemoryStore, desk: Desk) -> None:
    publish_request(store)
    store.put("reviews/concept_graph-unfinished/bundle/a.png", b"")
    inbox = read_inbox(Catalogue(desk), "ada", NOW)
    assert (len(inbox.lines), inbox.n_closed) == (1, 0)


@pytest.mark.parametrize(
    ("path", "page"),
    [("/closed/1", 1), ("/closed/20", 20), ("/closed/0", None), ("/closed/-1", None),
     ("/closed/x", None), ("/closed/", None), ("/closed/²", None), ("/closed/99999999", None),
     ("/", None), ("1", None)],
)  # fmt: skip
def test_pages_are_numbered_in_their_address(path: str, page: int | None) -> None:
    assert page_of(path) == page


def test_the_page_shows_them(history: MemoryStore) -> None:
    with create_app(history, PageSettings(reviewer="ada")).server.test_client() as client:
        message = {
            "output": "..page.children...shortcuts.children..",
            "outputs": [{"id": "page", "property": "children"},
                        {"id": "shortcuts", "property": "children"}],
            "inputs": [{"id": "address", "property": "pathname", "value": "/closed/3"}],
            "changedPropIds": ["address.pathname"],
            "state": [],
        }  # fmt: skip
        answer = client.post("/_dash-update-component", json=message,
                             headers={"Sec-Fetch-Site": "same-origin"})  # fmt: skip
    assert answer.status_code == 200
    assert "41 to 45 of 45" in answer.get_data(as_text=True)
