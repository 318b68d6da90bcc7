"""What a reviewer can do on the page: the messages that the browser sends, strictly read."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from feedback.canonical import canonical_json
from feedback.channels.concept_graph.ops import Slot
from feedback.errors import MalformedDocumentError
from feedback.fields import Comment, Exchanged, Name, Reason

Sorting = Literal["score", "distinct"]
Verdict = Literal["approve", "request_changes", "reject"]


class ReplaceConceptAction(Exchanged):
    """Put a candidate into a slot; the one that was shown there takes the edit back."""

    kind: Literal["replace"]
    class_name: Name
    slot: Slot
    to: Name


class SetEdge(Exchanged):
    """Cut an edge, assert it, or leave it as it was shown."""

    kind: Literal["edge"]
    class_name: Name
    src: Slot
    dst: Slot
    state: Literal["removed", "added", "as_shown"]
    both_ways: bool = False


class SetReason(Exchanged):
    """Say why a slot (no ``dst``) or an edge was edited."""

    kind: Literal["reason"]
    class_name: Name
    src: Slot
    dst: Slot | None = None
    text: Reason


class Remark(Exchanged):
    """Say something about a class."""

    kind: Literal["remark"]
    class_name: Name
    text: Reason


class Confirm(Exchanged):
    """Say that a class's graph is right as it is, or take that back."""

    kind: Literal["confirm"]
    class_name: Name


class SetConfidence(Exchanged):
    """Say how sure one is about a class."""

    kind: Literal["confidence"]
    class_name: Name
    level: Annotated[int, Field(ge=1, le=5)]


class ResetClass(Exchanged):
    """Take back everything said about a class."""

    kind: Literal["reset"]
    class_name: Name


class SetComment(Exchanged):
    """Say something about the whole request."""

    kind: Literal["comment"]
    text: Comment


class Undo(Exchanged):
    """Take the last step back."""

    kind: Literal["undo"]


class Redo(Exchanged):
    """Make the last undone step again."""

    kind: Literal["redo"]


class Look(Exchanged):
    """Look at another class, slot, edge or candidate; what is left out stays or is cleared."""

    kind: Literal["look"]
    class_name: Name | None = None
    slot: Slot | None = None
    src: Slot | None = None
    dst: Slot | None = None
    candidate: Name | None = None
    sorting: Sorting | None = None
    compare: bool | None = None
    n_listed: Annotated[int, Field(ge=1, le=1000)] | None = None


class AskPreview(Exchanged):
    """Ask a worker what the edits would do."""

    kind: Literal["preview"]


class ChooseVerdict(Exchanged):
    """Choose how to answer, to be confirmed."""

    kind: Literal["verdict"]
    verdict: Verdict


class Send(Exchanged):
    """Hand the answer in."""

    kind: Literal["send"]


EditAction = (
    ReplaceConceptAction
    | SetEdge
    | SetReason
    | Remark
    | Confirm
    | SetConfidence
    | ResetClass
    | SetComment
    | Undo
    | Redo
)
"""What changes the draft."""

Action = Annotated[
    EditAction | Look | AskPreview | ChooseVerdict | Send, Field(discriminator="kind")
]
"""Any message."""

_READER: TypeAdapter[Action] = TypeAdapter(Action)


def read_action(data: object) -> Action:
    """Read a message of the browser.

    Args:
        data: JSON value.

    Returns:
        The action.

    Raises:
        MalformedDocumentError: If it is none that the page offers.
    """
    try:
        return _READER.validate_json(canonical_json(data), strict=True)
    except (ValidationError, ValueError, TypeError) as error:
        told = (
            error.errors(include_url=False)[0]["msg"]
            if isinstance(error, ValidationError)
            else error
        )
        raise MalformedDocumentError(
            f"expected an action of this page (got: {told}); correct the text, or reload the page"
        ) from None
