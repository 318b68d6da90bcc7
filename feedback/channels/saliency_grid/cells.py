"""Where the cells of a grid lie, and how large they are: the one definition for all layers."""

from collections.abc import Iterable
from itertools import product


def cell_edges(length: int, cells: int) -> tuple[int, ...]:
    """Return where cells begin along a side, and its end: G + 1 positions, pixels.

    Cell i has the pixels from ``floor(i length / G)`` up to, but without, ``floor((i + 1) length /
    G)``: where G does not divide the side, cells differ by one pixel, and each pixel lies in one.

    Args:
        length: Side, pixels.
        cells: G.

    Raises:
        ValueError: If there are more cells than pixels, or none.
    """
    if not 0 < cells <= length:
        raise ValueError(f"expected 1 to {length} cells on a side of {length} pixels (got {cells})")
    return tuple(i * length // cells for i in range(cells + 1))


def area_share(marked: Iterable[tuple[int, int]], cells: int, height: int, width: int) -> float:
    """Return the share of an image's pixels that lie in some cells.

    Args:
        marked: Row and column of each cell, each once.
        cells: G.
        height: Of the image, pixels.
        width: Of the image, pixels.

    Returns:
        Share in [0, 1].
    """
    rows, columns = cell_edges(height, cells), cell_edges(width, cells)
    area = sum((rows[r + 1] - rows[r]) * (columns[c + 1] - columns[c]) for r, c in marked)
    return area / (height * width)


def padded_cells(
    content: tuple[int, int, int, int] | None, cells: int, height: int, width: int
) -> frozenset[tuple[int, int]]:
    """Return the cells that are mostly padding: more than half of their pixels.

    Args:
        content: Top, left, bottom and right edge of the picture within its padding, pixels; None
            for one that is not padded.
        cells: G.
        height: Of the image, pixels.
        width: Of the image, pixels.

    Returns:
        Row and column of each; none where the picture is so narrow that it would be all of them.
    """
    if content is None:
        return frozenset()
    top, left, bottom, right = content
    rows, columns = cell_edges(height, cells), cell_edges(width, cells)

    def covered(edges: tuple[int, ...], cell: int, start: int, end: int) -> int:
        return max(0, min(edges[cell + 1], end) - max(edges[cell], start))

    found = frozenset(
        (r, c)
        for r, c in product(range(cells), repeat=2)
        if 2 * covered(rows, r, top, bottom) * covered(columns, c, left, right)
        < (rows[r + 1] - rows[r]) * (columns[c + 1] - columns[c])
    )
    return frozenset() if len(found) == cells**2 else found
