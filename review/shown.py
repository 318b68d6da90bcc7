"""The frozen part of a request: its bundle, its channel's evidence, and the panel that shows it."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeAlias, TypeVar

from pydantic import ValidationError

from feedback.answer import GateRequest
from feedback.bundle import ReviewBundle
from feedback.errors import ArtifactError, FeedbackError
from feedback.fields import Exchanged
from feedback.proposing import with_proposal
from review.draft import MAX_STEPS, Draft, ItemDraft, empty_draft, step_of
from review.finding import find_item
from review.panel import Panel

logger = logging.getLogger(__name__)

Evidence = TypeVar("Evidence", bound=Exchanged, covariant=True)


@dataclass(frozen=True)
class Shown(Generic[Evidence]):
    """What reviewers of one request are shown; a panel knows the type of its evidence.

    Attributes:
        bundle: Manifest.
        panel: What shows the channel's evidence.
        evidence: What is shown, read by the panel.
        digest: Digest of the manifest.
    """

    bundle: ReviewBundle
    panel: Panel
    evidence: Evidence
    digest: str

    @cached_property
    def request(self) -> GateRequest:
        """What the gate knows of the request; kept, since a large manifest is slow to digest."""
        return GateRequest.of(self.bundle)

    @cached_property
    def proposing(self) -> GateRequest:
        """The same with what the request asks to do again, which a policy's rule may approve."""
        return with_proposal(self.request, self.bundle)

    @cached_property
    def names(self) -> dict[str, str]:
        """File names of the bundle by their digest."""
        return {digest: name for name, digest in self.bundle.files.items()}

    @cached_property
    def titles(self) -> dict[str, str]:
        """Headings of the items by id, those whose answer is worth most first."""
        items = sorted(self.bundle.items, key=lambda item: -item.priority)
        return {item.id: item.title for item in items}

    def check_item(self, item: str) -> None:
        """Refuse what is no item of the request.

        Raises:
            UnknownTargetError: If it is none.
        """
        find_item(self.titles, str, item, f"one of the {self.panel.WORDS.items}")

    @cached_property
    def proposals(self) -> dict[str, ItemDraft]:
        """What the request before proposes, by item; a request that follows none has nothing.

        A response that this page cannot show, or the gate would refuse, is left out.
        """
        found: dict[str, ItemDraft] = {}
        for response in self.bundle.follows.proposed if self.bundle.follows else ():
            try:
                proposed = self.panel.draft_of(response, self.evidence)
                if proposed is None or proposed[0] not in self.titles or proposed[0] in found:
                    continue
                item, said = proposed
                self.panel.check([self.panel.response_of(item, said, self.evidence)], self.evidence)
            except (FeedbackError, ValidationError) as error:
                logger.warning("a proposal of %s is left out: %s", self.bundle.request_id, error)
                continue
            found[item] = said
        return {item: found[item] for item in self.titles if item in found}

    def first_draft(self) -> Draft[ItemDraft]:
        """Return the draft that a reviewer starts from: what is proposed, each a step to undo."""
        nothing = self.panel.DRAFT()
        # Undone one by one, the item that comes first goes last.
        steps = tuple(step_of(item, nothing, said) for item, said in self.proposals.items())
        update = {"items": dict(sorted(self.proposals.items())), "past": steps[-MAX_STEPS:]}
        return self.empty_draft().model_copy(update=update)

    def empty_draft(self) -> Draft[ItemDraft]:
        """Return the draft of somebody who has said nothing yet."""
        return empty_draft(self.panel.DRAFT, self.digest)

    def said(self, draft: Draft[ItemDraft], item: str) -> ItemDraft:
        """Return what a draft says about an item."""
        said = draft.items.get(item)
        return self.panel.DRAFT() if said is None else said


AnyShown: TypeAlias = Shown[Exchanged]
"""A request of whatever channel, as all but its panel see it."""


def show(bundle: ReviewBundle, panel: Panel) -> AnyShown:
    """Read a bundle by its channel's panel.

    Args:
        bundle: A request of the panel's channel.
        panel: The panel.

    Returns:
        What is shown.

    Raises:
        ArtifactError: If the bundle does not follow the channel's schema.
    """
    try:
        evidence = panel.read_evidence(bundle)
    except ValidationError as error:
        raise ArtifactError(
            f"expected evidence of channel {bundle.channel} as this Parley shows it (got "
            f"{error.error_count()} fields that do not fit); publish the request again"
        ) from error
    return Shown(bundle, panel, evidence, bundle.digest)
