"""What the rule of a policy may approve: the conditions one by one, and as properties."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.answer import GateRequest
from feedback.gate import decide
from feedback.low_risk import risks_of, rule_moment
from feedback.policy import Policy, signed_policy, single_policy
from feedback.states import ReviewState
from tests.feedback.answers import says
from tests.feedback.ruled import BASE, DAY, POLICY, PROPOSAL, RULE, SINCE, ruled_request
from tests.feedback.test_gate_properties import any_answer, moments
from tests.review_request import NOW

AUTO = POLICY.auto_approve
assert AUTO is not None
MINUTE = timedelta(minutes=1)


def accuracies(**changes: object):  # type: ignore[no-untyped-def]
    group, one = SINCE.accuracies
    return {"accuracies": (group.model_copy(update=changes), one)}


def test_a_request_on_the_limit_of_every_condition_is_approved_with_its_edits() -> None:
    outcome = decide(ruled_request(), [], NOW + DAY, POLICY)
    assert (outcome.state, outcome.by_rule) == (ReviewState.APPROVED, True)
    assert outcome.agreed == PROPOSAL.edits
    assert (outcome.considered, outcome.joined) == ((), ())
    assert "concept_graph-old" in outcome.reason
    assert "nobody answered" in outcome.reason


def test_the_window_is_waited_for_and_the_deadline_still_only_expires() -> None:
    request = ruled_request()
    assert rule_moment(request, AUTO) == NOW + DAY
    assert decide(request, [], NOW + DAY - MINUTE, POLICY).state is ReviewState.OPEN
    assert decide(request, [], NOW + 3 * DAY - MINUTE, POLICY).by_rule
    # A watcher that was away until the deadline finds an expired request, not an approved one.
    late = decide(request, [], NOW + 3 * DAY, POLICY)
    assert (late.state, late.by_rule, late.agreed) == (ReviewState.EXPIRED, False, ())


RISKS: list[tuple[dict[str, object], str]] = [
    ({"author": None}, "names its author"),
    ({"is_follow_up": True}, "got a follow-up"),
    ({"base": None}, "a champion to compare with"),
    ({"base": BASE.model_copy(update={"request_id": None})}, "a review made"),
    ({"since": None}, "comparison with the champion"),
    ({"since": SINCE.model_copy(update={"remark": "?"})}, "got a remark"),
    ({"since": SINCE.model_copy(update={"accuracies": ()})}, "accuracies beside"),
    ({"since": SINCE.model_copy(update=accuracies(champion=None))}, "not known"),
    ({"since": SINCE.model_copy(update=accuracies(shown=None))}, "not known"),
    ({"since": SINCE.model_copy(update=accuracies(shown=0.889))}, "at most 0.01 below"),
    ({"since": SINCE.model_copy(update=accuracies(is_group=False, shown=0.84))}, "at most 0.05"),
    ({"since": SINCE.model_copy(update={"unattended": None})}, "no count"),
    ({"since": SINCE.model_copy(update={"unattended": 2})}, "fewer than 2 reviews"),
    ({"proposal": None}, "what the request repeats"),
    ({"proposal": replace(PROPOSAL, n_edits=0)}, "to repeat"),
    ({"proposal": replace(PROPOSAL, sources=())}, "to repeat"),
    ({"proposal": replace(PROPOSAL, n_edits=4)}, "at most 3 edits"),
    ({"proposal": replace(PROPOSAL, similarity=None)}, "unknown"),
    ({"proposal": replace(PROPOSAL, similarity=0.899)}, "similarity of at least 0.9"),
    ({"proposal": replace(PROPOSAL, similarity=float("nan"))}, "similarity of at least 0.9"),
    ({"proposal": replace(PROPOSAL, classes=None)}, "know the classes"),
    ({"proposal": replace(PROPOSAL, classes=frozenset({"jet", "tank"}))}, "got jet"),
    ({"proposal": replace(PROPOSAL, doubts=("lost: 1",))}, "lost: 1"),
]


@pytest.mark.parametrize(("change", "told"), RISKS)
def test_one_condition_that_does_not_hold_or_is_not_known_is_enough(
    change: dict[str, object], told: str
) -> None:
    request = ruled_request(**change)
    (risk,) = risks_of(request, AUTO)
    assert told in risk
    assert decide(request, [], NOW + DAY, POLICY).state is ReviewState.OPEN


def test_any_class_may_be_named_and_then_need_not_be_known() -> None:
    policy = Policy.model_validate(
        {**POLICY.model_dump(mode="json"), "auto_approve": {**RULE, "classes": "any"}}
    )
    request = ruled_request(proposal=replace(PROPOSAL, classes=None))
    assert decide(request, [], NOW + DAY, policy).by_rule


@pytest.mark.parametrize("verdict", ["approve", "request_changes", "reject"])
def test_any_answer_leaves_the_request_to_people(verdict: str) -> None:
    """A role without places, one who objects, one approval of two: people have taken it up."""
    for role in ("safety", "domain"):
        answer = says("ada", verdict, role)
        outcome = decide(ruled_request(), [answer], NOW + DAY, POLICY)
        assert not outcome.by_rule
        assert outcome.considered == (answer.key,)
    # Who has no seat does not answer.
    assert decide(ruled_request(), [says("zoe", verdict)], NOW + DAY, POLICY).by_rule


def test_no_packaged_policy_approves_by_rule() -> None:
    for policy in (single_policy(), signed_policy()):
        assert policy.auto_approve is None
        assert decide(ruled_request(), [], NOW + DAY, policy).state is ReviewState.OPEN


@st.composite
def any_request(draw: st.DrawFn) -> tuple[GateRequest, bool]:
    """Draw a request, and whether something about it is a risk."""
    change, is_risky = draw(st.sampled_from([({}, False), *((c, True) for c, _ in RISKS)]))
    deadline = draw(st.sampled_from([None, NOW + timedelta(hours=30)]))
    return replace(ruled_request(**change), deadline=deadline), is_risky


answers = st.lists(any_answer(), max_size=3, unique_by=lambda answer: answer.key)


@given(any_request(), answers, moments, st.randoms())
def test_order_and_repetition_do_not_matter(request, given_answers, now, random) -> None:  # type: ignore[no-untyped-def]
    asked, _ = request
    outcome = decide(asked, given_answers, now, POLICY)
    shuffled = [*given_answers, *given_answers[:2]]
    random.shuffle(shuffled)
    assert decide(asked, shuffled, now, POLICY) == outcome


@given(any_request(), answers, moments)
def test_the_rule_never_speaks_against_anybody_nor_of_what_is_not_known(  # type: ignore[no-untyped-def]
    request, given_answers, now
) -> None:
    asked, is_risky = request
    outcome = decide(asked, given_answers, now, POLICY)
    if not outcome.by_rule:
        return
    assert not is_risky
    assert outcome.state is ReviewState.APPROVED
    assert NOW + DAY <= now < (asked.deadline or NOW + 3 * DAY)
    # Whoever holds a role of the policy, and answered in time, has been heard.
    for answer in given_answers:
        is_for_this = answer.request_id == asked.request_id
        assert not (is_for_this and any(s.role in POLICY.roles for s in answer.seats))


@given(any_request(), answers, moments)
def test_without_its_section_a_policy_decides_as_before(request, given_answers, now) -> None:  # type: ignore[no-untyped-def]
    asked, _ = request
    plain = POLICY.model_copy(update={"auto_approve": None})
    outcome, before = (decide(asked, given_answers, now, rule) for rule in (POLICY, plain))
    if outcome.by_rule:
        assert before.state is ReviewState.OPEN
    else:
        assert outcome == before
