"""What the inbox lists: what is open, the latest of what is closed, and pages of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feedback.errors import ObjectNotFoundError, ParleyError
from review.catalogue import Card, Catalogue, Listing
from review.desk import Standing

CLOSED = "/closed/"
"""Addresses of pages of closed requests start so; the number of the page follows, from 1."""

AT_ONCE = 20
"""Closed requests on a page of them."""

_LATEST = 5
"""Closed requests in the inbox itself."""


@dataclass(frozen=True)
class Line:
    """One request of the inbox; ``trouble`` says why it cannot be shown."""

    request_id: str
    card: Card | None = None
    standing: Standing | None = None
    trouble: str = ""

    @property
    def takes_answers(self) -> bool:
        """Whether another answer would be taken."""
        return self.standing is not None and self.standing.takes_answers


@dataclass(frozen=True)
class Inbox:
    """Requests as they are listed.

    Attributes:
        lines: Open ones, those that close first first; then closed ones, the latest first; then
            those that cannot be shown.
        n_closed: How many are closed or cannot be shown, those that are not listed included.
    """

    lines: Sequence[Line]
    n_closed: int


def read_inbox(catalogue: Catalogue, reviewer: str, now: datetime) -> Inbox:
    """Read what is open, and the latest of what is closed; what cannot be read hides nothing.

    Args:
        catalogue: The requests.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        The requests.
    """
    listing = catalogue.list()
    # What is open comes last, and so stays in memory for whoever opens it.
    latest = _read(catalogue, listing, listing.decided[:_LATEST], reviewer, now)
    undecided = _read(catalogue, listing, listing.undecided, reviewer, now)
    n_over = sum(not line.takes_answers for line in undecided)
    lines = sorted([*undecided, *latest], key=_order)
    return Inbox(lines, n_over + len(listing.decided))


def read_closed(catalogue: Catalogue, page: int, reviewer: str, now: datetime) -> Inbox:
    """Read one page of the requests that were decided.

    Args:
        catalogue: The requests.
        page: Which page, from 1.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        Its requests, those decided last first.
    """
    listing = catalogue.list()
    asked = listing.decided[AT_ONCE * (page - 1) : AT_ONCE * page]
    return Inbox(_read(catalogue, listing, asked, reviewer, now), len(listing.decided))


def page_of(path: str) -> int | None:
    """Read the number of a page of closed requests from its address; None when it is none."""
    number = path.removeprefix(CLOSED)
    is_page = number.isascii() and number.isdecimal() and len(number) < 8 and int(number) > 0
    return int(number) if is_page and path.startswith(CLOSED) else None


def _read(
    catalogue: Catalogue,
    listing: Listing,
    names: Sequence[str],
    reviewer: str,
    now: datetime,
) -> list[Line]:
    lines = []
    for name in names:
        try:
            card = catalogue.card(name)
            standing = catalogue.standing(listing, card, reviewer, now)
            lines.append(Line(name, card, standing))
        except ObjectNotFoundError:
            # Its pictures are there and its manifest is not: it is being published.
            continue
        except ParleyError as error:
            lines.append(Line(name, trouble=str(error)))
    return lines


def _order(line: Line) -> tuple[int, float, float]:
    if line.card is None or line.standing is None:
        return (2, 0.0, 0.0)
    asked = -line.card.request.created_at.timestamp()
    if not line.standing.takes_answers:
        return (1, asked, 0.0)
    closes_at = line.standing.closes_at
    return (0, closes_at.timestamp() if closes_at else float("inf"), asked)
