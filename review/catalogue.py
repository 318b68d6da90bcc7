"""All requests of a store for the inbox: told apart by two listings, read once each.

What was decided grows for ever; so only what is open is looked at anew, and of the rest as many as
are shown.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cachetools import LRUCache

from feedback.answer import GateRequest
from feedback.bundle import ModelVersion
from feedback.following import number_of
from feedback.layout import DECISIONS, request_of
from feedback.publishing import begun_requests
from review.desk import Desk, Standing
from review.pieces import Glimpse

_MOST_KEPT = 2000


@dataclass(frozen=True)
class Card:
    """A request in short.

    Attributes:
        request: What the gate knows of it.
        model: Model that is explained.
        dataset: DVC's md5 of the dataset.
        n_classes: Classes of the dataset.
        round: How often the run has asked.
        follow_up: How many follow-ups led to it; 0 for one that follows none.
        glimpse: What it is about.
    """

    request: GateRequest
    model: ModelVersion
    dataset: str
    n_classes: int
    round: int
    follow_up: int
    glimpse: Glimpse


@dataclass(frozen=True)
class Listing:
    """The requests of a store at one moment.

    Attributes:
        undecided: Ids of those without a decision, sorted.
        decided: Ids of the others, those decided last first.
        marks: Of each decided one a text that changes with every decision on it.
    """

    undecided: Sequence[str]
    decided: Sequence[str]
    marks: Mapping[str, str]


class Catalogue:
    """The requests of a desk's store; keep one for the life of a page."""

    def __init__(self, desk: Desk) -> None:
        """Begin with nothing read."""
        self._desk = desk
        self._lock = threading.Lock()
        self._cards: LRUCache[str, Card] = LRUCache(_MOST_KEPT)
        self._over: LRUCache[tuple[str, str, str], Standing] = LRUCache(_MOST_KEPT)

    def list(self) -> Listing:
        """Tell which requests are decided; none of them is read.

        Raises:
            StoreError: If the store cannot be read.
        """
        first: dict[str, datetime] = {}
        marks: dict[str, str] = {}
        for info in self._desk.store.list(DECISIONS):
            name = request_of(info.key)
            first.setdefault(name, info.modified)
            marks[name] = f"{marks.get(name, '')} {info.etag}"
        # Listed after the decisions: what is published meanwhile is open.
        names = begun_requests(self._desk.store)
        decided = sorted((name for name in names if name in first), reverse=True)
        return Listing(
            undecided=[name for name in names if name not in first],
            decided=sorted(decided, key=lambda name: first[name], reverse=True),
            marks=marks,
        )

    def card(self, request_id: str) -> Card:
        """Return a request in short; it never changes, so it is read once.

        Raises:
            ObjectNotFoundError: If it is not published, or not yet.
            ParleyError: If it cannot be shown.
        """
        with self._lock:
            card = self._cards.get(request_id)
        if card is not None:
            return card
        # Kept by the desk, a few of them: who reads of a request here opens it next.
        shown = self._desk.open(request_id)
        bundle = shown.bundle
        card = Card(
            request=shown.request,
            model=bundle.model,
            dataset=bundle.dataset.md5,
            n_classes=len(bundle.dataset.classes),
            round=bundle.round,
            follow_up=number_of(bundle),
            glimpse=shown.panel.glimpse(shown),
        )
        with self._lock:
            self._cards[request_id] = card
        return card

    def standing(self, listing: Listing, card: Card, reviewer: str, now: datetime) -> Standing:
        """Look where a request stands; of one that is decided it is read once per decision.

        While an answer to it is not judged, it is read anew.

        Args:
            listing: What was listed just now.
            card: The request.
            reviewer: Who asks.
            now: Moment of looking.

        Returns:
            Its standing.

        Raises:
            ParleyError: If the store cannot be read or trusted.
        """
        mark = listing.marks.get(card.request.request_id)
        if mark is None:
            return self._desk.look(card.request, reviewer, now, is_decided=False)
        key = (card.request.request_id, reviewer, mark)
        with self._lock:
            standing = self._over.get(key)
        if standing is None:
            standing = self._desk.look(card.request, reviewer, now)
            # An answer that nobody has judged may yet be refused, and then is none.
            if standing.is_judged:
                with self._lock:
                    self._over[key] = standing
        return standing
