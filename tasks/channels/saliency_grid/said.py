"""What reviewers said in one request: what goes on of it, and who said what."""

from pydantic import BaseModel, ConfigDict

from feedback.channels.saliency_grid import CellMarks, read_marks
from feedback.decision import Decision


class Said(BaseModel):
    """Accepted answers of one request.

    Attributes:
        agreed: Answers that go on, as the decision holds them.
        by_reviewer: Every approver's own answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    agreed: tuple[CellMarks, ...]
    by_reviewer: dict[str, tuple[CellMarks, ...]] = {}

    @classmethod
    def of(cls, decision: Decision) -> "Said":
        """Return what a decision holds; nothing of one that does not approve."""
        agreed = read_marks(decision.edits)
        by_reviewer = {
            response.document.reviewer: read_marks(response.document.responses)
            for response in decision.responses
            if agreed and response.document.verdict == "approve"
        }
        return cls(agreed=agreed, by_reviewer=by_reviewer)

    def on(self, image: str) -> dict[str, CellMarks]:
        """Return who said what of an image, by the reviewers' names."""
        return {
            reviewer: answer
            for reviewer, answers in sorted(self.by_reviewer.items())
            for answer in answers
            if answer.image == image
        }
