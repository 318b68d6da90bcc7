"""Saliency squares on the page: a batch of images, each marked square by square.

Not empty like other packages: the page looks for the parts of ``review.panel.Panel`` here.
"""

from feedback.channels.saliency_grid import read_evidence
from review.actions import Look
from review.panels.saliency_grid.actions import Confirm, NameArtefact, TurnCell, TurnFlag
from review.panels.saliency_grid.draft import ImageDraft
from review.panels.saliency_grid.editing import apply
from review.panels.saliency_grid.overview import glimpse, notes, overview, value_told
from review.panels.saliency_grid.page import (
    effect_told,
    layout,
    marks_of,
    parts_of,
    register,
    tools,
)
from review.panels.saliency_grid.printed_view import printed
from review.panels.saliency_grid.responses import check, draft_of, response_of, told
from review.panels.saliency_grid.viewing import look
from review.pieces import Shortcut, Words
from review.viewing import View

DRAFT = ImageDraft
"""What is said about one image."""

VIEW = View
"""Where somebody looks: at an image, and no place of it in particular."""

LOOK = Look
"""Message that leads there."""

ACTIONS = (TurnCell, TurnFlag, NameArtefact, Confirm)
"""Messages that edit what is said about an image."""

WORDS = Words(
    item="image",
    items="images",
    unedited="no square is marked, and nothing is the matter with any image",
    champion="what the champion's reviewers marked",
    same="Nothing that was marked in the champion's review is shown again.",
    is_batch=True,
    previews=False,
)
"""How the page speaks about images."""

SHORTCUTS = (
    Shortcut("1–9, 0", "mark the square of that rank"),
    Shortcut("← → ↑ ↓", "walk over the squares"),
    Shortcut("Space", "mark the square"),
    Shortcut("Shift", "with Space or a click: should matter, where that is asked for"),
    Shortcut("y", "looks where it should"),
    Shortcut("e, l, a", "explanation unclear, label looks wrong, artefact"),
    Shortcut("i, k", "image unusable, skip"),
    Shortcut("o, z", "the image only; larger"),
)
"""Keys of an image's page."""

__all__ = [
    "ACTIONS",
    "DRAFT",
    "LOOK",
    "SHORTCUTS",
    "VIEW",
    "WORDS",
    "apply",
    "check",
    "draft_of",
    "effect_told",
    "glimpse",
    "layout",
    "look",
    "marks_of",
    "notes",
    "overview",
    "parts_of",
    "printed",
    "read_evidence",
    "register",
    "response_of",
    "told",
    "tools",
    "value_told",
]
