"""What a reviewer can do with an image, beside what every page offers."""

from typing import Annotated, Literal

from pydantic import Field

from feedback.channels.saliency_grid.marks import Flag, Position
from feedback.fields import Name
from review.actions import ItemAction

Seconds = Annotated[float, Field(ge=0, le=1e7)]


class ImageAction(ItemAction):
    """Base of what is said about an image."""

    seconds: Seconds = 0.0
    """How long it had been looked at by then, as the browser measured; 0 if it did not."""


class TurnCell(ImageAction):
    """Turn a cell to its next state: irrelevant, important where that is asked for, unmarked."""

    kind: Literal["cell"]
    r: Position
    """Row."""
    c: Position
    """Column."""
    important: bool = False
    """Whether only the mark as important is put there, or taken back."""


class TurnFlag(ImageAction):
    """Say what else is the matter with an image, or take that back."""

    kind: Literal["flag"]
    flag: Flag


class NameArtefact(ImageAction):
    """Say what an artefact is, which flags it; the empty text takes the name back."""

    kind: Literal["artefact"]
    text: Name | Literal[""]


class Confirm(ImageAction):
    """Say that the network looks where it should, or take that back."""

    kind: Literal["confirm"]
