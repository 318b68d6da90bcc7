"""The rules of the gate, one by one, then as properties of any answers under any policy."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.answer import Answer, Edit, GateRequest, Seat
from feedback.gate import Outcome, decide
from feedback.policy import Policy, single_policy
from feedback.states import ReviewState
from tests.review_request import NOW

DIGEST = "a" * 64
PAIR = Policy.model_validate({"name": "pair", "roles": {"domain": {}, "ml": {}}})
JUDGED = Policy.model_validate(
    {
        "name": "judged",
        "roles": {"domain": {}, "ml": {}, "lead": {"approvals": 0}},
        "adjudicator": "lead",
    }
)
VETOED = Policy.model_validate(
    {
        "name": "vetoed",
        "roles": {"domain": {}, "safety": {"approvals": 0, "veto": True}, "lead": {"approvals": 0}},
        "adjudicator": "lead",
    }
)


def asked(**changes: object) -> GateRequest:
    values: dict[str, object] = {
        "request_id": "r-1",
        "bundle_sha256": DIGEST,
        "created_at": NOW,
        "author": "eve",
    }
    return GateRequest(**{**values, **changes})  # type: ignore[arg-type]


def says(
    reviewer: str,
    verdict: str,
    *roles: str,
    minute: float = 1,
    edits: dict[str, str] | None = None,
    behalf: str | None = None,
    **changes: object,
) -> Answer:
    moment = NOW + timedelta(minutes=minute)
    values: dict[str, object] = {
        "key": f"inbox/r-1/{reviewer}/nonce-{minute}.json",
        "request_id": "r-1",
        "bundle_sha256": DIGEST,
        "reviewer": reviewer,
        "verdict": verdict,
        "seats": tuple(Seat(role=role, on_behalf_of=behalf) for role in roles),
        "arrived_at": moment,
        "written_at": moment,
        "edits": tuple(
            Edit(target, content.encode(), {"does": content})
            for target, content in (edits or {}).items()
        ),
    }
    return Answer(**{**values, **changes})  # type: ignore[arg-type]


def state(policy: Policy, *answers: Answer, hours: float = 1, **request: object) -> ReviewState:
    return decide(asked(**request), answers, NOW + timedelta(hours=hours), policy).state


def effects(outcome: Outcome) -> dict[str, str]:
    return {edit.target: edit.content.decode() for edit in outcome.agreed}


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


# ---- properties ----

ROLES = ("domain", "ml", "lead", "safety", "janitor")
PEOPLE = ("ada", "bob", "cyd", "dan", "eve")
VERDICTS = ("approve", "approve", "approve", "reject", "request_changes", "maybe")


@st.composite
def any_policy(draw: st.DrawFn) -> Policy:
    adjudicator = draw(st.sampled_from([None, "lead"]))
    roles: dict[str, dict[str, object]] = {
        "domain": {"approvals": draw(st.integers(1, 2))},
        "ml": {"approvals": draw(st.integers(0, 2)), "veto": draw(st.booleans())},
        "safety": {"approvals": 0, "veto": draw(st.booleans())},
        "lead": {"approvals": 0},
    }
    values: dict[str, object] = {
        "name": "any",
        "roles": roles,
        "adjudicator": adjudicator,
        "author_may_approve": draw(st.booleans()),
        "on_conflict": draw(st.sampled_from(["partial", "request_changes"])),
        "deadline_hours": draw(st.sampled_from([None, 1.0, 24.0])),
    }
    if values["deadline_hours"] and draw(st.booleans()):
        values |= {"at_expiry": "escalate", "extension_hours": 1.0}
    return Policy.model_validate(values)


@st.composite
def any_answer(draw: st.DrawFn) -> Answer:
    reviewer = draw(st.sampled_from(PEOPLE))
    minute = draw(st.integers(0, 200))
    edits = draw(
        st.dictionaries(st.sampled_from(["tank", "ship"]), st.sampled_from(["x", "y"]), max_size=2)
    )
    roles = draw(st.lists(st.sampled_from(ROLES), unique=True, max_size=3))
    behalf = draw(st.sampled_from([None, None, None, *PEOPLE]))
    return says(
        reviewer,
        draw(st.sampled_from(VERDICTS)),
        *roles,
        minute=minute,
        edits=edits,
        behalf=behalf if behalf != reviewer else None,
        request_id=draw(st.sampled_from(["r-1", "r-1", "r-1", "r-2"])),
        key=f"inbox/r-1/{reviewer}/{draw(st.integers(0, 10**9))}.json",
    )


anything = st.lists(any_answer(), max_size=9)
moments = st.integers(0, 60).map(lambda hours: NOW + timedelta(hours=hours))
authors = st.sampled_from([None, *PEOPLE])


@given(anything, any_policy(), moments, authors, st.randoms())
def test_neither_order_nor_repetition_matters(answers, policy, now, author, random) -> None:  # type: ignore[no-untyped-def]
    outcome = decide(asked(author=author), answers, now, policy)
    shuffled = [*answers, *answers[:3]]
    random.shuffle(shuffled)
    assert decide(asked(author=author), shuffled, now, policy) == outcome


@given(anything, any_policy(), moments, authors)
def test_who_came_first_does_not_matter(answers, policy, now, author) -> None:  # type: ignore[no-untyped-def]
    """Of answers by different reviewers, in time, only what they say counts, not when they came."""
    single = list({answer.reviewer: answer for answer in answers}.values())
    times = sorted((a.arrived_at for a in single), reverse=True)
    retimed = [replace(a, arrived_at=moment) for a, moment in zip(single, times, strict=True)]
    in_time = NOW + timedelta(minutes=200)
    request = asked(author=author, deadline=in_time)
    assert decide(request, single, now, policy) == decide(request, retimed, now, policy)


@given(anything, any_policy(), moments, authors)
def test_the_considered_answers_alone_give_the_same_outcome(  # type: ignore[no-untyped-def]
    answers, policy, now, author
) -> None:
    outcome = decide(asked(author=author), answers, now, policy)
    considered = [answer for answer in answers if answer.key in outcome.considered]
    assert decide(asked(author=author), considered, now, policy) == outcome


def independent_places(policy: Policy, people: dict[str, set[str]]) -> bool:
    """Whether people fill all places, found by trying every assignment."""
    wanted = [r for r, rule in policy.roles.items() for _ in range(rule.approvals)]

    def fill(places: list[str], free: frozenset[str]) -> bool:
        return not places or any(
            places[0] in people[person] and fill(places[1:], free - {person}) for person in free
        )

    return fill(wanted, frozenset(people))


@given(anything, any_policy(), moments, authors)
def test_nothing_is_approved_without_its_quorum(answers, policy, now, author) -> None:  # type: ignore[no-untyped-def]
    request = asked(author=author)
    outcome = decide(request, answers, now, policy)
    if outcome.state not in (ReviewState.APPROVED, ReviewState.PARTIAL):
        assert outcome.agreed == ()
        return
    final = [answer for answer in answers if answer.key in outcome.considered]
    objecting = [a for a in final if a.verdict in ("reject", "request_changes")]

    def roles(wanted: tuple[str, ...]) -> dict[str, set[str]]:
        held: dict[str, set[str]] = {}
        for answer in final:
            for seat in answer.seats:
                is_authors = author in (None, answer.reviewer, seat.on_behalf_of)
                may = policy.author_may_approve or not is_authors or answer.verdict != "approve"
                if answer.verdict in wanted and may:
                    held.setdefault(answer.reviewer, set()).add(seat.role)
        return held

    approving = roles(("approve",))
    rulers = [name for name, held in approving.items() if policy.adjudicator in held]
    if rulers and (objecting or outcome.state is ReviewState.APPROVED):
        assert independent_places(policy, roles(("approve", "reject", "request_changes")))
    else:
        assert independent_places(policy, approving)
    if objecting:
        # Against an objection only the adjudicator approves, and nobody against a veto.
        assert rulers
        parties = [a for a in objecting if not a.speaks_for("lead")]
        for answer in parties:
            vetoing = {seat.role for seat in answer.seats if seat.on_behalf_of is None}
            assert answer.verdict != "reject" or not any(
                policy.roles[role].veto for role in vetoing if role in policy.roles
            )


@given(anything, any_policy(), authors)
def test_time_never_approves(answers, policy, author) -> None:  # type: ignore[no-untyped-def]
    """As time passes an open request stays open or expires; a closed one stays as it is."""
    request = asked(author=author)
    before = decide(request, answers, NOW, policy)
    for hours in (1, 2, 24, 25, 10_000):
        after = decide(request, answers, NOW + timedelta(hours=hours), policy)
        if before.state is ReviewState.OPEN:
            assert after.state in (ReviewState.OPEN, ReviewState.EXPIRED)
        else:
            assert after == before


@given(anything, any_policy(), moments, authors)
def test_the_authors_own_approval_changes_nothing(answers, policy, now, author) -> None:  # type: ignore[no-untyped-def]
    policy = policy.model_copy(update={"author_may_approve": False})
    request = asked(author=author or "eve")
    others = [answer for answer in answers if answer.reviewer != request.author]
    mine = says(request.author or "", "approve", "domain", "ml", minute=1, edits={"tank": "z"})
    # Being back ends a delegation, so only answers that nobody gives for the author are compared.
    others = [a for a in others if all(s.on_behalf_of != request.author for s in a.seats)]
    with_mine, without = (decide(request, [*others, *extra], now, policy) for extra in ([mine], []))
    assert (with_mine.state, with_mine.agreed) == (without.state, without.agreed)


def test_a_moment_is_compared_across_time_zones() -> None:
    limit = datetime.fromisoformat("2026-11-21T12:00:00+02:00")
    assert state(PAIR, hours=0.4, deadline=limit) is ReviewState.OPEN
    assert state(PAIR, hours=0.5, deadline=limit) is ReviewState.EXPIRED
