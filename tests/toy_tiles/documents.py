"""What is shown and answered in a channel of pictures with squares; copied in by ``add_toy``."""

from collections.abc import Sequence
from typing import Literal

from feedback.answer import Edit, Proposal
from feedback.bundle import ReviewBundle
from feedback.canonical import canonical_json
from feedback.document import FeedbackDocument, read_responses
from feedback.errors import UnknownTargetError
from feedback.fields import Exchanged, FileName, JsonObject, Name
from feedback.since import Difference

Cell = tuple[int, int]


class TilesOfImage(Exchanged):
    image: Name
    predicted: Name
    file: FileName


class TileEvidence(Exchanged):
    side: int
    images: tuple[TilesOfImage, ...]


class TileMarks(Exchanged):
    type: Literal["tile_marks"] = "tile_marks"
    image: Name
    cells: tuple[Cell, ...] = ()
    unusable: bool = False


EVIDENCE, RESPONSE = TileEvidence, TileMarks


def read_evidence(bundle: ReviewBundle) -> TileEvidence:
    images = [item.evidence for item in bundle.items]
    return TileEvidence.model_validate({**bundle.evidence, "images": images})


def check(marks: Sequence[TileMarks], evidence: TileEvidence) -> tuple[str, ...]:
    shown = {one.image for one in evidence.images}
    for mark in marks:
        outside = [cell for cell in mark.cells if not all(0 <= i < evidence.side for i in cell)]
        if mark.image not in shown or outside:
            raise UnknownTargetError(f"expected a square that is shown (got {outside}); correct it")
    many = [mark for mark in marks if len(mark.cells) == evidence.side**2]
    return ("every square of an image is marked",) if many else ()


def validate_response(bundle: ReviewBundle, document: FeedbackDocument) -> tuple[str, ...]:
    return check(read_responses(document.responses, TileMarks), read_evidence(bundle))


def edit_of(response: JsonObject) -> Edit:
    return Edit(target=str(response["image"]), content=canonical_json(response))


def join_edits(edits: Sequence[Edit]) -> Edit | None:
    return None


def proposal_of(bundle: ReviewBundle) -> Proposal | None:
    return None


def differences(
    then: ReviewBundle, edits: Sequence[JsonObject], now: ReviewBundle
) -> tuple[Difference, ...]:
    return ()
