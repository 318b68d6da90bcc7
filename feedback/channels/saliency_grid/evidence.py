"""What a reviewer of saliency grids is shown: images, their best cells, labels.

Numbers that could not be computed are None, never NaN. Pictures are names of files of the bundle.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from feedback.channels.saliency_grid.carried import CarriedReview
from feedback.channels.saliency_grid.marks import ExplainerUsed, Grid, Position
from feedback.fields import Exchanged, FileName, Grown, Name, Reason, Sha256, Share

NotNegative = Annotated[float, Field(ge=0)]
Edge = Annotated[int, Field(ge=0, le=65_535)]


class ShownCell(Exchanged):
    """A cell that is outlined on the image."""

    r: Position
    """Row."""
    c: Position
    """Column."""
    score: NotNegative
    """Its relevance, by which cells are ranked."""


class ImageEvidence(Grown):
    """One image, and where the network looks."""

    LATER: ClassVar = ("content",)

    image: Sha256
    """Digest of the image file; a response must quote it."""
    name: Name
    """Image, as named in the dataset."""
    file: FileName
    """Image as the network sees it, PNG."""
    overlay: FileName
    """Attribution to lay over it, PNG of the same size."""
    true_class: Name | None = None
    """Label; None for an image without one."""
    predicted_class: Name
    """Classifier's answer."""
    explained_class: Name
    """Class whose attribution is shown."""
    probabilities: tuple[Share, ...] = Field(default=(), max_length=10_000)
    """Classifier's probabilities, in the order of the dataset's classes."""
    entropy: NotNegative
    """Of these probabilities, nats."""
    shown: tuple[ShownCell, ...] = Field(max_length=784)
    """Cells that are shown, by rank."""
    completeness_error: NotNegative | None = None
    """How far attributions are from adding up to what they explain, as a share of it; None for a
    method that promises no sum."""
    failure: Literal["all_zero", "not_finite", "incomplete"] | None = None
    """Why the explanation is not to be trusted; None when it is."""
    content: tuple[Edge, Edge, Edge, Edge] | None = None
    """Top, left, bottom and right edge of the picture within its padding, pixels; None for one that
    is not padded."""


class SaliencyEvidence(Grown):
    """All that is shown in one request of the saliency-grid channel."""

    LATER: ClassVar = ("origin", "carried", "resize")

    model_version: Name
    """Network that is explained."""
    epoch: Annotated[int, Field(ge=0, le=1_000_000)]
    """Epochs that it has been trained for."""
    explainer: ExplainerUsed
    """How it is explained."""
    remark: Reason = ""
    """Why not by the method that was asked for; empty when it is."""
    grid: Grid
    """Grid over every image."""
    resize: Literal["crop", "pad", "squash"] | None = None
    """How an image becomes a square, which decides what a cell covers; None where nobody noted."""
    allow_important: bool = False
    """Whether cells that should matter may be marked."""
    max_marked_area: Share = 0.6
    """Marking more of an image than this is doubted."""
    strategy: Name
    """How the images were chosen."""
    n_candidates: Annotated[int, Field(ge=0)] = 0
    """Images that they were chosen from."""
    images: tuple[ImageEvidence, ...] = Field(min_length=1, max_length=1000)
    """Images to look at."""
    origin: Sha256 | None = None
    """What the run started from: data, settings and earlier reviews; the same in all its rounds."""
    carried: tuple[CarriedReview, ...] = Field(default=(), max_length=10_000)
    """Earlier reviews whose marks the network learned from, the oldest first."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        digests = [shown.image for shown in self.images]
        if len(set(digests)) != len(digests):
            raise ValueError("expected each image once (got one twice)")
        if self.grid.g > min(self.grid.h, self.grid.w):
            raise ValueError(
                f"expected at most one cell per pixel (got {self.grid.g} on {self.grid.h} x "
                f"{self.grid.w} pixels)"
            )
        for shown in self.images:
            cells = [(cell.r, cell.c) for cell in shown.shown]
            if len(set(cells)) != len(cells) or any(max(cell) >= self.grid.g for cell in cells):
                raise ValueError(
                    f"expected distinct cells of a grid of {self.grid.g} for {shown.name!r}"
                )
            top, left, bottom, right = shown.content or (0, 0, self.grid.h, self.grid.w)
            if not (top < bottom <= self.grid.h and left < right <= self.grid.w):
                raise ValueError(
                    f"expected a picture within {self.grid.h} x {self.grid.w} pixels for "
                    f"{shown.name!r} (got {shown.content})"
                )
        return self
