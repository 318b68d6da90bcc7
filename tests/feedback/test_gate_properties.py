"""The rules of the gate as properties of any answers under any policy."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from feedback.answer import Answer
from feedback.gate import decide
from feedback.policy import Policy
from feedback.states import ReviewState
from tests.feedback.answers import asked, says
from tests.review_request import NOW

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


# The store holds one object under a key, so no two answers share one.
anything = st.lists(any_answer(), max_size=9, unique_by=lambda answer: answer.key)
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
    # Who holds the adjudicator's role rules on a split and does nothing else, nor do they object.
    parties = [a for a in final if not (policy.adjudicator and a.speaks_for(policy.adjudicator))]
    objecting = [a for a in parties if a.verdict in ("reject", "request_changes")]

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
        for answer in objecting:
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
