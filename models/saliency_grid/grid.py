"""Squares over an image: scores of cells, the best of them, and cells painted on pixels.

B batch · H,W pixels · G cells per side. Cell (r, c) has the rows from ``floor(r H / G)`` up to, but
without, ``floor((r + 1) H / G)``, and columns alike: where G does not divide the side, cells differ
by one pixel, and every pixel lies in exactly one of them.
"""

import math

import torch
from torch import Tensor

from feedback.channels.saliency_grid.cells import cell_edges


def cell_means(maps: Tensor, cells: int) -> Tensor:
    """Average maps over each cell.

    Args:
        maps: Pixel maps (B, H, W), such as absolute attribution, or weights that were painted.
        cells: G.

    Returns:
        Means (B, G, G), of the maps' type; exact where a cell's pixels are all equal.

    Raises:
        ValueError: If there are more cells than pixels along a side.
    """
    rows, columns = (_membership(length, cells, maps.device) for length in maps.shape[1:])
    # In float64, and divided last: equal cells of any size get equal scores.
    sums = torch.einsum("rh,bhw,cw->brc", rows, maps.double(), columns)
    means = sums / (rows.sum(dim=1)[:, None] * columns.sum(dim=1))
    return means.to(maps.dtype)


def cell_scores(maps: Tensor, contributions: Tensor | None, cells: int) -> Tensor:
    """Score how relevant each cell is.

    ``|sum_{pixels of the cell} sum_C a| / area`` where attributions a add up: what the cell
    contributes to the difference of the logits of image and baseline. Else the mean over its pixels
    of ``sum_C |a|``.

    Deviates from the paper, which draws squares over ``|a|``: there noise, whose attributions
    cancel out within a cell, counts like a cue that decides (decision 0026).

    Args:
        maps: Absolute attribution (B, H, W).
        contributions: Signed attribution (B, H, W) that adds up; None takes ``maps``.
        cells: G.

    Returns:
        Scores (B, G, G), at least 0.
    """
    if contributions is None:
        return cell_means(maps, cells)
    return cell_means(contributions, cells).abs()


def paint_cells(weights: Tensor, size: tuple[int, int]) -> Tensor:
    """Give every pixel the weight of its cell; ``cell_means`` takes it back.

    Args:
        weights: Weights of cells (B, G, G).
        size: Height and width of the image, pixels.

    Returns:
        W (B, H, W), of the weights' type.

    Raises:
        ValueError: If there are more cells than pixels along a side.
    """
    rows, columns = (
        _membership(length, weights.shape[1], weights.device).argmax(dim=0) for length in size
    )
    return weights[:, rows][:, :, columns]


def regrid_cells(weights: Tensor, cells: int) -> Tensor:
    """Give the cells of another grid the mean weight of what they cover.

    Args:
        weights: Weights of cells (B, g, g).
        cells: G of the other grid.

    Returns:
        Weights (B, G, G), of the weights' type, by exact areas; the same ones where g is G.
    """
    side = math.lcm(weights.shape[1], cells)
    return cell_means(paint_cells(weights, (side, side)), cells)


def top_cells(scores: Tensor, count: int) -> Tensor:
    """Rank cells by their score, largest first; equal ones from the top left, row by row.

    Args:
        scores: Scores (B, G, G); one that is not a number ranks last.
        count: Cells per image; all of them when there are fewer.

    Returns:
        Row and column of each cell in order of rank (B, count, 2), int64.

    Raises:
        ValueError: If no cell is asked for.
    """
    if count < 1:
        raise ValueError(f"expected at least one cell (got {count})")
    flat = scores.flatten(1).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    order = torch.sort(flat, dim=1, descending=True, stable=True).indices[:, :count]
    cells = scores.shape[2]
    return torch.stack([order // cells, order % cells], dim=2)


def _membership(length: int, cells: int, device: torch.device) -> Tensor:
    """Return which pixels of a side each cell has (G, length), float64 zeros and ones."""
    edges = torch.tensor(cell_edges(length, cells), device=device)
    pixels = torch.arange(length, device=device)
    return ((pixels >= edges[:-1, None]) & (pixels < edges[1:, None])).double()
