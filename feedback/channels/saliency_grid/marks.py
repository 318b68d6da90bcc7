"""What a reviewer says about one explained image."""

from typing import Annotated, Final, Literal

from pydantic import Field

from feedback.fields import Exchanged, Name, Reason, Sha256

Position = Annotated[int, Field(ge=0, le=27)]
"""Row or column of a cell, from the top left."""

Pixels = Annotated[int, Field(ge=1, le=65_535)]

Flag = Literal["label_suspect", "unclear", "unusable", "artefact", "skip"]
"""Label looks wrong, explanation unclear, image unusable, something in it that does not belong
there, or no answer."""

EXCLUDES_CELLS: Final[tuple[Flag, ...]] = ("skip", "unusable")
"""Flags beside which no cell may be marked."""

SMALLEST_WEIGHT: Final = 0.001
"""Least weight of a marked cell: less asks for nothing."""

MOST_SECONDS: Final = 1e7
"""Longest time that an answer may name, seconds."""


class ExplainerUsed(Exchanged):
    """How the attribution that was shown was made."""

    name: Literal["deeplift", "integrated_gradients", "grad_cam", "input_gradients"]
    """Method that was used."""
    baseline: Literal["zero", "blurred"] = "zero"
    """What images were compared with, by a method that compares."""
    target: Literal["predicted", "true"] = "predicted"
    """Class that was explained."""


class Grid(Exchanged):
    """Squares over the network's input."""

    g: Annotated[int, Field(ge=4, le=28)]
    """Cells per side."""
    h: Pixels
    """Height of the input, pixels."""
    w: Pixels
    """Width of the input, pixels."""


class MarkedCell(Exchanged):
    """A cell and what the reviewer makes of it."""

    r: Position
    """Row."""
    c: Position
    """Column."""
    w: Annotated[float, Field(ge=-1, le=1)] = 1.0
    """1 for what should not matter, -1 for what should; in between for less of it, never 0."""


class CellMarks(Exchanged):
    """All that a reviewer says about one image."""

    type: Literal["saliency_cells"] = "saliency_cells"
    """Kind of response."""
    version: Literal[1] = 1
    """Version of this response's schema."""
    image: Sha256
    """Digest of the image that was shown."""
    model_version: Name
    """Network that was explained."""
    epoch: Annotated[int, Field(ge=0, le=1_000_000)]
    """Epochs that it had been trained for."""
    explainer: ExplainerUsed
    """How it was explained."""
    grid: Grid
    """Grid that was shown."""
    cells: tuple[MarkedCell, ...] = Field(default=(), max_length=784)
    """Marked cells, each once; none says that the network looks where it should."""
    shown: tuple[tuple[Position, Position], ...] = Field(max_length=784)
    """Row and column of the cells that were shown, by rank: one left unmarked says something."""
    flags: tuple[Flag, ...] = Field(default=(), max_length=5)
    """What else is the matter, each once."""
    artefact: Name | None = None
    """What the artefact is, in the reviewer's words, such as hair or a ruler."""
    comment: Reason = ""
    """Remark on this image."""
    seconds_spent: Annotated[float, Field(ge=0, le=MOST_SECONDS)] | None = None
    """Time that the reviewer looked at this image, seconds."""
