"""Time at items, measured by the page; what is missing is told before an answer is handed in."""

from datetime import UTC, datetime, timedelta

import pytest

from feedback.policy import Policy
from feedback.upload import parse_upload
from feedback.watching import watch_once
from review.acting import Visit, act_on
from review.desk import Desk
from review.opened import Opened
from review.panels.concept_graph import GraphView
from review.request_view import places_of, standing_view
from review.settings import PageSettings
from review.shown import AnyShown
from tests.feedback.memory import MemoryStore
from tests.feedback.ruled import DAY, repeating_bundle
from tests.feedback.ruled import POLICY as RULED
from tests.review.conftest import edited, publish_request, text_of

NOW = datetime.now(UTC)
REPLACE = {"kind": "replace", "item": "carrier", "slot": 0, "to": "carrier/k03"}
APPROVE = {"kind": "verdict", "verdict": "approve"}
SLOW = Policy.model_validate(
    {
        "name": "slow",
        "roles": {"domain": {"anyone": True, "signatures": ["none"]}},
        "attention": {"seconds": 60, "seconds_per_item": 5},
    }
)


@pytest.fixture
def slow(store: MemoryStore) -> Desk:
    return Desk(store, SLOW)


def after(seconds: float, desk: Desk, opened: float = 0) -> Visit:
    now = NOW + timedelta(seconds=seconds)
    return Visit(desk, PageSettings(reviewer="ada"), "ada", now, NOW.timestamp() + opened)


def look(item: str | None) -> dict[str, object]:
    return {"kind": "look"} if item is None else {"kind": "look", "item": item}


def test_the_time_at_each_item_goes_with_the_answer(slow: Desk, shown: AnyShown) -> None:
    opened = Opened(shown, edited(shown), GraphView())
    for at, messages in (
        (10, [look("carrier")]), (14, [REPLACE]), (17, [look("tank")]), (18, [look("carrier")]),
        (30, [look(None)]), (40, [look("tank")]), (70, [APPROVE, {"kind": "send"}]),
    ):  # fmt: skip
        opened, told = act_on(opened, messages, after(at, slow))
    assert '"note sent"' in text_of(told)
    (key,) = (info.key for info in slow.store.list("inbox/"))
    document = parse_upload(slow.store.get(key)).document
    assert document.seconds_spent == pytest.approx(70)
    # Carrier 7 and 12 seconds, tank 1 and 30; what was never opened is not named.
    assert document.seconds_by_item == {"carrier": 19.0, "tank": 31.0}


def test_a_hasty_approval_is_told_before_and_refused_when_sent(slow: Desk, shown: AnyShown) -> None:
    draft, hasty = edited(shown, REPLACE), after(8, slow)
    view = GraphView(item="tank", since=NOW.timestamp(), verdict="approve")
    opened = Opened(shown, draft, view)
    standing = slow.standing(shown, "ada", hasty.now)
    told = text_of(places_of(slow, opened, standing, "ada", hasty.now, 8.0)[0]["page-send"])
    assert "8 s on the request instead of 60 s" in told
    assert "carrier: not opened instead of 5 s" in told
    assert "tank" not in told
    opened, news = act_on(opened, [{"kind": "send"}], hasty)
    assert '"note refused"' in text_of(news)
    assert "carrier: not opened" in text_of(news)
    assert slow.store.list("inbox/") == []
    assert opened.draft == draft


@pytest.mark.parametrize("verdict", ["reject", "request_changes"])
def test_an_objection_needs_no_time(slow: Desk, shown: AnyShown, verdict: str) -> None:
    draft = edited(shown, {"kind": "comment", "text": "no"})
    view = GraphView.model_validate({"verdict": verdict})
    visit = after(1, slow)
    standing = slow.standing(shown, "ada", visit.now)
    opened = Opened(shown, draft, view)
    places, _ = places_of(slow, opened, standing, "ada", visit.now, 1.0)
    assert "instead of" not in text_of(places["page-send"])
    assert '"note sent"' in text_of(act_on(opened, [{"kind": "send"}], visit)[1])


def test_times_that_cannot_be_are_not_told() -> None:
    at = NOW.timestamp()
    for since in (0.0, at + 60, -1e300, float("inf")):
        view = GraphView(item="tank", seconds={"carrier": 3.0}).model_copy(update={"since": since})
        assert view.seconds_by_item(at) == {"carrier": 3.0}


def test_an_open_request_tells_when_its_rule_will_approve_it(store: MemoryStore) -> None:
    desk = Desk(store, RULED)
    evidence = repeating_bundle()
    bundle = publish_request(
        store, base=evidence.base, since=evidence.since, evidence=evidence.evidence,
        items=evidence.items, author="eve", deadline=NOW + 3 * DAY,
    )  # fmt: skip
    shown = desk.open(bundle.request_id)
    standing = desk.standing(shown, "ada", NOW)
    assert standing.by_rule_at == bundle.created_at + DAY
    told = text_of(standing_view(standing))
    assert f"{standing.by_rule_at:%d %B %Y, %H:%M} UTC unless somebody answers" in told
    # Without the section in the policy, or with a lost edit, nobody is told so.
    assert Desk(store, SLOW).standing(shown, "ada", NOW).by_rule_at is None
    risky = repeating_bundle(n_lost=1)
    other = publish_request(
        store, base=risky.base, since=risky.since, evidence=risky.evidence, items=risky.items,
        author="eve", deadline=NOW + 3 * DAY,
    )  # fmt: skip
    assert desk.standing(desk.open(other.request_id), "ada", NOW).by_rule_at is None


def test_a_request_that_a_rule_approved_says_that_no_person_did(store: MemoryStore) -> None:
    evidence = repeating_bundle()
    bundle = publish_request(
        store, base=evidence.base, since=evidence.since, evidence=evidence.evidence,
        items=evidence.items, author="eve", created_at=NOW - 2 * DAY, deadline=NOW + DAY,
    )  # fmt: skip
    assert watch_once(store, RULED, NOW).decisions[0].by_rule
    desk = Desk(store, RULED)
    standing = desk.standing(desk.open(bundle.request_id), "ada", NOW)
    assert (standing.takes_answers, standing.by_rule_at) == (False, None)
    assert "approved (by rule, by no person) since" in standing.why
