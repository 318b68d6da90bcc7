"""What the gate knows of one answer: who gave it, for which roles, when, and what it edits."""

from dataclasses import dataclass
from datetime import datetime

from feedback.bundle import BaseVersion, ReviewBundle
from feedback.fields import Exchanged, Identifier, JsonObject
from feedback.since import SinceChampion


class Seat(Exchanged):
    """A role that a reviewer speaks for."""

    role: Identifier
    """Role of the policy."""
    on_behalf_of: Identifier | None = None
    """Who is away and for whom they stand in; None for a role of their own."""


@dataclass(frozen=True)
class Edit:
    """A reviewer's edit of one thing, such as one class's graph.

    Attributes:
        target: What is edited; edits of different targets never exclude each other.
        content: Canonical bytes of what the edit does, without remarks: two edits of one target
            agree if and only if these are equal.
        response: The response as it was written.
        abstains_on: Item that it says nothing about, and therefore edits nothing of; None for an
            edit, whose target is an item of the request.
        n_edits: How many edits the response makes; 0 when it says that all is right as it is.
    """

    target: str
    content: bytes
    response: JsonObject
    abstains_on: str | None = None
    n_edits: int = 1

    @property
    def item(self) -> str:
        """Item of the request that it is about."""
        return self.target if self.abstains_on is None else self.abstains_on


@dataclass(frozen=True)
class Proposal:
    """What a request asks to do again that people have approved before.

    Attributes:
        edits: Responses that an approval by rule would let go on, one per target.
        n_edits: How many edits are repeated; with those that act already and need no response.
        classes: Classes that they are about; None where the channel does not know.
        similarity: How alike what was approved then and what is shown now are at least, in [0, 1];
            None where nobody measured.
        sources: Ids of the reviews that they come from.
        doubts: What the channel itself holds against repeating them unseen, one sentence each.
    """

    edits: tuple[Edit, ...]
    n_edits: int
    classes: frozenset[str] | None
    similarity: float | None
    sources: tuple[str, ...]
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A valid answer as the gate sees it.

    Attributes:
        key: Object that it was uploaded as; tells two answers apart.
        request_id: Request that it names.
        bundle_sha256: Digest of what was shown, as it quotes it.
        reviewer: Who answers.
        verdict: ``approve``, ``reject`` or ``request_changes``; anything else counts for nothing.
        seats: Roles that they speak for.
        arrived_at: When it came in, by the store's clock.
        written_at: When it was written, by the reviewer's clock.
        edits: What it edits.
    """

    key: str
    request_id: str
    bundle_sha256: str
    reviewer: str
    verdict: str
    seats: tuple[Seat, ...]
    arrived_at: datetime
    written_at: datetime
    edits: tuple[Edit, ...] = ()

    def speaks_for(self, role: str) -> bool:
        """Tell whether the reviewer speaks for a role."""
        return any(seat.role == role for seat in self.seats)


@dataclass(frozen=True)
class GateRequest:
    """What the gate knows of a request.

    Attributes:
        request_id: Id.
        bundle_sha256: Digest of what was shown.
        created_at: When it was published.
        deadline: When it closes; None takes the policy's.
        author: Who started the run; None if nobody said.
        base: Champion that it was made against; None if there was none.
        since: How that champion compares; None if nobody compared.
        is_follow_up: Whether it follows a request that people did not let go on.
        proposal: What it asks to do again; None where nobody looked, or the channel cannot tell.
    """

    request_id: str
    bundle_sha256: str
    created_at: datetime
    deadline: datetime | None = None
    author: str | None = None
    base: BaseVersion | None = None
    since: SinceChampion | None = None
    is_follow_up: bool = False
    proposal: Proposal | None = None

    @classmethod
    def of(cls, bundle: ReviewBundle, deadline: datetime | None = None) -> "GateRequest":
        """Return what the gate knows of a bundle; a deadline can only be brought forward."""
        deadlines = [moment for moment in (deadline, bundle.deadline) if moment is not None]
        return cls(
            request_id=bundle.request_id,
            bundle_sha256=bundle.digest,
            created_at=bundle.created_at,
            deadline=min(deadlines, default=None),
            author=bundle.author,
            base=bundle.base,
            since=bundle.since,
            is_follow_up=bundle.follows is not None,
        )
