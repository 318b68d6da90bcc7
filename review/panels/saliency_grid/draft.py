"""What a reviewer says about one image: cells by what they should matter, and flags."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from feedback.channels.saliency_grid.marks import EXCLUDES_CELLS, Flag, Position
from feedback.fields import Name
from review.draft import ItemDraft
from review.panels.saliency_grid.actions import Seconds

Cell = tuple[Position, Position]
"""Row and column."""

Cells = Annotated[tuple[Cell, ...], Field(max_length=784)]


class ImageDraft(ItemDraft):
    """What a reviewer says about one image; equal drafts say the same."""

    irrelevant: Cells = ()
    """Cells that should not matter, sorted."""
    important: Cells = ()
    """Cells that should, sorted."""
    flags: Annotated[tuple[Flag, ...], Field(max_length=5)] = ()
    """What else is the matter, in the order of the schema."""
    artefact: Name | None = None
    """What the artefact is."""
    confirmed: bool = False
    """Whether the network was found to look where it should."""
    seconds_spent: Seconds = 0.0
    """How long the image had been looked at when the last of this was said; 0 if nobody knows."""

    @property
    def n_marked(self) -> int:
        """Number of marked cells."""
        return len(self.irrelevant) + len(self.important)

    @property
    def n_edits(self) -> int:
        """Number of edits; to skip an image edits nothing."""
        return self.n_marked + sum(flag != "skip" for flag in self.flags)

    @property
    def speaks(self) -> bool:
        """Whether the answer holds a response on this image."""
        return self.confirmed or self.n_marked > 0 or bool(self.flags)

    @property
    def mark(self) -> str:
        """What the list of images shows of it."""
        for flag in EXCLUDES_CELLS:
            if flag in self.flags:
                return "skipped" if flag == "skip" else flag
        if self.confirmed:
            return "✓"
        parts = [str(self.n_marked)] if self.n_marked else []
        return " ".join([*parts, "⚑"] if self.flags else parts)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        cells = (*self.irrelevant, *self.important)
        excludes = any(flag in self.flags for flag in EXCLUDES_CELLS)
        is_fine = (
            len(set(cells)) == len(cells)
            and len(set(self.flags)) == len(self.flags)
            and not (cells and excludes)
            and not ("skip" in self.flags and len(self.flags) > 1)
            and not (self.artefact is not None and "artefact" not in self.flags)
            and not (self.confirmed and (cells or self.flags))
        )
        if not is_fine:
            raise ValueError("expected a draft as this page makes it (got one that is damaged)")
        return self
