"""How many images one request may ask about, so that every answer to it can be read and decided."""

from feedback.bounded import MAX_BYTES
from feedback.canonical import canonical_json
from feedback.channels.saliency_grid.marks import CellMarks, ExplainerUsed, Grid, MarkedCell
from feedback.decision import MOST_EDITS

_FOR_REMARKS = MAX_BYTES // 4
"""What is left for remarks, names of artefacts, a signature and what frames the answers, bytes; who
writes more is told to write less."""
_TARGETS = 3
"""Edits that a decision may hold of an image: its marks, and that somebody skipped it or found it
unclear."""


def most_images(cells: int, n_shown: int) -> int:
    """Return of how many images an answer may mark every cell without growing too large.

    Args:
        cells: G, cells per side.
        n_shown: Cells shown per image.

    Returns:
        Number of images, at least 1.
    """
    return min((MAX_BYTES - _FOR_REMARKS) // answer_bytes(cells, n_shown), MOST_EDITS // _TARGETS)


def answer_bytes(cells: int, n_shown: int) -> int:
    """Return how many bytes of a document an answer on one image takes at most, without remarks.

    Args:
        cells: G, cells per side.
        n_shown: Cells shown per image.
    """
    digest, grid = "f" * 64, [(r, c) for r in range(cells) for c in range(cells)]
    # Shown cells of two digits take more than others.
    shown = sorted(grid, key=lambda cell: -len(f"{cell[0]}{cell[1]}"))[:n_shown]
    marks = CellMarks(
        image=digest,
        model_version=digest[:12],
        epoch=1_000_000,
        explainer=ExplainerUsed(name="integrated_gradients", baseline="blurred"),
        grid=Grid(g=cells, h=65_535, w=65_535),
        cells=tuple(MarkedCell(r=r, c=c, w=-1.0) for r, c in grid),
        shown=tuple(shown),
        flags=("label_suspect", "unclear", "artefact"),
        seconds_spent=1_234_567.125,
    )
    # The page also writes how long each image was open.
    opened = canonical_json({digest: 1_234_567.125})
    return len(canonical_json(marks.model_dump(mode="json"))) + len(opened) + 2
