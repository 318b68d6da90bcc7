"""What a reviewer can do on any page: the messages that the browser sends, strictly read.

A panel adds its own: subclasses of ``ItemAction``, and one of ``Look`` with the places of its page.
"""

import operator
from functools import lru_cache, reduce
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import Field, TypeAdapter, ValidationError

from feedback.canonical import canonical_json
from feedback.errors import MalformedDocumentError
from feedback.fields import Comment, Exchanged, Name, Reason

Verdict = Literal["approve", "request_changes", "reject"]


class ItemAction(Exchanged):
    """Base of what changes the draft of one item; a subclass has its own ``kind``."""

    item: Name
    """Id of the item."""


class Remark(ItemAction):
    """Say something about an item."""

    kind: Literal["remark"]
    text: Reason


class Reset(ItemAction):
    """Take back everything said about an item."""

    kind: Literal["reset"]


class TakeProposed(ItemAction):
    """Say of an item what the request before proposed, in place of what was said."""

    kind: Literal["take_proposed"]


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
    """Look at another item, or at another place of it; what is left out stays or is cleared."""

    kind: Literal["look"] = "look"
    item: Name | None = None

    @property
    def is_back(self) -> bool:
        """Whether nothing is named, which leads back to the overview."""
        return self == type(self)()


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


EditAction: TypeAlias = ItemAction | SetComment | Undo | Redo
"""What changes the draft."""

Action: TypeAlias = EditAction | Look | AskPreview | ChooseVerdict | Send
"""Any message."""

_OF_EVERY_PAGE = (
    Remark, Reset, TakeProposed, SetComment, Undo, Redo, AskPreview, ChooseVerdict, Send,
)  # fmt: skip


def read_action(data: object, look: type[Look], edits: tuple[type[ItemAction], ...]) -> Action:
    """Read a message of the browser.

    Args:
        data: JSON value.
        look: The panel's way to look around.
        edits: The panel's own edits.

    Returns:
        The action.

    Raises:
        MalformedDocumentError: If it is none that the page offers.
    """
    try:
        return action_reader(look, edits).validate_json(canonical_json(data), strict=True)
    except (ValidationError, ValueError, TypeError) as error:
        told = (
            error.errors(include_url=False)[0]["msg"]
            if isinstance(error, ValidationError)
            else error
        )
        raise MalformedDocumentError(
            f"expected an action of this page (got: {told}); correct the text, or reload the page"
        ) from None


@lru_cache(maxsize=32)
def action_reader(look: type[Look], edits: tuple[type[ItemAction], ...]) -> TypeAdapter[Action]:
    """Make the reader of one panel's messages.

    Raises:
        TypeError: If two kinds of message have one name.
    """
    models: tuple[type[Exchanged], ...] = (*_OF_EVERY_PAGE, look, *edits)
    # Only known when the panel is: no type checker can read it.
    union: Any = reduce(operator.or_, models)
    reader = TypeAdapter(cast(Any, Annotated[union, Field(discriminator="kind")]))
    return cast("TypeAdapter[Action]", reader)
