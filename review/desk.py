"""Requests as the page shows them: the frozen part is read once, the standing at every look."""

import gc
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cachetools import LRUCache

from feedback.answer import GateRequest
from feedback.errors import (
    ArtifactError,
    ObjectNotFoundError,
    ParleyError,
    UnknownChannelError,
)
from feedback.gate import closing_time
from feedback.layout import (
    accepted_prefix,
    inbox_prefix,
    parse_upload_key,
    rejection_key,
    rejection_prefix,
    upload_key,
)
from feedback.low_risk import champion_risks, risks_of, rule_moment
from feedback.moves import replacement_of
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.publishing import load_bundle
from feedback.recording import load_decision
from feedback.rejections import Rejection
from feedback.states import ReviewState
from review.panel import available_panels, load_panel
from review.shown import AnyShown, show

_KEPT = 8
_RECENT = timedelta(seconds=3)
_MOST_LOOKED = 1000


@dataclass(frozen=True)
class Standing:
    """Where a request stands.

    Attributes:
        state: OPEN, or what was decided.
        takes_answers: Whether another answer would be taken.
        why: What to tell a reviewer whose answer would not be taken.
        closes_at: When it closes at the latest; None if never.
        answered: Who has answered, sorted.
        waiting: Answers of the asking reviewer that nobody has judged yet.
        accepted: How many of their answers were accepted.
        refused: Why answers of theirs were refused, the latest first.
        told_state: The state in words; of an approval by rule they say so.
        is_judged: Whether every answer that was handed in has been judged, whoever gave it.
        by_rule_at: When the policy's rule approves it if nobody answers before; None when it will
            not.
        replaced_by: Version that has become champion since it was asked; empty when none has.
    """

    state: ReviewState
    takes_answers: bool
    why: str
    closes_at: datetime | None
    answered: tuple[str, ...]
    waiting: int
    accepted: int
    refused: tuple[Rejection, ...]
    told_state: str
    is_judged: bool
    by_rule_at: datetime | None = None
    replaced_by: str = ""


class Desk:
    """A store as one page's reviewers see it."""

    def __init__(self, store: ObjectStore, policy: Policy) -> None:
        """Hold the store and the rule by which requests close."""
        self.store, self.policy = store, policy
        self._lock = threading.Lock()
        self._kept: LRUCache[str, AnyShown] = LRUCache(_KEPT)
        self._looked: dict[tuple[str, str], tuple[datetime, Standing]] = {}

    def open(self, request_id: str) -> AnyShown:
        """Read a request's frozen part, verified; it never changes, so it is kept in memory.

        Raises:
            ObjectNotFoundError: If there is no such request.
            ArtifactError: If it was changed, or is of a channel that this page cannot show.
            IncompleteChannelError: If the channel's panel lacks a part.
        """
        with self._lock:
            shown = self._kept.get(request_id)
        if shown is None:
            with _collector_off():
                shown = self._read(request_id)
            with self._lock:
                self._kept[request_id] = shown
        return shown

    def _read(self, request_id: str) -> AnyShown:
        bundle = load_bundle(self.store, request_id)
        try:
            panel = load_panel(bundle.channel)
        except UnknownChannelError:
            raise ArtifactError(
                f"expected a request of channel {' or '.join(available_panels())} "
                f"(got {bundle.channel!r}); answer it with 'parley review show' and "
                "'parley review submit'"
            ) from None
        return show(bundle, panel)

    def standing(self, shown: AnyShown, reviewer: str, now: datetime) -> Standing:
        """Look where a request stands.

        Args:
            shown: The request.
            reviewer: Who asks.
            now: Moment of looking.

        Returns:
            Its standing.

        Raises:
            ParleyError: If the store cannot be read or trusted.
        """
        standing = self.look(shown.request, reviewer, now)
        if not standing.takes_answers:
            return standing
        standing = replace(standing, replaced_by=replacement_of(self.store, shown.bundle) or "")
        if standing.answered:
            return standing
        return replace(standing, by_rule_at=self._by_rule_at(shown, standing.closes_at))

    def look(
        self, request: GateRequest, reviewer: str, now: datetime, *, is_decided: bool = True
    ) -> Standing:
        """Look where a request stands of which only this much is known, see ``standing``.

        Args:
            request: What the gate knows of it.
            reviewer: Who asks.
            now: Moment of looking.
            is_decided: Whether there may be a decision; False saves the look for one.
        """
        request_id = request.request_id
        decision = load_decision(self.store, request_id) if is_decided else None
        closes_at = closing_time(request, self.policy)
        state = decision.state if decision else ReviewState.OPEN
        why = ""
        if decision is not None:
            why = (
                f"This request is {decision.told_state} since "
                f"{decision.decided_at:%d %B %Y, %H:%M} UTC and takes nothing more."
            )
        elif closes_at is not None and now >= closes_at:
            state = ReviewState.EXPIRED
            why = f"This request expired on {closes_at:%d %B %Y, %H:%M} UTC and takes nothing more."
        accepted = _by_reviewer(self.store, accepted_prefix(request_id), request_id)
        rejected = _by_reviewer(self.store, rejection_prefix(request_id), request_id)
        handed_in = _by_reviewer(self.store, inbox_prefix(request_id), request_id)
        judged = accepted.get(reviewer, set()) | rejected.get(reviewer, set())
        # A refused answer is no answer; one that nobody judged yet may become one.
        answered = {
            name
            for name in handed_in.keys() | accepted.keys()
            if accepted.get(name) or handed_in.get(name, set()) - rejected.get(name, set())
        }
        return Standing(
            state=state,
            takes_answers=not why,
            why=why,
            closes_at=closes_at,
            answered=tuple(sorted(answered)),
            waiting=len(handed_in.get(reviewer, set()) - judged) if not decision else 0,
            accepted=len(accepted.get(reviewer, ())),
            refused=self._refusals(request_id, reviewer, rejected.get(reviewer, ())),
            told_state=decision.told_state if decision else state.value.lower(),
            is_judged=all(
                nonces <= accepted.get(name, set()) | rejected.get(name, set())
                for name, nonces in handed_in.items()
            ),
        )

    def recent_standing(self, shown: AnyShown, reviewer: str, now: datetime) -> Standing:
        """Return where a request stood a moment ago, so that an edit need not wait for the store.

        Nothing is taken on its word: handing an answer in looks again.
        """
        key = (shown.digest, reviewer)
        looked, standing = self._looked.get(key, (None, None))
        if looked is not None and standing is not None and now - looked < _RECENT:
            return standing
        standing = self.standing(shown, reviewer, now)
        with self._lock:
            if len(self._looked) > _MOST_LOOKED:
                self._looked.clear()
            self._looked[key] = (now, standing)
        return standing

    def look_again(self) -> None:
        """Forget where requests stood."""
        with self._lock:
            self._looked.clear()

    def _by_rule_at(self, shown: AnyShown, closes_at: datetime | None) -> datetime | None:
        rule = self.policy.auto_approve
        if rule is None:
            return None
        at = rule_moment(shown.request, rule)
        is_in_time = closes_at is None or at < closes_at
        # The cheap conditions first: the evidence is long to read.
        if not is_in_time or champion_risks(shown.request, rule) or risks_of(shown.proposing, rule):
            return None
        return at

    def _refusals(
        self, request_id: str, reviewer: str, nonces: Iterable[str]
    ) -> tuple[Rejection, ...]:
        """Read the refusals of one reviewer's answers, which nobody else is shown."""
        found = []
        for nonce in nonces:
            key = rejection_key(request_id, upload_key(request_id, reviewer, nonce))
            try:
                data = self.store.get(key, max_bytes=65_536)
                found.append(Rejection.model_validate_json(data, strict=True))
            except (ObjectNotFoundError, ParleyError, ValueError):
                continue
        return tuple(sorted(found, key=lambda refusal: refusal.rejected_at, reverse=True))


@contextmanager
def _collector_off() -> Iterator[None]:
    """Let Python look for garbage neither while a request is read nor later in what was read.

    A large one is half a million objects without a cycle: to walk over them took as long as to read
    them, and later held up whoever was editing.
    """
    gc.collect(1)
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_on:
            gc.enable()


def _by_reviewer(store: ObjectStore, prefix: str, request_id: str) -> dict[str, set[str]]:
    """Return the one-time names under a prefix that mirrors the inbox, by reviewer."""
    found: dict[str, set[str]] = {}
    for info in store.list(prefix):
        named = parse_upload_key(inbox_prefix(request_id) + info.key.removeprefix(prefix))
        if named is not None:
            found.setdefault(named[0], set()).add(named[1])
    return found
