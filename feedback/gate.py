"""The gate: one pure function from a request and the answers to it to its state.

What is not spelled out here is not approved. The rules, with their reasons, stand in
``docs/decisions/0013-approval-gate.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from feedback.answer import Answer, Edit, GateRequest, Proposal, Seat
from feedback.low_risk import risks_of, rule_moment
from feedback.merging import Joiner, merge_edits
from feedback.policy import Policy
from feedback.quorum import open_places
from feedback.states import ReviewState


@dataclass(frozen=True)
class Outcome:
    """What a request's answers amount to.

    Attributes:
        state: OPEN while it waits, else how it closes.
        reason: Why, in one sentence.
        considered: Keys of the answers that it was made from, sorted.
        agreed: Edits that go on, by target; empty unless approved or partial.
        conflicts: Targets whose edits exclude each other and that nobody ruled on.
        missing: (role, number) of answers that are still waited for.
        joined: Reviewers whose edits ``agreed`` was made of, sorted: those who may approve, and who
            ruled.
        by_rule: Whether the policy's rule approved it; no answer did.
    """

    state: ReviewState
    reason: str
    considered: tuple[str, ...] = ()
    agreed: tuple[Edit, ...] = ()
    conflicts: tuple[str, ...] = ()
    missing: tuple[tuple[str, int], ...] = ()
    joined: tuple[str, ...] = ()
    by_rule: bool = False


def closing_time(request: GateRequest, policy: Policy) -> datetime | None:
    """Return when a request closes at the latest, extension included; None if never."""
    deadline = deadline_of(request, policy)
    if deadline is not None and policy.extension_hours is not None:
        return deadline + timedelta(hours=policy.extension_hours)
    return deadline


def deadline_of(request: GateRequest, policy: Policy) -> datetime | None:
    """Return a request's deadline: its own, or the policy's; None if it has none."""
    if request.deadline is None and policy.deadline_hours is not None:
        return request.created_at + timedelta(hours=policy.deadline_hours)
    return request.deadline


def decide(
    request: GateRequest,
    responses: Sequence[Answer],
    now: datetime,
    policy: Policy,
    join: Joiner | None = None,
) -> Outcome:
    """Tell a request's state from the answers to it.

    Answers in any order, or given twice, make the same outcome. Of each reviewer the latest counts.

    Args:
        request: What was asked.
        responses: Valid answers so far; those for other evidence, without a role, or after the
            closing time count for nothing.
        now: Moment of judging, with its zone.
        policy: The rule.
        join: How the channel makes one edit of several of one target; None never does.

    Returns:
        The outcome; APPROVED only with the policy's quorum, or by its rule for what is low risk and
        nobody answered. The passing of the deadline never approves.
    """
    closing = closing_time(request, policy)
    answers = _latest(request, responses, closing, policy)
    rulings = [a for a in answers if policy.adjudicator and a.speaks_for(policy.adjudicator)]
    parties = [a for a in answers if a not in rulings]
    # Every considered answer is recorded, so that the same outcome can be derived again.
    considered = tuple(sorted(answer.key for answer in answers))
    outcome = _settle(request, parties, rulings, policy, join)
    if outcome.state is ReviewState.OPEN and closing is not None and now >= closing:
        reason = f"expected a decision by {closing.isoformat()} (got none: {outcome.reason})"
        return Outcome(ReviewState.EXPIRED, reason, considered, missing=outcome.missing)
    # Whoever answered, whatever they said, has taken the request up: then people decide.
    if outcome.state is ReviewState.OPEN and not answers:
        return _ruled(request, now, policy) or outcome
    return replace(outcome, considered=considered)


def _ruled(request: GateRequest, now: datetime, policy: Policy) -> Outcome | None:
    rule, proposal = policy.auto_approve, request.proposal
    if rule is None or proposal is None or now < rule_moment(request, rule):
        return None
    if risks_of(request, rule):
        return None
    reason = f"approved by rule: nobody answered in {rule.after_hours:g} hours, and "
    reason += _repeats(proposal)
    return Outcome(ReviewState.APPROVED, reason, agreed=proposal.edits, by_rule=True)


def _repeats(proposal: Proposal) -> str:
    sources = ", ".join(proposal.sources[:5]) + (", ..." if len(proposal.sources) > 5 else "")
    return f"it only repeats edits that were approved in {sources} (edits: {proposal.n_edits})"


def _latest(
    request: GateRequest, responses: Sequence[Answer], closing: datetime | None, policy: Policy
) -> list[Answer]:
    latest: dict[str, Answer] = {}
    for answer in sorted(responses, key=lambda a: (a.arrived_at, a.written_at, a.key)):
        asked = (answer.request_id, answer.bundle_sha256)
        in_time = closing is None or answer.arrived_at <= closing
        seats = tuple(seat for seat in answer.seats if seat.role in policy.roles)
        if asked == (request.request_id, request.bundle_sha256) and in_time and seats:
            latest[answer.reviewer] = replace(answer, seats=seats)
    # Who is back and has answered needs nobody to stand in.
    return [
        replace(answer, seats=seats)
        for answer in latest.values()
        if (seats := tuple(seat for seat in answer.seats if seat.on_behalf_of not in latest))
    ]


def _settle(
    request: GateRequest,
    parties: Sequence[Answer],
    rulings: Sequence[Answer],
    policy: Policy,
    join: Joiner | None,
) -> Outcome:
    vetoes = [a for a in parties if a.verdict == "reject" and _has_veto(a, policy)]
    if vetoes:
        return Outcome(ReviewState.REJECTED, f"vetoed by {_names(vetoes)}")
    places = {name: rule.approvals for name, rule in policy.roles.items() if rule.approvals}
    # A role without places may object; it has no approval to give.
    approvals = [
        answer
        for answer in parties
        if answer.verdict == "approve" and _approving(request, answer, policy) & places.keys()
    ]
    objections = [a for a in parties if a.verdict in ("reject", "request_changes")]
    given = [_approving(request, answer, policy) for answer in approvals]
    missing = open_places(places, given)
    merged, joined = merge_edits(approvals, join), _reviewers(approvals)
    if policy.adjudicator is None:
        if objections:
            return _objected(objections)
        if missing:
            return _waiting(request, missing, policy)
        if merged.conflicts and policy.on_conflict == "request_changes":
            return Outcome(ReviewState.CHANGES_REQUESTED, _contested(merged.conflicts))
        agreed = tuple(merged.agreed.values())
        if merged.conflicts:
            reason = _contested(merged.conflicts)
            return Outcome(ReviewState.PARTIAL, reason, (), agreed, merged.conflicts, joined=joined)
        reason = f"approved by {_names(approvals)}"
        return Outcome(ReviewState.APPROVED, reason, (), agreed, joined=joined)
    unheard = open_places(places, [*given, *map(_roles, objections)])
    if unheard:
        return _waiting(request, unheard, policy)
    if not approvals:
        return _objected(objections)
    if not objections and not merged.conflicts:
        agreed = tuple(merged.agreed.values())
        reason = f"approved by {_names(approvals)}"
        return Outcome(ReviewState.APPROVED, reason, (), agreed, joined=joined)
    return _adjudicated(request, approvals, rulings, policy, join)


def _adjudicated(
    request: GateRequest,
    approvals: Sequence[Answer],
    rulings: Sequence[Answer],
    policy: Policy,
    join: Joiner | None,
) -> Outcome:
    merged = merge_edits(approvals, join)
    refusals = [a for a in rulings if a.verdict in ("reject", "request_changes")]
    if refusals:
        return _objected(refusals)
    approving = [
        answer
        for answer in rulings
        if answer.verdict == "approve" and policy.adjudicator in _approving(request, answer, policy)
    ]
    if not approving:
        reason = f"reviewers disagree; waiting for {policy.adjudicator}"
        missing = ((str(policy.adjudicator), 1),)
        return Outcome(ReviewState.OPEN, reason, conflicts=merged.conflicts, missing=missing)
    ruled = merge_edits(approving, join)
    # What the adjudicator edits stands. A contested target that the ruling leaves out stays as it
    # was shown: its edits are in neither mapping.
    agreed = {**merged.agreed, **ruled.agreed}
    left = tuple(agreed[target] for target in sorted(agreed) if target not in ruled.conflicts)
    joined = _reviewers([*approvals, *approving])
    if ruled.conflicts:
        reason = _contested(ruled.conflicts)
        return Outcome(ReviewState.PARTIAL, reason, (), left, ruled.conflicts, joined=joined)
    reason = f"approved by {_names(approving)}, who ruled"
    return Outcome(ReviewState.APPROVED, reason, (), left, joined=joined)


def _objected(objections: Sequence[Answer]) -> Outcome:
    rejecting = [answer for answer in objections if answer.verdict == "reject"]
    if rejecting:
        return Outcome(ReviewState.REJECTED, f"rejected by {_names(rejecting)}")
    return Outcome(ReviewState.CHANGES_REQUESTED, f"changes requested by {_names(objections)}")


def _waiting(request: GateRequest, missing: tuple[tuple[str, int], ...], policy: Policy) -> Outcome:
    wanted = ", ".join(f"{number} x {role}" for role, number in missing)
    reason = f"waiting for {wanted}"
    if request.author is None and not policy.author_may_approve:
        reason += "; nobody can approve a request that does not name its author"
    return Outcome(ReviewState.OPEN, reason, missing=missing)


def _has_veto(answer: Answer, policy: Policy) -> bool:
    return any(policy.roles[role].veto for role in _roles(answer))


def _roles(answer: Answer) -> frozenset[str]:
    return frozenset(seat.role for seat in answer.seats)


def _approving(request: GateRequest, answer: Answer, policy: Policy) -> frozenset[str]:
    """Roles for which an answer may approve: none of the author's, nor on the author's behalf."""
    return frozenset(
        seat.role for seat in answer.seats if not _is_authors(request, answer, seat, policy)
    )


def _is_authors(request: GateRequest, answer: Answer, seat: Seat, policy: Policy) -> bool:
    if policy.author_may_approve:
        return False
    if request.author is None:
        # Whoever approves might be the author: what is not known is not approved.
        return True
    # Another spelling of the author's name is no other person.
    author = request.author.casefold()
    return author in (answer.reviewer.casefold(), (seat.on_behalf_of or "").casefold())


def _contested(conflicts: Sequence[str]) -> str:
    shown = ", ".join(conflicts[:5]) + (", ..." if len(conflicts) > 5 else "")
    return f"approvers edit the same thing differently: {shown}"


def _reviewers(answers: Sequence[Answer]) -> tuple[str, ...]:
    return tuple(sorted(answer.reviewer for answer in answers))


def _names(answers: Sequence[Answer]) -> str:
    return ", ".join(_reviewers(answers))
