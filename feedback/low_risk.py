"""Whether a policy's rule may approve a request that nobody answered.

Pure, from what is frozen in the request alone, so that anybody can judge it again later. What is
not known is not low risk.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from feedback.answer import GateRequest, Proposal
from feedback.policy_options import AutoApprove
from feedback.since import ComparedAccuracy, SinceChampion

# Differences of accuracies are of finite decimals that a computer rounds.
_ROUNDING = 1e-9


def rule_moment(request: GateRequest, rule: AutoApprove) -> datetime:
    """Return when a request that nobody answered may be approved by rule at the earliest."""
    return request.created_at + timedelta(hours=rule.after_hours)


def risks_of(request: GateRequest, rule: AutoApprove) -> tuple[str, ...]:
    """Tell what keeps a request from being approved by rule.

    Args:
        request: What the gate knows of it.
        rule: What low risk is.

    Returns:
        One sentence per condition that does not hold or is not known; empty when all hold.
    """
    return (*champion_risks(request, rule), *_of_proposal(request.proposal, rule))


def champion_risks(request: GateRequest, rule: AutoApprove) -> tuple[str, ...]:
    """Tell the risks that are seen without reading the evidence; see ``risks_of``."""
    return tuple(_of_champion(request, rule))


def _of_champion(request: GateRequest, rule: AutoApprove) -> Iterator[str]:
    if request.author is None:
        yield "expected a request that names its author (got none)"
    if request.is_follow_up:
        yield "expected a request that people have not objected to (got a follow-up)"
    if request.base is None:
        yield "expected a champion to compare with (got none)"
    elif request.base.request_id is None:
        yield "expected a champion that a review made (got one that no review made)"
    if request.since is None:
        yield "expected a comparison with the champion (got none)"
        return
    yield from _of_comparison(request.since, rule)


def _of_comparison(since: SinceChampion, rule: AutoApprove) -> Iterator[str]:
    if since.remark:
        yield f"expected a whole comparison with the champion (got a remark: {since.remark[:200]})"
    if not since.accuracies:
        yield "expected accuracies beside the champion's (got none)"
    for row in since.accuracies:
        limit = rule.max_drop if row.is_group else rule.max_class_drop
        drop = _drop(row)
        if drop is None:
            yield f"expected the accuracies of both in {row.name!r} (got one that is not known)"
        elif drop > limit + _ROUNDING:
            yield f"expected {row.name!r} at most {limit:g} below the champion (got {drop:.4g})"
    if since.unattended is None:
        yield "expected that people approved when they last decided (got otherwise, or no count)"
    elif since.unattended >= rule.max_in_a_row:
        yield (
            f"expected fewer than {rule.max_in_a_row} reviews since a person decided "
            f"(got {since.unattended})"
        )


def _drop(row: ComparedAccuracy) -> float | None:
    if row.champion is None or row.shown is None:
        return None
    return row.champion - row.shown


def _of_proposal(proposal: Proposal | None, rule: AutoApprove) -> Iterator[str]:
    if proposal is None:
        yield "expected to know what the request repeats (got nothing)"
        return
    yield from proposal.doubts
    if not proposal.sources or proposal.n_edits < 1:
        yield "expected edits of approved reviews to repeat (got none)"
    if proposal.n_edits > rule.max_edits:
        yield f"expected at most {rule.max_edits} edits (got {proposal.n_edits})"
    if proposal.similarity is None or not proposal.similarity >= rule.min_similarity:
        found = "unknown" if proposal.similarity is None else f"{proposal.similarity:g}"
        yield f"expected a similarity of at least {rule.min_similarity:g} (got {found})"
    if rule.classes != "any":
        if proposal.classes is None:
            yield "expected to know the classes that are edited (got none)"
        elif others := sorted(proposal.classes - set(rule.classes)):
            yield f"expected edits of {', '.join(rule.classes)} (got {', '.join(others[:5])})"
