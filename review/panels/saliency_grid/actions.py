"""What a reviewer can do with an image, beside what every page offers."""

from typing import Literal

from feedback.channels.saliency_grid.marks import Flag, Position
from feedback.fields import Name
from review.actions import ItemAction


class TurnCell(ItemAction):
    """Turn a cell to its next state: irrelevant, important where that is asked for, unmarked."""

    kind: Literal["cell"]
    r: Position
    """Row."""
    c: Position
    """Column."""
    important: bool = False
    """Whether only the mark as important is put there, or taken back."""


class TurnFlag(ItemAction):
    """Say what else is the matter with an image, or take that back."""

    kind: Literal["flag"]
    flag: Flag


class NameArtefact(ItemAction):
    """Say what an artefact is, which flags it; the empty text takes the name back."""

    kind: Literal["artefact"]
    text: Name | Literal[""]


class Confirm(ItemAction):
    """Say that the network looks where it should, or take that back."""

    kind: Literal["confirm"]
