"""What reviewers said in one request: what goes on of it, and who said what."""

from pydantic import BaseModel, ConfigDict

from feedback.channels.saliency_grid import (
    CellMarks,
    SaliencyEvidence,
    explanation_doubts,
    read_evidence,
    read_marks,
)
from feedback.decision import Decision
from feedback.document import FeedbackDocument
from feedback.objects import ObjectStore
from feedback.publishing import load_bundle
from feedback.recording import load_decisions


class Said(BaseModel):
    """Accepted answers of one request.

    Attributes:
        agreed: Answers that go on, as the decision holds them.
        by_reviewer: Own answers of every reviewer of whose edits it was made.
        doubts: Why marks may say nothing about the network, by the digest of the image; see
            ``explanation_doubts``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    agreed: tuple[CellMarks, ...]
    by_reviewer: dict[str, tuple[CellMarks, ...]] = {}
    doubts: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, standing: Decision, closing: Decision, evidence: SaliencyEvidence) -> "Said":
        """Return what decisions on a request hold.

        Args:
            standing: The latest one, whose edits go on; nothing of one that does not approve.
            closing: The first one: a later one does not tell who said what.
            evidence: What was shown.
        """
        agreed = read_marks(standing.edits)
        by_reviewer = {
            response.document.reviewer: read_marks(response.document.responses)
            for response in closing.responses
            if agreed and _is_joined(closing, response.document)
        }
        shown = {one.image: one for one in evidence.images}
        doubts: dict[str, tuple[str, ...]] = {
            answer.image: found
            for answer in agreed
            if (found := explanation_doubts(shown[answer.image], answer))
        }
        return cls(agreed=agreed, by_reviewer=by_reviewer, doubts=doubts)

    def on(self, image: str) -> dict[str, CellMarks]:
        """Return who said what of an image, by the reviewers' names."""
        return {
            reviewer: answer
            for reviewer, answers in sorted(self.by_reviewer.items())
            for answer in answers
            if answer.image == image
        }


def _is_joined(closing: Decision, document: FeedbackDocument) -> bool:
    """Tell whether somebody's edits went on; whoever approves without a say is not asked."""
    if closing.joined:
        return document.reviewer in closing.joined
    # Decisions of earlier versions, and of a single reviewer, do not name them.
    return document.verdict == "approve"


def said_in(store: ObjectStore, standing: Decision) -> Said:
    """Return what reviewers said in a request, also after it was promoted.

    A run that is made again meets its own request promoted, and must learn the same from it.

    Args:
        store: Where its decisions lie.
        standing: The latest one.

    Raises:
        ArtifactError: If a decision was changed in the store.
        StoreError: If the store cannot be read.
    """
    is_first = standing.sequence == 1
    closing = standing if is_first else load_decisions(store, standing.request_id)[0]
    evidence = read_evidence(load_bundle(store, standing.request_id))
    return Said.of(standing, closing, evidence)
