"""The policy of a gate: whose approvals a request needs, and what happens when they do not come.

Expiry can never promote: there is no setting for it. Approval by rule (``auto_approve``) is another
thing: before the deadline, for what people have approved before, and off unless a file asks for it.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from feedback.fields import Exchanged, Grown, Identifier, StoredDocument, Timestamp
from feedback.policy_options import Attention, AutoApprove, Hours

SignatureKind = Literal["own", "page", "none"]
"""Signed with the reviewer's own key, with the page's key, or not at all."""

DEADLINE_HOURS = 168.0
"""Time to answer a run's request when neither the run nor its policy says."""


class RoleRule(Exchanged):
    """What one role has to say, and who may say it."""

    approvals: Annotated[int, Field(ge=0, le=20)] = 1
    """Approvals that the role must give, each by another reviewer."""
    approvers: tuple[Identifier, ...] = Field(default=(), max_length=200)
    """Only these may speak for the role; empty lets everyone who is enrolled in it."""
    signatures: tuple[SignatureKind, ...] = Field(default=("own", "page"), min_length=1)
    """How an answer for the role may be signed; ``none`` takes unsigned answers."""
    anyone: bool = False
    """Reviewers need not be enrolled; for a store that only trusted people can write."""
    veto: bool = False
    """One rejection of the role rejects the request, whatever others say."""


class Delegate(Exchanged):
    """Who stands in for a reviewer who is away."""

    # validation_alias, not alias: in Python the keyword stays from_, in the file it is "from".
    from_: Identifier = Field(validation_alias="from", serialization_alias="from")
    """Who is away."""
    to: Identifier
    """Who stands in."""
    since: Timestamp | None = None
    """From when; None from always."""
    until: Timestamp
    """Until when; answers that arrive at or after it do not count for the other."""


class EscalationStep(Exchanged):
    """Who is told that a request is still open."""

    hours_before: Annotated[float, Field(ge=-8760, le=8760)]
    """Hours before the deadline; negative after it."""
    to: tuple[Identifier, ...] = Field(min_length=1, max_length=50)
    """Roles or reviewers to tell."""


class Policy(Grown, StoredDocument):
    """Rule by which responses become a decision."""

    LATER: ClassVar = ("auto_approve", "attention")

    schema_version: Literal[1] = 1
    """Version of this schema."""
    name: Identifier
    """Name that decisions carry, with the digest of the whole policy."""
    roles: dict[Identifier, RoleRule] = Field(min_length=1, max_length=20)
    """Quorum by role."""
    author_may_approve: bool = False
    """Whether who started the run, or who stands in for them, may approve."""
    adjudicator: Identifier | None = None
    """Role that rules when reviewers disagree; its holders do nothing else."""
    on_conflict: Literal["partial", "request_changes"] = "partial"
    """State when approvers edit one thing differently and there is no adjudicator."""
    deadline_hours: Hours | None = None
    """Deadline after publishing, for a request that names none."""
    reminders: tuple[Hours, ...] = Field(default=(), max_length=20)
    """Hours before the deadline at which those who have not answered are reminded."""
    escalation: tuple[EscalationStep, ...] = Field(default=(), max_length=20)
    """Who else is told, and when."""
    at_expiry: Literal["expire", "escalate"] = "expire"
    """At the deadline: close as EXPIRED, or wait ``extension_hours`` longer and then close so."""
    extension_hours: Hours | None = None
    """Time after the deadline that ``escalate`` gives."""
    delegates: tuple[Delegate, ...] = Field(default=(), max_length=200)
    """Who stands in for whom."""
    clock_window_seconds: Annotated[float, Field(gt=0, le=2_678_400)] = 86_400.0
    """Oldest signature that is taken when it arrives, seconds."""
    clock_skew_seconds: Annotated[float, Field(ge=0, le=3600)] = 300.0
    """How far a reviewer's clock may run ahead of the store's, seconds."""
    auto_approve: AutoApprove | None = None
    """Which requests are approved by rule when nobody answers; None approves none."""
    attention: Attention | None = None
    """How long an approval must have taken; None does not ask."""

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        for name, rule in self.roles.items():
            if rule.approvers and rule.approvals > len(set(rule.approvers)):
                raise ValueError(
                    f"expected at least {rule.approvals} approvers of role {name!r} "
                    f"(got {len(set(rule.approvers))}); name more or ask for fewer approvals"
                )
        voting = {name: rule for name, rule in self.roles.items() if name != self.adjudicator}
        if not any(rule.approvals for rule in voting.values()):
            raise ValueError(
                "expected a role that must approve (got none); a gate without a quorum is no gate"
            )
        return self

    @model_validator(mode="after")
    def _adjudicator_only_adjudicates(self) -> Self:
        if self.adjudicator is None:
            return self
        rule = self.roles.get(self.adjudicator)
        if rule is None or rule.approvals or rule.veto or rule.anyone:
            raise ValueError(
                f"expected the adjudicator {self.adjudicator!r} among the roles, with 0 approvals, "
                "no veto and enrolled people (got otherwise); correct the role"
            )
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        if (self.at_expiry == "escalate") != (self.extension_hours is not None):
            raise ValueError(
                "expected extension_hours with at_expiry 'escalate', and only then; add or drop it"
            )
        rule, deadline = self.auto_approve, self.deadline_hours
        if rule is not None and deadline is not None and rule.after_hours >= deadline:
            raise ValueError(
                f"expected auto_approve.after_hours below deadline_hours {deadline:g} (got "
                f"{rule.after_hours:g}), since nothing is approved once it has expired; shorten it"
            )
        absent = [delegate.from_ for delegate in self.delegates]
        for delegate in self.delegates:
            if delegate.from_ == delegate.to or absent.count(delegate.from_) > 1:
                raise ValueError(
                    f"expected one other person to stand in for {delegate.from_!r} (got themselves "
                    "or two); name one delegate"
                )
            if delegate.since is not None and delegate.since >= delegate.until:
                raise ValueError(
                    f"expected since before until for {delegate.from_!r} (got the reverse)"
                )
        return self


def hours_to_answer(policy: Policy, asked: float | None = None) -> float:
    """Return how long people have to answer a request that is published now.

    Args:
        policy: The rule that decides on it.
        asked: What the run says, hours; None leaves it to the policy.

    Returns:
        Hours; what the run says counts before what the policy says.
    """
    if asked is not None:
        return asked
    return DEADLINE_HOURS if policy.deadline_hours is None else policy.deadline_hours


def single_policy() -> Policy:
    """Return the policy by which the first valid answer decides, signed or not.

    For a store that only trusted people can write: nobody is enrolled, and the author may answer.
    """
    rule = RoleRule(approvals=1, signatures=("none", "page", "own"), anyone=True)
    return Policy(name="single", roles={"reviewer": rule}, author_may_approve=True)


def signed_policy() -> Policy:
    """Return the policy of one enrolled reviewer who signs and is not the author."""
    return Policy(name="signed", roles={"reviewer": RoleRule()})
