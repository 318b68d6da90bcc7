"""The rules of the gate, one by one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from feedback.answer import Seat
from feedback.gate import decide
from feedback.policy import Policy, single_policy
from feedback.states import ReviewState
from tests.feedback.answers import JUDGED, PAIR, VETOED, asked, effects, says, state
from tests.review_request import NOW


def test_a_quorum_is_one_approval_of_each_role() -> None:
    domain, ml = says("ada", "approve", "domain"), says("bob", "approve", "ml")
    assert state(PAIR, domain) is ReviewState.OPEN
    assert state(PAIR, ml) is ReviewState.OPEN
    assert state(PAIR, domain, ml) is ReviewState.APPROVED
    assert decide(asked(), [domain], NOW, PAIR).missing == (("ml", 1),)


def test_one_person_of_two_roles_fills_one_place() -> None:
    both = says("ada", "approve", "domain", "ml")
    assert state(PAIR, both) is ReviewState.OPEN
    # Whichever place the other one needs, the one with both roles takes the other.
    assert state(PAIR, both, says("bob", "approve", "domain")) is ReviewState.APPROVED
    assert state(PAIR, both, says("bob", "approve", "ml")) is ReviewState.APPROVED


def test_two_places_of_a_role_need_two_people() -> None:
    policy = Policy.model_validate({"name": "two", "roles": {"ml": {"approvals": 2}}})
    first = says("ada", "approve", "ml")
    again = says("ada", "approve", "ml", minute=2)
    assert state(policy, first, again) is ReviewState.OPEN
    assert state(policy, again, says("bob", "approve", "ml")) is ReviewState.APPROVED


@pytest.mark.parametrize("author", ["ada", "ADA"])
def test_the_author_does_not_approve_however_spelled(author: str) -> None:
    answers = (says("ada", "approve", "domain"), says("bob", "approve", "ml"))
    assert state(PAIR, *answers, author=author) is ReviewState.OPEN
    assert state(PAIR, *answers) is ReviewState.APPROVED


def test_an_outcome_names_whose_edits_go_on() -> None:
    domain, ml = says("ada", "approve", "domain"), says("bob", "approve", "ml")
    author = says("eve", "approve", "domain")
    found = decide(asked(author="eve"), [ml, author, domain], NOW, PAIR)
    assert (found.state, found.joined) == (ReviewState.APPROVED, ("ada", "bob"))
    assert decide(asked(author="eve"), [ml, author], NOW, PAIR).joined == ()
    reject, ruling = says("bob", "reject", "ml"), says("cyd", "approve", "lead")
    assert decide(asked(), [domain, reject, ruling], NOW, JUDGED).joined == ("ada", "cyd")


def test_who_stands_in_for_the_author_does_not_approve() -> None:
    answers = (says("ada", "approve", "domain", behalf="eve"), says("bob", "approve", "ml"))
    assert state(PAIR, *answers) is ReviewState.OPEN


def test_a_request_without_a_known_author_is_not_approved() -> None:
    answers = (says("ada", "approve", "domain"), says("bob", "approve", "ml"))
    assert state(PAIR, *answers, author=None) is ReviewState.OPEN
    reason = decide(asked(author=None), answers, NOW, PAIR).reason
    assert "does not name its author" in reason


def test_the_author_may_object() -> None:
    assert state(PAIR, says("eve", "reject", "domain")) is ReviewState.REJECTED


def test_a_later_answer_replaces_the_earlier_one_of_the_same_reviewer() -> None:
    first = says("ada", "approve", "domain", minute=1)
    later = says("ada", "request_changes", "domain", minute=2)
    other = says("bob", "approve", "ml", minute=3)
    assert state(PAIR, first, later, other) is ReviewState.CHANGES_REQUESTED
    taken_back = says("ada", "approve", "domain", minute=4)
    assert state(PAIR, first, later, taken_back, other) is ReviewState.APPROVED


def test_without_an_adjudicator_an_objection_closes_and_a_rejection_outweighs_a_change() -> None:
    change = says("ada", "request_changes", "domain")
    assert state(PAIR, change) is ReviewState.CHANGES_REQUESTED
    assert state(PAIR, change, says("bob", "reject", "ml")) is ReviewState.REJECTED
    assert state(PAIR, says("bob", "approve", "ml"), change) is ReviewState.CHANGES_REQUESTED


def test_on_a_split_the_adjudicator_rules_once_all_roles_are_heard() -> None:
    approve, reject = says("ada", "approve", "domain"), says("bob", "reject", "ml")
    assert state(JUDGED, approve) is ReviewState.OPEN
    assert state(JUDGED, reject) is ReviewState.OPEN
    split = decide(asked(), [approve, reject], NOW, JUDGED)
    assert (split.state, split.missing) == (ReviewState.OPEN, (("lead", 1),))
    for verdict, expected in (
        ("approve", ReviewState.APPROVED),
        ("reject", ReviewState.REJECTED),
        ("request_changes", ReviewState.CHANGES_REQUESTED),
    ):
        assert state(JUDGED, approve, reject, says("cyd", verdict, "lead")) is expected
        # Before the split the ruling is worth nothing.
        assert state(JUDGED, approve, says("cyd", verdict, "lead")) is ReviewState.OPEN


def test_the_adjudicator_is_nobodys_party() -> None:
    both = says("cyd", "approve", "lead", "ml")
    assert state(JUDGED, says("ada", "approve", "domain"), both) is ReviewState.OPEN


def test_the_author_does_not_rule_for_approval() -> None:
    answers = (says("ada", "approve", "domain"), says("bob", "reject", "ml"))
    assert state(JUDGED, *answers, says("eve", "approve", "lead")) is ReviewState.OPEN


def test_objections_of_all_roles_need_no_ruling() -> None:
    answers = (says("ada", "request_changes", "domain"), says("bob", "reject", "ml"))
    assert state(JUDGED, *answers) is ReviewState.REJECTED


def test_a_veto_is_final() -> None:
    answers = (says("ada", "approve", "domain"), says("sam", "reject", "safety"))
    assert state(VETOED, *answers) is ReviewState.REJECTED
    assert state(VETOED, *answers, says("cyd", "approve", "lead")) is ReviewState.REJECTED
    # A role without places has no approval to give.
    assert state(VETOED, says("sam", "approve", "safety")) is ReviewState.OPEN


def test_edits_of_different_things_are_joined() -> None:
    answers = (
        says("ada", "approve", "domain", edits={"tank": "cut 0-1"}),
        says("bob", "approve", "ml", edits={"ship": "cut 1-2", "tank": "cut 0-1"}),
    )
    outcome = decide(asked(), answers, NOW, PAIR)
    assert outcome.state is ReviewState.APPROVED
    assert effects(outcome) == {"ship": "cut 1-2", "tank": "cut 0-1"}


CONTEST = (
    says("ada", "approve", "domain", edits={"tank": "cut 0-1", "ship": "cut 1-2"}),
    says("bob", "approve", "ml", edits={"tank": "keep"}),
)


def test_different_edits_of_one_thing_are_not_joined() -> None:
    outcome = decide(asked(), CONTEST, NOW, PAIR)
    assert (outcome.state, outcome.conflicts) == (ReviewState.PARTIAL, ("tank",))
    assert effects(outcome) == {"ship": "cut 1-2"}
    strict = PAIR.model_copy(update={"on_conflict": "request_changes"})
    assert decide(asked(), CONTEST, NOW, strict).state is ReviewState.CHANGES_REQUESTED


@pytest.mark.parametrize(
    ("ruling", "expected"),
    [
        ({"tank": "cut 2-0"}, {"tank": "cut 2-0", "ship": "cut 1-2"}),
        ({}, {"ship": "cut 1-2"}),
        ({"ship": "keep"}, {"ship": "keep"}),
    ],
)
def test_the_adjudicators_edits_stand_and_what_is_left_out_stays_as_shown(
    ruling: dict[str, str], expected: dict[str, str]
) -> None:
    assert decide(asked(), CONTEST, NOW, JUDGED).state is ReviewState.OPEN
    outcome = decide(asked(), [*CONTEST, says("cyd", "approve", "lead", edits=ruling)], NOW, JUDGED)
    assert outcome.state is ReviewState.APPROVED
    assert effects(outcome) == expected


def test_edits_of_those_who_object_or_started_the_run_do_not_go_on() -> None:
    answers = (
        says("ada", "approve", "domain", edits={"tank": "cut 0-1"}),
        says("bob", "approve", "ml"),
        says("eve", "approve", "ml", edits={"tank": "keep"}),
    )
    assert effects(decide(asked(), answers, NOW, PAIR)) == {"tank": "cut 0-1"}


def test_who_is_back_speaks_for_themselves() -> None:
    stand_in = says("dan", "approve", "ml", behalf="bob", minute=1)
    domain = says("ada", "approve", "domain")
    assert state(PAIR, domain, stand_in) is ReviewState.APPROVED
    assert state(PAIR, domain, stand_in, says("bob", "reject", "ml", minute=2)) is (
        ReviewState.REJECTED
    )


def test_a_deadline_closes_and_late_answers_do_not_count() -> None:
    limit = {"deadline": NOW + timedelta(hours=1)}
    answers = (says("ada", "approve", "domain"), says("bob", "approve", "ml", minute=61))
    assert state(PAIR, *answers, hours=0.99, **limit) is ReviewState.OPEN
    assert state(PAIR, *answers, hours=1, **limit) is ReviewState.EXPIRED
    # What arrived in time counts, even if nobody looked before the deadline had passed.
    in_time = (answers[0], says("bob", "approve", "ml", minute=60))
    assert state(PAIR, *in_time, hours=50, **limit) is ReviewState.APPROVED


def test_escalation_waits_longer_and_then_expires() -> None:
    policy = PAIR.model_copy(
        update={"deadline_hours": 2.0, "at_expiry": "escalate", "extension_hours": 3.0}
    )
    assert state(policy, hours=4.9) is ReviewState.OPEN
    assert state(policy, hours=5) is ReviewState.EXPIRED


def test_a_moment_is_compared_across_time_zones() -> None:
    limit = datetime.fromisoformat("2026-11-21T12:00:00+02:00")
    assert state(PAIR, hours=0.4, deadline=limit) is ReviewState.OPEN
    assert state(PAIR, hours=0.5, deadline=limit) is ReviewState.EXPIRED


@pytest.mark.parametrize(
    "changes",
    [{"request_id": "r-2"}, {"bundle_sha256": "b" * 64}, {"verdict": "APPROVE"}, {"verdict": ""},
     {"seats": ()}, {"seats": (Seat(role="janitor"),)}],
)  # fmt: skip
def test_what_is_not_defined_is_no_approval(changes: dict[str, object]) -> None:
    odd = replace(says("ada", "approve", "domain"), **changes)  # type: ignore[arg-type]
    assert state(PAIR, odd, says("bob", "approve", "ml")) is ReviewState.OPEN


@pytest.mark.parametrize("author", [None, "ada"])
def test_single_takes_anyones_first_word(author: str | None) -> None:
    policy = single_policy()
    for verdict, expected in (
        ("approve", ReviewState.APPROVED),
        ("reject", ReviewState.REJECTED),
        ("request_changes", ReviewState.CHANGES_REQUESTED),
    ):
        assert state(policy, says("ada", verdict, "reviewer"), author=author) is expected
